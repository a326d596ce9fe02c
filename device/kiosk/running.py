"""The kiosk daemon from its start to its stop."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import device
from device import (
    badges,
    camera,
    clock,
    database,
    erasure,
    housekeeping,
    journal,
    line,
    messages,
    post,
    retention,
    roster,
    scanner,
    sections,
    service,
    sight,
    state,
    terms,
    timekeeping,
)
from device import config as config_files
from device.backups import aftermath
from device.config import Config
from device.following import Following, needs_restart
from device.kiosk.behind import behind
from device.kiosk.counters import admission_of, counters, listen, serve
from device.kiosk.files import open_files
from device.kiosk.inside import Inside, assemble
from device.kiosk.threads import in_background, until_stopped
from device.kiosk.watch import backup_shelf, forgetting, owing, watching
from device.kiosk.working import Working
from device.locks import room
from device.page import backstage
from models.landmarks.choice import Wanted

log = logging.getLogger(__name__)

CLOCK_EVERY_S = 2.0
QUIET_LOOK_S = 5.0  # long enough for the state that asked for it to be on record
LEAVE_S = 3.0
# How long a thread may keep the interpreter while others wait. At Python's own 5 ms the longest pause of a search in 2,000 changes
# of the gallery was 189 ms, at half a millisecond 26 ms, and the changes took two thirds of the time
TURN_S = 0.0005


def run(folder: state.Folder, config: Config, weights: Path, stop: threading.Event, under: service.Service | None = None) -> None:
    """The daemon from start to `stop`; `under` is systemd where it runs under one."""
    under = under or service.Service()
    sys.setswitchinterval(TURN_S)
    with ExitStack() as stack:
        stack.enter_context(state.locked(folder))
        time_source = timekeeping.Timekeeper(clock.SystemClock(), terms.time_limits(config))
        may_be_locked = terms.may_be_locked(config)
        files = open_files(folder, config.device.id, time_source, replace_damaged=True, may_be_locked=may_be_locked)
        time_source.resume(files.journal.anchors(time_source.now().boot_id), files.journal.append)
        aftermath.settle(folder, files.journal, files.directory, time_source)
        following = Following(folder, config)
        config = following.governed.now
        eyes = sight.load(weights, config.recognition, Wanted(config.models.landmarks))
        stack.callback(eyes.landmarker.close)
        source = terms.open_camera(config, time_source)
        stack.callback(source.close)
        inside = assemble(files, config, eyes, source, time_source)
        stamping = room.open_room(folder, config, following, files.journal, inside.office, inside.claims, inside.walk, time_source)
        shelf = backup_shelf(folder, files, following, stamping, time_source)
        eraser = erasure.Eraser(files.journal, files.directory, time_source, folder.root, forgetting(inside, shelf, stamping))
        keeping = retention.Retention(
            files.journal, files.directory, eraser, time_source, inside.office.renew, lambda: following.governed.now.retention
        )
        half_done = (inside.office.settle, eraser.settle)
        _announce(files.journal, half_done, time_source)
        look_at_the_clock(time_source)
        uplink_on = sections.Switch((folder.config, folder.layer, folder.enterprise), lambda: settings_of(folder).uplink.enabled)
        owed = owing(uplink_on, following.believed, files.journal)
        watch = watching(inside, folder, following, owed)
        told = (following.down, following.believed, watch.readings.read)
        carrier = post.Post(files.journal, config, time_source, folder.root, time_source, *told, stop.set, uplink_on)
        joining = admission_of(inside, folder, stop)
        for counter in counters(
            inside, eraser, keeping, folder, watch, carrier, stamping, shelf, joining, following.kept.aliases, stop
        ):
            serve(stack, listen(under, counter.path), counter)
        seen = behind(inside, folder, following, stamping, joining.notice, owed)
        page = backstage.open_page(stack, under.internet_listener(), folder.page_address, seen)
        following.governed.changed = lambda now: _govern(inside, now, stop)
        register = roster.Register(inside.office, inside.personnel, files.directory, eraser, following.kept.aliases)
        until_stopped("downlink", stop, following.run, register, files.journal, time_source, carrier.rewind, stop)
        until_stopped("house", stop, housekeeping.keep, files.journal, following.governed, keeping, half_done, time_source, stop)
        until_stopped("time", stop, _keep_time, time_source, stop)
        until_stopped("gauges", stop, watch.readings.keep, stop)
        looking = in_background("line", _walk, inside.walk, inside.frames(), stop)
        _listen_to_codes(inside, stop)
        gc.collect()
        gc.freeze()  # what is here now stays: to walk through it again and again would stop every thread, a look's too
        log.info("kiosk %s is ready", config.device.id)
        pause_s = 1 / min(config.camera.frames_per_second, config.recognition.asleep_frames_per_second)
        under.watch(Working(inside.walk, source, page, pause_s), stop)
        under.ready(f"kiosk {config.device.id} looks through {config.camera.source.partition(':')[0]}")
        stop.wait()
        under.stopping()
        source.close()
        looking.join(LEAVE_S)  # a thread that is inside a model when the interpreter ends takes the whole process down with it


def settings_of(folder: state.Folder) -> Config:
    """As the files say now."""
    return config_files.read(folder.config, folder.layer, folder.enterprise)


def _listen_to_codes(inside: Inside, stop: threading.Event) -> None:
    """The camera as a reader of codes, and the badge reader, as far as the settings want them."""
    chosen, source = inside.config.ways, inside.source
    if chosen.scan_interval_ms and (inside.config.attend.allow_simulated or not source.simulated):
        looks = scanner.Scanner(inside.readers.code, timedelta(milliseconds=chosen.scan_interval_ms), lambda: not inside.is_idle())
        in_background("codes", looks.run, source.frames())
    if chosen.badge_reader:
        in_background("badges", badges.Reader(chosen.badge_reader, inside.readers.badge).run, stop)


def _keep_time(keeper: timekeeping.Timekeeper, stop: threading.Event) -> None:
    """Notice trusted time, steps and disagreement within seconds."""
    while not stop.wait(CLOCK_EVERY_S):
        look_at_the_clock(keeper)


def look_at_the_clock(keeper: timekeeping.Timekeeper) -> None:
    try:
        keeper.look()
    except database.StorageError as error:
        log.warning("a trusted time could not be recorded, so it is not followed yet: %s", error)


def _announce(opened: journal.Journal, owed: Sequence[housekeeping.Settle], time_source: clock.Clock) -> None:
    """The boot record and whatever is owed; a disk that takes neither must not keep the kiosk from starting and saying so."""
    try:
        opened.append(messages.Boot(device.SOFTWARE), time_source.now())
    except database.StorageError as error:
        log.error("the start could not be recorded: %s", error)
    housekeeping.settle(owed)


def _walk(walk: line.Line, frames: Iterable[camera.Frame], stop: threading.Event) -> None:
    """The line until the camera ends; if it breaks altogether the daemon stops, so that whoever watches it starts it afresh."""
    try:
        walk.run(frames)
    except BaseException:
        stop.set()
        raise


def _govern(inside: Inside, now: Config, stop: threading.Event) -> None:
    """What the enterprise decided takes effect at once; what is read at the start only, once the kiosk is quiet."""
    inside.walk.policy = terms.attend_policy(now)
    inside.personnel.left_days = now.retention.left_days
    if needs_restart(inside.config, now):
        log.info("settings changed that take effect at a start; it comes when nobody is here")
        in_background("restart", restart_when_quiet, inside.is_quiet, stop)


def restart_when_quiet(is_quiet: Callable[[], bool], stop: threading.Event) -> None:
    """End the daemon while nobody uses it; whoever keeps it running starts it again."""
    while not stop.wait(QUIET_LOOK_S):
        if is_quiet():
            stop.set()

"""The kiosk daemon's wiring: real camera, models, files and sockets are built here and handed down.

Its only internet socket is the kiosk page's, on loopback; it connects nowhere.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import device
from device import (
    admin,
    admission,
    api,
    attend,
    attention,
    badges,
    camera,
    claims,
    clock,
    corrections,
    corrections_counter,
    database,
    desk,
    erasure,
    gauges,
    holdings,
    hours,
    housekeeping,
    journal,
    keys,
    line,
    messages,
    metrics,
    own,
    people,
    people_counter,
    personnel,
    post,
    progress,
    recognise,
    recognition_counter,
    retention,
    roster,
    scanner,
    selftest_board,
    server,
    service,
    sight,
    site,
    sitting,
    state,
    terms,
    timekeeping,
    unlock,
    upgrade_brought,
    upgrades,
    vitals,
    ways,
    web_counter,
    web_lists,
    webcodes,
)
from device.admission_counter import AdmissionCounter
from device.backups import aftermath, settling
from device.backups import counter as backups_counter
from device.backups.shelf import Shelf
from device.config import Config
from device.following import Following, needs_restart
from device.locks import room
from device.page import backstage, readers, scenery, stamps, voice
from device.page import counter as page_counter
from device.server import Route
from device.telling import Tell
from models.landmarks.choice import Wanted

log = logging.getLogger(__name__)

CLOCK_EVERY_S = 2.0
QUIET_LOOK_S = 5.0  # long enough for the state that asked for it to be on record
LEAVE_S = 3.0
# How long a thread may keep the interpreter while others wait. At Python's own 5 ms the longest pause of a search in 2,000 changes
# of the gallery was 189 ms, at half a millisecond 26 ms, and the changes took two thirds of the time
TURN_S = 0.0005


@dataclasses.dataclass(frozen=True, slots=True)
class Files:
    """The kiosk's databases, open."""

    journal: journal.Journal
    directory: people.Directory


def open_files(
    folder: state.Folder,
    device_id: str,
    time_source: clock.Clock,
    *,
    replace_damaged: bool,
    check_key: bool = True,
    may_be_locked: bool = False,
) -> Files:
    """Keys and databases of one state folder, made if it is new; raises what stands in the way.

    Only the daemon replaces a damaged journal by a new epoch; whoever merely looks is told what is wrong. `may_be_locked`:
    there is a server whose share the templates may wait for.
    """
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = keys.journal_key(folder.keys, may_create=not folder.journal.exists())
    opened = journal.open_journal(
        folder.journal,
        device_id,
        key,
        device.SOFTWARE,
        time_source.now(),
        replace_damaged=replace_damaged,
        begun="restored_backup" if settling.restored(folder) else "first_start",
    )
    may_create = not folder.people.exists()
    directory = people.Directory(
        folder.people, keys.wrapping_key(folder.keys, may_create=may_create, credentials=folder.credentials)
    )
    if check_key:
        directory.check_device_key()
    if may_be_locked:
        directory.lock_if_sealed()
    return Files(opened, directory)


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
        eraser = erasure.Eraser(files.journal, files.directory, time_source, folder.root, forgetting(inside, shelf))
        keeping = retention.Retention(
            files.journal, files.directory, eraser, time_source, inside.office.renew, lambda: following.governed.now.retention
        )
        _announce(files.journal, inside.office, eraser, time_source)
        _look_at_the_clock(time_source)
        watch = watching(inside, folder, following)
        told = (following.down, following.believed, watch.readings.read)
        carrier = post.Post(files.journal, config, time_source, folder.root, time_source, *told)
        joining = admission_of(inside, folder, stop)
        for counter in counters(inside, eraser, keeping, folder, watch, carrier, stamping, shelf, joining, stop):
            _serve(stack, listen(under, counter.path), counter)
        seen = behind(inside, folder, following, stamping, joining.notice)
        backstage.open_page(stack, under.internet_listener(), folder.page_address, seen)
        following.governed.changed = lambda now: _govern(inside, now, stop)
        register = roster.Register(inside.office, inside.personnel, files.directory, eraser, following.kept.aliases)
        _in_background("downlink", following.run, register, files.journal, time_source, carrier.rewind, stop)
        _in_background("house", housekeeping.keep, files.journal, following.governed, keeping, time_source, stop)
        _in_background("time", _keep_time, time_source, stop)
        _in_background("gauges", watch.readings.keep, stop)
        looking = _in_background("line", _walk, inside.walk, inside.frames(), stop)
        _listen_to_codes(inside, stop)
        log.info("kiosk %s is ready", config.device.id)
        under.watch(lambda: not inside.walk.is_stuck() and not source.is_stuck(), stop)
        under.ready(f"kiosk {config.device.id} looks through {config.camera.source.partition(':')[0]}")
        stop.wait()
        under.stopping()
        source.close()
        looking.join(LEAVE_S)  # a thread that is inside a model when the interpreter ends takes the whole process down with it


@dataclasses.dataclass(frozen=True, slots=True)
class Inside:
    """Everything that one kiosk daemon is made of, wired up and not yet running."""

    files: Files
    config: Config
    eyes: sight.Sight
    source: camera.Camera
    time_source: timekeeping.Timekeeper
    office: desk.Desk
    board: line.Board
    claims: claims.Claims
    watching: attention.Attention
    recogniser: recognise.Recogniser
    walk: line.Line
    sittings: sitting.Sittings
    ways: ways.Ways
    personnel: personnel.Personnel
    codes: webcodes.WebCodes
    corrections: corrections.Corrections
    readers: readers.Readers
    affairs: own.Own

    def frames(self) -> Iterator[camera.Frame]:
        """The camera's frames, fewer of them while the kiosk is asleep."""
        return paced(self.source, self.is_idle, self.config.recognition.asleep_frames_per_second)

    def is_idle(self) -> bool:
        """Nobody there, and nobody in the middle of another way: a code may be held up where no face is looked for."""
        return self.watching.alertness is attention.Alertness.ASLEEP and self.board.waiting is not recognise.Waiting.OTHER_WAY

    def forget(self, person: str) -> None:
        """Somebody was erased: neither gallery nor board has anything of them any more."""
        self.board.forget(person)
        self.office.renew(person)


@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """What looks after the machine and its software."""

    readings: gauges.Gauges
    signs: vitals.Vitals
    upgrading: upgrades.Upgrades
    unlocking: unlock.Unlocking


@dataclasses.dataclass(frozen=True, slots=True)
class Counter:
    """One socket, who asks there, and what may be asked."""

    path: Path
    name: str
    routes: tuple[Route, ...]
    threads: int
    belongs: Callable[[str], bool] = server.is_ours


def assemble(files: Files, config: Config, eyes: sight.Sight, source: camera.Camera, time_source: timekeeping.Timekeeper) -> Inside:
    """The line and the desks beside it, each handed what it needs."""
    office = desk.Desk(
        files.journal, files.directory, time_source, lambda: eyes, terms.promise(config), config.people.other_kiosks()
    )
    keeper, board = office.keeper(), line.Board()
    watching = attention.Attention(eyes.detector, terms.effort(config))
    recogniser = recognise.Recogniser(
        watching,
        terms.gate(config, eyes.landmarker),
        eyes.embedder,
        keeper.known,
        terms.recognition_policy(config),
        terms.capture_of(source),
        terms.guard(config, eyes, source),
        terms.challenger_of(config, eyes, source),
    )
    keeper.changed = lambda known: _renew(recogniser, known)
    claiming = claims.Claims(
        files.directory, keeper, eyes.models.embedder, time_source, config.recognition.claim_lasts_s, recogniser.claim
    )
    walk = line.Line(recogniser, files.journal, office, board, terms.attend_policy(config), eyes.models, config.device.site)
    sittings = sitting.Sittings(
        watching,
        eyes,
        terms.guard(config, eyes, source),
        office,
        time_source,
        config.attend.allow_simulated or not source.simulated,
    )
    walk.sitter, walk.faces = sittings.see, lambda: recogniser.outlines
    sittings.enrolled = recogniser.excuse
    other = ways.Ways(files.directory, walk, board, claiming, time_source, config.ways)
    staff = personnel.Personnel(files.journal, files.directory, time_source)
    amending = corrections.Corrections(files.journal, time_source, lambda: timedelta(seconds=config.attend.change_within_s))
    held_of = holdings.Holdings(files.journal, files.directory, time_source)
    affairs = own.Own(other, office.consents, files.directory, files.journal, held_of, amending)
    at_hand = (staff, webcodes.WebCodes(), amending, readers.Readers(other, time_source), affairs)
    return Inside(
        files, config, eyes, source, time_source, office, board, claiming, watching, recogniser, walk, sittings, other, *at_hand
    )


def office_routes(
    inside: Inside,
    eraser: erasure.Eraser,
    keeping: retention.Retention,
    folder: state.Folder,
    carrier: post.Post,
    stamping: room.Room,
    teller: Callable[[], Tell],
) -> tuple[Route, ...]:
    """What the office may ask, on the command line and, in part, through the web UI."""
    files, time_source = inside.files, inside.time_source
    alone = "credential" if keys.has_credential(folder.credentials) else "file"
    chosen = inside.config.device.unlock
    held = chosen if chosen == "server" or (chosen == "tpm" and alone == "credential") else alone
    return (
        *admin.admin_routes(
            inside.office,
            inside.board,
            inside.source,
            inside.claims,
            time_source,
            inside.eyes.landmarks,
            held,
            lambda: inside.walk.locked(),
            teller,
        ),
        *admin.sitting_routes(inside.sittings),
        *people_counter.directory_routes(inside.personnel, eraser, teller),
        *people_counter.retention_routes(keeping),
        *people_counter.holdings_routes(holdings.Holdings(files.journal, files.directory, time_source)),
        *corrections_counter.corrections_routes(inside.corrections, files.directory),
        *stamping.for_admins,
        *post.carrier_routes(carrier),
    )


def counters(
    inside: Inside,
    eraser: erasure.Eraser,
    keeping: retention.Retention,
    folder: state.Folder,
    watch: Watch,
    carrier: post.Post,
    stamping: room.Room,
    shelf: Shelf,
    joining: AdmissionCounter,
    stop: threading.Event,
) -> tuple[Counter, ...]:
    """Every socket of the daemon."""
    files, time_source = inside.files, inside.time_source
    updating = upgrades.office_routes(watch.upgrading, lambda body: files.journal.append(body, time_source.now()))
    works = progress.Board()
    for_admins = (*office_routes(inside, eraser, keeping, folder, carrier, stamping, works.asked), *updating, *works.routes())
    sealing = keys.sealing_key(folder.keys)
    among = site.Site(files.journal, files.directory, eraser, time_source, sealing, inside.office.consents)
    ways_here = (
        *people_counter.site_routes(among),
        *people_counter.ways_routes(inside.ways),
        *people_counter.own_routes(inside.affairs),
    )
    backing_up = backups_counter.counter(shelf, stop, works.asked)
    backups = (*backing_up.routes(), *backing_up.key_routes())
    board = selftest_board.SelfTestBoard(inside.config.uplink.enabled)
    machine = Route("GET", "/v1/machine", watch.readings.read)
    watched = metrics.routes(for_admins[0], machine, device.SOFTWARE)
    for_web = (
        *web_routes(inside, folder, watch, for_admins, stop),
        *backing_up.routes(),
        *works.routes(),
        *selftest_board.web_routes(board, files.journal, time_source),
        *joining.for_web(),
    )
    for_uplink = (
        *joining.for_uplink(),
        *vitals.uplink_routes(watch.signs),
        *upgrades.uplink_routes(watch.upgrading),
        *unlock.uplink_routes(watch.unlocking),
        *post.uplink_routes(carrier),
        *stamping.for_uplink,
        *selftest_board.uplink_routes(board),
    )
    return (
        Counter(
            folder.admin_socket,
            "admin",
            (*for_admins, *ways_here, machine, *watched, *backups, *joining.for_admins()),
            threads=8,
        ),
        Counter(folder.web_socket, "web", for_web, threads=6),
        Counter(folder.uplink_socket, "uplink", for_uplink, threads=7),  # three of them wait for news
        Counter(folder.metrics_socket, "metrics", watched, threads=1, belongs=server.is_loopback),
        Counter(folder.kiosk_bridge_socket, "bridge", stamping.for_bridge, threads=4),
    )


def web_routes(
    inside: Inside, folder: state.Folder, watch: Watch, for_admins: tuple[Route, ...], stop: threading.Event
) -> tuple[Route, ...]:
    """What the administrators' pages may ask: their own counter's, the office's in part, and a release that is brought."""
    files, time_source = inside.files, inside.time_source
    web = web_counter.WebCounter(web_counter.Kiosk(files.journal, time_source, inside.codes, watch.readings, folder, stop))
    lists = web_lists.Lists(files.directory, files.journal, time_source, lambda way: attend.holds_for(way, inside.walk.policy))
    _in_background("register", lists.fill)
    level = terms.liveness_level(inside.config, inside.eyes, inside.source)
    brought = upgrade_brought.Brought(folder.brought_updates, lambda: upgrades.standing(folder.update))
    return (
        *vitals.web_routes(watch.signs),
        *web_counter.web_routes(web, for_admins),
        *lists.routes(),
        *recognition_counter.routes(inside.office, files.directory, level),
        *upgrade_brought.routes(brought, lambda body: files.journal.append(body, time_source.now())),
    )


def admission_of(inside: Inside, folder: state.Folder, stop: threading.Event) -> AdmissionCounter:
    """Joining and leaving, and what may be asked about them; what came of it holds from the next start."""
    files, time_source = inside.files, inside.time_source
    one = admission.Admission(
        folder,
        inside.config.device.id,
        inside.office.withdraw_all,
        lambda audit: files.journal.append(audit, time_source.now()),
        lambda: threading.Timer(0.5, stop.set).start(),  # after the answer has gone out
    )
    return AdmissionCounter(one, inside.codes, folder)


def watching(inside: Inside, folder: state.Folder, following: Following) -> Watch:
    """Vital signs, readings, updates and the lock of this kiosk's templates."""
    config, time_source = inside.config, inside.time_source
    by_tpm = config.device.unlock == "tpm"
    device_key = keys.wrapping_key(folder.keys, may_create=False, credentials=folder.credentials, must_be_sealed=by_tpm)
    by_server, journal_key = config.device.unlock == "server", keys.journal_key(folder.keys)
    servers = functools.partial(following.believed.keys, "acknowledgement")
    unlocking = unlock.Unlocking(by_server, config.device.id, inside.files.directory, journal_key, device_key, servers)
    unlocking.opened = lambda: inside.office.renew("")
    inside.walk.locked = lambda: unlocking.why
    signs = vitals.Vitals(
        vitals.Sources(
            config,
            folder.ended,
            folder.alarms,
            inside.source.status,
            inside.walk.pulse,
            time_source,
            lambda: inside.board.trouble,
            time_source.standing,
            lambda: upgrades.standing(folder.update),
            lambda: unlocking.is_locked,
            lambda: following.believed.is_damaged,
        )
    )
    kiosk = upgrades.Kiosk(
        lambda: following.governed.now,
        lambda: following.believed.root or config.device.enterprise,
        lambda: signs.health().link.kind,
        lambda: not inside.is_idle(),
        time_source,
        hours.zone(config.device.time_zone),
        folder.update,
    )
    readings = gauges.Gauges(inside.files.journal, time_source, folder.root, signs.health, signs.look, inside.walk.pulse)
    return Watch(readings, signs, upgrades.Upgrades(kiosk), unlocking)


def backup_shelf(folder: state.Folder, files: Files, following: Following, stamping: room.Room, time_source: clock.Clock) -> Shelf:
    """What a backup is made from."""
    databases = {
        "people.db": files.directory.database,
        "desired.db": following.kept.database,
        "locks.db": stamping.database,
    }
    return Shelf(folder, files.journal, files.directory, databases, time_source)


def forgetting(inside: Inside, shelf: Shelf) -> Callable[[str], None]:
    """Somebody was erased: nothing in memory holds them any more, and no backup that lies here."""

    def forget(person: str) -> None:
        inside.forget(person)
        shelf.clear()

    return forget


def behind(
    inside: Inside, folder: state.Folder, following: Following, stamping: room.Room, notice: Callable[[], api.WebNotice]
) -> backstage.Behind:
    """What the kiosk page is shown from."""
    directory, time_source = inside.files.directory, inside.time_source

    hands = page_counter.Counter(
        inside.config,
        inside.ways,
        inside.readers,
        inside.walk,
        inside.corrections,
        inside.affairs,
        inside.sittings,
        inside.office.consents,
        time_source,
        following.notices,
        voice.Voice(),
        stamps.Stamps(inside.ways, stamping.desk) if inside.config.lock.enabled else None,
    )
    parts = scenery.Parts(
        config=inside.config,
        root=folder.root,
        board=inside.board,
        source=inside.source,
        journal=inside.files.journal,
        clock=time_source,
        language_of=lambda person: directory.get(person).language,
        has_new_text=lambda person: directory.consents.asked_again_at(person) is not None,
        notice=notice,
        abilities=hands.abilities,
        sitting=lambda: inside.sittings.standing(0, 0.0),
        locked=lambda: bool(inside.walk.locked()),
        notices=lambda: page_counter.notices_for("", following.notices(), time_source.now()),
    )
    return backstage.Behind(parts, hands, lambda: inside.recogniser.outlines)


def _listen_to_codes(inside: Inside, stop: threading.Event) -> None:
    """The camera as a reader of codes, and the badge reader, as far as the settings want them."""
    chosen, source = inside.config.ways, inside.source
    if chosen.scan_interval_ms and (inside.config.attend.allow_simulated or not source.simulated):
        looks = scanner.Scanner(inside.readers.code, timedelta(milliseconds=chosen.scan_interval_ms), lambda: not inside.is_idle())
        _in_background("codes", looks.run, source.frames())
    if chosen.badge_reader:
        _in_background("badges", badges.Reader(chosen.badge_reader, inside.readers.badge).run, stop)


def _in_background(name: str, work: Callable[..., None], *given: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=given, name=name, daemon=True)
    thread.start()
    return thread


def _keep_time(keeper: timekeeping.Timekeeper, stop: threading.Event) -> None:
    """Notice trusted time, steps and disagreement within seconds."""
    while not stop.wait(CLOCK_EVERY_S):
        _look_at_the_clock(keeper)


def _look_at_the_clock(keeper: timekeeping.Timekeeper) -> None:
    try:
        keeper.look()
    except database.StorageError as error:
        log.warning("a trusted time could not be recorded, so it is not followed yet: %s", error)


def _announce(opened: journal.Journal, office: desk.Desk, eraser: erasure.Eraser, time_source: clock.Clock) -> None:
    """The boot record and whatever is owed; a disk that takes neither must not keep the kiosk from starting and saying so."""
    try:
        opened.append(messages.Boot(device.SOFTWARE), time_source.now())
        office.settle()
        eraser.settle()
    except database.StorageError as error:
        log.error("the start could not be recorded: %s", error)


def paced(source: camera.Camera, is_idle: Callable[[], bool], idle_frames_per_second: float) -> Iterator[camera.Frame]:
    """The camera's frames; while nothing goes on the camera is asked for fewer."""
    for frame in source.frames():
        yield frame
        source.pace(idle_frames_per_second if is_idle() else None)


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
    if needs_restart(inside.config, now):
        log.info("settings changed that take effect at a start; it comes when nobody is here")
        _in_background("restart", restart_when_quiet, inside.watching, stop)


def restart_when_quiet(watching: attention.Attention, stop: threading.Event) -> None:
    """End the daemon while nobody stands before it; whoever keeps it running starts it again."""
    while not stop.wait(QUIET_LOOK_S):
        if watching.alertness is attention.Alertness.ASLEEP:
            stop.set()


def _renew(recogniser: recognise.Recogniser, known: recognise.Known) -> None:
    recogniser.known = known


def listen(under: service.Service, path: Path) -> socket.socket:
    """The socket that systemd passed, or one of our own."""
    return under.listener(path) or server.listen(path)


def _serve(stack: ExitStack, listener: socket.socket, counter: Counter) -> None:
    app = server.application(counter.name, counter.routes, counter.belongs)
    serving = server.serve(app, listener, counter.threads)
    threading.Thread(target=serving.run, name=counter.name, daemon=True).start()
    stack.callback(serving.close)

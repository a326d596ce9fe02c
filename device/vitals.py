"""How this kiosk is beyond its records: sensors, line, link, certificates, ended daemons; and the alarms that follow from them.

What another daemon knows it reports on its own socket: the uplink its link and certificate, the web daemon its certificate.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from flask import request

from device import alarms, api, camera, clock, ended, messages, pulse, sensors, server, timekeeping
from device.config import Config
from device.server import Route

HOT_C = 80.0  # a Raspberry Pi slows itself down from here on
LOW_DISK_BYTES = 500 * 2**20
LOW_MEMORY_BYTES = 100 * 2**20
SOON_DAYS = 30
OLD_RECORD_S = 86_400
FALLS, WITHIN = 3, timedelta(hours=1)
NOBODY_REPORTS = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the vitals come from."""

    config: Config
    ended: Path
    book: Path
    camera: Callable[[], camera.CameraStatus]
    pulse: pulse.Pulse
    clock: clock.Clock
    trouble: Callable[[], str] = lambda: ""
    standing: Callable[[], timekeeping.Standing] = lambda: timekeeping.Standing("none", 0, 0)
    update: Callable[[], api.UpdateStanding] = api.UpdateStanding
    locked: Callable[[], bool] = lambda: False
    believes_nobody: Callable[[], bool] = lambda: False


class Vitals:
    """Read at any moment from any thread."""

    def __init__(self, sources: Sources) -> None:
        self._from, self._lock = sources, threading.Lock()
        self._book = alarms.Book(sources.book)
        self._reported: tuple[api.UplinkReport, clock.Moment] | None = None
        self._web_ends_at = ""

    def hear_uplink(self, report: api.UplinkReport) -> None:
        """What the uplink found out."""
        self._reported = (report, self._from.clock.now())

    def hear_web(self, ends_at: str) -> None:
        """When the web daemon's certificate ends."""
        self._web_ends_at = ends_at

    def health(self) -> api.Health:
        """How things are now."""
        beat, now = self._from.pulse, self._from.clock.now()
        report = self._report(now)
        return api.Health(
            throttled=sensors.throttled(),
            under_voltage=sensors.under_voltage(),
            radio=sensors.radio(),
            frames=beat.frames,
            frames_per_second=round(beat.frames_per_second(), 1),
            punches=beat.punches,
            attempt_median_s=round(beat.wait_s(0.5), 3),
            attempt_p95_s=round(beat.wait_s(0.95), 3),
            camera=self._from.camera().state,
            link=report.link,
            connected=report.connected,
            certificates=self._certificates(report, now.at),
            ended=ended.read(self._from.ended),
            alarms=self._book.alarms,
            update=self._from.update(),
        )

    def look(self, machine: api.Machine) -> None:
        """Whatever alarms follow from how the machine is."""
        now = self._from.clock.now()
        found = of_machine(machine) | of_health(machine.health, self._from.config, now.at)
        standing = self._from.standing()
        found |= named("locked", self._from.locked())
        found |= named("membership_damaged", self._from.believes_nobody())
        found |= named("journal_trouble", bool(self._from.trouble()))
        found |= named("clock_unsure", now.quality is clock.Quality.UNSYNCED)
        found |= named("clock_disagrees", bool(standing.disagrees_by_us))
        self._book.look(found, now.at)

    def _report(self, now: clock.Moment) -> api.UplinkReport:
        """The last one, unless the uplink has been silent for long."""
        if self._reported is None or now.monotonic_us - self._reported[1].monotonic_us > NOBODY_REPORTS.total_seconds() * 1e6:
            return api.UplinkReport(api.Link(), self._reported[0].certificate_ends_at if self._reported else "", False)
        return self._reported[0]

    def _certificates(self, report: api.UplinkReport, now: datetime) -> tuple[api.Certificate, ...]:
        ends = (("uplink", report.certificate_ends_at), ("web", self._web_ends_at))
        return tuple(api.Certificate(name, at, (messages.read_time(at) - now).days) for name, at in ends if at)


def named(name: str, holds: bool) -> frozenset[str]:
    """The alarm's name, if it holds."""
    return frozenset({name}) if holds else frozenset()


def of_machine(machine: api.Machine) -> frozenset[str]:
    """Disk, memory, temperature, records that wait."""
    return (
        named("hot", machine.temperature_c >= HOT_C)
        | named("disk_low", machine.disk_free_bytes < LOW_DISK_BYTES)
        | named("memory_low", machine.memory_available_bytes < LOW_MEMORY_BYTES)
        | named("records_wait", machine.owed and machine.oldest_unacknowledged_s > OLD_RECORD_S)
    )


def of_health(health: api.Health, config: Config, now: datetime) -> frozenset[str]:
    """What the sensors and the other daemons say; what nobody knows is no alarm."""
    return (
        named("throttled", health.throttled == "now")
        | named("under_voltage", health.under_voltage == "now")
        | named("camera_away", health.camera in (camera.State.AWAY, camera.State.BLACK))
        | named("radio_absent", config.lock.enabled and health.radio != "present")
        | named("certificate_ends", any(one.days_left <= SOON_DAYS for one in health.certificates))
        | named("update_went_back", health.update.went_back)
        | named("daemon_falls", any(falls(one, now) for one in health.ended))
    )


def falls(one: api.Ended, now: datetime) -> bool:
    """Whether a daemon ends again and again without being asked to."""
    last = datetime.fromisoformat(one.last_at)
    return one.why != ended.ASKED and one.count >= FALLS and now - last < WITHIN


def uplink_routes(vitals: Vitals) -> tuple[Route, ...]:
    """What the uplink may tell."""

    def report() -> api.Done:
        said = messages.CODEC.structure(request.get_json(), api.UplinkReport)
        if said.certificate_ends_at:
            messages.read_time(said.certificate_ends_at)
        vitals.hear_uplink(said)
        return api.Done()

    return (Route("POST", "/v1/uplink-report", report),)


def web_routes(vitals: Vitals) -> tuple[Route, ...]:
    """What the web daemon may tell."""

    def certificate() -> api.Done:
        (ends_at,) = server.json_fields("ends_at")
        messages.read_time(ends_at)
        vitals.hear_web(ends_at)
        return api.Done()

    return (Route("POST", "/v1/web-certificate", certificate),)

"""The kiosk's state as Prometheus reads it (text exposition format 0.0.4). No name, no person's id and no score is in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flask import Response

from device import api
from device.server import Route

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LEVELS = {"no": 0, "earlier": 0, "now": 1}
CAMERA_STATES = ("opening", "streaming", "away", "black", "ended")


@dataclass(frozen=True, slots=True)
class Metric:
    """One family: its name, kind (gauge or counter), meaning, and a value for each set of labels."""

    name: str
    kind: str
    meaning: str
    values: tuple[tuple[dict[str, str], float], ...]


def one(name: str, meaning: str, value: float, kind: str = "gauge") -> Metric:
    """A family with a single value."""
    return Metric(name, kind, meaning, (({}, value),))


def text(families: Iterable[Metric]) -> str:
    """All of them; a family without any value is left out."""
    return "".join(_family(family) for family in families if family.values)


def _family(family: Metric) -> str:
    name = f"daka_{family.name}"
    rows = [f"# HELP {name} {family.meaning}\n# TYPE {name} {family.kind}\n"]
    rows += [f"{name}{_labels(labels)} {value:.10g}\n" for labels, value in family.values]
    return "".join(rows)


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    escaped = ((name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for name, value in labels.items())
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"


def families(status: api.Status, machine: api.Machine, software: str) -> Iterator[Metric]:
    """What there is to watch; what nobody knows is left out rather than said to be nothing."""
    yield Metric("info", "gauge", "Which kiosk and software this is.", (({"device": status.device, "software": software}, 1),))
    yield from _of_the_machine(machine)
    yield from _of_the_line(status, machine.health)
    yield from _of_the_way(status, machine)
    yield from _of_others(machine.health)


def _of_the_machine(machine: api.Machine) -> Iterator[Metric]:
    yield one("disk_free_bytes", "Free on the disk of the records.", machine.disk_free_bytes)
    yield one("disk_size_bytes", "Size of that disk.", machine.disk_total_bytes)
    yield one("memory_available_bytes", "Memory that programs can still get.", machine.memory_available_bytes)
    yield one("memory_size_bytes", "Memory in all.", machine.memory_total_bytes)
    yield one("load1", "Load average of the last minute.", machine.load)
    yield one("uptime_seconds", "Since the machine started.", machine.uptime_s)
    if machine.temperature_c:
        yield one("temperature_celsius", "The hottest sensor.", machine.temperature_c)
    for name, said, meaning in (
        ("throttled", machine.health.throttled, "Whether the processor is slowed down now."),
        ("under_voltage", machine.health.under_voltage, "Whether the power supply is too weak now."),
    ):
        if said in LEVELS:
            yield one(name, meaning, LEVELS[said])


def _of_the_line(status: api.Status, health: api.Health) -> Iterator[Metric]:
    states = tuple(({"state": state}, float(state == status.camera_state)) for state in CAMERA_STATES)
    yield Metric("camera_state", "gauge", "1 for the state that the camera is in.", states)
    yield one("frames_total", "Frames handled since the daemon's start.", health.frames, "counter")
    yield one("frames_per_second", "Frames handled, over the last ten seconds.", health.frames_per_second)
    yield one("punches_total", "Punches recorded since the daemon's start.", health.punches, "counter")
    if health.attempt_median_s:
        waits = (({"quantile": "0.5"}, health.attempt_median_s), ({"quantile": "0.95"}, health.attempt_p95_s))
        meaning = "From the first frame with a face to the record on the disk, latest 200 punches by face."
        yield Metric("attempt_seconds", "gauge", meaning, waits)
    yield one("people", "People in the directory.", status.people)
    yield one("templates", "Templates kept.", status.templates)


def _of_the_way(status: api.Status, machine: api.Machine) -> Iterator[Metric]:
    health = machine.health
    yield one("records_total", "Number of the last record in this journal.", status.last, "counter")
    yield one("records_waiting", "Records that the server has not signed for.", machine.backlog)
    yield one("oldest_waiting_seconds", "Age of the oldest of them.", machine.oldest_unacknowledged_s)
    yield one("uplink_connected", "Whether the server answers.", float(health.connected))
    yield one("clock_synced", "Whether the time is trusted.", float(status.clock_quality != "unsynced"))
    yield one("clock_disagreement_seconds", "Between the server's time and NTP.", status.clock_disagrees_s)
    yield Metric("link", "gauge", "1 for the kind of network in use.", (({"kind": health.link.kind}, 1),))
    if health.link.signal_dbm:
        yield one("link_signal_dbm", "Strength of the radio network.", health.link.signal_dbm)
    if health.radio != "unknown":
        yield one("radio_present", "Whether there is a Bluetooth controller.", float(health.radio == "present"))


def _of_others(health: api.Health) -> Iterator[Metric]:
    days = tuple(({"name": certificate.name}, float(certificate.days_left)) for certificate in health.certificates)
    yield Metric("certificate_days_left", "gauge", "Until a certificate ends.", days)
    ends = tuple(({"daemon": end.daemon, "why": end.why}, float(end.count)) for end in health.ended)
    yield Metric("daemon_ends_total", "counter", "How often a daemon has ended since the machine's start, and why.", ends)
    yield one("alarms", "Alarms that go on.", sum(alarm.active for alarm in health.alarms))
    active = tuple(({"name": alarm.name}, 1.0) for alarm in health.alarms if alarm.active)
    yield Metric("alarm", "gauge", "1 for each alarm that goes on.", active)


def response(status: api.Status, machine: api.Machine, software: str) -> Response:
    """The whole text."""
    return Response(text(families(status, machine, software)), content_type=CONTENT_TYPE)


def routes(status: Route, machine: Route, software: str) -> tuple[Route, ...]:
    """The one thing that whoever watches may ask."""
    return (Route("GET", "/metrics", lambda: response(status.answer(), machine.answer(), software)),)

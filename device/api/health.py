"""How the machine is beyond its disk: what the daemons found out about themselves and each other. No name and no score."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.api.upgrades import UpdateStanding


@dataclass(frozen=True, slots=True)
class Link:
    """The way to the network. `kind`: wired, wifi, mobile, other, none or unknown; `signal_dbm` is 0 where there is none."""

    kind: str = "unknown"
    signal_dbm: int = 0
    speed_mbit: int = 0


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of this kiosk: `uplink` (to the broker) or `web` (to browsers), and when it ends (RFC 3339, UTC)."""

    name: str
    ends_at: str
    days_left: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How often a daemon has ended since the machine started, for one reason, and when last (RFC 3339, UTC).

    `why`: asked, exit-code, signal, core-dump, watchdog, oom-kill, timeout and so on, as systemd names them.
    """

    daemon: str
    why: str
    count: int
    last_at: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that a person should look at: since when, seen last when, and whether it goes on."""

    name: str
    first_at: str
    last_at: str
    active: bool


@dataclass(frozen=True, slots=True)
class Health:
    """What may be wrong with a machine. `throttled` and `under_voltage`: no, now, earlier (since its start) or unknown.

    `radio`: present, absent or unknown. `attempt_*_s`: from the first frame that showed a face to the record on the disk, over the
    last two hundred punches by face; 0: none yet.
    """

    throttled: str = "unknown"
    under_voltage: str = "unknown"
    radio: str = "unknown"
    frames: int = 0
    frames_per_second: float = 0.0
    punches: int = 0
    attempt_median_s: float = 0.0
    attempt_p95_s: float = 0.0
    camera: str = ""
    link: Link = Link()
    connected: bool = False
    certificates: tuple[Certificate, ...] = ()
    ended: tuple[Ended, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    update: UpdateStanding = field(default_factory=UpdateStanding)


@dataclass(frozen=True, slots=True)
class UplinkReport:
    """What the uplink knows and the kiosk daemon cannot: its way to the network, and its certificate's end ("" for none)."""

    link: Link
    certificate_ends_at: str
    connected: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """How things were at a moment (RFC 3339, UTC): the temperature in degrees Celsius (0: unknown), megabytes, records that wait.

    `frames_per_second` and `wait_s` are of the time since the sample before: the frames' mean, and the median wait from the first
    frame that showed a face to the record, seconds; None where it is not known yet, or nobody came.
    """

    at: str
    temperature_c: float
    disk_free_mb: float
    memory_available_mb: float
    backlog: int
    frames_per_second: float | None = None
    wait_s: float | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """How the machine is: now, and samples of the last day."""

    disk_free_bytes: int
    disk_total_bytes: int
    memory_available_bytes: int
    memory_total_bytes: int
    load: float
    temperature_c: float
    uptime_s: float
    backlog: int
    oldest_unacknowledged_s: int
    samples: tuple[Sample, ...]
    health: Health = Health()
    owed: bool = True  # whether a server is to have the records

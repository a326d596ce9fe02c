"""What the page shows, as values: what stands in the way, the decisions of the last seconds, and how the kiosk is set.

Of a person the page hears what it shows and no more: the name as the setting allows, never a score, a template or a number.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from device import api, messages
from device.camera import CameraStatus, State
from device.clock import Moment, Quality
from device.ways import No

CLOCK_UNKNOWN_BEFORE = datetime.fromisoformat("2026-01-01T00:00:00+00:00")  # before this software was written
AT_THE_PAD = frozenset(
    {
        No.WRONG,
        No.WAIT,
        No.PIN_MUST_CHANGE,
        No.PIN_UNFIT,
        No.UNKNOWN_PERSON,
        No.TICKET_GONE,
        No.NOT_A_SUPERVISOR,
        No.ONE_FACTOR,
        No.NOT_ONESELF,
        No.NO_REASON,
    }
)
SERVER_AWAY_AFTER = timedelta(minutes=10)


class Condition(enum.StrEnum):
    """What stands in the way, worst first; each has its screen or banner and its way on."""

    STORAGE_FULL = "storage_full"
    STORAGE_FAILING = "storage_failing"
    CAMERA_AWAY = "camera_away"
    CAMERA_BLACK = "camera_black"
    LOCKED = "locked"
    CLOCK_UNKNOWN = "clock_unknown"
    CLOCK_UNSURE = "clock_unsure"
    SERVER_AWAY = "server_away"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Shown:
    """One decision as the screen shows it; `seq` is the receipt's number, 0 for none, `face` which of the faces it is about.

    `ticket` goes on with somebody who was identified or verified, `complete_by` says how; `wait_s` is how long it is good,
    or has to be waited. `whose` is the same for two decisions about one person, as long as the daemon runs, and says nothing else
    of them. `new_text`: a newer consent text waits for their yes or no; `has_message`: a message to them alone.
    """

    number: int
    at: str
    outcome: str
    why: str
    name: str
    language: str
    direction: str
    method: str
    seq: int
    ticket: str
    complete_by: tuple[str, ...]
    wait_s: float
    new_text: bool
    has_message: bool
    face: int
    whose: str


@dataclass(frozen=True, slots=True)
class SittingShown:
    """How an enrolment before the camera goes: which pose is wanted, how many are done, what is in the way, why it was refused."""

    state: str
    pose: str
    done: int
    of: int
    hint: str
    templates: int
    why: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the page needs between two frames. `boot` changes with each start of the daemon, `shell` with its version."""

    boot: str
    shell: str
    at: str
    title: str
    zone: str
    language: str
    theme: str
    conditions: tuple[str, ...]
    backlog: int
    waiting: str
    challenge: str
    count: int
    decisions: tuple[Shown, ...]
    abilities: tuple[str, ...]
    stays_s: float
    change_s: float
    scramble: bool
    speech: str
    notice: api.WebNotice
    notices: tuple[str, ...]
    sitting: SittingShown
    contact: str

    def digest(self) -> str:
        """The same for scenes that look the same; the time goes on by itself."""
        plain = messages.CODEC.unstructure(self) | {"at": "", "waiting": "", "decisions": []}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode("utf-8")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Health:
    """How the kiosk's parts are at a moment: `waits_since` is the time of the oldest record that waits for a server."""

    camera: CameraStatus
    simulated: bool
    now: Moment
    room_left: bool
    trouble: str
    backlog: int
    waits_since: datetime | None
    locked: bool = False


def conditions(health: Health) -> tuple[str, ...]:
    """What stands in the way, worst first."""
    found = {
        Condition.STORAGE_FULL: not health.room_left,
        Condition.STORAGE_FAILING: health.room_left and bool(health.trouble),
        Condition.CAMERA_AWAY: health.camera.state in (State.AWAY, State.ENDED),
        Condition.CAMERA_BLACK: health.camera.state is State.BLACK,
        Condition.LOCKED: health.locked,
        Condition.CLOCK_UNKNOWN: health.now.at < CLOCK_UNKNOWN_BEFORE,
        Condition.CLOCK_UNSURE: health.now.at >= CLOCK_UNKNOWN_BEFORE and health.now.quality is Quality.UNSYNCED,
        Condition.SERVER_AWAY: _is_server_away(health),
        Condition.SIMULATED: health.simulated,
    }
    return tuple(condition for condition, holds in found.items() if holds)


def _is_server_away(health: Health) -> bool:
    return health.waits_since is not None and health.now.at - health.waits_since >= SERVER_AWAY_AFTER


def is_for_the_hall(decision: api.Decision) -> bool:
    """Whether it is shown to everybody; what answers a question of the pad is said there. A face answers none."""
    return decision.outcome != "pin_changed" and (decision.face > 0 or decision.why not in AT_THE_PAD)


def shown(
    decision: api.Decision,
    names: str,
    language_of: Callable[[str], str] = lambda person: "",
    has_new_text: Callable[[str], bool] = lambda person: False,
    mark: Callable[[str], str] = lambda person: "",
    has_message: Callable[[str], bool] = lambda person: False,
) -> Shown:
    """A decision for whoever stands there to read."""
    return Shown(
        number=decision.number,
        at=decision.at,
        outcome=decision.outcome,
        why=decision.why,
        name=name_shown(decision.name, names),
        language=decision.language or (language_of(decision.person) if decision.person else ""),
        direction=decision.direction,
        method=decision.method,
        seq=decision.seq,
        ticket=decision.ticket,
        complete_by=decision.complete_by,
        wait_s=decision.wait_s,
        new_text=decision.outcome == "punched" and has_new_text(decision.person),
        has_message=decision.outcome == "punched" and has_message(decision.person),
        face=decision.face,
        whose=mark(decision.person) if decision.person else "",
    )


def name_shown(name: str, names: str) -> str:
    """The name in full, its first character, or nothing, as the enterprise has set it."""
    if names == "full" or not name:
        return name
    return f"{name[0]}＊＊" if names == "first" else ""

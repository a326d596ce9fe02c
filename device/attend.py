"""From an identity to a punch, or to a reason why not. Values in, a value out: no clock, no disk, no screen."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta

from device.clock import Moment, Quality
from device.messages import Calendar, Capture, Direction, Liveness, Method, Reason, shifts


class Why(enum.StrEnum):
    """Why somebody who stood there was not clocked in; each has a sentence in three languages on the kiosk page."""

    STRANGER = "stranger"
    TOO_SOON = "too_soon"
    SIMULATED = "simulated"
    LIVENESS_FAILED = "liveness_failed"
    NOT_RECORDED = "not_recorded"
    NOT_THEM = "not_them"  # the face is not that of the person whose number, badge, code or PIN came first
    EXPIRED = "expired"  # the employment, or the visit, has ended
    UNSURE = "unsure"  # some looks named somebody, too few of them, or not the same person
    FACE_NOT_ENOUGH = "face_not_enough"  # somebody else here looks too much alike: badge, QR code or PIN first


class Claim(enum.StrEnum):
    """How a person said who they are before the face was compared with theirs alone."""

    NONE = ""
    NUMBER = "number"
    BADGE = "badge"
    QR = "qr"
    PIN = "pin"


SECOND_FACTORS = frozenset({Claim.BADGE, Claim.QR, Claim.PIN})  # what somebody has or knows; a number anybody may know


@dataclass(frozen=True, slots=True)
class Identity:
    """Several looks agreed that this is `person`; `score` is the worst of them, cosine, `margin` its lead over anybody else.

    `claim` is how they had said so before, `has_look_alike` that a face alone does not tell them from somebody else.
    `embeddings` and `liveness_runs` count what it took. `face` is the number of the face's track, for the screen; 0 without a face.
    `is_again`: this face was named so a moment ago, and nobody needs to hear once more that it is recorded already.
    `is_challenged`: they have just done what the active challenge asked.
    `without_face` is how they were established where no face was compared, `vouched_by` the supervisor who did, and why.
    `visit`: the ticket of the visit at a lock for which they said who they are, or for which their face was compared while they did
    what was asked; they are there for nothing else.

    `first_attempt` is the first frame that showed this face, `accepted_at` the first that counted, `seen_at` the last.
    """

    person: str
    score: float
    margin: float
    votes: int
    first_attempt: Moment
    accepted_at: Moment
    seen_at: Moment
    liveness: Liveness
    capture: Capture
    claim: Claim = Claim.NONE
    has_look_alike: bool = False
    embeddings: int = 0
    liveness_runs: int = 0
    without_face: Method | None = None
    vouched_by: str = ""
    vouched_why: Reason = Reason.NONE
    face: int = 0
    is_again: bool = False
    visit: str = ""
    is_challenged: bool = False


@dataclass(frozen=True, slots=True)
class Stranger:
    """Several good looks, and nobody enrolled, or not whom they said: a normal outcome that leaves nothing behind.

    `is_unsure`: some of the looks named somebody, but too few for a name.
    """

    looks: int
    first_seen: Moment
    seen_at: Moment
    claim: Claim = Claim.NONE
    is_unsure: bool = False
    face: int = 0


@dataclass(frozen=True, slots=True)
class LastPunch:
    """A person's latest punch: the moment, which way, and its number in the journal."""

    seq: int
    moment: Moment
    direction: Direction


class Breaks(enum.StrEnum):
    """Where going on a break is a direction of its own."""

    BY_SHIFT = "by_shift"  # where a shift of the person's has one
    ALWAYS = "always"
    NEVER = "never"


class Rule(enum.StrEnum):
    """Where a direction comes from when nobody presses a button."""

    LAST = "last"
    SCHEDULE = "schedule"
    BUTTON = "button"  # asked for on the screen; until somebody presses, the last punch decides


@dataclass(frozen=True, slots=True)
class Policy:
    """When a known person is clocked in, and which way. `reach`: how far a shift's beginning or end may be to decide that.

    Who is on a break longer than `longest_break` has gone, and comes in anew.
    """

    min_gap: timedelta
    day_span: timedelta
    allow_simulated: bool
    direction: Rule = Rule.LAST
    calendar: Calendar | None = None
    reach: timedelta = timedelta(hours=4)
    breaks: Breaks = Breaks.BY_SHIFT
    longest_break: timedelta = timedelta(hours=4)

    @property
    def has_breaks(self) -> bool:
        """Whether anybody here may say that they go on a break."""
        if self.breaks is Breaks.BY_SHIFT:
            return self.calendar is not None and any(shift.breaks for shift in self.calendar.shifts)
        return self.breaks is Breaks.ALWAYS


@dataclass(frozen=True, slots=True)
class Punch:
    """A decision to clock in; it counts once the journal has it."""

    identity: Identity
    direction: Direction


@dataclass(frozen=True, slots=True)
class Refused:
    """No punch, and why; `earlier` is the record that already stands for a repeated look."""

    why: Why
    person: str = ""
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known of the person beside the face. `expires_at`: when the employment ends here; `chosen`: the button pressed."""

    expires_at: datetime | None = None
    group: str = ""
    chosen: Direction | None = None


NOTHING_ELSE = Circumstances()


def decide(
    who: Identity | Stranger, last: LastPunch | None, policy: Policy, about: Circumstances = NOTHING_ELSE
) -> Punch | Refused:
    """One walk-up, one answer. Nobody has expired by an unsure clock."""
    if isinstance(who, Stranger):
        if who.is_unsure:
            return Refused(Why.UNSURE)
        return Refused(Why.STRANGER if who.claim is Claim.NONE else Why.NOT_THEM)
    if has_ended(who, about.expires_at):
        return Refused(Why.EXPIRED, who.person)
    if who.has_look_alike and who.without_face is None and who.claim not in SECOND_FACTORS:
        return Refused(Why.FACE_NOT_ENOUGH)
    if who.liveness is Liveness.FAILED:
        return Refused(Why.LIVENESS_FAILED, who.person)
    if who.capture is Capture.SIMULATED and not policy.allow_simulated:
        return Refused(Why.SIMULATED, who.person)
    if last is not None and is_too_soon(last, who.accepted_at, policy):
        return Refused(Why.TOO_SOON, who.person, last.seq)
    if about.chosen is not None:
        return Punch(who, meant(about.chosen, last, who.accepted_at, policy))
    return Punch(who, propose_direction(last, who.accepted_at, policy, about.group))


def is_too_soon(last: LastPunch, now: Moment, policy: Policy) -> bool:
    """Whether this is the same visit; a face may have been seen before the code was read that was punched with.

    Nobody's is after a start without the time: a punch that is there twice does no harm, one that is lost does.
    """
    if last.moment.boot_id != now.boot_id and now.quality is Quality.UNSYNCED:
        return False
    return abs(elapsed(last.moment, now)) < policy.min_gap


def has_ended(who: Identity, ends: datetime | None) -> bool:
    """Whether the employment was over when they stood there; by an unsure clock nobody's is."""
    return ends is not None and who.accepted_at.quality is not Quality.UNSYNCED and who.accepted_at.at >= ends


def meant(chosen: Direction, last: LastPunch | None, now: Moment, policy: Policy) -> Direction:
    """What a pressed button says: whoever is on a break comes back from it by `in`, and by `break` once more."""
    if chosen in (Direction.IN, Direction.BREAK) and is_on_break(last, now, policy):
        return Direction.BACK
    return chosen


def propose_direction(last: LastPunch | None, now: Moment, policy: Policy, group: str = "") -> Direction:
    """By the nearest beginning or end of a shift where the schedule decides and the clock is sure, else by the last punch.

    By the last punch, too, where one shift ends as the next one begins.
    Then it is out after an in of the same working day, in otherwise, and on or back from a break where it is time for one or one
    goes on; the server pairs across kiosks and has the last word.
    """
    duties = _duties(now, policy, group)
    may_go = is_inside(last, now, policy)
    going = Direction.BREAK if policy.has_breaks and shifts.is_time_for_a_break(now.at, duties) else Direction.OUT
    found = shifts.proposed(now.at, duties, policy.reach) if policy.direction is Rule.SCHEDULE else None
    if is_on_break(last, now, policy) and found is not Direction.OUT:
        return Direction.BACK
    if found is None:
        return going if may_go else Direction.IN
    if not policy.has_breaks:
        return found.door
    return going if may_go and found.pause and going.pause else found


def is_inside(last: LastPunch | None, now: Moment, policy: Policy) -> bool:
    """Whether somebody came in, or back, within this working day, and has not gone since."""
    return last is not None and last.direction.is_inside and _holds(last, now, policy)


def is_on_break(last: LastPunch | None, now: Moment, policy: Policy) -> bool:
    """Whether somebody went on a break and may still be expected back."""
    return last is not None and last.direction is Direction.BREAK and _holds(last, now, policy)


def _holds(last: LastPunch, now: Moment, policy: Policy) -> bool:
    return timedelta(0) <= elapsed(last.moment, now) < holds_for(last.direction, policy)


def holds_for(direction: Direction, policy: Policy) -> timedelta:
    """How long after such a punch somebody still is where it brought them: inside, or on a break. Then, and after an out, gone."""
    if direction is Direction.BREAK:
        return policy.longest_break
    return policy.day_span if direction.is_inside else timedelta(0)


def _duties(now: Moment, policy: Policy, group: str) -> tuple[shifts.Duty, ...]:
    """The shifts around this moment; none while nobody knows what time it is."""
    if policy.calendar is None or now.quality is Quality.UNSYNCED:
        return ()
    return policy.calendar.duties_near(now.at, group)


def elapsed(earlier: Moment, later: Moment) -> timedelta:
    """Time between two moments, by the monotonic clock within one boot, since the wall clock may have been stepped."""
    if earlier.boot_id == later.boot_id:
        return timedelta(microseconds=later.monotonic_us - earlier.monotonic_us)
    return later.at - earlier.at

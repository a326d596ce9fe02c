"""Punches of all kiosks into stays and working days: who came when and went when, wherever. Values in, values out.

A kiosk proposes a direction from what it knows itself: somebody who came in at gate A and leaves through gate B is `in` twice. So a
direction that the kiosk's own last punch alone would give is worked out anew from all kiosks; one that says more (a pressed button,
a shift, a correction) counts as it is. What had to be worked out, or is missing, disputed or of an unsure time, is marked for a
person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from device.messages import Calendar, Counted, Direction
from device.messages.shifts import Duty, Span

NO_IN, NO_OUT, INFERRED, REPEATED = "no_in", "no_out", "inferred", "repeated"
REVIEW, DISPUTED, CORRECTED, HOLIDAY, NO_SHIFT = "time_unsure", "disputed", "corrected", "holiday", "no_shift"


@dataclass(frozen=True, slots=True)
class Rules:
    """A second punch of the same way within `repeat` is the same one; a stay longer than `longest` is two forgotten punches."""

    repeat: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(hours=16)


@dataclass(frozen=True, slots=True)
class Stay:
    """From coming to going; one of the two may be missing. `marks`: what a person should know of it."""

    person: str
    came: Counted | None
    went: Counted | None
    marks: frozenset[str]

    @property
    def first(self) -> datetime:
        """When the stay is known to have been, at the earliest."""
        known = self.came or self.went
        assert known is not None
        return known.at.at

    @property
    def span(self) -> Span | None:
        """The time between, if both ends are known."""
        return Span(self.came.at.at, self.went.at.at) if self.came and self.went else None


@dataclass(frozen=True, slots=True)
class Day:
    """One person's working day: `worked` without the shift's breaks, `late` and `early` against its beginning and end."""

    person: str
    day: date
    shift: str
    came: datetime | None
    went: datetime | None
    worked: timedelta
    late: timedelta
    early: timedelta
    kiosks: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(slots=True)
class _Person:
    """What is known of one person while their punches go by."""

    open: Counted | None = None
    marks: set[str] = field(default_factory=set)
    last_here: dict[str, Counted] = field(default_factory=dict)
    last: tuple[Direction, datetime] | None = None


def stays(punches: Iterable[Counted], rules: Rules, aliases: Mapping[str, str] | None = None) -> list[Stay]:
    """Every stay, by person and time. `aliases`: a kiosk's own id for somebody, and the id that all kiosks share."""
    by_person: dict[str, list[Counted]] = defaultdict(list)
    for punch in punches:
        by_person[(aliases or {}).get(punch.person, punch.person)].append(punch)
    found: list[Stay] = []
    for person, theirs in sorted(by_person.items()):
        found += _stays_of(person, sorted(theirs, key=lambda punch: (punch.at.at, punch.device, punch.epoch, punch.seq)), rules)
    return found


def _stays_of(person: str, punches: Iterable[Counted], rules: Rules) -> list[Stay]:
    state, found = _Person(), list[Stay]()
    for punch in punches:
        way, inferred = _way(punch, state, rules)
        repeated = state.last is not None and state.last[0] is way and punch.at.at - state.last[1] < rules.repeat
        state.last_here[punch.device], state.last = punch, (way, punch.at.at)
        marks = _marks(punch) | ({INFERRED} if inferred else set())
        if repeated and way is Direction.IN:
            state.marks |= {REPEATED}
        elif repeated and found and found[-1].went is not None:
            found[-1] = Stay(person, found[-1].came, punch, found[-1].marks | marks | {REPEATED})
        elif way is Direction.IN:
            found += _forgotten(person, state)
            state.open, state.marks = punch, marks
        elif state.open is not None and punch.at.at - state.open.at.at <= rules.longest:
            found.append(Stay(person, state.open, punch, frozenset(state.marks | marks)))
            state.open = None
        else:
            found += _forgotten(person, state)
            found.append(Stay(person, None, punch, frozenset(marks | {NO_IN})))
    return found + _forgotten(person, state)


def _forgotten(person: str, state: _Person) -> list[Stay]:
    """Whoever comes again, or goes after too long, has not been seen going."""
    if state.open is None:
        return []
    stay = Stay(person, state.open, None, frozenset(state.marks | {NO_OUT}))
    state.open = None
    return [stay]


def _way(punch: Counted, state: _Person, rules: Rules) -> tuple[Direction, bool]:
    """The direction, and whether it had to be worked out."""
    if punch.by or punch.direction is not _own_proposal(punch, state.last_here.get(punch.device), rules):
        return punch.direction, False
    if state.last is not None and punch.at.at - state.last[1] < rules.repeat:
        return state.last[0], state.last[0] is not punch.direction
    inside = state.open is not None and punch.at.at - state.open.at.at <= rules.longest
    way = Direction.OUT if inside else Direction.IN
    return way, way is not punch.direction


def _own_proposal(punch: Counted, last_here: Counted | None, rules: Rules) -> Direction:
    """What the kiosk alone would say by its last punch: device/attend.py has the same rule."""
    if last_here is None or last_here.direction is Direction.OUT:
        return Direction.IN
    return Direction.OUT if punch.at.at - last_here.at.at < rules.longest else Direction.IN


def _marks(punch: Counted) -> set[str]:
    return {mark for mark, holds in ((REVIEW, punch.at.review), (DISPUTED, punch.disputed), (CORRECTED, bool(punch.by))) if holds}


def days(found: Iterable[Stay], calendar: Calendar, groups: Mapping[str, str] | None = None) -> list[Day]:
    """Stays by person and working day. A night shift's stay belongs to the day on which the shift began."""
    together: dict[tuple[str, date, str], list[tuple[Stay, Duty | None]]] = defaultdict(list)
    for stay in found:
        duty = _duty(stay, calendar, (groups or {}).get(stay.person, ""))
        day = duty.day if duty else calendar.day_of(stay.first)
        together[stay.person, day, duty.shift if duty else ""].append((stay, duty))
    return [_day(*key, parts, calendar) for key, parts in sorted(together.items())]


def _duty(stay: Stay, calendar: Calendar, group: str) -> Duty | None:
    """The shift that the stay has most in common with; where an end is missing, the one whose boundary lies nearest."""
    near = calendar.duties_near(stay.first, group)
    if (span := stay.span) is not None:
        shared = [(duty.span.overlap(span), index) for index, duty in enumerate(near)]
        best = max(shared, default=(timedelta(0), 0))
        return near[best[1]] if best[0] > timedelta(0) else None
    distances = [
        (min(abs(stay.first - at) for at, _ in duty.boundaries()), index)
        for index, duty in enumerate(near)
        if duty.span.begins - timedelta(hours=4) <= stay.first <= duty.span.ends + timedelta(hours=4)
    ]
    return near[min(distances)[1]] if distances else None


def _day(person: str, day: date, shift: str, parts: list[tuple[Stay, Duty | None]], calendar: Calendar) -> Day:
    duty = parts[0][1]
    ends = [punch for stay, _ in parts for punch in (stay.came, stay.went) if punch is not None]
    came = min((stay.came.at.at for stay, _ in parts if stay.came), default=None)
    went = max((stay.went.at.at for stay, _ in parts if stay.went), default=None)
    marks = {mark for stay, _ in parts for mark in stay.marks}
    marks |= {HOLIDAY} if day in calendar.holidays else set()
    marks |= {NO_SHIFT} if duty is None and calendar.shifts else set()
    late = max(came - duty.span.begins, timedelta(0)) if duty and came else timedelta(0)
    early = max(duty.span.ends - went, timedelta(0)) if duty and went else timedelta(0)
    worked = sum((_worked(stay, duty) for stay, duty in parts), timedelta(0))
    return Day(
        person, day, shift, came, went, worked, late, early, tuple(sorted({punch.device for punch in ends})), tuple(sorted(marks))
    )


def _worked(stay: Stay, duty: Duty | None) -> timedelta:
    """By what really passed, so that a night in which the clocks change counts its seven or nine hours; breaks do not count."""
    span = stay.span
    if span is None:
        return timedelta(0)
    pauses = duty.breaks if duty else ()
    return span.ends - span.begins - sum((span.overlap(pause) for pause in pauses), timedelta(0))

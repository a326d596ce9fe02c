"""Punches of all kiosks into stays and working days: who came when and went when, wherever. Values in, values out.

A kiosk proposes a direction from what it knows itself: somebody who came in at gate A and leaves through gate B is `in` twice. So a
direction that the kiosk's own last punch alone, as it knew it then, would give is worked out anew from all kiosks; one that says
more (a pressed button, a shift, a correction) counts as it is. A break that was punched stands in place of the one that the shift
plans. What had to be worked out, or is missing, disputed or of an unsure time, is marked for a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from device.messages import Calendar, Counted, Direction, Quality
from device.messages.shifts import Duty, Span

NO_IN, NO_OUT, INFERRED, REPEATED = "no_in", "no_out", "inferred", "repeated"
NO_BREAK, NO_BACK = "no_break", "no_back"  # back from a break that nobody was seen to begin, or never seen to come back
AROUND_A_BREAK = timedelta(hours=1)  # a punched break this near to a planned one may be that one, taken early or late
BESIDE_A_SHIFT = timedelta(hours=4)  # nobody comes to a shift earlier than this, or goes later
REVIEW, DISPUTED, CORRECTED, HOLIDAY, NO_SHIFT = "time_unsure", "disputed", "corrected", "holiday", "no_shift"


@dataclass(frozen=True, slots=True)
class Rules:
    """A second punch of the same way within `repeat` is the same one; a stay longer than `longest` is two forgotten punches.

    Who comes back from a break after more than `longest_break` had gone.
    """

    repeat: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(hours=16)
    longest_break: timedelta = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class Stay:
    """From coming to going; one of the two may be missing. `breaks` were punched; `marks`: what a person should know of it."""

    person: str
    came: Counted | None
    went: Counted | None
    marks: frozenset[str]
    breaks: tuple[Span, ...] = ()

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
    """One person's working day: `worked` without its `breaks`, `late` and `early` against the shift's beginning and end.

    Nobody is late of whom it is not known when they first came, or early who was not seen going last.
    """

    person: str
    day: date
    shift: str
    came: datetime | None
    went: datetime | None
    worked: timedelta
    breaks: timedelta
    late: timedelta
    early: timedelta
    kiosks: tuple[str, ...]
    marks: tuple[str, ...]


@dataclass(slots=True)
class _Course:
    """One person's punches as they go by: the stay that is open, the break that they are on, and the stays that are over."""

    person: str
    rules: Rules
    over: list[Stay] = field(default_factory=list)
    open: Counted | None = None
    pause: Counted | None = None
    breaks: list[Span] = field(default_factory=list)
    marks: set[str] = field(default_factory=set)
    seen_at: dict[str, list[Counted]] = field(default_factory=lambda: defaultdict(list))
    last: tuple[Direction, datetime, str] | None = None

    def take(self, punch: Counted) -> None:
        """The next punch, in the order of their times. One that was voided says only what its kiosk knew."""
        if not punch.voided_by:
            self._count(punch)
        self.seen_at[punch.device].append(punch)

    def _count(self, punch: Counted) -> None:
        way, inferred = _way(punch, self)
        repeated = self.last is not None and self.last[0] is way and punch.at.at - self.last[1] < self.rules.repeat
        self.last = (way, punch.at.at, punch.device)
        marks = _marks(punch) | ({INFERRED} if inferred else set())
        if way is Direction.OUT:
            self._go(punch, marks, repeated=repeated)
        elif repeated:
            self.marks |= {REPEATED}
        elif way is Direction.BREAK:
            self._begin_break(punch, marks)
        else:
            self._come(punch, way, marks)

    def is_inside(self, at: datetime) -> bool:
        """Whether somebody who came may still be there, at work or on a break."""
        return self.open is not None and at - self.open.at.at <= self.rules.longest

    def is_on_break(self, at: datetime) -> bool:
        """Whether somebody who went on a break may be expected back."""
        return self.pause is not None and at - self.pause.at.at <= self.rules.longest_break

    def end(self) -> None:
        """Whoever comes again, or goes after too long, has not been seen going; whoever stays away from a break has gone."""
        if self.open is not None:
            mark = NO_BACK if self.pause is not None else NO_OUT
            self._close(self.pause, {mark})

    def _close(self, went: Counted | None, marks: set[str]) -> None:
        self.over.append(Stay(self.person, self.open, went, frozenset(self.marks | marks), tuple(self.breaks)))
        self.open = self.pause = None

    def _come(self, punch: Counted, way: Direction, marks: set[str]) -> None:
        if self.pause is not None and self.is_on_break(punch.at.at):
            self.breaks.append(Span(self.pause.at.at, punch.at.at))
            self.pause, self.marks = None, self.marks | marks
        elif way is Direction.BACK and self.pause is None and self.is_inside(punch.at.at):
            self.marks |= marks | {NO_BREAK}
        else:
            self.end()
            self.open, self.breaks, self.marks = punch, [], marks

    def _begin_break(self, punch: Counted, marks: set[str]) -> None:
        if not self.is_inside(punch.at.at):
            self._go(punch, marks, repeated=False)
        elif self.pause is None:
            self.pause, self.marks = punch, self.marks | marks
        else:
            self.marks |= marks | {NO_BACK}  # nobody saw them in between: the break that they are on goes on

    def _go(self, punch: Counted, marks: set[str], *, repeated: bool) -> None:
        if repeated and self.over and self.over[-1].went is not None:
            self.over[-1] = replace(self.over[-1], went=punch, marks=self.over[-1].marks | marks | {REPEATED})
        elif self.is_inside(punch.at.at):
            if self.pause is not None:
                self.breaks.append(Span(self.pause.at.at, punch.at.at))
                marks = marks | {NO_BACK}
            self._close(punch, marks)
        else:
            self.end()
            self.over.append(Stay(self.person, None, punch, frozenset(marks | {NO_IN})))


def stays(punches: Iterable[Counted], rules: Rules, aliases: Mapping[str, str] | None = None) -> list[Stay]:
    """Every stay, by person and time. `aliases`: a kiosk's own id for somebody, and the id that all kiosks share.

    Voided punches belong among the others, though they count no more: what a kiosk proposed hung on them until they were voided.
    """
    by_person: dict[str, list[Counted]] = defaultdict(list)
    for punch in punches:
        by_person[(aliases or {}).get(punch.person, punch.person)].append(punch)
    found: list[Stay] = []
    for person, theirs in sorted(by_person.items()):
        found += _stays_of(person, sorted(theirs, key=lambda punch: (punch.at.at, punch.device, punch.epoch, punch.seq)), rules)
    return found


def _stays_of(person: str, punches: Iterable[Counted], rules: Rules) -> list[Stay]:
    course = _Course(person, rules)
    for punch in punches:
        course.take(punch)
    course.end()
    return course.over


def _way(punch: Counted, course: _Course) -> tuple[Direction, bool]:
    """The direction, and whether it had to be worked out.

    A kiosk that speaks of a break, and saw the person last, knows; and who is said to come back does not go.
    """
    at, said = punch.at.at, punch.direction
    knows = said.pause and course.last is not None and course.last[2] == punch.device
    comes_back = said is Direction.BACK and course.is_inside(at)
    if punch.by or knows or comes_back or _says_more(punch, course):
        return said, False
    if course.pause is not None and course.is_on_break(at):
        found = said if said.is_inside else _repeated(course, at) or Direction.BACK
    else:
        plain = Direction.OUT if course.pause is None and course.is_inside(at) else Direction.IN
        found = _repeated(course, at) or (said if said.door is plain else plain)
    return found, found is not said


def _says_more(punch: Counted, course: _Course) -> bool:
    """Whether the kiosk's word is more than its own rule's: a button, or a shift.

    By a clock that was not sure nobody seemed to be inside, and the rule said in, whatever it says by the corrected time.
    """
    if punch.at.quality is Quality.CORRECTED and punch.direction is Direction.IN:
        return False
    return punch.direction.door is not _own_proposal(punch, _known_last(punch, course.seen_at[punch.device]), course.rules)


def _known_last(punch: Counted, before: Sequence[Counted]) -> Counted | None:
    """The last punch that the kiosk knew of when it made this one: without what the office has added or taken out since."""
    return next((one for one in reversed(before) if _was_known(one, punch)), None)


def _was_known(earlier: Counted, punch: Counted) -> bool:
    """By the order of the kiosk's records; what counts of another epoch of its journal was known, as far as anybody can tell."""
    if earlier.epoch != punch.epoch:
        return not earlier.voided_by
    return earlier.seq < punch.seq and not 0 < earlier.voided_by < punch.seq


def _repeated(course: _Course, at: datetime) -> Direction | None:
    """The way of a punch a moment ago: a second look at the next gate means the same."""
    if course.last is None or at - course.last[1] >= course.rules.repeat:
        return None
    return course.last[0]


def _own_proposal(punch: Counted, last: Counted | None, rules: Rules) -> Direction:
    """Whether the kiosk alone would say in or out, by its last punch: device/attend.py has the same rule."""
    if last is None or not last.direction.is_inside:
        return Direction.IN
    return Direction.OUT if punch.at.at - last.at.at < rules.longest else Direction.IN


def _marks(punch: Counted) -> set[str]:
    return {mark for mark, holds in ((REVIEW, punch.at.review), (DISPUTED, punch.disputed), (CORRECTED, bool(punch.by))) if holds}


def days(found: Iterable[Stay], calendar: Calendar, groups: Mapping[str, str] | None = None) -> list[Day]:
    """Stays by person and working day. A night shift's stay belongs to the day on which the shift began."""
    together: dict[tuple[str, date, str], list[tuple[Stay, Duty | None]]] = defaultdict(list)
    for stay, duty in _on_duty(found, calendar, groups or {}):
        day = duty.day if duty else calendar.day_of(stay.first)
        together[stay.person, day, duty.shift if duty else ""].append((stay, duty))
    return [_day(*key, parts, calendar) for key, parts in sorted(together.items())]


def _on_duty(found: Iterable[Stay], calendar: Calendar, groups: Mapping[str, str]) -> Iterator[tuple[Stay, Duty | None]]:
    """Each stay with its shift: first those that tell by themselves, since others may go on with a shift that those show."""
    near = [(stay, calendar.duties_near(stay.first, groups.get(stay.person, ""))) for stay in found]
    told = [_most_in_common(stay, [duty for duty in duties if _is_work_on(duty, stay)]) for stay, duties in near]
    worked = {(stay.person, duty) for (stay, _), duty in zip(near, told, strict=True) if duty is not None}
    for (stay, duties), duty in zip(near, told, strict=True):
        theirs = [one for one in duties if (stay.person, one) in worked]
        goes_on = _most_in_common(stay, theirs) or _by_one_end(stay, theirs, timedelta(0))
        yield stay, duty or goes_on or _by_one_end(stay, duties, BESIDE_A_SHIFT)


def _is_work_on(duty: Duty, stay: Stay) -> bool:
    """Whether half of the stay, or of the shift, is the same time: who leaves some minutes into the next shift was not on it."""
    if (span := stay.span) is None:
        return False
    return 2 * duty.span.overlap(span) >= min(span.ends - span.begins, duty.span.ends - duty.span.begins)


def _most_in_common(stay: Stay, near: Sequence[Duty]) -> Duty | None:
    """The shift that a stay of which both ends are known has most in common with."""
    if (span := stay.span) is None:
        return None
    best = max(near, key=lambda duty: (duty.span.overlap(span), duty.span.begins), default=None)
    return best if best is not None and best.span.overlap(span) > timedelta(0) else None


def _by_one_end(stay: Stay, near: Sequence[Duty], beside: timedelta) -> Duty | None:
    """Where an end is missing: the shift that begins nearest to the coming, or ends nearest to the going; `beside`: how far off.

    A coming is none after the shift's end, and a going none before its beginning.
    """
    if stay.span is not None:
        return None
    if stay.went is None:
        begins = [duty for duty in near if duty.span.begins - beside <= stay.first < duty.span.ends]
        return min(begins, key=lambda duty: abs(stay.first - duty.span.begins), default=None)
    ends = [duty for duty in near if duty.span.begins < stay.first <= duty.span.ends + beside]
    return min(ends, key=lambda duty: abs(stay.first - duty.span.ends), default=None)


def _day(person: str, day: date, shift: str, parts: list[tuple[Stay, Duty | None]], calendar: Calendar) -> Day:
    duty = parts[0][1]
    ends = [punch for stay, _ in parts for punch in (stay.came, stay.went) if punch is not None]
    came = min((stay.came.at.at for stay, _ in parts if stay.came), default=None)
    went = max((stay.went.at.at for stay, _ in parts if stay.went), default=None)
    marks = {mark for stay, _ in parts for mark in stay.marks}
    marks |= {HOLIDAY} if day in calendar.holidays else set()
    marks |= {NO_SHIFT} if duty is None and calendar.shifts else set()
    seen_coming, seen_going = parts[0][0].came is not None, parts[-1][0].went is not None
    late = max(came - duty.span.begins, timedelta(0)) if duty and came and seen_coming else timedelta(0)
    early = max(duty.span.ends - went, timedelta(0)) if duty and went and seen_going else timedelta(0)
    taken = [pause for stay, _ in parts for pause in stay.breaks]
    spans = [stay.span for stay, _ in parts if stay.span is not None]
    rested = sum((_rested(span, duty, taken) for span in spans), timedelta(0))
    worked = sum((span.ends - span.begins for span in spans), timedelta(0)) - rested
    kiosks = tuple(sorted({punch.device for punch in ends}))
    return Day(person, day, shift, came, went, worked, rested, late, early, kiosks, tuple(sorted(marks)))


def _rested(span: Span, duty: Duty | None, taken: Sequence[Span]) -> timedelta:
    """How much of a stay was a break: as it was punched, else as the shift plans it.

    By what really passed, so that a night in which the clocks change counts its seven or nine hours.
    """
    planned = [pause for pause in (duty.breaks if duty else ()) if not any(_stands_for(one, pause) for one in taken)]
    return sum((span.overlap(pause) for pause in (*taken, *planned)), timedelta(0))


def _stands_for(taken: Span, planned: Span) -> bool:
    """Whether a break that was punched is the planned one, taken when it was planned or somewhat earlier or later.

    Beside the planned time it has to be a third as long, or a cigarette at a quarter past eleven would be the lunch hour.
    """
    if taken.overlap(planned) > timedelta(0):
        return True
    near = taken.begins <= planned.ends + AROUND_A_BREAK and taken.ends >= planned.begins - AROUND_A_BREAK
    return near and 3 * (taken.ends - taken.begins) >= planned.ends - planned.begins

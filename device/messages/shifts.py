"""Shifts, breaks, holidays and daylight saving: when somebody's work begins and ends, in UTC. Values in, values out.

A night shift belongs to the day on which it begins. A time that a clock change skips counts by the offset before it, so that a
shift from 22:00 to 06:00 has seven or nine hours in those two nights, as those who work it know. A break is as long as ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from device.messages.direction import Direction
from device.messages.errors import SchemaRefused

NEAR_A_BREAK = timedelta(minutes=30)  # whoever comes an hour and a half late has nothing to do with lunch
EVERY_DAY = frozenset(range(1, 8))  # ISO: Monday is 1
FIRST_MOMENT, LAST_MOMENT = datetime(1, 1, 5, tzinfo=UTC), datetime(9999, 12, 27, tzinfo=UTC)  # days around them have names, too
HOW = 'a shift is written "night 22:00-06:00 break 02:00-02:30 days 1-5 groups guard,gate"; only name and hours must be there'
SHIFT = re.compile(r"(?P<name>\S{1,32}) (?P<hours>\d\d:\d\d-\d\d:\d\d)(?P<rest>( (break|days|groups) \S+)*)")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begin` to `end` by the wall clock; an end that is not later belongs to the next day."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours of some groups (none named: of all) on some days of the week."""

    name: str
    hours: Hours
    breaks: tuple[Hours, ...] = ()
    days: frozenset[int] = EVERY_DAY
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Span:
    """From `begins` to `ends`, aware and UTC."""

    begins: datetime
    ends: datetime

    def overlap(self, other: Span) -> timedelta:
        """How much of the two is the same time."""
        return max(min(self.ends, other.ends) - max(self.begins, other.begins), timedelta(0))


@dataclass(frozen=True, slots=True)
class Duty:
    """One shift on one day: `day` is the one on which it begins."""

    shift: str
    day: date
    span: Span
    breaks: tuple[Span, ...]

    def boundaries(self) -> tuple[tuple[datetime, Direction], ...]:
        """When somebody who works it walks in and out, to its breaks and back."""
        return self._boundaries(self.breaks)

    def boundaries_near(self, at: datetime) -> tuple[tuple[datetime, Direction], ...]:
        """The same, of its breaks only those that somebody who walks by at that moment may mean."""
        return self._boundaries(pause for pause in self.breaks if pause.begins - NEAR_A_BREAK <= at <= pause.ends + NEAR_A_BREAK)

    def _boundaries(self, breaks: Iterable[Span]) -> tuple[tuple[datetime, Direction], ...]:
        found = [(self.span.begins, Direction.IN), (self.span.ends, Direction.OUT)]
        for pause in breaks:
            found += [(pause.begins, Direction.BREAK), (pause.ends, Direction.BACK)]
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class Calendar:
    """The shifts of one place; nobody works on a holiday, unless the shift began the evening before."""

    zone: tzinfo
    shifts: tuple[Shift, ...] = ()
    holidays: frozenset[date] = frozenset()

    def local(self, at: datetime) -> datetime:
        """By the clock of the place; held within the calendar, for a forged time must not stop a listing."""
        return min(max(at, FIRST_MOMENT), LAST_MOMENT).astimezone(self.zone)

    def day_of(self, at: datetime) -> date:
        """The local date."""
        return self.local(at).date()

    def duties(self, days: Iterable[date], group: str = "") -> tuple[Duty, ...]:
        """The shifts of a group that begin on these days, in order."""
        mine = [shift for shift in self.shifts if not shift.groups or group in shift.groups]
        found = [
            self._duty(shift, day) for day in days if day not in self.holidays for shift in mine if day.isoweekday() in shift.days
        ]
        return tuple(sorted(found, key=lambda duty: (duty.span.begins, duty.span.ends, duty.shift)))

    def duties_near(self, at: datetime, group: str = "") -> tuple[Duty, ...]:
        """Those that begin on the local day of `at`, the day before or the day after."""
        day = self.day_of(at)
        return self.duties([day + timedelta(days=number) for number in (-1, 0, 1)], group)

    def _duty(self, shift: Shift, day: date) -> Duty:
        span = self._span(day, shift.hours)
        pauses = (self._pause(_break_day(day, shift.hours, pause), pause, span) for pause in shift.breaks)
        return Duty(shift.name, day, span, tuple(pause for pause in pauses if pause.begins < pause.ends))

    def _pause(self, day: date, pause: Hours, shift: Span) -> Span:
        """As long as it is written, also where a clock change falls into it; nothing of it lies beside the shift."""
        begins = self._moment(day, pause.begin)
        return Span(max(begins, shift.begins), min(begins + _length(pause), shift.ends))

    def _span(self, day: date, hours: Hours) -> Span:
        last = day if hours.end > hours.begin else day + timedelta(days=1)
        return Span(self._moment(day, hours.begin), self._moment(last, hours.end))

    def _moment(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)


def _length(hours: Hours) -> timedelta:
    begin, end = (timedelta(hours=at.hour, minutes=at.minute) for at in (hours.begin, hours.end))
    return (end - begin) % timedelta(days=1)


def _break_day(day: date, hours: Hours, pause: Hours) -> date:
    """A break before the shift's first hour is one after midnight."""
    return day if pause.begin >= hours.begin else day + timedelta(days=1)


def proposed(at: datetime, duties: Sequence[Duty], reach: timedelta) -> Direction | None:
    """The direction of the nearest beginning or end of work or of a break; None where none is within `reach`.

    None, too, where one shift ends as the next one begins: the clock alone does not tell who goes from who comes.
    """
    near = [(abs(at - moment), direction) for duty in duties for moment, direction in duty.boundaries_near(at)]
    nearest = min((distance for distance, _ in near), default=None)
    if nearest is None or nearest > reach:
        return None
    said = {direction for distance, direction in near if distance == nearest}
    return said.pop() if len(said) == 1 else None


def is_time_for_a_break(at: datetime, duties: Iterable[Duty]) -> bool:
    """Whether a break goes on or is about to begin."""
    return any(pause.begins - NEAR_A_BREAK <= at < pause.ends for duty in duties for pause in duty.breaks)


def read_shift(text: str) -> Shift:
    """The shift that a setting describes; SchemaRefused says how one is written."""
    found = SHIFT.fullmatch(text)
    if found is None:
        raise SchemaRefused(f"{text[:60]!r} is no shift: {HOW}")
    words = found["rest"].split()
    try:
        parts = list(zip(words[::2], words[1::2], strict=True))
        breaks = tuple(_hours(value) for name, value in parts if name == "break")
        days = frozenset(day for name, value in parts if name == "days" for day in _days(value)) or EVERY_DAY
        groups = frozenset(group for name, value in parts if name == "groups" for group in value.split(","))
        shift = Shift(found["name"], _hours(found["hours"]), breaks, days, groups)
    except ValueError as error:
        raise SchemaRefused(f"{text[:60]!r} is no shift ({error}): {HOW}") from error
    if any(not _within(shift.hours, pause) for pause in breaks):
        raise SchemaRefused(f"{text[:60]!r}: a break lies outside the shift's hours")
    return shift


def read_shifts(text: str) -> tuple[Shift, ...]:
    """Every shift of a setting, parted by semicolons."""
    return tuple(read_shift(part.strip()) for part in text.split(";") if part.strip())


def read_holidays(text: str) -> frozenset[date]:
    """The days that a setting names, parted by spaces; SchemaRefused for anything but 2026-10-01."""
    return frozenset(_holiday(part) for part in text.split())


def _holiday(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SchemaRefused(f"{text[:20]!r} is no day; write 2026-10-01") from error


def _hours(text: str) -> Hours:
    begin, _, end = text.partition("-")
    hours = Hours(time.fromisoformat(begin), time.fromisoformat(end))
    if hours.begin == hours.end:
        raise ValueError("it ends when it begins")
    return hours


def _days(text: str) -> frozenset[int]:
    first, _, last = text.partition("-")
    if not (first + last).isdecimal():
        raise ValueError("days are 1 (Monday) to 7, such as 1-5")
    found = frozenset(range(int(first), int(last or first) + 1))
    if not found or not found <= EVERY_DAY:
        raise ValueError("days are 1 (Monday) to 7, such as 1-5")
    return found


def _within(hours: Hours, pause: Hours) -> bool:
    """Both counted in minutes from the shift's beginning."""

    def minutes(at: time) -> int:
        return ((at.hour - hours.begin.hour) * 60 + at.minute - hours.begin.minute) % 1440

    return minutes(pause.begin) < minutes(pause.end) <= minutes(hours.end)

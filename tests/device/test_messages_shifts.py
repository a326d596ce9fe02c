"""Shifts by the wall clock, in UTC: over midnight, over changes of the clocks, on holidays, and what they say of a direction."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import messages
from device.messages import Direction, SchemaRefused, shifts

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
NIGHT = shifts.read_shift("night 22:00-06:00 break 02:00-02:30")
OFFICE = shifts.read_shift("office 09:00-18:00 break 12:00-13:00 days 1-5")
REACH = timedelta(hours=4)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def calendar(*found: shifts.Shift, zone: ZoneInfo = BERLIN, holidays: str = "") -> messages.Calendar:
    return messages.Calendar(zone, found, shifts.read_holidays(holidays))


def hours(day: str, *found: shifts.Shift) -> float:
    (duty,) = calendar(*found).duties([date.fromisoformat(day)])
    return (duty.span.ends - duty.span.begins).total_seconds() / 3_600


def test_a_night_shift_ends_on_the_next_day_and_belongs_to_the_day_on_which_it_begins() -> None:
    (duty,) = calendar(NIGHT).duties([date(2026, 11, 25)])
    assert duty.day == date(2026, 11, 25)
    assert (duty.span.begins, duty.span.ends) == (at("2026-11-25T22:00"), at("2026-11-26T06:00"))
    assert duty.breaks[0].begins == at("2026-11-26T02:00")


def test_the_night_when_clocks_go_back_has_nine_hours_and_the_one_when_they_go_forward_seven() -> None:
    assert hours("2026-10-24", NIGHT) == 9
    assert hours("2026-03-28", NIGHT) == 7
    assert hours("2026-11-25", NIGHT) == 8


@pytest.mark.parametrize("day", ["2026-10-24", "2026-03-28", "2026-11-25"])
@pytest.mark.parametrize(
    ("pause", "minutes"), [("02:00-03:00", 60), ("02:30-03:00", 30), ("01:30-02:30", 60), ("23:30-03:30", 240)]
)
def test_a_break_is_as_long_as_it_is_written_in_the_nights_when_the_clocks_change_too(day: str, pause: str, minutes: int) -> None:
    (duty,) = calendar(shifts.read_shift(f"night 22:00-06:00 break {pause}")).duties([date.fromisoformat(day)])
    (found,) = duty.breaks
    assert found.ends - found.begins == timedelta(minutes=minutes)
    assert found.begins == at(f"{day if pause > '22' else duty.day + timedelta(days=1)}T{pause[:5]}")


def test_a_break_that_a_clock_change_leaves_no_room_for_is_none() -> None:
    (duty,) = calendar(shifts.read_shift("evening 20:00-03:00 break 02:30-02:45")).duties([date(2026, 3, 28)])
    assert duty.breaks == ()


def test_nobody_is_on_duty_on_a_holiday_but_the_night_that_began_before_is_worked_to_its_end() -> None:
    found = calendar(NIGHT, OFFICE, holidays="2026-10-01").duties([date(2026, 9, 30), date(2026, 10, 1)])
    assert [(duty.shift, duty.day) for duty in found] == [("office", date(2026, 9, 30)), ("night", date(2026, 9, 30))]


def test_days_of_the_week_and_groups_choose_whose_shift_it_is() -> None:
    guards = shifts.read_shift("guard 00:00-08:00 days 6-7 groups gate,yard")
    place = calendar(OFFICE, guards)
    saturday, monday = date(2026, 11, 28), date(2026, 11, 23)
    assert [duty.shift for duty in place.duties([saturday], "gate")] == ["guard"]
    assert place.duties([saturday], "assembly") == ()
    assert [duty.shift for duty in place.duties([monday], "gate")] == ["office"]


@pytest.mark.parametrize(
    ("when", "direction"),
    [
        ("2026-11-25T08:55", Direction.IN),
        ("2026-11-25T09:20", Direction.IN),
        ("2026-11-25T10:45", Direction.IN),
        ("2026-11-25T11:40", Direction.BREAK),
        ("2026-11-25T12:03", Direction.BREAK),
        ("2026-11-25T12:58", Direction.BACK),
        ("2026-11-25T15:00", Direction.OUT),
        ("2026-11-25T18:01", Direction.OUT),
        ("2026-11-25T21:30", Direction.OUT),
        ("2026-11-25T22:30", None),
        ("2026-11-28T09:00", None),
    ],
)
def test_the_nearest_beginning_or_end_decides_a_direction(when: str, direction: Direction | None) -> None:
    moment = at(when)
    assert shifts.proposed(moment, calendar(OFFICE).duties_near(moment), REACH) == direction


@pytest.mark.parametrize(
    ("when", "direction"),
    [
        ("2026-11-25T21:50", Direction.IN),
        ("2026-11-26T05:58", Direction.OUT),
        ("2026-11-26T02:01", Direction.BREAK),
        ("2026-10-24T21:50", Direction.IN),
        ("2026-10-25T06:05", Direction.OUT),
        ("2026-03-29T06:05", Direction.OUT),
    ],
)
def test_a_night_worker_goes_in_at_ten_and_out_at_six_also_when_the_clocks_change(when: str, direction: Direction) -> None:
    moment = at(when)
    assert shifts.proposed(moment, calendar(NIGHT).duties_near(moment), REACH) == direction


THREE_SHIFTS = messages.read_shifts("early 06:00-14:00; late 14:00-22:00; night 22:00-06:00")


@pytest.mark.parametrize("when", ["05:55", "06:05", "13:58", "14:00", "14:05", "21:55", "22:05"])
def test_where_one_shift_ends_as_the_next_one_begins_the_clock_tells_no_direction(when: str) -> None:
    moment = at(f"2026-11-25T{when}")
    assert shifts.proposed(moment, calendar(*THREE_SHIFTS).duties_near(moment), REACH) is None


def test_a_lunch_that_begins_as_a_shift_does_tells_no_direction_either() -> None:
    moment = at("2026-11-25T12:02")
    place = calendar(OFFICE, shifts.read_shift("late 12:00-20:00"))
    assert shifts.proposed(moment, place.duties_near(moment), REACH) is None


@pytest.mark.parametrize(
    "text",
    [
        "night",
        "night 22:00",
        "night 22-06",
        "night 22:00-22:00",
        "night 25:00-06:00",
        "night 22:00-06:00 break 21:00-21:30",
        "night 22:00-06:00 break 05:30-06:30",
        "night 22:00-06:00 days 0-5",
        "night 22:00-06:00 days 5-1",
        "night 22:00-06:00 days Mo",
        "night 22:00-06:00 colour red",
    ],
)
def test_what_is_no_shift_is_refused_with_how_one_is_written(text: str) -> None:
    with pytest.raises(SchemaRefused, match="shift"):
        shifts.read_shift(text)


def test_several_shifts_and_holidays_stand_in_one_setting() -> None:
    assert [shift.name for shift in messages.read_shifts("a 06:00-14:00; b 14:00-22:00;")] == ["a", "b"]
    assert messages.read_holidays("2026-10-01 2026-10-02") == {date(2026, 10, 1), date(2026, 10, 2)}
    with pytest.raises(SchemaRefused, match="write 2026-10-01"):
        messages.read_holidays("1.10.2026")


MINUTES = st.integers(0, 1439)
ZONES = st.sampled_from([BERLIN, SHANGHAI, ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("UTC")])


def written(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@given(MINUTES, MINUTES, st.dates(date(2020, 1, 1), date(2035, 12, 31)), ZONES)
def test_every_shift_has_its_hours_give_or_take_the_clock_change(begin: int, end: int, day: date, zone: ZoneInfo) -> None:
    if begin == end:
        return
    shift = shifts.read_shift(f"x {written(begin)}-{written(end)}")
    (duty,) = calendar(shift, zone=zone).duties([day])
    planned = timedelta(minutes=(end - begin) % 1440)
    assert abs(duty.span.ends - duty.span.begins - planned) <= timedelta(hours=1)
    assert duty.span.begins.utcoffset() == timedelta(0)
    local = duty.span.begins.astimezone(zone)
    assert local.date() == day or begin < 180  # midnight itself may be what a clock change skips


@given(MINUTES, st.integers(1, 1439), st.data(), st.dates(date(2020, 1, 1), date(2035, 12, 31)), ZONES)
def test_a_break_lies_within_its_shift_and_is_never_longer_than_it_is_written(
    begin: int, minutes: int, data: st.DataObject, day: date, zone: ZoneInfo
) -> None:
    first = data.draw(st.integers(0, minutes - 1))
    last = data.draw(st.integers(first + 1, minutes))
    whole, pause = (f"{written((begin + a) % 1440)}-{written((begin + b) % 1440)}" for a, b in ((0, minutes), (first, last)))
    (duty,) = calendar(shifts.read_shift(f"x {whole} break {pause}"), zone=zone).duties([day])
    for found in duty.breaks:
        assert duty.span.begins <= found.begins < found.ends <= duty.span.ends
        assert found.ends - found.begins <= timedelta(minutes=last - first)


@given(MINUTES, MINUTES, st.datetimes(datetime(2020, 1, 2), datetime(2035, 12, 30)), ZONES)
def test_a_direction_is_that_of_a_boundary_within_reach_and_of_no_nearer_other(
    begin: int, end: int, when: datetime, zone: ZoneInfo
) -> None:
    if begin == end:
        return
    moment = when.replace(tzinfo=UTC)
    duties = calendar(shifts.read_shift(f"x {written(begin)}-{written(end)}"), zone=zone).duties_near(moment)
    found = shifts.proposed(moment, duties, REACH)
    boundaries = [found for duty in duties for found in duty.boundaries()]
    near = {way: min(abs(moment - at) for at, found in boundaries if found is way) for way in (Direction.IN, Direction.OUT)}
    if found is None:
        assert min(near.values()) > REACH or near[Direction.IN] == near[Direction.OUT]
    else:
        assert near[found] == min(near.values()) <= REACH

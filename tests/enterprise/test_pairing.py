"""Punches of several kiosks become stays and working days; what is missing or unsure is marked, and no time is made up."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import messages
from device.messages import Calendar, Corrected, Counted, Direction, Quality
from enterprise import pairing
from enterprise.pairing import Day, Rules, Stay

BERLIN = ZoneInfo("Europe/Berlin")
ADA, BOB = "p-" + "ab" * 16, "p-" + "cd" * 16
IN, OUT, BREAK, BACK = Direction.IN, Direction.OUT, Direction.BREAK, Direction.BACK
RULES = Rules()
OFFICE = messages.read_shifts("office 09:00-18:00 break 12:00-13:00 days 1-5")
NIGHT = messages.read_shifts("night 22:00-06:00 break 02:00-02:30")
THREE = messages.read_shifts("early 06:00-14:00; late 14:00-22:00; night 22:00-06:00")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=BERLIN).astimezone(UTC)


def punch(text: str, way: Direction, kiosk: str = "gate-a", person: str = ADA, by: str = "") -> Counted:
    when = at(text)
    return Counted(kiosk, "e" * 32, int(when.timestamp()), person, way, Corrected(when, Quality.SYNCED), "", 0, by)


def shown(found: list[Stay]) -> list[tuple[str, str, set[str]]]:
    def end(one: Counted | None) -> str:
        return one.at.at.astimezone(BERLIN).strftime("%m-%dT%H:%M") if one else "?"

    return [(end(stay.came), end(stay.went), set(stay.marks)) for stay in found]


def pair(*punches: Counted) -> list[tuple[str, str, set[str]]]:
    return shown(pairing.stays(punches, RULES))


def days(*punches: Counted, shifts: tuple[messages.Shift, ...] = (), holidays: str = "", group: str = "") -> list[Day]:
    place = Calendar(BERLIN, shifts, messages.read_holidays(holidays))
    return pairing.days(pairing.stays(punches, RULES), place, {ADA: group})


def hours(day: Day) -> float:
    return day.worked.total_seconds() / 3_600


def test_in_and_out_at_one_kiosk_are_a_stay() -> None:
    assert pair(punch("11-25T08:55", IN), punch("11-25T18:02", OUT)) == [("11-25T08:55", "11-25T18:02", set())]


def test_in_at_one_gate_and_out_through_another_are_a_stay_though_the_other_gate_said_in() -> None:
    assert pair(punch("11-25T08:55", IN, "gate-a"), punch("11-25T18:02", IN, "gate-b")) == [
        ("11-25T08:55", "11-25T18:02", {"inferred"})
    ]


def test_coming_through_the_other_gate_on_the_next_day_is_coming_though_that_gate_says_out() -> None:
    found = pair(
        punch("11-25T08:55", IN, "gate-a"),
        punch("11-25T18:02", IN, "gate-b"),
        punch("11-26T08:50", OUT, "gate-b"),
        punch("11-26T18:00", IN, "gate-a"),
    )
    assert [(came, went) for came, went, _ in found] == [("11-25T08:55", "11-25T18:02"), ("11-26T08:50", "11-26T18:00")]


def test_a_direction_that_somebody_chose_counts_as_it_is() -> None:
    assert pair(punch("11-25T08:55", IN, "gate-a"), punch("11-25T18:02", IN, "gate-b", by="kiosk")) == [
        ("11-25T08:55", "?", {"no_out"}),
        ("11-25T18:02", "?", {"no_out", "corrected"}),
    ]


def test_a_first_punch_of_out_says_more_than_the_kiosk_would_by_itself() -> None:
    assert pair(punch("11-25T18:00", OUT)) == [("?", "11-25T18:00", {"no_in"})]


def test_a_second_look_at_another_gate_is_the_same_coming_and_the_later_going_counts() -> None:
    assert pair(punch("11-25T08:55", IN, "gate-a"), punch("11-25T08:57", IN, "gate-b"), punch("11-25T18:00", OUT, "gate-a")) == [
        ("11-25T08:55", "11-25T18:00", {"repeated"})
    ]
    found = pair(punch("11-25T08:55", IN), punch("11-25T18:00", OUT), punch("11-25T18:03", IN, "gate-b"))
    assert found == [("11-25T08:55", "11-25T18:03", {"inferred", "repeated"})]


def test_whoever_forgot_to_punch_out_is_marked_and_no_time_is_made_up() -> None:
    (first, second) = days(punch("11-25T09:00", IN), punch("11-26T09:00", IN), punch("11-26T17:00", OUT))
    assert (first.worked, first.marks) == (timedelta(0), ("no_out",))
    assert hours(second) == 8


def test_a_night_shift_belongs_to_the_day_on_which_it_began_and_its_break_does_not_count() -> None:
    (day,) = days(punch("11-25T21:55", IN), punch("11-26T06:05", OUT), shifts=NIGHT)
    assert (day.day, day.shift, day.worked) == (date(2026, 11, 25), "night", timedelta(hours=7, minutes=40))


@pytest.mark.parametrize(("begins", "ends", "worked"), [("10-24T22:00", "10-25T06:00", 8.5), ("03-28T22:00", "03-29T06:00", 6.5)])
def test_the_nights_in_which_clocks_change_count_what_really_passed(begins: str, ends: str, worked: float) -> None:
    (day,) = days(punch(begins, IN), punch(ends, OUT), shifts=NIGHT)
    assert hours(day) == worked
    assert (day.late, day.early) == (timedelta(0), timedelta(0))


@pytest.mark.parametrize(("begins", "ends", "worked"), [("10-24T22:00", "10-25T06:00", 8.5), ("03-28T22:00", "03-29T06:00", 6.5)])
def test_a_planned_break_in_the_hour_that_the_clocks_change_is_taken_off_as_it_is_written(
    begins: str, ends: str, worked: float
) -> None:
    (day,) = days(punch(begins, IN), punch(ends, OUT), shifts=messages.read_shifts("night 22:00-06:00 break 02:30-03:00"))
    assert (hours(day), day.breaks) == (worked, timedelta(minutes=30))


def test_lunch_outside_is_two_stays_of_one_day_and_lunch_inside_is_taken_off() -> None:
    outside = days(
        punch("11-25T09:00", IN), punch("11-25T12:00", OUT), punch("11-25T13:00", IN), punch("11-25T18:00", OUT), shifts=OFFICE
    )
    inside = days(punch("11-25T09:00", IN), punch("11-25T18:00", OUT), shifts=OFFICE)
    assert [hours(day) for day in (*outside, *inside)] == [8, 8]


def test_a_break_that_was_punched_stands_in_place_of_the_planned_one() -> None:
    def day(went: str, came: str) -> Day:
        walks = (punch("11-25T09:00", IN), punch(went, BREAK), punch(came, BACK), punch("11-25T18:00", OUT))
        (found,) = days(*walks, shifts=OFFICE)
        return found

    half, late, short, early = (day(f"11-25T{a}", f"11-25T{b}") for a, b in PUNCHED)
    assert [(hours(one), one.breaks) for one in (half, late)] == [(8.5, timedelta(minutes=30)), (8.25, timedelta(minutes=45))]
    assert (hours(short), short.marks) == (7.75, ()), "a cigarette in the morning is no lunch"
    assert hours(early) == 8.5


PUNCHED = (("12:10", "12:40"), ("13:10", "13:55"), ("10:00", "10:15"), ("11:10", "11:40"))


def test_who_works_through_two_breaks_and_punches_one_has_the_other_taken_off() -> None:
    two = messages.read_shifts("long 08:00-18:00 break 12:00-12:30 break 16:00-16:15")
    (day,) = days(
        punch("11-25T08:00", IN), punch("11-25T12:00", BREAK), punch("11-25T12:20", BACK), punch("11-25T18:00", OUT), shifts=two
    )
    assert day.breaks == timedelta(minutes=35)


def test_a_cigarette_before_lunch_is_not_lunch_and_a_short_lunch_at_noon_is() -> None:
    (smoke,) = days(
        punch("11-25T09:00", IN), punch("11-25T11:15", BREAK), punch("11-25T11:25", BACK), punch("11-25T18:00", OUT), shifts=OFFICE
    )
    (quick,) = days(
        punch("11-25T09:00", IN), punch("11-25T12:15", BREAK), punch("11-25T12:25", BACK), punch("11-25T18:00", OUT), shifts=OFFICE
    )
    assert (smoke.breaks, quick.breaks) == (timedelta(minutes=70), timedelta(minutes=10))


def test_going_to_a_break_through_one_gate_and_back_through_another_is_one_break() -> None:
    """The other gate knows of no break: it says in, and that is coming back."""
    (stay,) = pairing.stays(
        [punch("11-25T09:00", IN), punch("11-25T12:00", BREAK), punch("11-25T12:45", IN, "gate-b"), punch("11-25T18:00", OUT)],
        RULES,
    )
    assert [(one.ends - one.begins) for one in stay.breaks] == [timedelta(minutes=45)]
    assert stay.marks == set()


def test_a_gate_that_took_somebody_coming_back_for_one_who_goes_is_put_right() -> None:
    """Gate B saw them in the morning and takes ten to one for a way to lunch; they went through gate A at noon."""
    found = pairing.stays(
        [punch("11-25T09:00", IN, "gate-b"), punch("11-25T12:00", OUT, by="web:li"), punch("11-25T12:50", BREAK, "gate-b")], RULES
    )
    assert shown(found)[-1] == ("11-25T12:50", "?", {"no_out", "inferred"})


def test_whoever_is_not_seen_coming_back_is_marked_and_works_only_as_far_as_is_known() -> None:
    (day,) = days(punch("11-25T09:00", IN), punch("11-25T12:00", BREAK), punch("11-25T18:00", OUT, by="web:li"))
    assert (hours(day), day.marks) == (3, ("corrected", "no_back"))
    (gone,) = days(punch("11-25T09:00", IN), punch("11-25T12:00", BREAK))
    assert (hours(gone), gone.went, gone.marks) == (3, at("11-25T12:00"), ("no_back",))
    first, second = pairing.stays(
        [punch("11-25T09:00", IN), punch("11-25T12:00", BREAK), punch("11-25T17:00", IN), punch("11-25T19:00", OUT)], RULES
    )
    assert (shown([first]), shown([second])) == (
        [("11-25T09:00", "11-25T12:00", {"no_back"})],
        [("11-25T17:00", "11-25T19:00", set())],
    )


def test_back_from_a_break_that_nobody_saw_begin_takes_the_planned_one_off() -> None:
    (day,) = days(punch("11-25T09:00", IN), punch("11-25T13:00", BACK, by="kiosk"), punch("11-25T18:00", OUT), shifts=OFFICE)
    assert (hours(day), day.marks) == (8, ("corrected", "no_break"))


def test_a_cigarette_of_three_minutes_at_one_kiosk_is_a_break_and_no_second_look() -> None:
    (stay,) = pairing.stays(
        [punch("11-25T09:00", IN), punch("11-25T10:00", BREAK), punch("11-25T10:03", BACK), punch("11-25T18:00", OUT)], RULES
    )
    assert [(one.ends - one.begins) for one in stay.breaks] == [timedelta(minutes=3)]


@pytest.mark.parametrize(
    "walks",
    [
        (("08:00", IN), ("08:03", BREAK), ("08:20", BACK), ("17:00", OUT)),
        (("08:00", IN), ("12:00", BREAK), ("12:30", BACK), ("12:33", BREAK), ("12:50", BACK), ("17:00", OUT)),
    ],
)
def test_what_one_kiosk_says_of_breaks_counts_however_soon_it_follows(walks: tuple[tuple[str, Direction], ...]) -> None:
    (stay,) = pairing.stays([punch(f"11-25T{when}", way) for when, way in walks], RULES)
    breaks = [one for one, (_, way) in enumerate(walks) if way is BREAK]
    assert [one.begins for one in stay.breaks] == [at(f"11-25T{walks[place][0]}") for place in breaks]
    assert [one.ends for one in stay.breaks] == [at(f"11-25T{walks[place + 1][0]}") for place in breaks]
    assert shown([stay]) == [("11-25T08:00", "11-25T17:00", set())]


def test_back_through_another_gate_after_three_minutes_is_back_and_two_gates_on_the_way_out_are_one_going() -> None:
    walks = (punch("11-25T09:00", IN), punch("11-25T10:00", BREAK), punch("11-25T10:03", IN, "gate-b"), punch("11-25T18:00", OUT))
    (stay,) = pairing.stays(walks, RULES)
    assert [(one.ends - one.begins) for one in stay.breaks] == [timedelta(minutes=3)]
    two = (punch("11-25T09:00", IN), punch("11-25T09:01", IN, "gate-b"), punch("11-25T12:00", BREAK, "gate-b"))
    (stay,) = pairing.stays([*two, punch("11-25T12:02", BREAK), punch("11-25T12:40", BACK), punch("11-25T18:00", OUT)], RULES)
    assert [(one.ends - one.begins) for one in stay.breaks] == [timedelta(minutes=40)]


def test_late_and_early_are_measured_against_the_shift() -> None:
    (day,) = days(punch("11-25T09:20", IN), punch("11-25T17:30", OUT), shifts=OFFICE)
    assert (day.late, day.early) == (timedelta(minutes=20), timedelta(minutes=30))


@pytest.mark.parametrize(
    ("when", "way", "shift"),
    [
        ("05:55", IN, "early"),
        ("06:01", IN, "early"),
        ("13:55", IN, "late"),
        ("14:20", IN, "late"),
        ("21:55", IN, "night"),
        ("14:05", OUT, "early"),
        ("13:50", OUT, "early"),
        ("22:05", OUT, "late"),
    ],
)
def test_whoever_is_still_at_work_is_on_the_shift_that_begins_then_and_an_unseen_coming_on_the_one_that_ends(
    when: str, way: Direction, shift: str
) -> None:
    (day,) = days(punch(f"11-25T{when}", way), shifts=THREE)
    assert (day.shift, day.day) == (shift, date(2026, 11, 25))
    assert max(day.late, day.early) <= timedelta(minutes=20)


def test_the_night_that_nobody_was_seen_coming_to_ends_in_the_morning() -> None:
    (day,) = days(punch("11-25T06:05", OUT), shifts=THREE)
    assert (day.shift, day.day, day.early) == ("night", date(2026, 11, 24), timedelta(0))


def test_whoever_is_back_at_work_before_the_next_shift_is_still_on_their_own() -> None:
    (day,) = days(punch("11-25T05:55", IN), punch("11-25T11:00", OUT), punch("11-25T11:30", IN), shifts=THREE)
    assert (day.shift, day.marks) == ("early", ("no_out",))
    (day,) = days(punch("11-25T09:00", OUT), punch("11-25T09:30", IN), punch("11-25T14:05", OUT), shifts=THREE)
    assert (day.shift, day.marks) == ("early", ("no_in",))


def test_whoever_comes_after_the_last_shift_comes_to_none() -> None:
    (day,) = days(punch("11-25T19:00", IN), shifts=OFFICE)
    assert (day.shift, day.late, day.marks) == ("", timedelta(0), ("no_out", "no_shift"))


def test_nobody_is_late_or_early_by_a_coming_or_a_going_that_nobody_saw() -> None:
    (day,) = days(punch("11-25T12:00", OUT), punch("11-25T13:00", IN), punch("11-25T18:00", OUT), shifts=OFFICE)
    assert (day.late, day.early, day.marks) == (timedelta(0), timedelta(0), ("no_in",))
    (day,) = days(punch("11-25T09:20", IN), punch("11-25T12:00", OUT), punch("11-25T13:00", IN), shifts=OFFICE)
    assert (day.late, day.early, day.marks) == (timedelta(minutes=20), timedelta(0), ("no_out",))


def test_work_on_a_holiday_or_without_a_shift_is_marked() -> None:
    (day,) = days(punch("11-25T09:00", IN), punch("11-25T18:00", OUT), shifts=OFFICE, holidays="2026-11-25")
    assert day.marks == ("holiday", "no_shift")
    (saturday,) = days(punch("11-28T09:00", IN), punch("11-28T12:00", OUT), shifts=OFFICE)
    assert saturday.marks == ("no_shift",)


@pytest.mark.parametrize("went", ["06:00", "06:05", "07:30"])
def test_a_night_on_a_holiday_is_the_holidays_though_it_ends_some_minutes_into_the_next_shift(went: str) -> None:
    (day,) = days(punch("12-25T21:55", IN), punch(f"12-26T{went}", OUT), shifts=THREE, holidays="2026-12-25")
    assert (day.day, day.shift, day.early, day.marks) == (date(2026, 12, 25), "", timedelta(0), ("holiday", "no_shift"))


def test_a_night_without_a_duty_before_a_working_day_is_its_own() -> None:
    weekdays = messages.read_shifts("early 06:00-14:00 days 1-5; night 22:00-06:00 days 1-5")
    (day,) = days(punch("11-22T21:55", IN), punch("11-23T06:05", OUT), shifts=weekdays)
    assert (day.day, day.shift, day.early, day.marks) == (date(2026, 11, 22), "", timedelta(0), ("no_shift",))


def test_an_evening_that_begins_within_the_shift_that_was_worked_goes_on_with_it() -> None:
    walks = [punch("11-25T09:00", IN), punch("11-25T17:00", OUT), punch("11-25T17:40", IN), punch("11-25T20:00", OUT)]
    (day,) = days(*walks, shifts=OFFICE)
    assert (day.shift, day.early, day.marks) == ("office", timedelta(0), ())


def test_an_hour_within_a_shift_and_a_shift_within_a_long_stay_are_work_on_it() -> None:
    (hour,) = days(punch("11-25T10:00", IN), punch("11-25T11:00", OUT), shifts=OFFICE)
    (long,) = days(punch("11-25T04:00", IN), punch("11-25T19:30", OUT), shifts=messages.read_shifts("short 09:00-13:00"))
    assert (hour.shift, long.shift) == ("office", "short")


def test_a_direction_that_was_guessed_by_a_clock_that_was_not_sure_is_worked_out() -> None:
    """In at 8, a power cut at noon, and the kiosk without a clock battery did not know that anybody was inside."""
    guessed = replace(punch("11-25T17:05", IN), at=Corrected(at("11-25T17:05"), Quality.CORRECTED))
    (day,) = days(punch("11-25T08:00", IN), guessed)
    assert day.worked == timedelta(hours=9, minutes=5)
    assert set(day.marks) == {pairing.INFERRED}
    came = replace(punch("11-25T08:00", IN), at=Corrected(at("11-25T08:00"), Quality.CORRECTED))
    (first,) = days(came, punch("11-25T17:00", OUT))
    assert (hours(first), set(first.marks)) == (9, set()), "who was not inside comes in, whatever the clock"


def numbered(*punches: Counted) -> list[Counted]:
    """As they stand in one kiosk's journal, in this order."""
    return [replace(one, seq=number) for number, one in enumerate(punches, 1)]


def test_a_forgotten_punch_that_the_office_adds_makes_the_day_whole() -> None:
    """The kiosk said out at one and in at five, since nobody had told it of the lunch."""
    walks = numbered(
        punch("11-25T08:00", IN), punch("11-25T13:00", OUT), punch("11-25T17:00", IN), punch("11-25T12:00", OUT, by="web:li")
    )
    (day,) = days(*walks)
    assert (hours(day), day.marks) == (8, ("corrected", "inferred"))


def test_a_punch_of_the_wrong_face_that_the_office_voids_leaves_the_day_as_it_was() -> None:
    """The kiosk said out at eight and in at five, since it took somebody else for this person at ten to."""
    wrong, came, went = numbered(punch("11-25T07:50", IN), punch("11-25T08:00", OUT), punch("11-25T17:00", IN))
    (day,) = days(replace(wrong, voided_by=9), came, went)
    assert (hours(day), day.kiosks, day.marks) == (9, ("gate-a",), ("inferred",))


def test_what_was_voided_or_corrected_before_the_kiosk_spoke_it_knew() -> None:
    """Voided at once, so that out at eight was somebody's word; and added at once, so that in at one was the kiosk's own."""
    wrong, void, went = numbered(punch("11-25T07:50", IN), punch("11-25T07:51", IN), punch("11-25T08:00", OUT))
    assert pair(replace(wrong, voided_by=void.seq), went) == [("?", "11-25T08:00", {"no_in"})]
    came, added, again = numbered(punch("11-25T08:00", IN), punch("11-25T12:00", OUT, by="web:li"), punch("11-25T13:00", IN))
    assert pair(came, added, again) == [("11-25T08:00", "11-25T12:00", {"corrected"}), ("11-25T13:00", "?", {"no_out"})]


def test_somebody_of_whom_nothing_counts_has_no_stay() -> None:
    assert pair(replace(punch("11-25T07:50", IN), voided_by=9)) == []


def test_a_time_that_nobody_knows_for_sure_and_a_disputed_punch_are_marked() -> None:
    unsure = replace(punch("11-25T09:00", IN), at=Corrected(at("11-25T09:00"), Quality.UNSYNCED, review=True))
    (day,) = days(unsure, replace(punch("11-25T18:00", OUT), disputed=True))
    assert day.marks == ("disputed", "time_unsure")


def test_one_person_under_two_ids_is_one_person() -> None:
    found = pairing.stays([punch("11-25T09:00", IN, "gate-a", BOB), punch("11-25T18:00", IN, "gate-b", ADA)], RULES, {BOB: ADA})
    assert shown(found) == [("11-25T09:00", "11-25T18:00", {"inferred"})]


Event = tuple[int, Direction, str, str, bool]
WAYS, GATES, PEOPLE = st.sampled_from(list(Direction)), st.sampled_from(["a", "b", "c"]), st.sampled_from([ADA, BOB])
EVENTS = st.lists(st.tuples(st.integers(0, 60 * 24 * 6), WAYS, GATES, PEOPLE, st.booleans()), max_size=30)


def happened(events: list[Event]) -> list[Counted]:
    start = at("11-23T00:00")
    times = [Corrected(start + timedelta(minutes=minute), Quality.SYNCED) for minute, *_ in events]
    return [
        Counted(gate, "e" * 32, number, person, way, when, by="web:li" if chosen else "")
        for number, (when, (_, way, gate, person, chosen)) in enumerate(zip(times, events, strict=True))
    ]


@given(EVENTS)
def test_every_punch_is_in_at_most_one_stay_and_stays_of_one_person_never_overlap(events: list[Event]) -> None:
    punches = happened(events)
    found = pairing.stays(punches, RULES)
    used = [end.seq for stay in found for end in (stay.came, stay.went) if end]
    assert len(used) == len(set(used))
    assert {stay.person for stay in found} == {one.person for one in punches}
    for person in (ADA, BOB):
        spans = [stay.span for stay in found if stay.person == person and stay.span]
        assert all(timedelta(0) <= span.ends - span.begins <= RULES.longest + RULES.repeat for span in spans)
        assert all(first.ends <= second.begins for first, second in itertools.pairwise(spans))
    for stay in found:
        assert all(one.begins <= one.ends for one in stay.breaks)
        assert all(first.ends <= second.begins for first, second in itertools.pairwise(stay.breaks))
        if stay.span and stay.breaks:
            assert stay.span.begins <= stay.breaks[0].begins
            assert stay.breaks[-1].ends <= stay.span.ends


@given(EVENTS)
def test_nobody_works_while_they_are_on_a_break_and_no_time_is_made_up(events: list[Event]) -> None:
    found = pairing.stays(happened(events), RULES)
    for day in pairing.days(found, Calendar(BERLIN, NIGHT + OFFICE)):
        assert day.worked >= timedelta(0)
        assert day.breaks >= timedelta(0)
    spans = sum((stay.span.ends - stay.span.begins for stay in found if stay.span), timedelta(0))
    assert sum((day.worked + day.breaks for day in pairing.days(found, Calendar(BERLIN, NIGHT + OFFICE))), timedelta(0)) == spans


SOME_MINUTES = st.integers(6, 200)


@given(st.lists(st.tuples(SOME_MINUTES, st.lists(st.tuples(SOME_MINUTES, SOME_MINUTES), max_size=2)), min_size=1, max_size=3))
def test_a_server_that_knows_of_no_breaks_counts_the_same_work(days: list[tuple[int, list[tuple[int, int]]]]) -> None:
    """To it a break is lunch outside: the same hours, in two stays."""
    walks, minute = [], 0
    for home, pauses in days:
        ways = [IN, *[way for _ in pauses for way in (BREAK, BACK)], OUT]
        lengths = [home, *[minutes for pause in pauses for minutes in pause], 10 * 60]
        for way, length in zip(ways, lengths, strict=True):
            walks.append((minute, way, "a", ADA, False))
            minute += length
    punches = happened(walks)
    plain = [replace(one, direction=one.direction.door) for one in punches]
    known, unknown = pairing.stays(punches, RULES), pairing.stays(plain, RULES)
    assert worked(known) == worked(unknown)
    assert sum(len(stay.breaks) for stay in known) == sum(len(pauses) for _, pauses in days) == len(unknown) - len(known)


def worked(found: list[Stay]) -> timedelta:
    return sum((day.worked for day in pairing.days(found, Calendar(BERLIN))), timedelta(0))


@given(EVENTS, st.data())
def test_no_stay_is_made_of_a_voided_punch_and_those_of_others_stay_apart(events: list[Event], data: st.DataObject) -> None:
    voided = data.draw(st.lists(st.integers(0, 60), min_size=len(events), max_size=len(events)))
    punches = [replace(one, voided_by=by) for one, by in zip(happened(events), voided, strict=True)]
    found = pairing.stays(punches, RULES)
    used = {end.seq for stay in found for end in (stay.came, stay.went) if end}
    assert used <= {one.seq for one in punches if not one.voided_by}
    assert {stay.person for stay in found} == {one.person for one in punches if not one.voided_by}


@given(EVENTS, st.randoms())
def test_the_order_in_which_kiosks_are_heard_changes_nothing(events: list[Event], chance: Random) -> None:
    punches = happened(events)
    shuffled = list(punches)
    chance.shuffle(shuffled)
    assert pairing.stays(punches, RULES) == pairing.stays(shuffled, RULES)

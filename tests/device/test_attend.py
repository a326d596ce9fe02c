"""One walk-up, one answer: gaps, directions, nights, and what a production policy refuses."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device import attend, clock, messages
from device.attend import Claim, Identity, LastPunch, Policy, Punch, Refused, Stranger, Why
from device.messages import Capture, Direction, Liveness
from tests.device import parts

GAP_S = 60.0
POLICY = Policy(timedelta(seconds=GAP_S), timedelta(hours=16), allow_simulated=False)
HOUR = 3_600.0


def seen(at: clock.Moment, voted_s: float = 0.0) -> Identity:
    """Ada, first accepted at `at`; the votes took `voted_s`."""
    later = replace(at, at=at.at + timedelta(seconds=voted_s), monotonic_us=at.monotonic_us + round(voted_s * 1e6))
    return Identity(parts.ADA, 0.8, 0.4, 3, at, at, later, Liveness.NOT_ASSESSED, Capture.CAMERA)


def last(at: clock.Moment, direction: Direction = Direction.IN) -> LastPunch:
    return LastPunch(7, at, direction)


LOOKS = st.lists(st.tuples(st.floats(0.0, 200.0), st.floats(-1e6, 1e6), st.floats(0.0, 5.0)), min_size=1, max_size=40)


@given(LOOKS)
def test_no_two_punches_lie_closer_than_the_gap_whatever_the_wall_clock_does(looks: list[tuple[float, float, float]]) -> None:
    now, known, punches = 0.0, None, []
    for pause_s, wall_step_s, voted_s in looks:
        now += pause_s
        answer = attend.decide(seen(parts.moment(now, wall_step_s=wall_step_s), voted_s), known, POLICY)
        if isinstance(answer, Punch):
            recorded = answer.identity.accepted_at
            known = last(recorded, answer.direction)
            punches.append(recorded.monotonic_us)
        else:
            assert answer == Refused(Why.TOO_SOON, parts.ADA, 7)
        now += voted_s
    assert punches[0] == round(looks[0][0] * 1e6)
    assert all(after - before >= GAP_S * 1e6 for before, after in itertools.pairwise(punches))


@given(st.floats(0, 1e6), st.floats(GAP_S, 1e5), st.floats(-1e6, 1e6))
def test_after_the_gap_the_wall_clock_keeps_nobody_out(start_s: float, gap_s: float, wall_step_s: float) -> None:
    then = parts.moment(start_s)
    now = parts.moment(start_s + gap_s + 0.001, wall_step_s=wall_step_s)
    assert isinstance(attend.decide(seen(now), last(then), POLICY), Punch)


@pytest.mark.parametrize(("seconds", "punched"), [(0, False), (59.999, False), (60.0, True), (61, True)])
def test_a_second_look_within_a_minute_is_not_a_second_punch(seconds: float, punched: bool) -> None:
    answer = attend.decide(seen(parts.moment(100 + seconds)), last(parts.moment(100)), POLICY)
    assert isinstance(answer, Punch) is punched


def test_the_gap_counts_to_the_moment_that_the_record_will_carry() -> None:
    answer = attend.decide(seen(parts.moment(159), voted_s=3), last(parts.moment(100)), POLICY)
    assert isinstance(answer, Refused)


def test_a_face_that_was_seen_before_the_same_persons_code_was_read_is_the_same_visit() -> None:
    """Named later, though its first look is earlier: the record carries that."""
    code = last(parts.moment(100.5), Direction.OUT)
    assert attend.decide(seen(parts.moment(100.2)), code, POLICY) == Refused(Why.TOO_SOON, parts.ADA, 7)


def test_after_a_restart_the_gap_is_told_by_the_wall_clock() -> None:
    then = parts.moment(1_000)
    soon = parts.moment(20, wall_step_s=1_000, boot_id=parts.OTHER_BOOT_ID)
    later = parts.moment(70, wall_step_s=1_000, boot_id=parts.OTHER_BOOT_ID)
    assert isinstance(attend.decide(seen(soon), last(then), POLICY), Refused)
    assert isinstance(attend.decide(seen(later), last(then), POLICY), Punch)


def test_a_wall_clock_that_lost_years_in_a_restart_keeps_nobody_out() -> None:
    back = parts.moment(5, wall_step_s=-1e8, boot_id=parts.OTHER_BOOT_ID)
    assert isinstance(attend.decide(seen(back), last(parts.moment(1_000)), POLICY), Punch)


def test_a_kiosk_that_starts_without_the_time_keeps_nobody_out_by_what_its_clock_showed_before() -> None:
    """It starts at the same wrong time after every power cut, or at the time of the last shutdown: the night before."""
    wrong = parts.moment(20, wall_step_s=1_000, boot_id=parts.OTHER_BOOT_ID)
    unsure = replace(wrong, quality=clock.Quality.UNSYNCED)
    assert isinstance(attend.decide(seen(unsure), last(parts.moment(1_000)), POLICY), Punch)
    again = replace(unsure, monotonic_us=unsure.monotonic_us + 30_000_000)
    assert attend.decide(seen(again), last(unsure), POLICY) == Refused(Why.TOO_SOON, parts.ADA, 7), "within one start it knows"


def test_simulated_pictures_are_refused_by_a_production_policy_and_taken_by_a_demonstration() -> None:
    simulated = replace(seen(parts.moment()), capture=Capture.SIMULATED)
    assert attend.decide(simulated, None, POLICY) == Refused(Why.SIMULATED, parts.ADA)
    assert isinstance(attend.decide(simulated, None, replace(POLICY, allow_simulated=True)), Punch)


def test_failed_liveness_is_refused_even_where_simulation_is_allowed() -> None:
    failed = replace(seen(parts.moment()), liveness=Liveness.FAILED)
    assert attend.decide(failed, None, replace(POLICY, allow_simulated=True)) == Refused(Why.LIVENESS_FAILED, parts.ADA)


def test_a_stranger_is_refused_and_has_no_name() -> None:
    assert attend.decide(Stranger(9, parts.moment(), parts.moment(3)), None, POLICY) == Refused(Why.STRANGER, "", 0)


@pytest.mark.parametrize(
    ("before", "hours", "direction"),
    [
        (None, 0, Direction.IN),
        (Direction.IN, 8, Direction.OUT),
        (Direction.OUT, 1, Direction.IN),
        (Direction.OUT, 15, Direction.IN),
        (Direction.IN, 15.99, Direction.OUT),
        (Direction.IN, 16, Direction.IN),
        (Direction.IN, 24, Direction.IN),
        (Direction.OUT, 24, Direction.IN),
    ],
)
def test_the_proposed_direction(before: Direction | None, hours: float, direction: Direction) -> None:
    known = last(parts.moment(), before) if before else None
    answer = attend.decide(seen(parts.moment(max(hours * HOUR, GAP_S))), known, POLICY)
    assert isinstance(answer, Punch)
    assert answer.direction is direction


def test_a_night_shift_that_ends_after_midnight_goes_out_and_the_next_evening_in() -> None:
    evening, morning, next_evening = parts.moment(13 * HOUR), parts.moment(21 * HOUR), parts.moment(37 * HOUR)
    assert evening.at.date() != morning.at.date()
    out = attend.decide(seen(morning), last(evening), POLICY)
    assert isinstance(out, Punch)
    assert out.direction is Direction.OUT
    again = attend.decide(seen(next_evening), last(morning, Direction.OUT), POLICY)
    assert isinstance(again, Punch)
    assert again.direction is Direction.IN


def test_a_night_shift_that_forgot_to_go_out_comes_in_the_next_evening() -> None:
    answer = attend.decide(seen(parts.moment(24 * HOUR)), last(parts.moment()), POLICY)
    assert isinstance(answer, Punch)
    assert answer.direction is Direction.IN


@pytest.mark.parametrize("claim", list(Claim))
def test_somebody_with_a_look_alike_is_clocked_in_only_after_something_they_have_or_know(claim: Claim) -> None:
    who = replace(seen(parts.moment()), has_look_alike=True, claim=claim)
    answer = attend.decide(who, None, POLICY)
    if claim in (Claim.BADGE, Claim.QR, Claim.PIN):
        assert isinstance(answer, Punch)
    else:
        assert answer == Refused(Why.FACE_NOT_ENOUGH), "and nobody's name is shown: it may be the other's"


def test_a_face_that_is_not_whose_badge_came_first_is_told_so_and_accuses_nobody() -> None:
    stranger = Stranger(8, parts.moment(), parts.moment(2), Claim.BADGE)
    assert attend.decide(stranger, None, POLICY) == Refused(Why.NOT_THEM)


OFFICE_HOURS = messages.Calendar(ZoneInfo("Asia/Shanghai"), messages.read_shifts("office 09:00-18:00"))
BY_SCHEDULE = replace(POLICY, direction=attend.Rule.SCHEDULE, calendar=OFFICE_HOURS)
NINE_HERE = 16 * HOUR  # the tests' start is 17:00 in Shanghai


def direction_of(answer: Punch | Refused) -> Direction:
    assert isinstance(answer, Punch)
    return answer.direction


def test_by_schedule_the_morning_is_in_and_the_evening_out_whatever_the_last_punch_was() -> None:
    morning, evening = parts.moment(NINE_HERE - 300), parts.moment(NINE_HERE + 9 * HOUR + 300)
    assert direction_of(attend.decide(seen(morning), last(parts.moment(), Direction.IN), BY_SCHEDULE)) is Direction.IN
    assert direction_of(attend.decide(seen(evening), last(morning, Direction.OUT), BY_SCHEDULE)) is Direction.OUT


def test_where_the_next_shift_begins_as_ones_own_ends_whoever_came_goes_and_whoever_was_away_comes() -> None:
    three = messages.read_shifts("early 06:00-14:00; late 14:00-22:00; night 22:00-06:00")
    policy = replace(BY_SCHEDULE, calendar=messages.Calendar(ZoneInfo("Asia/Shanghai"), three))
    for begins in (5, 13, 21):  # ten in the evening, six in the morning, two in the afternoon, by the tests' clock
        for minutes in (-2, 0, 5):
            came, went = parts.moment(begins * HOUR - 300), parts.moment((begins + 8) * HOUR + 60 * minutes)
            assert direction_of(attend.decide(seen(came), None, policy)) is Direction.IN
            assert direction_of(attend.decide(seen(went), last(came), policy)) is Direction.OUT
            assert direction_of(attend.decide(seen(came), last(parts.moment(-11 * HOUR), Direction.OUT), policy)) is Direction.IN


def test_far_from_every_shift_the_last_punch_decides() -> None:
    midnight = parts.moment(7 * HOUR)
    assert direction_of(attend.decide(seen(midnight), last(parts.moment(), Direction.IN), BY_SCHEDULE)) is Direction.OUT
    assert direction_of(attend.decide(seen(midnight), None, BY_SCHEDULE)) is Direction.IN


def test_a_clock_that_nobody_set_decides_no_direction_by_the_schedule() -> None:
    unsure = replace(parts.moment(NINE_HERE), quality=clock.Quality.UNSYNCED)
    answer = attend.decide(seen(unsure), last(parts.moment(NINE_HERE - HOUR), Direction.IN), BY_SCHEDULE)
    assert direction_of(answer) is Direction.OUT


@pytest.mark.parametrize("rule", list(attend.Rule))
def test_a_pressed_button_goes_before_every_rule(rule: attend.Rule) -> None:
    about = attend.Circumstances(chosen=Direction.OUT)
    answer = attend.decide(seen(parts.moment(NINE_HERE)), None, replace(BY_SCHEDULE, direction=rule), about)
    assert direction_of(answer) is Direction.OUT


LUNCH = messages.Calendar(ZoneInfo("Asia/Shanghai"), messages.read_shifts("office 09:00-18:00 break 12:00-13:00"))
BREAKS = replace(POLICY, calendar=LUNCH)
HALF_PAST_NINE, NOON_HERE = NINE_HERE + HOUR / 2, NINE_HERE + 3 * HOUR


def proposed(now_s: float, before: Direction | None, before_s: float, policy: Policy) -> Direction:
    known = last(parts.moment(before_s), before) if before else None
    return direction_of(attend.decide(seen(parts.moment(now_s)), known, policy))


@pytest.mark.parametrize("rule", list(attend.Rule))
@pytest.mark.parametrize(
    ("minutes", "before", "direction"),
    [
        (-20, Direction.IN, Direction.BREAK),  # twenty to twelve
        (5, Direction.IN, Direction.BREAK),
        (40, Direction.IN, Direction.BREAK),  # late to lunch, and not back from it
        (40, Direction.BREAK, Direction.BACK),
        (70, Direction.BREAK, Direction.BACK),  # ten past one
        (5, Direction.BACK, Direction.BREAK),
        (-90, Direction.IN, None),  # half past ten has nothing to do with lunch: as without breaks
        (180, Direction.IN, None),
    ],
)
def test_who_is_at_work_when_it_is_time_for_a_break_goes_on_it_and_comes_back_from_it(
    rule: attend.Rule, minutes: float, before: Direction, direction: Direction | None
) -> None:
    policy = replace(BREAKS, direction=rule)
    found = proposed(NOON_HERE + 60 * minutes, before, HALF_PAST_NINE, policy)
    without = replace(policy, breaks=attend.Breaks.NEVER)
    assert found is (direction or proposed(NOON_HERE + 60 * minutes, before, HALF_PAST_NINE, without))
    assert not proposed(NOON_HERE + 60 * minutes, Direction.IN, HALF_PAST_NINE, without).pause


def test_whoever_stays_away_from_a_break_for_hours_has_gone_and_comes_in_anew() -> None:
    assert proposed(NOON_HERE + 3.9 * HOUR, Direction.BREAK, NOON_HERE, BREAKS) is Direction.BACK
    assert proposed(NOON_HERE + 4.1 * HOUR, Direction.BREAK, NOON_HERE, BREAKS) is Direction.IN


def test_at_the_end_of_the_shift_the_schedule_sends_home_also_somebody_who_is_on_a_break() -> None:
    by_schedule = replace(BREAKS, direction=attend.Rule.SCHEDULE, longest_break=timedelta(hours=8))
    assert proposed(NINE_HERE + 9 * HOUR, Direction.BREAK, NOON_HERE, by_schedule) is Direction.OUT


def test_an_unsure_clock_proposes_no_break_but_brings_back_whoever_is_on_one() -> None:
    def answer(before: Direction) -> Direction:
        unsure = replace(parts.moment(NOON_HERE), quality=clock.Quality.UNSYNCED)
        return direction_of(attend.decide(seen(unsure), last(parts.moment(NOON_HERE - HOUR), before), BREAKS))

    assert (answer(Direction.IN), answer(Direction.BREAK)) == (Direction.OUT, Direction.BACK)


@pytest.mark.parametrize(
    ("before", "pressed", "direction"),
    [
        (Direction.IN, Direction.BREAK, Direction.BREAK),
        (None, Direction.BREAK, Direction.BREAK),  # they may have come in elsewhere
        (Direction.BREAK, Direction.BREAK, Direction.BACK),
        (Direction.BREAK, Direction.IN, Direction.BACK),
        (Direction.BREAK, Direction.OUT, Direction.OUT),  # home from the break
        (Direction.BACK, Direction.IN, Direction.IN),
    ],
)
def test_a_button_for_breaks_goes_and_comes_back(before: Direction | None, pressed: Direction, direction: Direction) -> None:
    known = last(parts.moment(), before) if before else None
    about = attend.Circumstances(chosen=pressed)
    assert direction_of(attend.decide(seen(parts.moment(HOUR)), known, POLICY, about)) is direction


@pytest.mark.parametrize(
    ("breaks", "calendar", "there"),
    [
        (attend.Breaks.BY_SHIFT, LUNCH, True),
        (attend.Breaks.BY_SHIFT, OFFICE_HOURS, False),
        (attend.Breaks.BY_SHIFT, None, False),
        (attend.Breaks.ALWAYS, None, True),
        (attend.Breaks.NEVER, LUNCH, False),
    ],
)
def test_breaks_are_there_where_a_shift_or_the_setting_has_them(
    breaks: attend.Breaks, calendar: messages.Calendar | None, there: bool
) -> None:
    assert replace(POLICY, breaks=breaks, calendar=calendar).has_breaks is there


DAYS = st.lists(st.tuples(st.floats(GAP_S, 20 * HOUR), st.sampled_from([None, *Direction])), max_size=30)


@given(DAYS, st.sampled_from(list(attend.Rule)), st.sampled_from(list(attend.Breaks)))
def test_nobody_comes_back_from_a_break_that_they_were_not_on_unless_a_shift_says_so(
    days: list[tuple[float, Direction | None]], rule: attend.Rule, breaks: attend.Breaks
) -> None:
    policy = replace(BREAKS, direction=rule, breaks=breaks)
    now, known = 0.0, None
    for pause_s, pressed in days:
        now += pause_s
        answer = attend.decide(seen(parts.moment(now)), known, policy, attend.Circumstances(chosen=pressed))
        way = direction_of(answer)
        on_break = known is not None and known.direction is Direction.BREAK
        if way is Direction.BACK and pressed is None and rule is not attend.Rule.SCHEDULE:
            assert on_break
        if pressed is None and breaks is attend.Breaks.NEVER:
            assert way is not Direction.BREAK
        if pressed is Direction.OUT:
            assert way is Direction.OUT
        known = last(parts.moment(now), way)


def test_somebody_whose_employment_has_ended_is_told_so_and_an_unsure_clock_ends_none() -> None:
    about = attend.Circumstances(expires_at=parts.START + timedelta(seconds=50))
    assert attend.decide(seen(parts.moment(60)), None, POLICY, about) == Refused(Why.EXPIRED, parts.ADA)
    assert isinstance(attend.decide(seen(parts.moment(49)), None, POLICY, about), Punch)
    assert isinstance(attend.decide(seen(replace(parts.moment(60), quality=clock.Quality.UNSYNCED)), None, POLICY, about), Punch)


CROWDS = st.lists(st.tuples(st.sampled_from([parts.ADA, parts.BOB, "p-" + "ef" * 16]), st.floats(0, 20)), min_size=1, max_size=40)


@given(CROWDS)
def test_within_the_gap_everybody_has_one_record_and_nobody_is_blocked_by_another(looks: list[tuple[str, float]]) -> None:
    known: dict[str, LastPunch] = {}
    punched: list[str] = []
    for number, (person, pause) in enumerate(sorted(looks, key=lambda look: look[1])):
        answer = attend.decide(replace(seen(parts.moment(pause)), person=person), known.get(person), POLICY)
        if isinstance(answer, Punch):
            punched.append(person)
            known[person] = LastPunch(number, answer.identity.accepted_at, answer.direction)
        else:
            assert answer == Refused(Why.TOO_SOON, person, known[person].seq)
    assert sorted(punched) == sorted({person for person, _ in looks})

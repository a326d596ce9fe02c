"""The active challenge: people who follow it pass, pictures and recordings do not, and each rule is shown to be needed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import challenge
from models.challenge import FORWARD, TURNS, Action, Limits, Look, Phase, State, Why
from tests.models.performers import Person, attempt, moments, played

LIMITS = Limits()
TRIES = 200
STILL = Look(0.0, 3.0, 0.1, 0.1, 0.05)


def genuine(seed: int, limits: Limits = LIMITS) -> tuple[State, list[Look]]:
    chance = random.Random(seed)
    return attempt(Person(random.Random(seed + 10_000)), chance, limits)


def acting(action: Action, limits: Limits = LIMITS) -> State:
    """At the moment at which `action` is asked for, the face at rest being STILL."""
    plan = (action, Action.TURN_LEFT if action not in TURNS else Action.SMILE)
    return State(Phase.ACTING, 10.0 + limits.answer_within_s, plan, 0, 10.0, STILL, replace(STILL, at_s=10.0))


def showing(action: Action, at_s: float, way: float = 0.8) -> Look:
    if action in TURNS:
        side = 1 if action is Action.TURN_LEFT else -1
        return replace(STILL, at_s=at_s, turn_deg=STILL.turn_deg + side * 45 * way)
    name = {Action.BLINK: "shut", Action.SMILE: "smile", Action.OPEN_MOUTH: "open"}[action]
    return replace(STILL, at_s=at_s, **{name: way})


def after(state: State, *looks: Look) -> State:
    for look in looks:
        state = challenge.advance(state, look, LIMITS, random.Random(1))
    return state


def shown(action: Action, start_s: float, count: int = 3) -> list[Look]:
    return [showing(action, start_s + number * 0.08) for number in range(count)]


def test_of_200_people_who_follow_it_nine_in_ten_and_more_pass() -> None:
    ended = [genuine(seed)[0] for seed in range(TRIES)]
    assert sum(state.phase is Phase.PASSED for state in ended) >= 0.9 * TRIES


def test_in_200_tries_no_recording_of_somebody_who_passed_passes_again() -> None:
    recordings = [seen for state, seen in (genuine(seed) for seed in range(60)) if state.phase is Phase.PASSED]
    chance = random.Random(5)
    ended = [played(chance.choice(recordings), chance, LIMITS) for _ in range(TRIES)]
    assert not [state for state in ended if state.phase is Phase.PASSED]
    assert {state.phase for state in ended} == {Phase.FAILED}


def test_in_200_tries_no_recording_in_which_somebody_does_everything_passes() -> None:
    """All five, one after the other, again and again: the right one comes by, but never alone."""
    recording, at_s = [], 0.0
    for action in Action:
        recording += [replace(STILL, at_s=at_s + number * 0.08) for number in range(8)] + shown(action, at_s + 0.64, 8)
        at_s += 1.3
    ended = [played(recording, random.Random(seed), LIMITS) for seed in range(TRIES)]
    assert not [state for state in ended if state.phase is Phase.PASSED]


def moved_picture(seed: int) -> list[Look]:
    """A photograph that is shaken and bent: it seems to turn, and nothing in it blinks, smiles or speaks."""
    chance, looks, turn = random.Random(seed), [], 0.0
    for at_s in moments(chance):
        turn = max(-40.0, min(40.0, turn + chance.gauss(0, 6)))
        looks.append(
            Look(at_s, turn, 0.1 + chance.gauss(0, 0.05), max(0.0, 0.2 + chance.gauss(0, 0.1)), abs(chance.gauss(0, 0.05)))
        )
    return looks


def test_in_200_tries_no_picture_passes_however_it_is_moved() -> None:
    ended = [played(moved_picture(seed), random.Random(seed), LIMITS) for seed in range(TRIES)]
    assert {state.phase for state in ended} == {Phase.FAILED}


@pytest.mark.parametrize("action", list(Action))
def test_what_is_asked_for_leads_on_and_back_to_rest(action: Action) -> None:
    done = after(acting(action), *shown(action, 10.5))
    assert done.phase is Phase.RETURNING
    assert done.asked == FORWARD
    rested = after(done, replace(STILL, at_s=11.0))
    assert rested.phase is Phase.RESTING
    assert rested.step == 1


WRONG = [(asked, done) for asked in Action for done in Action if done not in challenge.ALLOWED[asked]]


@pytest.mark.parametrize(("asked", "done"), WRONG)
def test_anything_else_than_what_is_asked_for_fails(asked: Action, done: Action) -> None:
    ended = after(acting(asked), *shown(done, 10.5))
    assert (ended.phase, ended.why) == (Phase.FAILED, Why.WRONG)


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.BLINK])
def test_whoever_acts_before_anything_is_asked_fails(action: Action) -> None:
    resting = replace(acting(action), phase=Phase.RESTING, ask_at_s=12.0)
    assert after(resting, *shown(action, 10.5)).why is Why.WRONG


@pytest.mark.parametrize("action", [action for action in Action if action is not Action.BLINK])
def test_an_answer_sooner_than_anybody_can_react_fails(action: Action) -> None:
    assert after(acting(action), showing(action, 10.1)).why is Why.WRONG


def test_a_blink_of_its_own_is_neither_wrong_nor_an_answer() -> None:
    resting = replace(acting(Action.SMILE), phase=Phase.RESTING, ask_at_s=12.0)
    assert after(resting, showing(Action.BLINK, 10.5)).phase is Phase.RESTING
    asked = acting(Action.BLINK)
    assert after(asked, showing(Action.BLINK, 10.5), replace(STILL, at_s=10.58)).phase is Phase.ACTING
    assert after(asked, *shown(Action.BLINK, 10.5)).phase is Phase.RETURNING


def test_whoever_is_too_slow_begins_again_with_another_plan_and_fails_the_second_time() -> None:
    late = after(acting(Action.SMILE), *(replace(STILL, at_s=10.0 + 0.5 * number) for number in range(1, 8)))
    assert late.phase is Phase.SETTLING
    assert late.tries == 2
    again = replace(acting(Action.SMILE), tries=2)
    ended = after(again, *(replace(STILL, at_s=10.0 + 0.5 * number) for number in range(1, 8)))
    assert (ended.phase, ended.why) == (Phase.FAILED, Why.TOO_LATE)


def test_a_face_that_was_out_of_sight_for_a_moment_fails() -> None:
    state = acting(Action.SMILE)
    assert after(state, replace(STILL, at_s=10.7)).why is Why.LOST
    assert challenge.lapse(state, 10.5, LIMITS).phase is Phase.ACTING
    assert challenge.lapse(state, 10.7, LIMITS).why is Why.LOST


def test_a_head_that_turns_faster_than_heads_turn_is_another_picture() -> None:
    asked = acting(Action.TURN_LEFT)
    ended = after(asked, replace(STILL, at_s=10.4), replace(STILL, at_s=10.48, turn_deg=48.0))
    assert ended.why is Why.JUMPED


def test_nobody_is_measured_while_turned_away_or_with_eyes_shut() -> None:
    state = challenge.begin(0.0, LIMITS)
    away = [replace(STILL, at_s=0.1 * number, turn_deg=35.0) for number in range(10)]
    assert after(state, *away).phase is Phase.SETTLING
    calm = [replace(STILL, at_s=1.0 + 0.1 * number) for number in range(6)]
    assert after(state, *away, *calm).phase is Phase.RESTING


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1), st.integers(3, 6))
def test_every_plan_has_a_turn_and_something_else_and_nothing_that_the_face_does_already(
    seed: int, smile: float, opened: float, steps: int
) -> None:
    still = replace(STILL, smile=smile, open=opened)
    plan = challenge.draw(still, replace(LIMITS, steps=steps), random.Random(seed))
    assert len(plan) == steps
    assert 0 < sum(action in TURNS for action in plan) < steps
    assert smile < LIMITS.full or Action.SMILE not in plan
    assert opened < LIMITS.full or Action.OPEN_MOUTH not in plan


def test_plans_are_many_and_none_is_frequent() -> None:
    chance = random.Random(3)
    plans = [challenge.draw(STILL, LIMITS, chance) for _ in range(10_000)]
    assert len(set(plans)) > 500
    assert max(map(plans.count, set(plans))) < 60


def without(**changed: float) -> Limits:
    return replace(LIMITS, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weaker", "played_again"),
    [(without(steps=2, least_pause_s=0.5, most_pause_s=0.5, answer_within_s=30.0), True), (LIMITS, False)],
    ids=["two steps and no surprise", "as it is"],
)
def test_the_rules_are_what_keeps_recordings_out(weaker: Limits, played_again: bool) -> None:
    recordings = [seen for state, seen in (genuine(seed, weaker) for seed in range(30)) if state.phase is Phase.PASSED]
    chance = random.Random(8)
    passed = [played(chance.choice(recordings), chance, weaker).phase is Phase.PASSED for _ in range(TRIES)]
    assert any(passed) is played_again


@given(st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(-90, 90), *[st.floats(0, 1)] * 3), max_size=60), st.integers(0, 99))
def test_whatever_is_seen_it_ends_within_its_time_or_goes_on_asking(looks: list[tuple[float, ...]], seed: int) -> None:
    state, at_s, chance = challenge.begin(0.0, LIMITS), 0.0, random.Random(seed)
    for passed, *numbers in looks:
        at_s += passed
        state = challenge.advance(state, Look(at_s, *numbers), LIMITS, chance)
        assert state.is_over == (state.asked == "")
        assert not state.is_over or (state.phase is Phase.PASSED) == (state.why is None)


def ends(limits: Limits, behave: Callable[[float], Look]) -> float:
    """When a challenge is over for somebody who behaves so."""
    state, chance = challenge.begin(0.0, limits), random.Random(2)
    for at_s in moments(chance):
        state = challenge.advance(state, behave(at_s), limits, chance)
        if state.is_over:
            return at_s
    return float("inf")


def test_whoever_does_nothing_is_done_within_half_a_minute() -> None:
    assert ends(LIMITS, lambda at_s: replace(STILL, at_s=at_s)) < 30
    assert ends(LIMITS, lambda at_s: replace(STILL, at_s=at_s, turn_deg=60.0)) < 30


@pytest.mark.parametrize("action", list(Action))
def test_a_look_shows_what_is_asked_while_it_is_done_and_no_longer(action: Action) -> None:
    asked = acting(action)
    assert not challenge.shows(asked, LIMITS)
    doing = after(asked, showing(action, 10.5))
    done = after(doing, showing(action, 10.7))
    assert challenge.shows(doing, LIMITS)
    assert done.phase is Phase.RETURNING
    assert challenge.shows(done, LIMITS)
    assert not challenge.shows(after(done, replace(STILL, at_s=11.0)), LIMITS)
    assert not challenge.shows(challenge.begin(0.0, LIMITS), LIMITS)


@pytest.mark.parametrize(
    ("after_s", "turn_deg", "why"),
    [(0.1, 0.0, None), (0.4, 0.0, Why.LOST), (0.1, 60.0, Why.JUMPED)],
    ids=["stays", "away", "jumps"],
)
def test_after_the_last_action_the_face_may_neither_go_nor_jump(after_s: float, turn_deg: float, why: Why | None) -> None:
    passed = State(Phase.PASSED, 0.0, last=replace(STILL, at_s=10.0, turn_deg=0.0))
    state = challenge.follow(passed, replace(STILL, at_s=10.0 + after_s, turn_deg=turn_deg), LIMITS)
    assert state.why is why
    assert challenge.lapse(passed, 10.2, LIMITS).phase is Phase.PASSED
    assert challenge.lapse(passed, 10.4, LIMITS).why is Why.LOST

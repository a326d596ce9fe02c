"""Several people at the kiosk at once: each is answered for, by their own looks alone, and nobody costs more than their budget.

Detector and embedder are scripted as in test_recognise; test_recognise_photographs has the real ones.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device import api, camera, recognise
from device.attend import Claim, Identity, Stranger
from device.challenger import Challenger, Demand
from device.liveness import Guard
from device.liveness import Limits as GuardLimits
from device.messages import Capture, Liveness
from device.outlines import Regard
from device.recognise import Waiting
from models import challenge, match
from models.detect import Box, Face
from models.quality import Reason, Shortfall
from tests.device import parts
from tests.device.test_challenger import LIMITS, Performer, Sure
from tests.device.test_recognise import (
    ADA,
    BOB,
    GALLERY,
    KNOWN,
    NOBODY,
    POLICY,
    Hall,
    Someone,
    answers,
    looking,
    open_gate,
    play,
    unit,
)

EVE = "p-" + "ee" * 16
THREE = recognise.Known(GALLERY.with_template(EVE, unit(3)), 0.5, 0.45)
LEFT, RIGHT = 60.0, 400.0


def side_by_side(ada: float = 120.0, bob: float = 120.0) -> list[Someone]:
    return [Someone(ADA, ada, LEFT), Someone(BOB, bob, RIGHT)]


@dataclass
class Kiosk:
    """A recogniser before a scripted hall."""

    hall: Hall
    recogniser: recognise.Recogniser

    def shown(self, first: int, last: int, step_s: float = 0.1) -> list[recognise.Seen]:
        return [self.recogniser.see(self.hall.frame(number, number * step_s)) for number in range(first, last)]


def kiosk(
    script: Sequence[Sequence[Someone]], known: recognise.Known = KNOWN, policy: recognise.Policy = POLICY, **more: object
) -> Kiosk:
    hall = Hall(script)
    return Kiosk(hall, recognise.Recogniser(looking(hall), open_gate, hall, known, policy, Capture.CAMERA, **more))  # type: ignore[arg-type]


def named(seen: Sequence[recognise.Seen]) -> list[str]:
    return [one.person for one in seen if isinstance(one, Identity)]


def test_two_side_by_side_are_both_named_without_touching_anything() -> None:
    seen, hall = play([side_by_side()] * 8)
    assert sorted(answers(seen)) == ["ada", "bob"]
    assert len(hall.embedded) == 6


def test_their_looks_take_turns_and_no_frame_costs_more_than_one() -> None:
    at = kiosk([side_by_side()] * 8)
    for number in range(6):
        before = len(at.hall.embedded)
        at.shown(number, number + 1)
        assert len(at.hall.embedded) == before + 1
    assert [vector is ADA for vector in at.hall.embedded] == [True, False] * 3


def test_three_people_in_three_seconds_are_three_results() -> None:
    script = [[Someone(ADA)]] * 8 + [[]] * 2 + [[Someone(BOB, x=420)]] * 8 + [[]] * 2 + [[Someone(unit(3, 0.8))]] * 8
    assert named(kiosk(script, THREE).shown(0, len(script))) == [parts.ADA, parts.BOB, EVE]


def test_a_face_that_fails_the_gate_again_and_again_keeps_nobody_waiting() -> None:
    def dark_on_the_left(pixels: NDArray[np.uint8], face: Face, chip: NDArray[np.uint8]) -> tuple[Shortfall, ...]:
        return (Shortfall(Reason.TOO_DARK, 0.0, 1.0),) if face.box.x < 200 else ()

    hall = Hall([side_by_side(ada=130)] * 10)
    recogniser = recognise.Recogniser(looking(hall), dark_on_the_left, hall, KNOWN, POLICY, Capture.CAMERA)
    seen = Kiosk(hall, recogniser).shown(0, 10)
    assert named(seen) == [parts.BOB]
    assert seen[-1] is Waiting.TOO_DARK, "and the one who is still waited for is told why"


def test_a_stranger_beside_an_employee_hinders_nobody() -> None:
    seen, hall = play([[Someone(NOBODY, 130, LEFT), Someone(BOB, 120, RIGHT)]] * 40)
    assert answers(seen) == ["bob", "stranger"]
    assert sum(vector is NOBODY for vector in hall.embedded) == 3


def test_who_stands_behind_is_not_compared_until_they_come_to_the_front() -> None:
    behind = [[Someone(ADA, 180, LEFT), Someone(BOB, 120, RIGHT)]] * 10
    alone = [[Someone(BOB, 120, RIGHT)]] * 10
    at = kiosk(behind + alone)
    assert named(at.shown(0, 10)) == [parts.ADA]
    assert all(vector is ADA for vector in at.hall.embedded)
    assert at.recogniser.outlines[1].regard is Regard.BEHIND
    assert named(at.shown(10, 20)) == [parts.BOB]


def test_who_walks_past_is_not_compared() -> None:
    policy = replace(POLICY, settle=timedelta(milliseconds=200))
    past = [[Someone(ADA, 120, 15.0 * number)] for number in range(30)]
    at = kiosk(past, policy=policy)
    seen = at.shown(0, 30, step_s=1 / 15)
    assert not at.hall.embedded
    assert Waiting.MOVING in seen
    stops = kiosk(past[:10] + [past[10]] * 15, policy=policy)
    assert named(stops.shown(0, 25, step_s=1 / 15)) == [parts.ADA]


def test_a_neighbour_who_looks_aside_is_not_compared_and_the_nearest_may_turn_a_little() -> None:
    class Turned(Hall):
        def faces(self, pixels: NDArray[np.uint8]) -> tuple[Face, ...]:
            found = super().faces(pixels)
            for face in found:
                face.landmarks.setflags(write=True)
                face.landmarks[2, 0] += 0.25 * (face.landmarks[1, 0] - face.landmarks[0, 0])
            return found

    hall = Turned([side_by_side(ada=130, bob=120)] * 12)
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, POLICY, Capture.CAMERA)
    seen = Kiosk(hall, recogniser).shown(0, 12)
    assert named(seen) == [parts.ADA]
    assert seen[-1] is Waiting.TURNED_AWAY


def crossing(steps: int, apart: float = 340.0) -> list[list[Someone]]:
    """Two of one size walk through each other's place."""
    move = apart / steps
    return [
        [Someone(ADA, 120, LEFT + move * number), Someone(BOB, 121, LEFT + apart - move * number)] for number in range(steps + 1)
    ]


@pytest.mark.parametrize("steps", [5, 8, 13, 21, 40])
def test_two_who_cross_swap_nothing(steps: int) -> None:
    """Whoever is named is the one whose face stands where the answer says; each is told once."""
    script = crossing(steps) + [[Someone(ADA, 120, RIGHT), Someone(BOB, 121, LEFT)]] * 15
    at = kiosk(script)
    for number in range(len(script)):
        (said,) = at.shown(number, number + 1)
        if isinstance(said, Identity):
            box = next(one.box for one in at.recogniser.outlines if one.face == said.face)
            at_place = next(someone for someone in script[number] if abs(someone.x - box.x) < 1)
            assert (said.person == parts.ADA) == (at_place.vector is ADA)


def test_votes_from_before_two_came_too_close_count_for_nobody() -> None:
    """Two looks each, then cheek to cheek, then apart again: three more looks each, and both are named once."""
    apart, close = [Someone(ADA, 120, 150), Someone(BOB, 120, 330)], [Someone(ADA, 120, 205), Someone(BOB, 120, 265)]
    at = kiosk([apart] * 3 + [close] * 4 + [apart] * 12)
    at.shown(0, 4)
    assert len(at.hall.embedded) == 4
    assert at.shown(4, 7)[-1] is Waiting.TOO_CLOSE
    assert len(at.hall.embedded) == 4
    found = [one for one in at.shown(7, 19) if isinstance(one, Identity)]
    assert sorted(one.person for one in found) == sorted([parts.ADA, parts.BOB])
    assert all(one.embeddings == 3 and one.accepted_at.monotonic_us >= 600_000 for one in found)


def test_who_was_named_before_they_came_too_close_is_marked_as_told_already() -> None:
    """The line decides what is still to be said: nothing where it is on record, all the rest."""
    apart, close = [Someone(ADA, 120, 150), Someone(BOB, 120, 330)], [Someone(ADA, 120, 205), Someone(BOB, 120, 265)]
    at = kiosk([apart] * 8 + [close] * 4 + [apart] * 20)
    first = [one for one in at.shown(0, 8) if isinstance(one, Identity)]
    again = [one for one in at.shown(8, 32) if isinstance(one, Identity)]
    assert [(one.person, one.is_again) for one in sorted(first, key=lambda one: one.person)] == [
        (parts.ADA, False),
        (parts.BOB, False),
    ]
    assert [(one.person, one.is_again) for one in sorted(again, key=lambda one: one.person)] == [
        (parts.ADA, True),
        (parts.BOB, True),
    ]
    assert {one.regard for one in at.recogniser.outlines} == {Regard.DONE}


def test_who_was_refused_as_a_picture_before_they_came_too_close_is_answered_again() -> None:
    class Doubting(Sure):
        says = 0.01

        def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
            return self.says

    model = Doubting()
    apart, close = [Someone(ADA, 130, 150), Someone(BOB, 130, 345)], [Someone(ADA, 130, 205), Someone(BOB, 130, 270)]
    at = kiosk([apart] * 8 + [close] * 4 + [apart] * 12, guard=Guard(model, GuardLimits()))
    assert {one.liveness for one in at.shown(0, 8) if isinstance(one, Identity)} == {Liveness.FAILED}
    model.says = 0.9
    found = [one for one in at.shown(8, 24) if isinstance(one, Identity)]
    assert sorted(one.person for one in found) == sorted([parts.ADA, parts.BOB])
    assert Liveness.FAILED not in {one.liveness for one in found}


# The budget


def test_an_attempt_without_a_name_is_told_once_and_rests_before_a_fresh_one() -> None:
    seen, hall = play([[Someone(NOBODY)]] * 215)
    (told,) = [one for one in seen if isinstance(one, Stranger)]
    assert (told.looks, told.is_unsure) == (3, False)
    assert len(hall.embedded) == 3 * 3, "at 0, 7 and 19 seconds: the pause is twice as long each time"
    assert Waiting.SPENT in seen


def test_a_fresh_attempt_begins_when_they_step_away_and_come_back() -> None:
    seen, hall = play([[Someone(NOBODY)]] * 22 + [[]] * 8 + [[Someone(ADA)]] * 4)
    assert answers(seen) == ["stranger", "ada"]
    assert len(hall.embedded) == 6
    back = [[Someone(NOBODY)]] * 22 + [[Someone(NOBODY, 60)]] * 9 + [[Someone(ADA, 80)]] * 4
    assert answers(play(back)[0]) == ["stranger", "ada"], "stepping back is stepping away"


def test_too_few_looks_for_a_name_are_said_to_be_unsure_and_not_a_stranger() -> None:
    (unsure,) = [one for one in play([[Someone(ADA)], [Someone(NOBODY)], [Someone(NOBODY)]])[0] if isinstance(one, Stranger)]
    assert unsure.is_unsure


def test_another_way_is_open_while_the_budget_is_spent() -> None:
    at = kiosk([[Someone(NOBODY)]] * 22 + [[Someone(ADA)]] * 8)
    at.shown(0, 22)
    at.recogniser.claim(claimed(parts.ADA, 2.2))
    (who,) = [one for one in at.shown(22, 30) if isinstance(one, Identity)]
    assert (who.person, who.claim, who.embeddings) == (parts.ADA, Claim.BADGE, 3)


people = st.builds(
    Someone,
    st.sampled_from([ADA, BOB, NOBODY, unit(0, 0.49)]),
    st.floats(60, 200),
    st.sampled_from([0.0, 90.0, 180.0, 300.0, 420.0]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(people, max_size=4), min_size=1, max_size=12), st.integers(1, 6), st.integers(0, 9))
def test_no_crowd_makes_an_answer_cost_more_than_three_of_each(scenes: list[list[Someone]], held: int, seed: int) -> None:
    """Whoever comes and goes, in every order; a part of the looks fails the gate."""
    chance = random.Random(seed)

    def gate(pixels: NDArray[np.uint8], face: Face, chip: NDArray[np.uint8]) -> tuple[Shortfall, ...]:
        return (Shortfall(Reason.BLURRED, 0.0, 1.0),) if chance.random() < seed / 20 else ()

    script = [scene for scene in scenes for _ in range(held)]
    hall, guard = Hall(script), Guard(Sure(), GuardLimits(), 72)
    recogniser = recognise.Recogniser(looking(hall), gate, hall, KNOWN, POLICY, Capture.CAMERA, guard)
    seen = Kiosk(hall, recogniser).shown(0, len(script))
    found = [one for one in seen if isinstance(one, Identity | Stranger)]
    assert all(one.embeddings <= 3 and one.liveness_runs <= 3 for one in found if isinstance(one, Identity))
    assert all(one.looks <= 3 for one in found if isinstance(one, Stranger))
    assert len(hall.embedded) <= len(script)
    assert guard.looks <= len(script)


@pytest.mark.parametrize("vector", [ADA, NOBODY], ids=["named", "a stranger"])
def test_whoever_stands_there_for_an_hour_stops_nothing(vector: NDArray[np.float32]) -> None:
    at, answered = kiosk([[Someone(vector, 130, LEFT)], [Someone(vector, 130, LEFT), Someone(BOB, 120, RIGHT)]]), []
    for number in range(1_900):
        answered.append(at.recogniser.see(at.hall.frame(int(number > 1_890), 1.9 * number)))
    assert named(answered[1_880:]) == [parts.BOB]


def test_light_that_was_measured_on_one_face_says_nothing_of_the_next_in_its_place() -> None:
    """A stranger whose face flickers, then somebody enrolled in the same place: no doubt about them."""

    class Beating(Hall):
        def frame(self, number: int, at_s: float) -> camera.Frame:
            found = super().frame(0 if at_s < 4.0 else 1, at_s)
            found.pixels[90:230, 190:330, 1] = 60 + (120 if at_s < 4.0 and number % 2 else 0)
            return found

        def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
            return self._now[0].vector

    hall = Beating([[Someone(NOBODY)], [Someone(ADA)]])
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, POLICY, Capture.CAMERA, Guard(Sure(), GuardLimits()))
    found = [one for one in Kiosk(hall, recogniser).shown(0, 90) if isinstance(one, Identity)]
    assert [one.liveness for one in found] == [Liveness.PASSED]


def test_whoever_was_just_enrolled_is_not_clocked_in_by_it_until_they_step_away() -> None:
    at = kiosk([[Someone(ADA)]] * 20 + [[]] * 10 + [[Someone(ADA)]] * 5)
    at.recogniser.excuse(parts.ADA)
    assert named(at.shown(0, 20)) == []
    assert named(at.shown(20, 35)) == [parts.ADA]
    left = kiosk([[]] * 10 + [[Someone(ADA)]] * 5)
    left.recogniser.excuse(parts.ADA)
    assert named(left.shown(0, 15)) == [parts.ADA], "whoever went away at once is nobody's business when they come back"


NEARER = replace(POLICY, min_face_px=120)  # than a sitting asks for


def test_whoever_was_enrolled_from_farther_away_than_people_clock_in_from_and_leans_in_is_not_clocked_in() -> None:
    far, leaning = [Someone(ADA, 100)], [Someone(ADA, 140, 190)]
    at = kiosk(([far] * 12 + [leaning] * 12) * 2, policy=NEARER)
    at.recogniser.excuse(parts.ADA)
    assert named(at.shown(0, 48)) == []


def test_whoever_was_just_enrolled_and_is_for_a_moment_not_told_from_another_is_not_clocked_in() -> None:
    """Whoever enrolled her leans in, and for one frame it is in doubt which of the two faces is hers."""
    she, leaning = Someone(ADA, 140, LEFT), Someone(NOBODY, 120, LEFT + 50)
    at = kiosk([[she]] * 10 + [[she, leaning]] + [[she, Someone(NOBODY, 120, RIGHT)]] * 12)
    at.recogniser.excuse(parts.ADA)
    assert named(at.shown(0, 10)) == []
    before = {one.face for one in at.recogniser.outlines}
    assert named(at.shown(10, 23)) == []
    assert before.isdisjoint(one.face for one in at.recogniser.outlines), "her face was in doubt"


def test_whoever_was_just_enrolled_and_steps_back_into_the_queue_is_clocked_in_when_their_turn_comes() -> None:
    back = [[Someone(ADA, height)] for height in (140, 105, 80)]
    to_and_fro = [*back, *[back[-1]] * 12, *back[::-1]]
    at = kiosk([[Someone(ADA, 140)]] * 12 + to_and_fro + [[Someone(ADA, 140)]] * 8, policy=NEARER)
    at.recogniser.excuse(parts.ADA)
    assert named(at.shown(0, 15)) == []
    assert named(at.shown(15, 38)) == [parts.ADA]


def test_a_sheet_that_is_opened_right_after_the_enrolment_leaves_it_as_it_is() -> None:
    at = kiosk([[Someone(ADA)]] * 30)
    at.recogniser.excuse(parts.ADA)
    for number in range(15):
        at.recogniser.watch(at.hall.frame(number, number * 0.1))
    assert named(at.shown(15, 30)) == []


# Whose badge, and whose challenge


def claimed(person: str, at_s: float = 0.0, challenge: bool = False) -> recognise.Claimed:
    return recognise.Claimed(person, Claim.BADGE, GALLERY.of_person(person), parts.moment(at_s), challenge)


def test_a_badge_is_that_of_whoever_stands_clearly_nearest_and_the_neighbour_is_still_searched_for() -> None:
    at = kiosk([side_by_side(ada=100, bob=140)] * 8)
    at.recogniser.claim(claimed(parts.BOB))
    found = {one.person: one.claim for one in at.shown(0, 8) if isinstance(one, Identity)}
    assert found == {parts.ADA: Claim.NONE, parts.BOB: Claim.BADGE}


def test_whose_badge_it_was_is_asked_where_two_stand_equally_near_and_who_is_named_as_another_is_not_meant() -> None:
    crowd = recognise.Known(GALLERY, search_from=None, one_to_one=0.45)
    at = kiosk([side_by_side()] * 5 + [side_by_side(bob=160)] * 5, crowd)
    at.recogniser.claim(claimed(parts.BOB))
    assert set(at.shown(0, 5)) == {Waiting.TWO_PEOPLE}
    assert not at.hall.embedded
    assert named(at.shown(5, 10)) == [parts.BOB]
    searched = kiosk([side_by_side()] * 10)
    searched.recogniser.claim(claimed(parts.BOB))
    found = {one.person: one.claim for one in searched.shown(0, 10) if isinstance(one, Identity)}
    assert found[parts.ADA] is Claim.NONE


def test_a_neighbour_who_comes_nearer_does_not_answer_for_a_badge() -> None:
    """Ada's badge is given to the nearest, a stranger; Ada leans in from beside and is found as herself, without the badge."""
    script = [[Someone(NOBODY, 150, LEFT), Someone(ADA, 110, RIGHT)]] * 2 + [
        [Someone(NOBODY, 110, LEFT), Someone(ADA, 150, RIGHT)]
    ] * 30
    at = kiosk(script)
    at.recogniser.claim(claimed(parts.ADA))
    found = [one for one in at.shown(0, 32) if isinstance(one, Identity | Stranger)]
    assert [(type(one), one.claim) for one in found] == [(Identity, Claim.NONE), (Stranger, Claim.BADGE)]


@pytest.mark.parametrize(("look_alikes", "from_s"), [(frozenset({parts.ADA}), 0.4), (frozenset(), 2.4)], ids=["a twin", "anybody"])
def test_who_was_taken_for_another_and_stands_there_alone_can_present_their_badge(
    look_alikes: frozenset[str], from_s: float
) -> None:
    """A face alone was taken for somebody's who looks alike: the badge that the screen asked for is theirs."""
    at = kiosk([[Someone(ADA)]] * 40, replace(KNOWN, look_alikes=look_alikes))
    assert named(at.shown(0, 4)) == [parts.ADA]
    twin = match.Gallery.of([(parts.BOB, unit(0, 0.9))])
    at.recogniser.claim(recognise.Claimed(parts.BOB, Claim.BADGE, twin, parts.moment(0.4)))
    (who,) = [one for one in at.shown(4, 40) if isinstance(one, Identity)]
    assert (who.person, who.claim) == (parts.BOB, Claim.BADGE)
    assert who.first_attempt == parts.moment(from_s)


def test_the_one_who_is_meant_is_drawn_so() -> None:
    at = kiosk([side_by_side(ada=100, bob=140)] * 8)
    at.recogniser.claim(claimed(parts.BOB))
    at.shown(0, 1)
    assert [(one.regard, one.leads) for one in at.recogniser.outlines] == [(Regard.MEANT, True), (Regard.LOOKING, False)]


def test_while_a_look_takes_its_time_the_screen_keeps_what_was_known_a_frame_ago() -> None:
    """The page draws every picture of the camera, from another thread."""
    at, drawn = kiosk([side_by_side()] * 4), []
    at.shown(0, 2)
    embed = at.hall.embed

    def slow(chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        drawn.append({one.face for one in at.recogniser.outlines})
        return embed(chip)

    at.hall.embed = slow  # type: ignore[method-assign]
    at.shown(2, 4)
    assert drawn == [{1, 2}, {1, 2}]


RATE = 12.0


def challenged(
    script: Sequence[Sequence[Someone]],
    performs: Sequence[float],
    seconds: float,
    demand: Demand = Demand.ALWAYS,
    guard: Guard | None = None,
) -> tuple[list[recognise.Seen], list[set[Regard]], Hall]:
    """Both have to show that they are there. `performs`: where the faces are that do what is asked."""
    performer, hall = Performer(), Hall(script)

    class OneOfThem:
        def find(self, pixels: NDArray[np.uint8], face: Face) -> object:
            performer.follows = any(abs(face.box.x - x) < 60 for x in performs)
            return performer.find(pixels, face)

    asked = Challenger(OneOfThem(), demand, LIMITS, random.Random(6))  # type: ignore[arg-type]
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, POLICY, Capture.CAMERA, guard, asked)
    seen, regards = [], []
    for number in range(int(seconds * RATE)):
        performer.at_s = number / RATE
        one = recogniser.see(hall.frame(min(number, len(script) - 1), performer.at_s))
        performer.asked = one.action if isinstance(one, api.Prompt) else challenge.FORWARD
        seen.append(one)
        regards.append({outline.regard for outline in recogniser.outlines})
    return seen, regards, hall


def test_a_challenge_is_one_person_s_and_the_next_one_waits_for_it_without_losing_their_looks() -> None:
    seen, regards, hall = challenged([side_by_side(ada=130)], [LEFT, RIGHT], 60.0)
    found = [(one.person, one.liveness, one.embeddings) for one in seen if isinstance(one, Identity)]
    assert found == [(parts.ADA, Liveness.PASSED, 4), (parts.BOB, Liveness.PASSED, 4)]
    asked = [one for one in regards if Regard.CHALLENGED in one]
    assert asked
    assert len(hall.embedded) - 2 * 4 <= 2 * 8, "and now and then one, whether they still stand there"


def test_a_second_challenge_that_the_last_sign_asks_for_waits_as_well() -> None:
    """Two signs that pass and a third that tips the balance: for both of them at nearly the same time."""

    class Tipping:
        def __init__(self) -> None:
            self.seen: dict[bool, int] = {True: 0, False: 0}

        def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
            self.seen[box.x < 200] += 1
            return 0.0 if self.seen[box.x < 200] == 3 else 0.3

    seen, _, _ = challenged([side_by_side(ada=130)], [LEFT, RIGHT], 60.0, Demand.UNSURE, Guard(Tipping(), GuardLimits()))
    found = [(one.person, one.liveness) for one in seen if isinstance(one, Identity)]
    assert found == [(parts.ADA, Liveness.PASSED), (parts.BOB, Liveness.PASSED)]


def test_a_neighbour_who_does_what_is_asked_does_not_do_it_for_somebody_else() -> None:
    seen, _, _ = challenged([side_by_side(ada=130)], [RIGHT], 25.0)
    found = [(one.person, one.liveness) for one in seen if isinstance(one, Identity)]
    assert found[0] == (parts.ADA, Liveness.FAILED)
    assert (parts.ADA, Liveness.PASSED) not in found


def test_the_last_look_is_kept_for_the_end_of_a_challenge() -> None:
    """Two looks before it and one after are the three of the attempt; the one while they act is the challenge's own."""
    seen, _, _ = challenged([[Someone(ADA)]], [200.0], 30.0)
    (who,) = [one for one in seen if isinstance(one, Identity)]
    assert (who.embeddings, who.votes, who.liveness) == (4, 3, Liveness.PASSED)


def test_an_unknown_gallery_still_asks_each_of_them_to_say_who_they_are() -> None:
    crowd = recognise.Known(match.Gallery(), search_from=None, one_to_one=0.45)
    at = kiosk([side_by_side()] * 3, crowd)
    assert set(at.shown(0, 3)) == {Waiting.SAY_WHO}
    assert {one.waiting for one in at.recogniser.outlines} == {Waiting.SAY_WHO}

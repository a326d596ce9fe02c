"""The face that does what is asked is the one that was named: compared while it acts and when it is over."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from device import api, attempt, recognise
from device.attend import Claim, Identity, Stranger
from device.challenger import Challenger, Demand
from device.liveness import Guard, Limits
from device.messages import Capture, Liveness
from models import challenge
from models.challenge import Phase, State
from models.detect import Box
from tests.device import parts
from tests.device.test_challenger import LIMITS, RATE, Performer
from tests.device.test_recognise import ADA, GALLERY, KNOWN, NOBODY, POLICY, Hall, Someone, looking, open_gate

OWN, SHE, MOVED, NO_ONE = range(4)
SCRIPT: tuple[list[Someone], ...] = ([Someone(NOBODY)], [Someone(ADA)], [Someone(ADA, x=250.0)], [])


@dataclass
class Model:
    """A learned model that cannot tell, but for what the test wants it to say."""

    says: float = 0.15
    runs: int = 0

    def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
        self.runs += 1
        return self.says


@dataclass
class Scene:
    """One walk-up, in which the test sees how far the challenge is and chooses what comes before the camera next."""

    asks_lock: bool = False
    seed: int = 6
    model: Model = field(default_factory=Model)
    performer: Performer = field(default_factory=Performer)

    def __post_init__(self) -> None:
        self.hall = Hall(SCRIPT)
        asked = Challenger(self.performer, Demand.UNSURE, LIMITS, random.Random(self.seed))
        guard = Guard(self.model, Limits(), 1)
        self.recogniser = recognise.Recogniser(
            looking(self.hall), open_gate, self.hall, KNOWN, POLICY, Capture.CAMERA, guard, asked
        )
        if self.asks_lock:
            templates = GALLERY.of_person(parts.ADA)
            self.recogniser.claim(recognise.Claimed(parts.ADA, Claim.NUMBER, templates, parts.moment(), challenge=True))

    @property
    def state(self) -> State | None:
        return next((one.trial._state for one in self.recogniser._people.values() if one.trial is not None), None)

    def plays(self, shows: Callable[[State | None], int], seconds: float = 40.0) -> Identity | Stranger | None:
        """Until the first answer."""
        for number in range(int(seconds * RATE)):
            self.performer.at_s = at_s = number / RATE
            seen = self.recogniser.see(self.hall.frame(shows(self.state), at_s))
            self.performer.asked = seen.action if isinstance(seen, api.Prompt) else challenge.FORWARD
            if isinstance(seen, Identity | Stranger):
                return seen
        return None


def is_over(state: State | None) -> bool:
    return state is not None and state.is_last_stretch


@pytest.mark.parametrize("asks_lock", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_picture_that_is_away_while_somebody_acts_and_back_before_the_last_look_is_refused(asks_lock: bool, seed: int) -> None:
    scene = Scene(asks_lock, seed)

    def picture_but_for_the_acting(state: State | None) -> int:
        is_picture = state is None or is_over(state)
        scene.performer.follows = not is_picture
        return SHE if is_picture else OWN

    who = scene.plays(picture_but_for_the_acting)
    assert isinstance(who, Identity)
    assert (who.person, who.liveness, who.is_challenged) == (parts.ADA, Liveness.FAILED, False)


@pytest.mark.parametrize("seed", range(4))
def test_a_picture_that_is_shown_whenever_nothing_is_acted_is_refused(seed: int) -> None:
    """Back at rest it is the picture again, each time."""
    scene = Scene(seed=seed)

    def picture_at_rest(state: State | None) -> int:
        is_picture = state is None or state.phase in (Phase.SETTLING, Phase.RESTING) or is_over(state)
        return SHE if is_picture else OWN

    who = scene.plays(picture_at_rest)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED


@pytest.mark.parametrize("asks_lock", [False, True])
def test_the_person_themselves_is_passed(asks_lock: bool) -> None:
    scene = Scene(asks_lock)
    who = scene.plays(lambda state: SHE)
    assert isinstance(who, Identity)
    assert (who.liveness, who.is_challenged) == (Liveness.PASSED, True)
    assert who.embeddings <= attempt.MOST_EMBEDDINGS + attempt.MOST_CHALLENGE_LOOKS
    assert who.embeddings == len(scene.hall.embedded) == 4, "two looks, one while she acted, one when it was over"
    assert scene.model.runs == who.liveness_runs == 4


def test_a_picture_that_comes_between_two_frames_of_the_acting_was_not_seen_to_act() -> None:
    """No mesh lies on it, and what the frame before showed says nothing of this one."""
    scene, between = Scene(), [False]
    find = scene.performer.find

    def shows(state: State | None) -> int:
        acts = state is not None and challenge.shows(state, LIMITS)
        between[0] = acts and not between[0]
        return SHE if state is None or is_over(state) or between[0] else OWN

    scene.performer.find = lambda pixels, face: None if between[0] else find(pixels, face)  # type: ignore[method-assign]
    who = scene.plays(shows)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED


def test_a_sign_of_an_attack_in_the_last_look_refuses() -> None:
    scene = Scene()

    def looks_like_a_picture_at_last(state: State | None) -> int:
        scene.model.says = 0.01 if is_over(state) else 0.15
        return SHE

    who = scene.plays(looks_like_a_picture_at_last)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED
    assert scene.model.runs == attempt.MOST_LIVENESS_RUNS + attempt.MOST_LAST_LOOKS


def test_one_poor_last_look_is_followed_by_another() -> None:
    scene = Scene()

    def poor_once(state: State | None) -> int:
        runs = scene.model.runs
        scene.model.says = 0.01 if is_over(state) and runs == attempt.MOST_LIVENESS_RUNS else 0.15
        return SHE

    who = scene.plays(poor_once)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.PASSED


def test_a_face_that_jumps_between_the_last_action_and_the_last_look_is_refused() -> None:
    who = Scene().plays(lambda state: MOVED if is_over(state) else SHE)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED


def test_a_face_that_is_out_of_sight_between_the_last_action_and_the_last_look_is_refused() -> None:
    gone = [0]

    def away_for_a_moment(state: State | None) -> int:
        gone[0] += is_over(state)
        return NO_ONE if 1 <= gone[0] <= 4 else SHE

    who = Scene().plays(away_for_a_moment)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED


def test_a_picture_never_has_more_looks_than_a_challenge_has() -> None:
    scene = Scene()
    who = scene.plays(lambda state: OWN if state is not None else SHE)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED
    assert len(scene.hall.embedded) <= attempt.MOST_EMBEDDINGS + attempt.MOST_CHALLENGE_LOOKS


def too_slow_once(scene: Scene, poor: int) -> Callable[[State | None], int]:
    """The first `poor` looks while somebody acts name nobody; after one that does they stand still until there is another plan."""

    def shows(state: State | None) -> int:
        trial = next((one.trial for one in scene.recogniser._people.values() if one.trial is not None), None)
        if state is None or trial is None:
            return SHE
        scene.performer.follows = state.tries > 1 or not trial._bound
        is_poor = state.tries == 1 and len(scene.hall.embedded) < 2 + poor
        return OWN if is_poor and state.phase in (Phase.ACTING, Phase.RETURNING) else SHE

    return shows


@pytest.mark.parametrize("seed", range(4))
def test_whoever_was_too_slow_once_is_compared_in_the_second_plan_however_many_looks_the_first_one_took(seed: int) -> None:
    scene = Scene(seed=seed)
    tries: list[int] = []

    def shows(state: State | None) -> int:
        tries.append(state.tries if state is not None else 0)
        return play(state)

    play = too_slow_once(scene, attempt.MOST_HEIGHT_LOOKS - 1)
    who = scene.plays(shows, 60.0)
    assert isinstance(who, Identity)
    assert (who.liveness, max(tries)) == (Liveness.PASSED, 2)
    assert who.embeddings <= attempt.MOST_EMBEDDINGS + attempt.MOST_CHALLENGE_LOOKS


def test_whoever_cannot_pass_any_more_is_asked_for_nothing_more() -> None:
    scene = Scene()
    looks: list[int] = []

    def shows(state: State | None) -> int:
        looks.append(len(scene.hall.embedded))
        return OWN if state is not None else SHE

    who = scene.plays(shows)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED
    assert len(scene.hall.embedded) == 2 + attempt.MOST_HEIGHT_LOOKS
    assert 2 + attempt.MOST_HEIGHT_LOOKS not in looks, "it ended in the frame of the last look"

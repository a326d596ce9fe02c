"""A challenge before a slow camera: whoever is there passes, and nobody gains time by hiding their face."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from device import recognise
from device.attend import Identity
from device.challenger import Challenger, Demand
from device.messages import Capture, Liveness
from device.pace import MOST_HELD_UP_S, Pace
from models import challenge
from models.challenge import State
from tests.device import parts
from tests.device.test_challenger import LIMITS, NO_ONE, SCRIPT, SHE, Performer
from tests.device.test_recognise import KNOWN, POLICY, Hall, looking, open_gate

SEEDS = range(4)


@dataclass
class Slow:
    """One walk-up at `rate` frames a second; a look at the face takes `look_s`, and the next frame comes that much later."""

    rate: float
    seed: int
    look_s: float = 0.0
    misses: Callable[[State, int], bool] = lambda state, number: False
    shows: Callable[[State | None], int] = lambda state: SHE
    performer: Performer = field(default_factory=Performer)

    def __post_init__(self) -> None:
        self.hall, self.number, find = Hall(SCRIPT), 0, self.performer.find
        self.has_just_looked = False
        asked = Challenger(self.performer, Demand.ALWAYS, LIMITS, random.Random(self.seed))
        self.recogniser = recognise.Recogniser(looking(self.hall), open_gate, self.hall, KNOWN, POLICY, Capture.CAMERA, None, asked)

        def seldom(pixels: object, face: object) -> object:
            return None if self.state and self.misses(self.state, self.number) else find(pixels, face)  # type: ignore[arg-type]

        self.performer.find = seldom  # type: ignore[method-assign, assignment]

    @property
    def state(self) -> State | None:
        return next((one.trial._state for one in self.recogniser._people.values() if one.trial is not None), None)

    def ends(self) -> Liveness | None:
        at_s = 0.0
        while at_s < 60.0:
            self.performer.at_s, compared = at_s, len(self.hall.embedded)
            seen = self.recogniser.see(self.hall.frame(self.shows(self.state), at_s))
            self.performer.asked = (self.state and self.state.asked) or challenge.FORWARD  # also while no face is seen
            if isinstance(seen, Identity):
                return seen.liveness
            self.number += 1
            self.has_just_looked = len(self.hall.embedded) > compared
            at_s += 1 / self.rate + self.look_s * self.has_just_looked
        return None


def each_fifth(state: State, number: int) -> bool:
    return number % 5 == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rate", [4.0, 6.0, 12.0])
def test_a_mesh_that_is_missed_now_and_then_costs_nobody_their_challenge(rate: float, seed: int) -> None:
    assert Slow(rate, seed, misses=each_fifth).ends() is Liveness.PASSED


@pytest.mark.parametrize("seed", SEEDS)
def test_three_frames_a_second_are_enough_where_no_mesh_is_missed(seed: int) -> None:
    assert Slow(3.0, seed).ends() is Liveness.PASSED


@pytest.mark.parametrize("seed", SEEDS)
def test_the_time_that_our_own_look_takes_is_not_counted(seed: int) -> None:
    """The look holds the next frame up, and no mesh is found in that one."""
    slow = Slow(4.0, seed, look_s=0.25)
    slow.misses = lambda state, number: slow.has_just_looked
    assert slow.ends() is Liveness.PASSED


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_hides_their_face_in_every_other_frame_does_not_make_the_camera_slow(seed: int) -> None:
    """They would have time to put a picture in its place."""
    gone = [0, 0]

    def hides(state: State | None) -> int:
        gone[0] += state is not None
        if state is None or not state.is_last_stretch:
            return NO_ONE if gone[0] % 2 and state is not None else SHE
        gone[1] += 1
        return NO_ONE if gone[1] <= 3 else SHE

    assert Slow(12.0, seed, shows=hides).ends() is Liveness.FAILED
    assert gone[1] > 3


@pytest.mark.parametrize("rate", [5.0, 6.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_before_a_slow_camera_too_a_face_that_is_away_for_long_is_refused(rate: float, seed: int) -> None:
    gone = [0]

    def away_at_last(state: State | None) -> int:
        gone[0] += state is not None and state.is_last_stretch
        return NO_ONE if 1 <= gone[0] <= 2 else SHE

    assert Slow(rate, seed, shows=away_at_last).ends() is Liveness.FAILED


def test_a_stall_is_no_look_of_ours_and_a_look_holds_up_by_no_more_than_a_look_takes() -> None:
    pace = Pace()
    for at_s in (0.0, 0.1, 0.2, 0.3, 2.3, 2.4):
        pace.note(parts.moment(at_s))
    assert pace.frame_s == pytest.approx(0.1)
    assert pace.held_up_s == 0.0
    pace.has_looked()
    pace.note(parts.moment(2.65))
    assert pace.held_up_s == pytest.approx(0.15)
    pace.has_looked()
    pace.note(parts.moment(9.0))
    assert pace.held_up_s == pytest.approx(0.15 + MOST_HELD_UP_S)

"""Whether whoever stands there is there: passive signs in each look, and the challenge where those leave it open or a lock asks.

There is one challenge at a time. What it comes to is the recogniser's to say; here is only whether it was passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from device import comparing, liveness
from device.attempt import Embedder
from device.attend import Identity
from device.camera import Frame
from device.challenger import Challenger, Trial
from device.clock import Moment
from device.comparing import Known
from device.messages import Capture, Liveness
from device.standing import Policy, Standing
from models import align
from models.challenge import Phase
from models.detect import Face
from models.quality import Shortfall


class Gate(Protocol):
    """Says what is wrong with a look before it is compared; models.quality has the real one."""

    def __call__(self, pixels: NDArray[np.uint8], face: Face, chip: NDArray[np.uint8]) -> tuple[Shortfall, ...]: ...


class Ended(NamedTuple):
    """A challenge that is over, whose it was, and whether they passed it."""

    one: Standing
    trial: Trial
    passed: bool


class Prover:
    """Looks for signs of life and of attacks in those who stand here, for the recogniser."""

    def __init__(
        self,
        guard: liveness.Guard | None,
        challenger: Challenger | None,
        gate: Gate,
        embedder: Embedder,
        policy: Policy,
        capture: Capture,
        asked_for: Callable[[Standing], bool],
    ) -> None:
        """`asked_for`: whether what somebody is here for asks for the challenge, as a lock does."""
        self._guard, self._challenger, self._gate = guard, challenger, gate
        self._embedder, self._policy, self._capture, self._asked_for = embedder, policy, capture, asked_for

    def measure_light(self, here: Iterable[Standing], frame: Frame) -> None:
        """How bright each face that has no name yet is in this frame, against the room."""
        if self._guard is None:
            return
        for one in here:
            is_at_rest = one.spent and not one.attempt.looks  # somebody else may come into their place meanwhile
            if not one.is_named and not is_at_rest:
                one.attempt.brightness.append(liveness.brightness(frame.pixels, one.track.face.box))

    def look(self, one: Standing, frame: Frame) -> None:
        """One more run of the passive signs, where one is left to somebody without a name."""
        if not one.is_named and self._guard is not None and one.attempt.has_liveness_runs_left:
            one.attempt.look_for_life(self._guard, frame.pixels, one.track.face.box)

    def assessed(self, one: Standing) -> Liveness:
        """What the signs come to. Nothing good is ever claimed of a camera that is none."""
        verdict = self._verdict(one)
        if verdict is liveness.Verdict.FAILED:
            return Liveness.FAILED
        return self._claimed(is_there=verdict is liveness.Verdict.PASSED)

    def shown(self, *, passed: bool) -> Liveness:
        """What a challenge comes to."""
        return self._claimed(is_there=True) if passed else Liveness.FAILED

    def is_due(self, one: Standing) -> bool:
        """Whether this person has to do what is asked before they are named."""
        asked_for = self._asked_for(one)
        return self._challenger is not None and self._challenger.is_due(self._verdict(one), asked_for=asked_for)

    def is_next(self, one: Standing) -> bool:
        """Whether that is now: before the last look, which is kept for when it is over, of somebody whom that look can name."""
        attempt = one.attempt
        votes = len(attempt.for_person(attempt.named)) if attempt.named else 0
        can_be_named = votes > 0 and votes + 1 >= self._policy.votes
        return can_be_named and attempt.looks_left(self._policy.looks) == 1 and self.is_due(one)

    def begin(self, one: Standing, who: Identity, now: Moment) -> None:
        """From the next frame on this person is asked."""
        if self._challenger is not None:
            one.trial = self._challenger.begin(who, now)

    def go_on(self, here: list[Standing], frame: Frame, known: Known, *, fresh: bool) -> Ended | None:
        """One frame of the challenge, if somebody has one. Whoever passed is compared once more: nobody does it for a picture."""
        found = next(((one, one.trial) for one in here if one.trial is not None), None)
        if found is None:
            return None
        (one, trial), face, now = found, found[0].track.face, frame.moment
        phase = trial.see(frame, face)
        if phase is Phase.FAILED or (phase is Phase.PASSED and not trial.may_confirm(now)):
            return Ended(one, trial, passed=False)
        chip = align.chip(frame.pixels, face.landmarks) if phase is Phase.PASSED and fresh else None
        if chip is None or self._gate(frame.pixels, face, chip):
            return None
        return Ended(one, trial, passed=self._is_still(one, trial.who, known, chip, now))

    def _is_still(self, one: Standing, who: Identity, known: Known, chip: NDArray[np.uint8], now: Moment) -> bool:
        """The last look of the attempt, at this person's templates alone."""
        vector = one.attempt.embed(self._embedder, chip)
        look = comparing.with_one(vector, known, who.person, one.claimed, now)
        one.attempt.looks.append(look)
        return look.person == who.person

    def _verdict(self, one: Standing) -> liveness.Verdict:
        if self._guard is None:
            return liveness.Verdict.NOT_ASSESSED
        return self._guard.verdict(one.attempt.signs, one.attempt.brightness)

    def _claimed(self, *, is_there: bool) -> Liveness:
        return Liveness.PASSED if is_there and self._capture is Capture.CAMERA else Liveness.NOT_ASSESSED

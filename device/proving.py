"""Whether whoever stands there is there: passive signs in each look, and the challenge where those leave it open or a lock asks.

There is one challenge at a time. What it comes to is the recogniser's to say; here is only whether it was passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from device import comparing, liveness
from device.attempt import Embedder, Look
from device.attend import Identity
from device.camera import Frame
from device.challenger import Challenger, Trial
from device.clock import Moment
from device.comparing import Claimed, Known
from device.messages import Capture, Liveness
from device.pace import Pace
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
        behind: Callable[[Standing], Claimed | None],
    ) -> None:
        """`behind`: the claim that somebody is here for, which may ask for the challenge, as a lock's does."""
        self._guard, self._challenger, self._gate = guard, challenger, gate
        self._embedder, self._policy, self._capture, self._behind = embedder, policy, capture, behind
        self._pace = Pace()

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
        claimed = self._behind(one)
        asked_for = claimed is not None and claimed.challenge
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
            one.trial = self._challenger.begin(who, self._behind(one), now, self._pace)
            one.attempt.is_challenged = True

    def go_on(self, here: list[Standing], frame: Frame, known: Known, *, fresh: bool) -> Ended | None:
        """One frame of the challenge, if somebody has one.

        Whoever acts is compared while they do, and once more when it is over: nobody does it for a picture.
        """
        self._pace.note(frame.moment)
        found = next(((one, one.trial) for one in here if one.trial is not None), None)
        if found is None:
            return None
        (one, trial), face, now = found, found[0].track.face, frame.moment
        phase = trial.see(frame, face)
        chip = align.chip(frame.pixels, face.landmarks)
        if trial.wants_a_look:
            trial.looked(is_them=bool(self._compared(one, trial, known, chip, now).person))
        if trial.has_to_end(now):
            return Ended(one, trial, passed=False)
        if phase is not Phase.PASSED or not fresh or self._gate(frame.pixels, face, chip):
            return None
        return self._at_last(one, trial, known, frame, chip)

    def _at_last(self, one: Standing, trial: Trial, known: Known, frame: Frame, chip: NDArray[np.uint8]) -> Ended | None:
        """The last look of the attempt: that person still, and no sign of an attack in this very frame."""
        trial.looked_at_last()
        look = self._compared(one, trial, known, chip, frame.moment)
        if look.person and not self._is_an_attack(one, frame):
            one.attempt.looks.append(look)
            return Ended(one, trial, passed=True)
        return Ended(one, trial, passed=False) if trial.has_to_end(frame.moment) else None

    def _is_an_attack(self, one: Standing, frame: Frame) -> bool:
        if self._guard is None:
            return False
        one.attempt.look_for_life(self._guard, frame.pixels, one.track.face.box)
        sign, one.attempt.sign = one.attempt.sign, None
        return sign is not None and self._guard.verdict([sign], ()) is liveness.Verdict.FAILED

    def _compared(self, one: Standing, trial: Trial, known: Known, chip: NDArray[np.uint8], now: Moment) -> Look:
        """With this person's templates alone."""
        vector = one.attempt.embed(self._embedder, chip)
        return comparing.with_one(vector, known, trial.who.person, trial.claimed, now)

    def _verdict(self, one: Standing) -> liveness.Verdict:
        if self._guard is None:
            return liveness.Verdict.NOT_ASSESSED
        verdict = self._guard.verdict(one.attempt.signs, one.attempt.brightness)
        return liveness.Verdict.UNSURE if verdict is liveness.Verdict.PASSED and one.attempt.is_mixed else verdict

    def _claimed(self, *, is_there: bool) -> Liveness:
        return Liveness.PASSED if is_there and self._capture is Capture.CAMERA else Liveness.NOT_ASSESSED

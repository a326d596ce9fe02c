"""When a person has to show that they are there, and one such trial: the nearest face's mesh in every frame, until it is over.

The rules are models.challenge; here is who is asked, and what the screen says meanwhile. Keeps one identity that waits, no more.
"""

from __future__ import annotations

import enum
import random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device import api
from device.attend import Identity
from device.camera import Frame
from device.clock import Moment
from device.liveness import Verdict
from models import challenge
from models.challenge import Limits, Look, Phase
from models.detect import Face
from models.landmarks import Mesh

CONFIRM_WITHIN_S = 1.5  # after the last action the face has to be seen from the front once more, and be the same person's


class Landmarker(Protocol):
    """Lays a mesh over a face; models.landmarks has the real ones."""

    def find(self, pixels: NDArray[np.uint8], face: Face) -> Mesh | None: ...


class Demand(enum.StrEnum):
    """When the active challenge is asked for."""

    NEVER = "never"
    UNSURE = "unsure"  # when the passive signs leave it open
    ALWAYS = "always"


class Challenger:
    """Knows when a trial is due, and begins it."""

    def __init__(self, landmarker: Landmarker, demand: Demand, limits: Limits, chance: random.Random | None = None) -> None:
        """`chance`: the system's own randomness unless a test wants to know the order."""
        self._landmarker, self._demand, self._limits = landmarker, demand, limits
        self._chance = chance or random.SystemRandom()

    def is_due(self, verdict: Verdict, *, asked_for: bool) -> bool:
        """`asked_for`: by whatever the punch is for, as a lock. Whoever has failed already is asked for nothing."""
        if verdict is Verdict.FAILED:
            return False
        unsure = verdict is Verdict.UNSURE and self._demand is not Demand.NEVER
        return asked_for or unsure or self._demand is Demand.ALWAYS

    def begin(self, who: Identity, now: Moment) -> Trial:
        """A trial for somebody who has been recognised."""
        return Trial(who, self._landmarker, self._limits, self._chance, now)


class Trial:
    """One person's challenge."""

    def __init__(self, who: Identity, landmarker: Landmarker, limits: Limits, chance: random.Random, now: Moment) -> None:
        self.who = who
        self._landmarker, self._limits, self._chance = landmarker, limits, chance
        self._state = challenge.begin(_seconds(now), limits)
        self._over_at_s: float | None = None

    def see(self, frame: Frame, face: Face) -> Phase:
        """One more frame; the phase after it."""
        now_s = _seconds(frame.moment)
        if not self._state.is_over:
            mesh = self._landmarker.find(frame.pixels, face)
            if mesh is None:
                self._state = challenge.lapse(self._state, now_s, self._limits)
            else:
                self._state = challenge.advance(self._state, Look.of(mesh, now_s), self._limits, self._chance)
            self._over_at_s = now_s if self._state.is_over else None
        return self._state.phase

    def may_confirm(self, now: Moment) -> bool:
        """Whether there is still time to see the face once more."""
        return self._over_at_s is not None and _seconds(now) - self._over_at_s <= CONFIRM_WITHIN_S

    def prompt(self, now: Moment) -> api.Prompt:
        """What the screen asks for at this moment."""
        state = self._state
        asked = state.asked or challenge.FORWARD
        left_s = max(0.0, state.until_s - _seconds(now)) if state.phase is Phase.ACTING else 0.0
        return api.Prompt(asked, min(state.step + 1, self._limits.steps), self._limits.steps, round(left_s, 1))


def _seconds(moment: Moment) -> float:
    return moment.monotonic_us / 1_000_000

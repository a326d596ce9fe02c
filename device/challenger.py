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
from device.attempt import MOST_HEIGHT_LOOKS, MOST_LAST_LOOKS
from device.attend import Identity
from device.camera import Frame
from device.clock import Moment
from device.comparing import Claimed
from device.liveness import Verdict
from device.pace import Pace
from device.tracks import is_same_face
from models import challenge
from models.challenge import Action, Limits, Look, Phase, Why
from models.detect import Box, Face
from models.landmarks import Mesh

CONFIRM_WITHIN_S = 1.5  # after the last action the face has to be seen from the front once more, and be the same person's
STEADY = 0.35  # of the face's width: a face that comes back to rest moves less from one frame to the next


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

    def begin(self, who: Identity, claimed: Claimed | None, now: Moment, pace: Pace) -> Trial:
        """A trial for somebody who has been recognised; `claimed`: what they are here for, if they said so."""
        return Trial(who, claimed, self._landmarker, self._limits, self._chance, now, pace)


class Trial:
    """One person's challenge. The face is compared while it acts, at one action that nobody knows before, and when it is over.

    Not while it turns: a face from the side is compared badly. Each order has an action that is no turn.
    """

    def __init__(
        self,
        who: Identity,
        claimed: Claimed | None,
        landmarker: Landmarker,
        limits: Limits,
        chance: random.Random,
        now: Moment,
        pace: Pace,
    ) -> None:
        self.who, self.claimed = who, claimed
        self._landmarker, self._limits, self._chance = landmarker, limits, chance
        self._state = challenge.begin(_seconds(now), limits)
        self._over_at_s: float | None = None
        self._plan: tuple[Action, ...] = ()
        self._chosen, self._bound = -1, False
        self._box: Box | None = None
        self._pace, self._held_up_s = pace, pace.held_up_s
        self._is_meshed = False
        self._height_looks_left, self._last_looks_left = MOST_HEIGHT_LOOKS, MOST_LAST_LOOKS

    def see(self, frame: Frame, face: Face) -> Phase:
        """One more frame; the phase after it."""
        now_s, box = _seconds(frame.moment), self._box
        self._box = face.box
        if self._state.is_last_stretch and box is not None and not is_same_face(box, face.box, STEADY):
            self._state = challenge.fail(self._state, Why.JUMPED)
        mesh = self._landmarker.find(frame.pixels, face)
        self._is_meshed = mesh is not None
        if mesh is None:
            self._state = challenge.lapse(self._state, now_s, self._paced)
        else:
            self._state = self._after(Look.of(mesh, now_s))
            self._held_up_s = self._pace.held_up_s
        if self._state.is_over and self._over_at_s is None:
            self._over_at_s = now_s
        self._choose()
        return self._state.phase

    def _after(self, look: Look) -> challenge.State:
        if self._state.is_over:
            return challenge.follow(self._state, look, self._paced)
        return challenge.advance(self._state, look, self._paced, self._chance)

    @property
    def _paced(self) -> Limits:
        return self._limits.paced(self._pace.frame_s, self._pace.held_up_s - self._held_up_s)

    def _choose(self) -> None:
        """The action at which the face is compared, anew for each plan, with looks of its own; nobody is shown which."""
        if self._state.plan == self._plan:
            return
        self._plan, self._bound, self._height_looks_left = self._state.plan, False, MOST_HEIGHT_LOOKS
        steps = [step for step, action in enumerate(self._plan) if action not in challenge.TURNS]
        self._chosen = self._chance.choice(steps) if steps else -1

    @property
    def wants_a_look(self) -> bool:
        """Whether this very frame shows the chosen action, and it is not known yet whose face does it."""
        acts = self._is_meshed and self._state.step == self._chosen and challenge.shows(self._state, self._limits)
        return acts and not self._bound and self._height_looks_left > 0

    def looked(self, *, is_them: bool) -> None:
        """What one look at the face that acts came to."""
        self._height_looks_left -= 1
        self._pace.has_looked()
        self._bound = is_them

    def looked_at_last(self) -> None:
        """One look at the face after the last action was taken."""
        self._last_looks_left -= 1
        self._pace.has_looked()

    def has_to_end(self, now: Moment) -> bool:
        """Whether it was failed, as a challenge or as that person's; nobody is asked on for what they cannot pass any more."""
        if not self._bound and self._height_looks_left <= 0:
            return True
        if self._state.phase is not Phase.PASSED:
            return self._state.phase is Phase.FAILED
        late = self._over_at_s is not None and _seconds(now) - self._over_at_s > CONFIRM_WITHIN_S
        return late or not self._bound or self._last_looks_left <= 0

    def prompt(self, now: Moment) -> api.Prompt:
        """What the screen asks for at this moment."""
        state = self._state
        asked = state.asked or challenge.FORWARD
        left_s = max(0.0, state.until_s - _seconds(now)) if state.phase is Phase.ACTING else 0.0
        return api.Prompt(asked, min(state.step + 1, self._limits.steps), self._limits.steps, round(left_s, 1))


def _seconds(moment: Moment) -> float:
    return moment.monotonic_us / 1_000_000

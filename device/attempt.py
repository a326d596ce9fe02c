"""One try at saying whose face it is: at most three embeddings and three liveness runs; a challenge has its own.

The only way to either leads through here, so the bound is no habit of the callers. Values in, an outcome out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from device import liveness
from device.clock import Moment
from device.errors import DeviceError
from models import challenge
from models.detect import Box

MOST_EMBEDDINGS = 3
MOST_BRIGHTNESS = 45  # frames: three seconds
MOST_LIVENESS_RUNS = liveness.MOST_LOOKS
MOST_HEIGHT_LOOKS = (
    3  # in each plan of a challenge, at the face while it acts: one is enough, shut eyes and an open mouth cost some
)
MOST_LAST_LOOKS = 2  # and when it is over, each with a run of the passive signs
MOST_CHALLENGE_LOOKS = challenge.Limits().tries * MOST_HEIGHT_LOOKS + MOST_LAST_LOOKS


class OverBudget(DeviceError):
    """More work was asked for one attempt than it may have: a fault of the caller, and never done."""


class Embedder(Protocol):
    """Turns an aligned face into a unit vector; models.embed has the real one."""

    def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Look:
    """One embedded face against the gallery; `person` is empty where nobody was near enough.

    `sign`: what the passive signs say of this very face in this very frame; None where they were not looked for.
    """

    person: str
    score: float
    margin: float
    moment: Moment
    sign: liveness.Sign | None = None


@dataclass(slots=True)
class Attempt:
    """What was seen of one face in one attempt, and what it cost. `begun`: when this person first stood there, to be looked at.

    `sign`: of the newest frame, whose face is not compared yet. `is_challenged`: a challenge has begun, which has looks of its own.
    """

    begun: Moment
    looks: list[Look] = field(default_factory=list)
    sign: liveness.Sign | None = None
    brightness: deque[liveness.Brightness] = field(default_factory=lambda: deque(maxlen=MOST_BRIGHTNESS))
    embeddings: int = 0
    liveness_runs: int = 0
    is_challenged: bool = False

    def embed(self, embedder: Embedder, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The vector of one look. Raises OverBudget instead of one too many."""
        if self.embeddings >= (most := MOST_EMBEDDINGS + self.is_challenged * MOST_CHALLENGE_LOOKS):
            raise OverBudget(f"an attempt has {most} embeddings; one more was asked for")
        self.embeddings += 1
        return embedder.embed(chip)

    def look_for_life(self, guard: liveness.Guard, pixels: NDArray[np.uint8], box: Box) -> None:
        """One run of the passive signs. Raises OverBudget instead of a fourth."""
        if self.liveness_runs >= (most := MOST_LIVENESS_RUNS + self.is_challenged * MOST_LAST_LOOKS):
            raise OverBudget(f"an attempt has {most} liveness runs; one more was asked for")
        self.liveness_runs += 1
        self.sign = guard.look(pixels, box)

    @property
    def has_liveness_runs_left(self) -> bool:
        """Whether the signs may be looked for once more."""
        return self.liveness_runs < MOST_LIVENESS_RUNS

    @property
    def signs(self) -> Sequence[liveness.Sign]:
        """Of the looks that named the one person, and of the newest frame: what else was seen says nothing about that person."""
        named = [look.sign for look in self.looks if look.person]
        return [sign for sign in (*named, self.sign) if sign is not None]

    @property
    def is_mixed(self) -> bool:
        """Whether a look that named nobody came before one that named somebody: it may have been another face."""
        named = [bool(look.person) for look in self.looks]
        return True in named and False in named[: len(named) - named[::-1].index(True)]

    def add(self, look: Look) -> None:
        """One more look, with the sign of its frame."""
        self.looks.append(replace(look, sign=self.sign))
        self.sign = None

    @property
    def named(self) -> str:
        """The one person whom looks named, or nobody."""
        persons = {look.person for look in self.looks if look.person}
        return persons.pop() if len(persons) == 1 else ""

    def contradicts(self, look: Look) -> bool:
        """Whether this look names somebody else than those before: another person stands there."""
        return bool(look.person and self.named and look.person != self.named)

    def for_person(self, person: str) -> Sequence[Look]:
        """The looks that named this person."""
        return [look for look in self.looks if look.person == person]

    def looks_left(self, of: int) -> int:
        """How many looks there may still be, of an attempt with `of`."""
        return min(of, MOST_EMBEDDINGS) - len(self.looks)

    @classmethod
    def starting_with(cls, look: Look) -> Self:
        """The attempt of somebody who was found where another one stood; the look that showed it is their first."""
        return cls(look.moment, [look], embeddings=1, liveness_runs=int(look.sign is not None))

"""One try at saying whose face it is: at most three embeddings and three liveness runs, whatever comes of them.

The only way to either leads through here, so the bound is no habit of the callers. Values in, an outcome out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from device import liveness
from device.clock import Moment
from device.errors import DeviceError
from models.detect import Box

MOST_EMBEDDINGS = 3
MOST_BRIGHTNESS = 45  # frames: three seconds
MOST_LIVENESS_RUNS = liveness.MOST_LOOKS


class OverBudget(DeviceError):
    """More work was asked for one attempt than it may have: a fault of the caller, and never done."""


class Embedder(Protocol):
    """Turns an aligned face into a unit vector; models.embed has the real one."""

    def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Look:
    """One embedded face against the gallery; `person` is empty where nobody was near enough."""

    person: str
    score: float
    margin: float
    moment: Moment


@dataclass(slots=True)
class Attempt:
    """What was seen of one face in one attempt, and what it cost. `begun`: when this person first stood there, to be looked at."""

    begun: Moment
    looks: list[Look] = field(default_factory=list)
    signs: list[liveness.Sign] = field(default_factory=list)
    brightness: deque[liveness.Brightness] = field(default_factory=lambda: deque(maxlen=MOST_BRIGHTNESS))
    embeddings: int = 0
    liveness_runs: int = 0

    def embed(self, embedder: Embedder, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The vector of one look. Raises OverBudget instead of a fourth."""
        if self.embeddings >= MOST_EMBEDDINGS:
            raise OverBudget(f"an attempt has {MOST_EMBEDDINGS} embeddings; a fourth was asked for")
        self.embeddings += 1
        return embedder.embed(chip)

    def look_for_life(self, guard: liveness.Guard, pixels: NDArray[np.uint8], box: Box) -> None:
        """One run of the passive signs. Raises OverBudget instead of a fourth."""
        if self.liveness_runs >= MOST_LIVENESS_RUNS:
            raise OverBudget(f"an attempt has {MOST_LIVENESS_RUNS} liveness runs; a fourth was asked for")
        self.liveness_runs += 1
        self.signs.append(guard.look(pixels, box))

    @property
    def has_liveness_runs_left(self) -> bool:
        """Whether the signs may be looked for once more."""
        return self.liveness_runs < MOST_LIVENESS_RUNS

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
        return cls(look.moment, [look], embeddings=1)

"""Whose face it is: cosines over a matrix of templates. Pure numpy; no file, no clock, no network.

A gallery never changes: adding or removing a person gives another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models import arrays
from models.arrays import Vector
from models.errors import BadInput

DIMENSIONS = 128
UNIT_TOLERANCE = 1e-3  # float32 rounding of 128 numbers stays far below; a vector that was never normalised is far above
NOBODY = -1.0  # the lowest cosine there is: the runner-up of a gallery with one person


@dataclass(frozen=True, slots=True)
class Match:
    """The nearest person, their cosine, and the best cosine of any *other* person (-1.0 if there is none). No decision."""

    person: str
    score: float
    runner_up: float


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Templates: `matrix` (n, 128) float32, unit rows, read-only; row i is of `persons[i]`, who may have several."""

    matrix: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, DIMENSIONS), dtype=np.float32))
    persons: tuple[str, ...] = ()
    _numbers: NDArray[np.int32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises BadInput."""
        matrix = arrays.finite(self.matrix, (len(self.persons), DIMENSIONS), "templates")
        if not np.all(np.abs(np.linalg.norm(matrix, axis=1) - 1) <= UNIT_TOLERANCE):
            raise BadInput("every template must be of unit length; Embedder.embed gives such vectors")
        if not all(self.persons):
            raise BadInput("every template needs a person")
        # Column by column: BLAS streams through the templates at about the pace of memory; row by row took 1.6 times as long.
        matrix = matrix.copy(order="F")
        matrix.setflags(write=False)
        numbers = {person: number for number, person in enumerate(dict.fromkeys(self.persons))}
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "_numbers", np.array([numbers[person] for person in self.persons], dtype=np.int32))

    def __len__(self) -> int:
        return len(self.persons)

    @classmethod
    def of(cls, templates: Sequence[tuple[str, Vector]]) -> Self:
        """A gallery of many templates at once. Raises BadInput."""
        if not templates:
            return cls()
        return cls(np.stack([unit(vector) for _, vector in templates]), tuple(person for person, _ in templates))

    def with_template(self, person: str, vector: Vector) -> Gallery:
        """This gallery and one more template. Raises BadInput."""
        return Gallery(np.concatenate([self.matrix, unit(vector)[None]]), (*self.persons, person))

    def without(self, person: str) -> Gallery:
        """This gallery without any template of `person`; the same if there was none."""
        keep = [row for row, owner in enumerate(self.persons) if owner != person]
        return Gallery(self.matrix[keep], tuple(self.persons[row] for row in keep))

    def rows_like(self, row: int) -> NDArray[np.bool_]:
        """Which rows, (n,), belong to the person of row `row`."""
        return np.asarray(self._numbers == self._numbers[row], dtype=np.bool_)


def best(gallery: Gallery, vector: Vector) -> Match | None:
    """Who in the gallery is most like `vector`, (128,) of unit length; None for an empty gallery. Raises BadInput."""
    probe = unit(vector)
    if not len(gallery):
        return None
    scores = gallery.matrix @ probe
    nearest = int(np.argmax(scores))
    found = float(scores[nearest])
    np.putmask(scores, gallery.rows_like(nearest), NOBODY)
    return Match(gallery.persons[nearest], min(found, 1.0), max(float(np.max(scores)), NOBODY))


def score(a: Vector, b: Vector) -> float:
    """Cosine of two unit vectors, (128,) each: -1 to 1, higher is more alike. Raises BadInput."""
    return float(np.clip(unit(a) @ unit(b), -1, 1))


def unit(vector: Vector) -> Vector:
    """`vector` as (128,) float32, of unit length. Raises BadInput: a zero, NaN or raw vector would match wrongly in silence."""
    checked = arrays.finite(vector, (DIMENSIONS,), "an embedding")
    length = float(np.linalg.norm(checked))
    if abs(length - 1) > UNIT_TOLERANCE:
        raise BadInput(f"an embedding must be of unit length; this one has {length:.4g}")
    return checked

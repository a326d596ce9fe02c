"""Every comparison's score, by blocks of matrix products: genuine scores whole, impostor scores as counts and their upper end.

Pure numpy. A score is kept as its step on a grid of ten-thousandths (rounded down), and a threshold is a step of that grid, so
counts at or above a threshold are exact while memory does not grow with the number of impostor pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation import limits
from models.evaluation.errors import TooLittle
from models.evaluation.labelled import Numbers, Pairs
from models.evaluation.limits import Weights

STEPS_PER_UNIT = 10_000
MOST_STEPS = 2 * STEPS_PER_UNIT
BLOCK = 4_000_000  # scores at a time
MOST_GENUINE = 40_000_000  # pairs, of 6 bytes each
MOST_NEAR = 5_000_000  # impostor pairs whose people are remembered

Steps = NDArray[np.int16]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Impostor pairs at or above the step `floor`: their steps, (n,), and the numbers of their vectors, (n,) each."""

    floor: int
    steps: Steps
    left: Numbers
    right: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """`persons` (vectors,): whose each vector is, ascending. `genuine` (n,) steps and `genuine_person` (n,) of whom.

    `impostors` (steps,): impostor pairs at each step. `listed`: impostor pairs by number where not all were compared.
    """

    persons: Numbers
    people: int
    genuine: Steps
    genuine_person: Numbers
    impostors: NDArray[np.int64]
    near: Near
    listed: tuple[Numbers, Numbers] | None = None

    @property
    def impostor_pairs(self) -> int:
        """How many there are in all."""
        return int(self.impostors.sum())

    def impostors_from(self, step: int) -> int:
        """Impostor pairs that score at or above `step`."""
        return int(self.impostors[step:].sum())

    def genuine_from(self, step: int) -> int:
        """Genuine pairs that score at or above `step`."""
        return int((self.genuine >= step).sum())

    def lowest_step(self, rate: float) -> int:
        """The lowest step at which at most this share of the impostor pairs is matched."""
        matched = np.cumsum(self.impostors[::-1])[::-1]
        return int(np.argmax(np.append(matched, 0) <= rate * self.impostor_pairs))

    def resampled_impostors(self, weights: Weights) -> NDArray[np.float64]:
        """How many impostor pairs there are in each resample of the people, (resamples,)."""
        if self.listed is not None:
            return limits.weighed(weights, self.persons[self.listed[0]], self.persons[self.listed[1]])
        images = np.bincount(self.persons, minlength=self.people).astype(np.float64)
        drawn = images[:, None] * weights
        return np.asarray((drawn.sum(axis=0) ** 2 - (drawn**2).sum(axis=0)) / 2, dtype=np.float64)

    def resampled_matches(self, weights: Weights, step: int) -> NDArray[np.float64] | None:
        """How many of them score at or above `step`; None below the floor of what is remembered."""
        if step < self.near.floor:
            return None
        these = self.near.steps >= step
        return limits.weighed(weights, self.persons[self.near.left[these]], self.persons[self.near.right[these]])


def steps(scores: NDArray[np.float32]) -> Steps:
    """The step of each cosine, rounded down."""
    raised = np.floor((scores.astype(np.float64) + 1) * STEPS_PER_UNIT)
    return np.asarray(np.clip(raised, 0, MOST_STEPS), dtype=np.int16)


def step_of(threshold: float) -> int:
    """The step of a threshold; thresholds are meant to four places."""
    return round((threshold + 1) * STEPS_PER_UNIT)


def cosine(step: int) -> float:
    """The lowest cosine of a step."""
    return round(step / STEPS_PER_UNIT - 1, 4)


def compare(vectors: Vectors, persons: Numbers, floor: float, rate: float) -> Comparisons:
    """All pairs of `vectors`, (n, 128) unit rows sorted by `persons`, (n,) numbers from 0.

    Remembers the people of impostor pairs down to the cosine `floor`, or down to where `rate` of them are matched if that is lower.
    Raises TooLittle.
    """
    people, ends = _people(persons), np.searchsorted(persons, persons, side="right")
    genuine, genuine_person = _genuine(vectors, persons)
    counts = np.zeros(MOST_STEPS + 1, dtype=np.int64)
    for _, found, mask in _impostor_blocks(vectors, ends):
        counts += np.bincount(found[mask], minlength=MOST_STEPS + 1)
    _check(len(genuine), int(counts.sum()))
    from_step = _floor(counts, step_of(floor), rate)
    pieces = []
    for row, found, mask in _impostor_blocks(vectors, ends):
        lefts, rights = np.nonzero(mask & (found >= from_step))
        pieces.append((found[lefts, rights], (lefts + row).astype(np.int32), (rights + row).astype(np.int32)))
    joined = [np.concatenate(column) for column in zip(*pieces, strict=True)]
    return Comparisons(persons, people, genuine, genuine_person, counts, Near(from_step, joined[0], joined[1], joined[2]))


def compare_listed(vectors: Vectors, persons: Numbers, pairs: Pairs, floor: float, rate: float) -> Comparisons:
    """The same for the pairs of a table, whose numbers are rows of `vectors`. Raises TooLittle."""
    found = np.zeros(len(pairs.same), dtype=np.int16)
    for begin in range(0, len(found), BLOCK // 128):
        part = slice(begin, begin + BLOCK // 128)
        found[part] = steps(np.einsum("ij,ij->i", vectors[pairs.left[part]], vectors[pairs.right[part]]))
    genuine, other = pairs.same, ~pairs.same
    _check(int(genuine.sum()), int(other.sum()))
    counts = np.bincount(found[other], minlength=MOST_STEPS + 1).astype(np.int64)
    from_step = _floor(counts, step_of(floor), rate)
    close = other & (found >= from_step)
    near = Near(from_step, found[close], pairs.left[close], pairs.right[close])
    listed = (pairs.left[other], pairs.right[other])
    return Comparisons(persons, _people(persons), found[genuine], persons[pairs.left[genuine]], counts, near, listed)


def _people(persons: Numbers) -> int:
    return int(persons[-1]) + 1 if len(persons) else 0


def _check(genuine: int, impostor: int) -> None:
    if not impostor:
        raise TooLittle("there is no pair of two people to compare; at least two people with a usable photograph each are needed")
    if not genuine:
        raise TooLittle("there is no pair of the same person; at least one person with two usable photographs is needed")


def _floor(counts: NDArray[np.int64], wanted: int, rate: float) -> int:
    """The step from which impostor pairs are remembered: as low as asked for, as high as memory demands."""
    matched = np.append(np.cumsum(counts[::-1])[::-1], 0)
    asked = min(wanted, int(np.argmax(matched <= rate * matched[0])))
    return max(asked, int(np.argmax(matched <= MOST_NEAR)))


def _genuine(vectors: Vectors, persons: Numbers) -> tuple[Steps, Numbers]:
    images = np.bincount(persons).astype(np.int64)
    pairs = int((images * (images - 1) // 2).sum())
    if pairs > MOST_GENUINE:
        raise TooLittle(f"{pairs:,} pairs of the same person are more than the {MOST_GENUINE:,} that fit; give a table of pairs")
    pieces = [np.zeros(0, dtype=np.int16)]
    ends = np.cumsum(images)
    for end, count in zip(ends, images, strict=True):
        own = vectors[end - count : end]
        pieces += [steps(own[row + 1 :] @ own[row]) for row in range(count - 1)]
    return np.concatenate(pieces), np.repeat(np.arange(len(images), dtype=np.int32), images * (images - 1) // 2)


def _impostor_blocks(vectors: Vectors, ends: NDArray[np.int64]) -> Iterator[tuple[int, Steps, NDArray[np.bool_]]]:
    """First row, steps and mask of impostor pairs, for rows from there on against all from there on; each pair once."""
    total, row = len(vectors), 0
    while row < total:
        rows = max(1, BLOCK // (total - row))
        found = steps(vectors[row : row + rows] @ vectors[row:].T)
        yield row, found, np.arange(row, total)[None, :] >= ends[row : row + rows, None]
        row += rows

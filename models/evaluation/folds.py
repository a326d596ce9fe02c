"""Ten-fold accuracy, as LFW's protocol has it: a threshold from nine tenths of the pairs, counted on the tenth. Pure numpy.

For comparison with published figures alone: it weighs both errors the same, which nobody who pays wages does.
Huang, Ramesh, Berg and Learned-Miller, "Labeled Faces in the Wild", 2007, View 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 10
LOST = np.nan  # a pair that could not be compared, because one of its faces was not found: always counted as wrong


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Share of pairs decided rightly: mean of the folds, their standard deviation, and each."""

    mean: float
    deviation: float
    folds: tuple[float, ...]
    pairs: int


def accuracy(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> Accuracy | None:
    """`scores`: (n,) cosines in the order of the table, LOST where a face was missed; None with fewer than ten pairs of a kind.

    The first tenth of the genuine and the first tenth of the impostor pairs are the first fold, and so on: those of LFW's own list
    where the table keeps its order.
    """
    genuine, impostor = np.flatnonzero(same), np.flatnonzero(~same)
    if min(len(genuine), len(impostor)) < FOLDS:
        return None
    parts = [np.concatenate(pair) for pair in zip(np.array_split(genuine, FOLDS), np.array_split(impostor, FOLDS), strict=True)]
    found = []
    for number, held_out in enumerate(parts):
        rest = np.concatenate([part for other, part in enumerate(parts) if other != number])
        found.append(_right(scores[held_out], same[held_out], _best_threshold(scores[rest], same[rest])))
    return Accuracy(float(np.mean(found)), float(np.std(found)), tuple(found), len(same))


def _best_threshold(scores: NDArray[np.float64], same: NDArray[np.bool_]) -> float:
    """Halfway between two neighbouring scores, where most pairs are decided rightly."""
    compared = ~np.isnan(scores)
    order = np.argsort(scores[compared])
    ordered, genuine = scores[compared][order], same[compared][order]
    below = np.concatenate([[0], np.cumsum(~genuine)])  # impostors below the threshold that stands before each score
    above = genuine.sum() - np.concatenate([[0], np.cumsum(genuine)])
    best = int(np.argmax(below + above))
    edges = np.concatenate([[-1.0], ordered, [1.0]])
    return float((edges[best] + edges[best + 1]) / 2)


def _right(scores: NDArray[np.float64], same: NDArray[np.bool_], threshold: float) -> float:
    return float((((scores >= threshold) == same) & ~np.isnan(scores)).mean())

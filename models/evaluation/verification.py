"""1:1: false matches and false non-matches at a threshold, and the rates that the measurement supports.

Pure numpy over counted comparisons. A rate below one event in the data is answered with nothing; no tail is extrapolated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation import limits, scores
from models.evaluation.limits import Estimate, Weights
from models.evaluation.scores import Comparisons


@dataclass(frozen=True, slots=True)
class Point:
    """At this cosine or above two photographs count as one person.

    `fnmr` counts pairs; `fnmr_by_identity` is the mean over the people who have a genuine pair, each counting once.
    """

    threshold: float
    fmr: Estimate
    fnmr: Estimate
    fnmr_by_identity: Estimate


@dataclass(frozen=True, slots=True)
class Target:
    """The lowest threshold with at most this share of impostor pairs matched; no point where one pair is already more."""

    rate: float
    point: Point | None


@dataclass(frozen=True, slots=True)
class Claim:
    """The lowest threshold, not above the highest impostor score, at which FMR's upper limit is at or below `rate`.

    No point: this data does not support the rate.
    """

    rate: float
    point: Point | None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """FMR and FNMR at each cosine of `thresholds`, (n,) each: what the plots draw."""

    thresholds: NDArray[np.float64]
    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]


def point(compared: Comparisons, weights: Weights, step: int) -> Point:
    """Both errors at one step, with their limits."""
    return Point(
        scores.cosine(step), _fmr(compared, weights, step), _fnmr(compared, weights, step), _by_identity(compared, weights, step)
    )


def target(compared: Comparisons, weights: Weights, rate: float) -> Target:
    """What was measured at this false-match rate; nothing where it is less than one pair of the data."""
    if rate * compared.impostor_pairs < 1:
        return Target(rate, None)
    return Target(rate, point(compared, weights, compared.lowest_step(rate)))


def claim(compared: Comparisons, weights: Weights, rate: float) -> Claim:
    """What may be claimed of this false-match rate. The upper limit falls with the threshold, so halving finds the step."""
    low, high = max(compared.lowest_step(rate), compared.near.floor), _highest(compared)
    if low > high or not _fmr(compared, weights, high).supports(rate):
        return Claim(rate, None)
    while low < high:
        middle = (low + high) // 2
        if _fmr(compared, weights, middle).supports(rate):
            high = middle
        else:
            low = middle + 1
    return Claim(rate, point(compared, weights, high))


def curve(compared: Comparisons) -> Curve:
    """Both errors at every step from the lowest score to one beyond the highest."""
    genuine = np.bincount(compared.genuine, minlength=scores.MOST_STEPS + 1)
    matched = np.append(np.cumsum(compared.impostors[::-1])[::-1], 0) / compared.impostor_pairs
    missed = np.append(0, np.cumsum(genuine)) / len(compared.genuine)
    thresholds = np.arange(scores.MOST_STEPS + 2) / scores.STEPS_PER_UNIT - 1
    seen = np.flatnonzero(np.append(genuine + compared.impostors, 0))
    part = slice(int(seen[0]), int(seen[-1]) + 2)
    return Curve(thresholds[part], matched[part], missed[part])


def _highest(compared: Comparisons) -> int:
    """The highest impostor score. Above it nothing was seen, and how far pairs depend on one another cannot be seen either."""
    return int(np.flatnonzero(compared.impostors)[-1])


def _fmr(compared: Comparisons, weights: Weights, step: int) -> Estimate:
    events, of = compared.impostors_from(step), compared.impostor_pairs
    resampled = compared.resampled_matches(weights, step)
    by_person = None if resampled is None else limits.percentiles(resampled, compared.resampled_impostors(weights))
    return Estimate(events / of, events, of, limits.proportion(events, of), by_person)


def _fnmr(compared: Comparisons, weights: Weights, step: int) -> Estimate:
    of = len(compared.genuine)
    events = of - compared.genuine_from(step)
    missed, pairs = _per_person(compared, step)
    by_person = limits.percentiles(missed @ weights, pairs @ weights)
    return Estimate(events / of, events, of, limits.proportion(events, of), by_person)


def _by_identity(compared: Comparisons, weights: Weights, step: int) -> Estimate:
    missed, pairs = _per_person(compared, step)
    has = pairs > 0
    shares, people = missed[has] / pairs[has], int(has.sum())
    mean = float(shares.mean())
    by_person = limits.percentiles(shares @ weights[has], weights[has].sum(axis=0, dtype=np.float64))
    return Estimate(mean, int((shares > 0).sum()), people, limits.proportion(mean * people, people), by_person)


def _per_person(compared: Comparisons, step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Missed and all genuine pairs of each person, (people,) each."""
    below = compared.genuine_person[compared.genuine < step]
    missed = np.bincount(below, minlength=compared.people)
    pairs = np.bincount(compared.genuine_person, minlength=compared.people)
    return missed.astype(np.float64), pairs.astype(np.float64)

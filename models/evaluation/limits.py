"""95 % limits of measured rates: as if every trial were independent, and by resampling the people whom they share.

Pure numpy. Pairs that share a person are not independent trials, so the wider of the two is what may be claimed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float32]  # (people, resamples): how often a person was drawn

CONFIDENCE = 0.95
Z = 1.959964  # two-sided 95 % of the normal distribution
MOST_WEIGHTS = 20_000_000  # of 4 bytes each
LEAST_RESAMPLES = 200  # five of them lie beyond each limit
CHUNK = 4_000  # pairs resampled at a time


@dataclass(frozen=True, slots=True)
class Limits:
    """The true rate lies between the two with 95 % confidence."""

    low: float
    high: float

    def wider(self, other: Limits | None) -> Limits:
        """The span of both."""
        return self if other is None else Limits(min(self.low, other.low), max(self.high, other.high))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate: `value`, from `events` in `of` trials. `by_person` is None where too few people allow no resampling."""

    value: float
    events: int
    of: int
    independent: Limits
    by_person: Limits | None

    @property
    def limits(self) -> Limits:
        """The wider of the two pairs of limits, which always holds the value."""
        return self.independent.wider(self.by_person)

    def supports(self, rate: float) -> bool:
        """Whether `rate` may be claimed: the upper limit is at or below it."""
        return self.limits.high <= rate


def proportion(events: float, of: float) -> Limits:
    """Limits of a proportion from independent trials.

    Wilson's score interval (E. B. Wilson, JASA 22, 1927), and at no event, or nothing but events, the exact one-sided limit
    1 - alpha**(1/n) of Clopper and Pearson (Biometrika 26, 1934), which ISO/IEC 19795-1 gives as the rule of three.
    For the mean of n numbers between 0 and 1 it is safe as well: they vary no more than 0 and 1 with the same mean do.
    """
    if of <= 0:
        return Limits(0.0, 1.0)
    if events <= 0:
        return Limits(0.0, -math.expm1(math.log(1 - CONFIDENCE) / of))
    if events >= of:
        return Limits(math.exp(math.log(1 - CONFIDENCE) / of), 1.0)
    share = events / of
    middle = share + Z * Z / (2 * of)
    half = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    scale = 1 + Z * Z / of
    return Limits(max(0.0, min(share, (middle - half) / scale)), min(1.0, max(share, (middle + half) / scale)))


def exact(events: int, of: int) -> Limits:
    """Limits of a proportion from independent trials, without approximation: Clopper and Pearson (Biometrika 26, 1934).

    At no event, or nothing but events, the one-sided limit, as in `proportion`. For counts up to some ten thousand.
    """
    if of <= 0 or not 0 < events < of:
        return proportion(events, of)
    tail = (1 - CONFIDENCE) / 2
    low = _where(lambda rate: 1 - _at_most(events - 1, of, rate), tail)
    high = _where(lambda rate: -_at_most(events, of, rate), -tail)
    return Limits(low, high)


def _where(rising: Callable[[float], float], value: float) -> float:
    """The rate between 0 and 1 at which a rising function takes this value."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < value else (low, middle)
    return (low + high) / 2


def _at_most(events: int, of: int, rate: float) -> float:
    """How likely at most `events` in `of` trials of this rate are."""
    if not 0 < rate < 1:
        return 1.0 if rate <= 0 else float(events >= of)
    logs = (
        math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * math.log(rate) + (of - k) * math.log1p(-rate)
        for k in range(events + 1)
    )
    return min(1.0, math.fsum(math.exp(log) for log in logs))


def resampled_people(people: int, resamples: int, seed: int) -> Weights:
    """How often each person is drawn when `people` are drawn with replacement, (people, resamples); the same for one seed.

    Bolle, Ratha and Pankanti, "Error analysis of pattern recognition systems: the subsets bootstrap", CVIU 93, 2004. Fewer
    resamples than asked for, but no fewer than 200, where memory would not hold them.
    """
    bounded = max(LEAST_RESAMPLES, min(resamples, MOST_WEIGHTS // max(1, people)))
    random = np.random.default_rng(seed)
    weights = np.empty((people, bounded), dtype=np.float32)
    for column in range(bounded):
        weights[:, column] = np.bincount(random.integers(0, people, people), minlength=people)
    return weights


def weighed(weights: Weights, left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.float64]:
    """Sum over pairs of the product of their people's weights, for each resample; `left` and `right` (n,) are rows of `weights`."""
    total = np.zeros(weights.shape[1], dtype=np.float64)
    for begin in range(0, len(left), CHUNK):
        part = slice(begin, begin + CHUNK)
        total += np.einsum("pr,pr->r", weights[left[part]], weights[right[part]])
    return total


def percentiles(events: NDArray[np.float64], of: NDArray[np.float64]) -> Limits | None:
    """Limits from the rate of each resample; None where half of the resamples hold no trial."""
    usable = of > 0
    if usable.sum() * 2 < len(of) or not len(of):
        return None
    low, high = np.percentile(events[usable] / of[usable], [50 * (1 - CONFIDENCE), 100 - 50 * (1 - CONFIDENCE)])
    return Limits(float(low), float(high))

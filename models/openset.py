"""From an error rate that a person chooses to a score: how high a cosine must be, for a gallery of this many people. Pure.

A rate is offered only where the upper 95 % limit of a measurement supports it; between two measured thresholds the limit is read
off the line through them (logarithm of the rate against the score), and beyond the last one nothing is claimed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

MOST_PEOPLE = 10_000_000  # an answer for a rate that hardly asks for anything


@dataclass(frozen=True, slots=True)
class Bound:
    """At this cosine or above at most this share of impostor pairs matches: the upper 95 % limit of what was measured."""

    threshold: float
    false_match_rate: float


def false_positives(false_match_rate: float, people: int) -> float:
    """FPIR = 1 - (1 - FMR)^N: the share of strangers' searches that name somebody.

    ISO/IEC 19795-1, which warns that comparisons are not independent.
    """
    return -math.expm1(people * math.log1p(-false_match_rate))


def tolerated(rate: float, people: int) -> float:
    """The false-match rate at which a gallery of `people` names strangers at `rate`: the inverse of `false_positives`."""
    return -math.expm1(math.log1p(-rate) / max(1, people))


def threshold(bounds: Sequence[Bound], rate: float, people: int) -> float | None:
    """The lowest cosine at which `rate` is supported for `people`; None where no measured one is high enough."""
    asked = tolerated(rate, people)
    if not bounds or bounds[-1].false_match_rate > asked:
        return None
    if bounds[0].false_match_rate <= asked:
        return bounds[0].threshold
    low, high = next(pair for pair in itertools.pairwise(bounds) if pair[1].false_match_rate <= asked)
    share = math.log(low.false_match_rate / asked) / math.log(low.false_match_rate / high.false_match_rate)
    return low.threshold + share * (high.threshold - low.threshold)


def most_people(bounds: Sequence[Bound], rate: float) -> int:
    """The largest gallery for which some measured threshold supports `rate`; 0 where not even one person's does."""
    if not bounds:
        return 0
    last = bounds[-1].false_match_rate
    if last > rate:
        return 0
    if last <= 0:
        return MOST_PEOPLE
    return min(MOST_PEOPLE, int(math.log1p(-rate) / math.log1p(-last) + 1e-9))


def checked(bounds: Sequence[Bound]) -> tuple[Bound, ...]:
    """`bounds` in order of their thresholds; a limit that rises with the threshold, as samples may, holds below it too."""
    ordered = sorted(bounds, key=lambda bound: bound.threshold)
    found: list[Bound] = []
    highest = 0.0
    for bound in reversed(ordered):
        highest = max(highest, bound.false_match_rate)
        found.append(Bound(bound.threshold, highest))
    return tuple(reversed(found))

"""From an error rate that a person chooses to a score: how high a cosine must be, for a gallery of this many people. Pure.

A rate is offered only where the upper 95 % limit of a measurement supports it; between two measured thresholds the limit is read
off the line through them (logarithm of the rate against the score), and beyond the last one nothing is claimed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LEAST_RATE = 1e-300  # has a logarithm
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


def a_look(rate: float, looks: int, votes: int) -> float:
    """The share of strangers' looks that may name somebody, for at most `rate` of their attempts of up to `looks` looks to do so.

    An attempt names somebody when `votes` looks agree. However they depend on one another, the share of attempts with that many is
    at most looks / votes times the share of looks (Markov's inequality).
    """
    return rate * min(1.0, votes / max(looks, votes))


def limit_at(bounds: Sequence[Bound], cosine: float) -> float:
    """The limit at a cosine between measured ones: on the line through its neighbours; 1 below the first, the last's beyond it."""
    if not bounds or cosine < bounds[0].threshold:
        return 1.0
    for low, high in itertools.pairwise(bounds):
        if cosine < high.threshold:
            share = (cosine - low.threshold) / (high.threshold - low.threshold)
            rates = [math.log(max(bound.false_match_rate, LEAST_RATE)) for bound in (low, high)]
            return math.exp((1 - share) * rates[0] + share * rates[1])
    return bounds[-1].false_match_rate


def contradicts(at_least: Sequence[Bound], bounds: Sequence[Bound]) -> bool:
    """Whether a measurement's lower limits are above another one's upper limits: then that one does not speak for these people."""
    return any(low.false_match_rate > limit_at(bounds, low.threshold) for low in at_least)


class Evidence(Protocol):
    """A measurement that supports thresholds."""

    def threshold(self, rate: float, people: int) -> float | None: ...
    def most_people(self, rate: float) -> int: ...


@dataclass(frozen=True, slots=True)
class OfPairs:
    """Limits of the false-match rate, for galleries of up to `most` people."""

    bounds: tuple[Bound, ...]
    most: int = MOST_PEOPLE

    def threshold(self, rate: float, people: int) -> float | None:
        """The lowest at which `rate` is supported for `people`."""
        return threshold(self.bounds, rate, people) if people <= self.most else None

    def most_people(self, rate: float) -> int:
        """The largest gallery for which it is."""
        return min(self.most, most_people(self.bounds, rate))


@dataclass(frozen=True, slots=True)
class OfSearches:
    """Limits of the share of searches that named a stranger, in a gallery of `people`; a smaller one names no more."""

    named: tuple[Bound, ...]
    people: int

    def threshold(self, rate: float, people: int) -> float | None:
        """The lowest at which `rate` is supported for `people`."""
        good = (bound.threshold for bound in self.named if people <= self.people and bound.false_match_rate <= rate)
        return min(good, default=None)

    def most_people(self, rate: float) -> int:
        """The largest gallery for which it is."""
        return self.people if any(bound.false_match_rate <= rate for bound in self.named) else 0


def supported(evidence: Sequence[Evidence], rate: float, people: int) -> float | None:
    """The lowest threshold that some measurement supports; None where none does."""
    found = (one.threshold(rate, people) for one in evidence)
    return min((cosine for cosine in found if cosine is not None), default=None)


def largest(evidence: Sequence[Evidence], rate: float) -> int:
    """The largest gallery that some measurement supports."""
    return max((one.most_people(rate) for one in evidence), default=0)

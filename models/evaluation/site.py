"""What this site's own templates say: how often one of its people would be taken for another, and how many 1:N may serve.

Pure numpy. Every person plays the stranger to all the others, so the rates are those of the people who really stand at the kiosk;
templates are not looks taken on another day, and the report says so. People are compared a few at a time and no table of all pairs
is ever held: memory grows with their number, not with its square.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import openset
from models.evaluation import limits
from models.evaluation.errors import TooLittle
from models.evaluation.limits import Estimate, Weights
from models.openset import Bound

THRESHOLDS = tuple(round(0.40 + 0.02 * step, 2) for step in range(16))  # 0.40 to 0.70
LEAST_PEOPLE = 20  # below, even no event at all bounds nothing worth knowing
SIZES = 6  # galleries, halved from the whole one
REPEATS = 20
GROWTH = 2  # times the people measured: beyond, a site has to be measured again
BLOCK = 1_000_000  # scores at a time, of which up to five copies are held
SEED = 1


@dataclass(frozen=True, slots=True)
class AtThreshold:
    """At this cosine: `false_match` of pairs, `named` of people as strangers to all the others (FPIR at N - 1), and `mistaken`: of
    templates whose nearest other template is another person's (None where nobody has two)."""

    threshold: float
    false_match: Estimate
    named: Estimate
    mistaken: Estimate | None


@dataclass(frozen=True, slots=True)
class AtSize:
    """Galleries of `people` drawn at random, searched by all the others: the share that were named."""

    people: int
    threshold: float
    named: Estimate


@dataclass(frozen=True, slots=True)
class Site:
    """One site's measurement; `most_people` is how many 1:N may serve at the rate that was asked for, 0 for nobody."""

    people: int
    templates: int
    pairs: int
    rate: float
    thresholds: tuple[AtThreshold, ...]
    sizes: tuple[AtSize, ...]
    most_people: int
    look_alikes: int

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """Upper limits of the false-match rate, for `models.openset`."""
        return openset.checked([Bound(at.threshold, at.false_match.limits.high) for at in self.thresholds])

    @property
    def at_least(self) -> tuple[Bound, ...]:
        """Its lower limits."""
        return tuple(Bound(at.threshold, at.false_match.limits.low) for at in self.thresholds)

    @property
    def named(self) -> tuple[Bound, ...]:
        """Upper limits of the share of people whom a search names as strangers."""
        return openset.checked([Bound(at.threshold, at.named.limits.high) for at in self.thresholds])


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """At or above each of THRESHOLDS: pairs of people, (16,), how many of them each resample drew, (16, resamples), and people whom
    some other one would be taken for, (16,)."""

    pairs: NDArray[np.int64]
    drawn: NDArray[np.float64]
    named: NDArray[np.int64]
    look_alikes: int


Block = tuple[int, NDArray[np.float32]]  # the first person, and (some, people) the best cosine between any of their templates
Tell = Callable[[str, int, int], None]  # what is being done, how much of it is done, and of how much


def measure(
    persons: Sequence[str],
    vectors: NDArray[np.float32],
    rate: float,
    look_alike_at: float,
    tell: Tell = lambda doing, done, of: None,
) -> Site:
    """`vectors`: (n, 128) unit rows, row i of `persons[i]`.

    `rate`: strangers named, per search, that the site accepts. `tell` hears of `templates` compared, then of `thresholds`. Raises
    TooLittle.
    """
    numbers = np.unique(np.array(persons), return_inverse=True)[1].astype(np.int32)
    people = int(numbers.max()) + 1 if len(numbers) else 0
    if people < LEAST_PEOPLE:
        raise TooLittle(
            f"{people} people have a template; at least {LEAST_PEOPLE} are needed before their own scores bound anything"
        )
    weights = limits.resampled_people(people, limits.LEAST_RESAMPLES, SEED)
    matched = _matched(_blocks(numbers, vectors, people, tell), weights, look_alike_at)
    thresholds: list[AtThreshold] = []
    for at in range(len(THRESHOLDS)):
        tell("thresholds", at, len(THRESHOLDS))
        thresholds.append(_at(at, matched, weights, _mistaken(THRESHOLDS[at], numbers, vectors)))
    pairs = people * (people - 1) // 2
    bounds = openset.checked([Bound(at.threshold, at.false_match.limits.high) for at in thresholds])
    chosen = openset.threshold(bounds, rate, people) or THRESHOLDS[-1]
    sizes = _sizes(_blocks(numbers, vectors, people), people, chosen)
    most = _most(bounds, thresholds, people, rate)
    return Site(people, len(numbers), pairs, rate, tuple(thresholds), sizes, most, matched.look_alikes)


def _blocks(
    numbers: NDArray[np.int32], vectors: NDArray[np.float32], people: int, tell: Tell = lambda doing, done, of: None
) -> Iterator[Block]:
    """Some people at a time, whole, against everybody; -1 against themselves."""
    order = np.argsort(numbers, kind="stable")
    ordered = vectors[order]
    starts = np.searchsorted(numbers[order], np.arange(people))
    ends, rows, first = np.append(starts[1:], len(order)), max(1, BLOCK // len(order)), 0
    while first < people:
        tell("templates", int(starts[first]), len(order))
        last = max(first + 1, int(np.searchsorted(ends, starts[first] + rows, side="right")))
        scores = np.maximum.reduceat(ordered[starts[first] : ends[last - 1]] @ ordered.T, starts, axis=1)
        best = np.maximum.reduceat(scores, starts[first:last] - starts[first], axis=0)
        best[np.arange(last - first), np.arange(first, last)] = -1.0
        yield first, best
        first = last


def _matched(blocks: Iterable[Block], weights: Weights, look_alike_at: float) -> Matched:
    """Each pair is counted once, under the highest threshold that it reaches, and at the end under all those below it as well."""
    steps = np.array(THRESHOLDS, dtype=np.float32)
    pairs, named, look_alikes = np.zeros(len(steps), dtype=np.int64), np.zeros(len(steps), dtype=np.int64), 0
    drawn = np.zeros((len(steps), weights.shape[1]), dtype=np.float64)
    for first, best in blocks:
        named += (best.max(axis=1)[:, None] >= steps).sum(axis=0)
        left, right, scores = _pairs_of(best, first, min(THRESHOLDS[0], look_alike_at))
        look_alikes += int((scores >= look_alike_at).sum())
        reached = np.searchsorted(steps, scores, side="right") - 1
        for step in range(len(steps)):
            these = reached == step
            pairs[step] += these.sum()
            drawn[step] += limits.weighed(weights, left[these], right[these])
    return Matched(pairs[::-1].cumsum()[::-1], drawn[::-1].cumsum(axis=0)[::-1], named, look_alikes)


def _pairs_of(
    best: NDArray[np.float32], first: int, least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Pairs at or above `least` of which these are the one with the lower number, (n,) each: the two people and their cosine."""
    rows, right = np.nonzero(best >= least)
    once = right > rows + first
    return rows[once] + first, right[once], best[rows[once], right[once]]


def _at(step: int, matched: Matched, weights: Weights, mistaken: Estimate | None) -> AtThreshold:
    people = len(weights)
    events, of = int(matched.pairs[step]), people * (people - 1) // 2
    all_pairs = ((weights.sum(axis=0) ** 2 - (weights**2).sum(axis=0)) / 2).astype(np.float64)
    by_person = limits.percentiles(matched.drawn[step], all_pairs) if events else None
    false_match = Estimate(events / of, events, of, limits.proportion(events, of), by_person)
    named = int(matched.named[step])
    strangers = Estimate(named / people, named, people, limits.proportion(named, people), None)
    return AtThreshold(THRESHOLDS[step], false_match, strangers, mistaken)


def _mistaken(threshold: float, numbers: NDArray[np.int32], vectors: NDArray[np.float32]) -> Estimate | None:
    """Of templates whose owner has another one: those whose nearest other, at or above the threshold, is somebody else's."""
    several = np.flatnonzero(np.bincount(numbers)[numbers] > 1)
    if not len(several):
        return None
    events = 0
    rows = max(1, BLOCK // len(vectors))
    for begin in range(0, len(several), rows):
        probes = several[begin : begin + rows]
        scores = vectors[probes] @ vectors.T
        scores[np.arange(len(probes)), probes] = -2.0
        best = scores.argmax(axis=1)
        events += int(((scores.max(axis=1) >= threshold) & (numbers[best] != numbers[probes])).sum())
    of, people = len(several), len(np.unique(numbers[several]))
    rate = events / of
    return Estimate(rate, events, of, limits.proportion(events, of), limits.proportion(rate * people, people))


def _sizes(blocks: Iterable[Block], people: int, threshold: float) -> tuple[AtSize, ...]:
    """Random galleries of half the people, a quarter and so on, searched by everybody who is not in them."""
    sizes = sorted({max(1, people >> shift) for shift in range(1, SIZES + 1)})
    galleries = _drawn(sizes, people)
    counted = np.zeros(galleries.shape[1], dtype=np.int64)
    for first, best in blocks:
        is_found = (best >= threshold).astype(np.float32) @ galleries > 0
        counted += (is_found & (galleries[first : first + len(best)] == 0)).sum(axis=0)
    found = []
    for size, named in zip(sizes, counted.reshape(len(sizes), REPEATS).sum(axis=1).tolist(), strict=True):
        once = people - size  # the repeats search for the same people: they make the mean steadier, not the sample larger
        rate = named / (once * REPEATS)
        found.append(AtSize(size, threshold, Estimate(rate, named, once * REPEATS, limits.proportion(rate * once, once), None)))
    return tuple(found)


def _drawn(sizes: Sequence[int], people: int) -> NDArray[np.float32]:
    """(people, sizes x REPEATS): 1 for whoever is in that gallery, else 0."""
    random = np.random.default_rng(SEED)
    galleries = np.zeros((people, len(sizes) * REPEATS), dtype=np.float32)
    for column in range(galleries.shape[1]):
        galleries[random.permutation(people)[: sizes[column // REPEATS]], column] = 1
    return galleries


def _most(bounds: Sequence[Bound], thresholds: Sequence[AtThreshold], people: int, rate: float) -> int:
    """By the false-match rate's limit, though never more than twice those who were measured, for pairs are no independent trials.

    At least as many as there are where their own searches as strangers support the rate.
    """
    direct = people if any(at.named.supports(rate) for at in thresholds) else 0
    return max(direct, min(GROWTH * people, openset.most_people(bounds, rate)))

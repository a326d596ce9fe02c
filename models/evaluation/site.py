"""What this site's own templates say: how often one of its people would be taken for another, and how many 1:N may serve.

Pure numpy. Every person plays the stranger to all the others, so the rates are those of the people who really stand at the kiosk;
templates are not looks taken on another day, and the report says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models import openset
from models.evaluation import limits
from models.evaluation.errors import TooLittle
from models.evaluation.limits import Estimate
from models.openset import Bound

THRESHOLDS = tuple(round(0.40 + 0.02 * step, 2) for step in range(16))  # 0.40 to 0.70
LEAST_PEOPLE = 20  # below, even no event at all bounds nothing worth knowing
SIZES = 6  # galleries, halved from the whole one
REPEATS = 20
GROWTH = 2  # times the people measured: beyond, a site has to be measured again
BLOCK = 2_000_000  # scores at a time
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
    nearest = _nearest_people(numbers, vectors, people, tell)
    thresholds: list[AtThreshold] = []
    for threshold in THRESHOLDS:
        tell("thresholds", len(thresholds), len(THRESHOLDS))
        thresholds.append(_at(threshold, nearest, numbers, vectors))
    pairs = people * (people - 1) // 2
    alike = int((np.triu(nearest, 1) >= look_alike_at).sum())
    bounds = openset.checked([Bound(at.threshold, at.false_match.limits.high) for at in thresholds])
    chosen = openset.threshold(bounds, rate, people) or THRESHOLDS[-1]
    sizes = _sizes(nearest, chosen)
    return Site(people, len(numbers), pairs, rate, tuple(thresholds), sizes, _most(bounds, thresholds, people, rate), alike)


def _nearest_people(numbers: NDArray[np.int32], vectors: NDArray[np.float32], people: int, tell: Tell) -> NDArray[np.float32]:
    """(people, people): the best cosine between any of their templates; -1 on the diagonal."""
    found = np.full((people, people), -1.0, dtype=np.float32)
    order = np.argsort(numbers, kind="stable")
    sorted_vectors = vectors[order]
    starts = np.searchsorted(numbers[order], np.arange(people))
    rows = max(1, BLOCK // max(1, len(vectors)))
    for begin in range(0, len(vectors), rows):
        tell("templates", begin, len(vectors))
        part = slice(begin, begin + rows)
        by_person = np.maximum.reduceat(sorted_vectors[part] @ sorted_vectors.T, starts, axis=1)
        np.maximum.at(found, numbers[order][part], by_person)
    np.fill_diagonal(found, -1.0)
    return found


def _at(threshold: float, nearest: NDArray[np.float32], numbers: NDArray[np.int32], vectors: NDArray[np.float32]) -> AtThreshold:
    people = len(nearest)
    matched = nearest >= threshold
    events, of = int(np.triu(matched, 1).sum()), people * (people - 1) // 2
    weights = limits.resampled_people(people, limits.LEAST_RESAMPLES, SEED)
    left, right = np.nonzero(np.triu(matched, 1))
    drawn = np.einsum("pr,pr->r", weights[left], weights[right]).astype(np.float64)
    all_pairs = ((weights.sum(axis=0) ** 2 - (weights**2).sum(axis=0)) / 2).astype(np.float64)
    by_person = limits.percentiles(drawn, all_pairs) if events else None
    false_match = Estimate(events / of, events, of, limits.proportion(events, of), by_person)
    named = int(matched.any(axis=1).sum())
    strangers = Estimate(named / people, named, people, limits.proportion(named, people), None)
    return AtThreshold(threshold, false_match, strangers, _mistaken(threshold, numbers, vectors))


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


def _sizes(nearest: NDArray[np.float32], threshold: float) -> tuple[AtSize, ...]:
    """Random galleries of half the people, a quarter and so on, searched by everybody who is not in them."""
    random, people = np.random.default_rng(SEED), len(nearest)
    found = []
    for size in sorted({max(1, people >> shift) for shift in range(1, SIZES + 1)}):
        named = searches = 0
        for _ in range(REPEATS):
            drawn = random.permutation(people)
            gallery, strangers = drawn[:size], drawn[size:]
            named += int((nearest[np.ix_(strangers, gallery)] >= threshold).any(axis=1).sum())
            searches += len(strangers)
        rate = named / searches
        once = searches / REPEATS  # the repeats search for the same people: they make the mean steadier, not the sample larger
        found.append(AtSize(size, threshold, Estimate(rate, named, searches, limits.proportion(rate * once, once), None)))
    return tuple(found)


def _most(bounds: Sequence[Bound], thresholds: Sequence[AtThreshold], people: int, rate: float) -> int:
    """By the false-match rate's limit, though never more than twice those who were measured, for pairs are no independent trials.

    At least as many as there are where their own searches as strangers support the rate.
    """
    direct = people if any(at.named.supports(rate) for at in thresholds) else 0
    return max(direct, min(GROWTH * people, openset.most_people(bounds, rate)))

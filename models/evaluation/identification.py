"""1:N: people drawn at random are enrolled from one photograph each, and everybody's other photographs are searched for.

Pure numpy. One photograph is one search; a kiosk's votes over several looks are not modelled. The same for one seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation import limits, scores
from models.evaluation.labelled import Numbers
from models.evaluation.limits import Estimate
from models.evaluation.scores import BLOCK, Comparisons, Steps, Vectors

NOT_ENROLLED = -1


@dataclass(frozen=True, slots=True)
class Trial:
    """A gallery of `size` people at one threshold, the mean of `repeats` random galleries.

    `fpir`: strangers' searches that name somebody. `fnir`: searches of enrolled people that do not name them.
    `mistaken`: searches of enrolled people that name another. `modelled`: 1 - (1 - FMR)**size, computed and not measured;
    `modelled_high` the same from FMR's upper limit. An estimate is None where nobody was left to search for.
    """

    size: int
    threshold: float
    repeats: int
    fpir: Estimate | None
    fnir: Estimate | None
    mistaken: Estimate | None
    modelled: float
    modelled_high: float


@dataclass(frozen=True, slots=True, eq=False)
class _Searches:
    """(n,) each: the probe's person, the best step of that person's template (-1: not enrolled), and of anybody else's."""

    person: Numbers
    own: Steps
    other: Steps


@dataclass(frozen=True, slots=True)
class _Count:
    events: int
    of: int
    people: int


def trials(
    vectors: Vectors, compared: Comparisons, sizes: Sequence[int], false_matches: dict[int, Estimate], repeats: int, seed: int
) -> tuple[Trial, ...]:
    """Every gallery size at every step of `false_matches`, whose values are FMR there. `vectors` are those of `compared`."""
    random = np.random.default_rng(seed)
    found: list[Trial] = []
    for size in sizes:
        runs = [_searches(vectors, compared.persons, _enrolled(compared.persons, size, random)) for _ in range(repeats)]
        found += [_trial(size, step, fmr, runs) for step, fmr in false_matches.items()]
    return tuple(found)


def modelled(false_match_rate: float, size: int) -> float:
    """FPIR of `size` independent comparisons: 1 - (1 - FMR)**size; ISO/IEC 19795-1 warns that they are not independent."""
    return float(-np.expm1(size * np.log1p(-min(false_match_rate, 1 - 1e-12))))


def _enrolled(persons: Numbers, size: int, random: np.random.Generator) -> Numbers:
    """The rows of one random photograph of each of `size` random people."""
    counts = np.bincount(persons)
    first = np.cumsum(counts) - counts
    drawn = random.choice(len(counts), size, replace=False)
    return np.asarray(first[drawn] + random.integers(0, counts[drawn]), dtype=np.int32)


def _searches(vectors: Vectors, persons: Numbers, enrolled: Numbers) -> _Searches:
    probes = np.setdiff1d(np.arange(len(persons), dtype=np.int32), enrolled)
    column = np.full(int(persons[-1]) + 1, NOT_ENROLLED, dtype=np.int64)
    column[persons[enrolled]] = np.arange(len(enrolled))
    own, other = np.full(len(probes), -1, dtype=np.int16), np.empty(len(probes), dtype=np.int16)
    rows = max(1, BLOCK // len(enrolled))
    for begin in range(0, len(probes), rows):
        part = slice(begin, begin + rows)
        found = scores.steps(vectors[probes[part]] @ vectors[enrolled].T)
        where = column[persons[probes[part]]]
        mated = np.flatnonzero(where != NOT_ENROLLED)
        own[begin + mated] = found[mated, where[mated]]
        found[mated, where[mated]] = -1
        other[part] = found.max(axis=1)
    return _Searches(persons[probes], own, other)


def _trial(size: int, step: int, fmr: Estimate, runs: Sequence[_Searches]) -> Trial:
    strangers = [_count(run.other >= step, run.own < 0, run.person) for run in runs]
    missed = [_count((run.own < step) | (run.other >= run.own), run.own >= 0, run.person) for run in runs]
    mistaken = [_count((run.other >= step) & (run.other >= run.own), run.own >= 0, run.person) for run in runs]
    expected = modelled(fmr.value, size), modelled(fmr.limits.high, size)
    return Trial(size, scores.cosine(step), len(runs), _mean(strangers), _mean(missed), _mean(mistaken), *expected)


def _count(event: NDArray[np.bool_], counts: NDArray[np.bool_], person: Numbers) -> _Count:
    return _Count(int((event & counts).sum()), int(counts.sum()), len(np.unique(person[counts])))


def _mean(runs: Sequence[_Count]) -> Estimate | None:
    """The rate over all galleries. Its limits take the searches of one gallery, then each person of it, for one trial."""
    events, of = sum(run.events for run in runs), sum(run.of for run in runs)
    if not of:
        return None
    rate, searches = events / of, of / len(runs)
    people = sum(run.people for run in runs) / len(runs)
    return Estimate(rate, events, of, limits.proportion(rate * searches, searches), limits.proportion(rate * people, people))

"""The whole evaluation: photographs in, every rate with its limits out. What the page, the JSON and the command show.

The result holds rates, counts and scores; of the people it knows how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation import acquire, folds, identification, limits, scores, verification
from models.evaluation.acquire import Acquired, Failure, Instruments, Progress, Which
from models.evaluation.errors import TooLittle
from models.evaluation.folds import Accuracy
from models.evaluation.identification import Trial
from models.evaluation.labelled import LabelledSet, Numbers, Pairs
from models.evaluation.limits import Estimate
from models.evaluation.scores import Comparisons, Vectors
from models.evaluation.verification import Claim, Curve, Point, Target

TARGET_RATES = (1e-3, 1e-4, 1e-5)
CLAIM_RATES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
GALLERIES = (10, 100, 500)
SUSPECT = 0.50  # two people scored this far up in LFW only where a label, or a face in the background, was wrong


@dataclass(frozen=True, slots=True)
class Options:
    """`thresholds`: cosines to report at; `searched`: those of them for the galleries, whose sizes are `galleries`;
    `groups`: of each person of the set, or none."""

    thresholds: tuple[float, ...]
    searched: tuple[float, ...] = ()
    galleries: tuple[int, ...] = GALLERIES
    groups: tuple[str, ...] | None = None
    repeats: int = 10
    resamples: int = 1000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How many photographs gave a vector, and why the others did not. `lost_*`: listed pairs that could not be compared."""

    people: int
    photographs: int
    ignored: int
    failed: Estimate
    reasons: dict[Failure, int]
    several: int
    not_nearest: int
    which: Which
    lost_genuine: int
    lost_impostor: int
    digest: str


@dataclass(frozen=True, slots=True)
class Subgroup:
    """People of one label among themselves; no points where they hold no genuine or no impostor pair."""

    name: str
    people: int
    photographs: int
    failed: Estimate
    points: tuple[Point, ...]
    curve: Curve | None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All that was measured. `suspects`: steps of impostor pairs at or above 0.50, highest first, as cosines."""

    options: Options
    acquisition: Acquisition
    people: int
    all_pairs: bool
    genuine_pairs: int
    genuine_people: int
    impostor_pairs: int
    resamples: int
    points: tuple[Point, ...]
    targets: tuple[Target, ...]
    claims: tuple[Claim, ...]
    curve: Curve
    genuine_scores: NDArray[np.int64]
    impostor_scores: NDArray[np.int64]
    trials: tuple[Trial, ...]
    subgroups: tuple[Subgroup, ...]
    suspects: tuple[float, ...]
    suspect_pairs: tuple[tuple[int, int], ...]
    ten_folds: Accuracy | None = None


def evaluate(
    labelled: LabelledSet,
    pairs: Pairs | None,
    instruments: Instruments,
    options: Options,
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Looks at every photograph, compares, counts. Raises TooLittle where there is nothing to compare, and ModelError."""
    acquired = acquire.acquire(labelled, instruments, progress)
    if not len(acquired.vectors):
        raise TooLittle(f"none of the {len(labelled.pictures)} photographs gave a face: {_reasons(acquired)}")
    usable = None if pairs is None else _renumbered(pairs, acquired, len(labelled.pictures))
    numbers = _compact(acquired.persons)
    compared = _compare(acquired.vectors, numbers, usable, options)
    weights = limits.resampled_people(compared.people, options.resamples, options.seed)
    points = tuple(verification.point(compared, weights, step) for step in _steps(options))
    suspects, suspect_pairs = _suspects(compared, acquired)
    return Evaluation(
        options,
        _acquisition(labelled, pairs, usable, acquired, instruments.which),
        compared.people,
        pairs is None,
        len(compared.genuine),
        len(np.unique(compared.genuine_person)),
        compared.impostor_pairs,
        weights.shape[1],
        points,
        tuple(verification.target(compared, weights, rate) for rate in TARGET_RATES),
        tuple(verification.claim(compared, weights, rate) for rate in CLAIM_RATES),
        verification.curve(compared),
        np.bincount(compared.genuine, minlength=scores.MOST_STEPS + 1),
        compared.impostors,
        _trials(acquired.vectors, compared, points, options),
        _subgroups(labelled, acquired, usable, options),
        suspects,
        suspect_pairs,
        None if pairs is None else _ten_folds(pairs, acquired, len(labelled.pictures)),
    )


def _ten_folds(pairs: Pairs, acquired: Acquired, pictures: int) -> Accuracy | None:
    """Of the listed pairs, in their order; those that could not be compared count as wrong."""
    rows = _rows(acquired, pictures)
    left, right = rows[pairs.left], rows[pairs.right]
    found = np.full(len(left), folds.LOST)
    both = (left >= 0) & (right >= 0)
    found[both] = np.einsum("ij,ij->i", acquired.vectors[left[both]], acquired.vectors[right[both]])
    return folds.accuracy(found, pairs.same)


def _steps(options: Options) -> list[int]:
    return sorted({scores.step_of(threshold) for threshold in options.thresholds})


def _compare(vectors: Vectors, persons: Numbers, pairs: Pairs | None, options: Options) -> Comparisons:
    floor = min(*options.thresholds, SUSPECT)
    if pairs is None:
        return scores.compare(vectors, persons, floor, max(CLAIM_RATES))
    return scores.compare_listed(vectors, persons, pairs, floor, max(CLAIM_RATES))


def _compact(persons: Numbers) -> Numbers:
    """The same people numbered from 0 without holes."""
    return np.asarray(np.unique(persons, return_inverse=True)[1], dtype=np.int32)


def _renumbered(pairs: Pairs, acquired: Acquired, pictures: int) -> Pairs:
    """The pairs whose two photographs gave vectors, by the rows of those."""
    rows = _rows(acquired, pictures)
    left, right = rows[pairs.left], rows[pairs.right]
    both = (left >= 0) & (right >= 0)
    return Pairs(left[both], right[both], pairs.same[both])


def _rows(acquired: Acquired, pictures: int) -> Numbers:
    """The row of each picture's vector, -1 where it gave none."""
    rows = np.full(pictures, -1, dtype=np.int32)
    rows[acquired.pictures] = np.arange(len(acquired.pictures), dtype=np.int32)
    return rows


def _acquisition(labelled: LabelledSet, pairs: Pairs | None, usable: Pairs | None, acquired: Acquired, which: Which) -> Acquisition:
    lost_genuine = lost_impostor = 0
    if pairs is not None and usable is not None:
        lost_genuine = int(pairs.same.sum() - usable.same.sum())
        lost_impostor = len(pairs.same) - len(usable.same) - lost_genuine
    return Acquisition(
        len({picture.person for picture in labelled.pictures}),
        len(labelled.pictures),
        labelled.ignored,
        _failed(len(acquired.failures), len(labelled.pictures)),
        acquire.counted(acquired.failures),
        acquired.several,
        acquired.not_nearest,
        which,
        lost_genuine,
        lost_impostor,
        acquired.digest,
    )


def _failed(failures: int, photographs: int) -> Estimate:
    return Estimate(failures / photographs, failures, photographs, limits.proportion(failures, photographs), None)


def _reasons(acquired: Acquired) -> str:
    return ", ".join(f"{reason.value} {count}" for reason, count in acquire.counted(acquired.failures).items() if count)


def _suspects(compared: Comparisons, acquired: Acquired) -> tuple[tuple[float, ...], tuple[tuple[int, int], ...]]:
    """Scores and numbers of pictures of the impostor pairs that look like one person, highest first."""
    near = compared.near
    order = [int(place) for place in np.argsort(-near.steps, kind="stable") if near.steps[place] >= scores.step_of(SUSPECT)]
    pairs = tuple((int(acquired.pictures[near.left[place]]), int(acquired.pictures[near.right[place]])) for place in order)
    return tuple(scores.cosine(int(near.steps[place])) for place in order), pairs


def _trials(vectors: Vectors, compared: Comparisons, points: Sequence[Point], options: Options) -> tuple[Trial, ...]:
    sizes = sorted({size for size in options.galleries if 0 < size < compared.people})
    false_matches = {scores.step_of(point.threshold): point.fmr for point in points if point.threshold in options.searched}
    return identification.trials(vectors, compared, sizes, false_matches, options.repeats, options.seed)


def _subgroups(labelled: LabelledSet, acquired: Acquired, pairs: Pairs | None, options: Options) -> tuple[Subgroup, ...]:
    if options.groups is None:
        return ()
    names = np.array(options.groups)
    return tuple(_subgroup(str(name), names == name, labelled, acquired, pairs, options) for name in np.unique(names))


def _subgroup(
    name: str, member: NDArray[np.bool_], labelled: LabelledSet, acquired: Acquired, pairs: Pairs | None, options: Options
) -> Subgroup:
    pictures = [number for number, picture in enumerate(labelled.pictures) if member[picture.person]]
    people = len({labelled.pictures[number].person for number in pictures})
    failed = _failed(sum(number in acquired.failures for number in pictures), max(1, len(pictures)))
    rows = np.flatnonzero(member[acquired.persons])
    try:
        inside = None if pairs is None else _inside(pairs, rows, len(acquired.persons))
        compared = _compare(acquired.vectors[rows], _compact(acquired.persons[rows]), inside, options)
    except TooLittle:
        return Subgroup(name, people, len(pictures), failed, (), None)
    weights = limits.resampled_people(compared.people, options.resamples, options.seed)
    points = tuple(verification.point(compared, weights, step) for step in _steps(options))
    return Subgroup(name, people, len(pictures), failed, points, verification.curve(compared))


def _inside(pairs: Pairs, rows: NDArray[np.int64], vectors: int) -> Pairs:
    """The pairs between two of these rows, by their places among them."""
    places = np.full(vectors, -1, dtype=np.int32)
    places[rows] = np.arange(len(rows), dtype=np.int32)
    left, right = places[pairs.left], places[pairs.right]
    both = (left >= 0) & (right >= 0)
    return Pairs(left[both], right[both], pairs.same[both])

"""A site's own templates: what they say about searching them, and what they cannot say."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation import limits, site
from models.evaluation.errors import TooLittle


def people(count: int, each: int = 1, seed: int = 1) -> tuple[list[str], NDArray[np.float32]]:
    """Random faces: no two people look alike, and the templates of one are close to each other."""
    random = np.random.default_rng(seed)
    faces = np.repeat(random.standard_normal((count, 128)), each, axis=0)
    vectors = (faces + 0.2 * random.standard_normal(faces.shape)).astype(np.float32)
    return [f"p{row // each}" for row in range(count * each)], vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_fewer_than_twenty_people_say_nothing() -> None:
    names, vectors = people(19)
    with pytest.raises(TooLittle, match="19 people"):
        site.measure(names, vectors, 0.05, 0.45)


def test_whoever_waits_hears_how_far_the_measurement_is() -> None:
    names, vectors = people(30)
    told: list[tuple[str, int, int]] = []
    site.measure(names, vectors, 0.05, 0.45, lambda doing, done, of: told.append((doing, done, of)))
    assert told[0] == ("templates", 0, 30)
    assert [done for doing, done, _ in told if doing == "thresholds"] == list(range(len(site.THRESHOLDS)))


def test_the_counts_are_those_of_going_through_the_pairs_one_by_one() -> None:
    names, vectors = people(30, each=2)
    vectors[2 * 7] = vectors[2 * 3]  # a template of person 7 is one of person 3
    found = site.measure(names, vectors, 0.05, 0.45)
    scores = vectors @ vectors.T
    owner = np.repeat(np.arange(30), 2)
    for at in found.thresholds:
        matched = {(a, b) for a, b in zip(*np.nonzero(scores >= at.threshold), strict=True) if owner[a] != owner[b]}
        pairs = {tuple(sorted((owner[a], owner[b]))) for a, b in matched}
        assert at.false_match.events == len(pairs)
        assert at.false_match.of == 30 * 29 / 2
        assert at.named.events == len({owner[a] for a, _ in matched})
        assert at.mistaken is not None
        assert at.mistaken.events in (1, 2)  # the copied one, and of equal ones whichever comes first
    assert found.look_alikes == 1


def alike(count: int, each: int, towards: float) -> tuple[list[str], NDArray[np.float32]]:
    """People some of whom look alike, their templates in no order."""
    names, vectors = people(count, each)
    vectors = vectors + towards * vectors[0]
    shuffled = np.random.default_rng(2).permutation(len(names))
    unit = vectors[shuffled] / np.linalg.norm(vectors[shuffled], axis=1, keepdims=True)
    return [names[row] for row in shuffled], np.asarray(unit, dtype=np.float32)


def of_every_pair(names: list[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(people, people): the best cosine between any of their templates, -1 on the diagonal, in a table of all pairs."""
    numbers = np.unique(names, return_inverse=True)[1]
    table = np.full((numbers.max() + 1,) * 2, -1.0, dtype=np.float32)
    np.maximum.at(table, (numbers[:, None], numbers[None, :]), vectors @ vectors.T)
    np.fill_diagonal(table, -1.0)
    return table


@pytest.mark.parametrize(("count", "each", "towards"), [(50, 2, 0.5), (120, 1, 0.7), (40, 3, 3.0)])
@pytest.mark.parametrize("block", [1, 700, site.BLOCK])
def test_people_taken_a_few_at_a_time_count_as_in_a_table_of_all_pairs(
    monkeypatch: pytest.MonkeyPatch, count: int, each: int, towards: float, block: int
) -> None:
    names, vectors = alike(count, each, towards)
    monkeypatch.setattr(site, "BLOCK", block)
    found = site.measure(names, vectors, 0.05, 0.45)
    table, pairs = of_every_pair(names, vectors), count * (count - 1) // 2
    weights = limits.resampled_people(count, limits.LEAST_RESAMPLES, site.SEED)
    drawn_pairs = ((weights.sum(axis=0) ** 2 - (weights**2).sum(axis=0)) / 2).astype(np.float64)
    for at in found.thresholds:
        left, right = np.nonzero(np.triu(table >= at.threshold, 1))
        drawn = np.einsum("pr,pr->r", weights[left], weights[right]).astype(np.float64)
        by_person = limits.percentiles(drawn, drawn_pairs) if len(left) else None
        independent = limits.proportion(len(left), pairs)
        assert at.false_match == limits.Estimate(len(left) / pairs, len(left), pairs, independent, by_person)
        assert at.named.events == (table >= at.threshold).any(axis=1).sum()
    assert found.look_alikes == (np.triu(table, 1) >= 0.45).sum()
    random, named = np.random.default_rng(site.SEED), dict.fromkeys([size.people for size in found.sizes], 0)
    for size in sorted(named):
        for _ in range(site.REPEATS):
            drawn_people = random.permutation(count)
            searched = table[np.ix_(drawn_people[size:], drawn_people[:size])]
            named[size] += int((searched >= found.sizes[0].threshold).any(axis=1).sum())
    assert {size.people: size.named.events for size in found.sizes} == named


def test_no_table_of_all_pairs_is_held_which_the_daemon_would_be_ended_for_at_a_large_site() -> None:
    names, vectors = people(3_000)
    tracemalloc.start()
    try:
        site.measure(names, vectors, 0.05, 0.45)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 3_000 * 3_000 * 4


def test_with_one_template_each_nobody_knows_how_often_a_person_is_taken_for_another() -> None:
    names, vectors = people(30)
    assert all(at.mistaken is None for at in site.measure(names, vectors, 0.05, 0.45).thresholds)


def test_a_limit_is_never_below_what_was_counted_and_a_gallery_may_at_most_double() -> None:
    names, vectors = people(400)
    found = site.measure(names, vectors, 0.05, 0.45)
    for at, bound in zip(found.thresholds, found.bounds, strict=True):
        assert bound.false_match_rate >= at.false_match.value
        assert at.named.limits.high >= at.named.value
    assert found.most_people == 800


def test_a_site_of_people_who_all_look_alike_is_not_searched() -> None:
    names, vectors = people(60)
    alike = vectors + 3 * vectors[0]
    alike /= np.linalg.norm(alike, axis=1, keepdims=True)
    assert site.measure(names, np.asarray(alike, dtype=np.float32), 0.05, 0.45).most_people == 0

"""A site's own templates: what they say about searching them, and what they cannot say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation import site
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

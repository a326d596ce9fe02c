"""Cosines over a gallery: who is nearest, who is second, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import match
from models.errors import BadInput, ModelError
from models.match import Gallery, Match

Vector = NDArray[np.float32]


def direction(seed: int) -> Vector:
    vector = np.random.default_rng(seed).standard_normal(match.DIMENSIONS).astype(np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def test_nobody_is_best_in_an_empty_gallery() -> None:
    assert match.best(Gallery(), direction(1)) is None
    assert len(Gallery()) == 0


def test_the_only_person_has_no_rival() -> None:
    found = match.best(Gallery().with_template("ann", direction(1)), direction(1))
    assert found == Match("ann", found.score if found else 0, -1.0)
    assert found.score == pytest.approx(1, abs=1e-6)


def test_the_second_best_is_another_person_not_another_template_of_the_same() -> None:
    ann, nearly_ann, bob = direction(1), direction(1) + 0.1 * direction(2), direction(3)
    nearly_ann /= np.linalg.norm(nearly_ann)
    gallery = Gallery.of([("ann", ann), ("ann", nearly_ann), ("bob", bob)])
    found = match.best(gallery, ann)
    assert found is not None
    assert found.person == "ann"
    assert found.runner_up == pytest.approx(match.score(ann, bob), abs=1e-6)


def test_a_gallery_never_changes_and_a_person_leaves_it_whole() -> None:
    first = Gallery.of([("ann", direction(1)), ("bob", direction(2)), ("ann", direction(3))])
    without = first.without("ann")
    assert first.persons == ("ann", "bob", "ann")
    assert without.persons == ("bob",)
    assert np.array_equal(without.matrix, first.matrix[1:2])
    assert without.without("nobody").persons == ("bob",)
    with pytest.raises(ValueError, match="read-only"):
        first.matrix[0, 0] = 0


def test_changing_the_array_that_a_gallery_was_made_from_does_not_change_the_gallery() -> None:
    matrix = direction(1)[None].copy()
    gallery = Gallery(matrix, ("ann",))
    matrix[0, 0] = 9
    assert gallery.matrix[0, 0] == direction(1)[0]


@pytest.mark.parametrize(
    "vector",
    [
        np.zeros(128, np.float32),
        np.full(128, np.nan, np.float32),
        np.full(128, np.inf, np.float32),
        np.ones(128, np.float32),
        direction(1)[:127],
        direction(1)[None],
        np.ones(128, np.int32),
        [0.0] * 128,
        None,
    ],
    ids=["zero", "NaN", "infinite", "not unit", "127 numbers", "two axes", "integers", "list", "None"],
)
def test_what_is_no_embedding_is_refused_everywhere(vector: Vector) -> None:
    gallery = Gallery().with_template("ann", direction(1))
    for call in (
        lambda: match.best(gallery, vector),
        lambda: match.best(Gallery(), vector),
        lambda: match.score(direction(1), vector),
        lambda: match.score(vector, direction(1)),
        lambda: gallery.with_template("bob", vector),
        lambda: Gallery.of([("bob", vector)]),
    ):
        with pytest.raises(BadInput):
            call()


def test_a_template_without_an_owner_and_a_matrix_of_another_length_are_refused() -> None:
    with pytest.raises(BadInput, match="person"):
        Gallery().with_template("", direction(1))
    with pytest.raises(ModelError, match="templates must be"):
        Gallery(direction(1)[None], ("ann", "bob"))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 10_000)), min_size=1, max_size=30), st.integers(0, 10_000))
def test_the_answer_is_that_of_going_through_the_templates_one_by_one(rows: list[tuple[str, int]], seed: int) -> None:
    probe = direction(seed)
    gallery = Gallery.of([(person, direction(number)) for person, number in rows])
    scores = [(float(direction(number) @ probe), person) for person, number in rows]
    found = match.best(gallery, probe)
    assert found is not None
    assert found.score == pytest.approx(max(scores)[0], abs=1e-5)
    assert found.runner_up == pytest.approx(
        max([score for score, person in scores if person != found.person], default=-1.0), abs=1e-5
    )

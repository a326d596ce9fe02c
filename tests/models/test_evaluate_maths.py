"""Counts, limits and searches of an evaluation, against examples that a person can redo with pencil and paper."""

from __future__ import annotations

import itertools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.evaluation import identification, limits, scores, verification
from models.evaluation.errors import TooLittle
from models.evaluation.labelled import Pairs
from models.evaluation.scores import Comparisons, Vectors


def vectors_with(*cosines: float) -> Vectors:
    """Unit vectors (n, 128) in one plane whose cosine to the first axis is as given."""
    plane = np.zeros((len(cosines), 128), dtype=np.float32)
    plane[:, 0] = cosines
    plane[:, 1] = np.sqrt(1 - np.square(cosines))
    return plane


def random_set(seed: int, people: int, images: int) -> tuple[Vectors, NDArray[np.int32]]:
    random = np.random.default_rng(seed)
    middle = random.normal(size=(people, 1, 128))
    raw = (middle + random.normal(size=(people, images, 128)) * 1.5).reshape(-1, 128)
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return unit.astype(np.float32), np.repeat(np.arange(people, dtype=np.int32), images)


def compared(seed: int = 1, people: int = 20, images: int = 3) -> Comparisons:
    return scores.compare(*random_set(seed, people, images), floor=-1.0, rate=1e-2)


def test_four_photographs_of_two_people_are_counted_by_hand() -> None:
    # person 0 at 0 and 25.84 degrees, person 1 at 45.57 and 90: cosines 0.9 and 0.7 within, 0.70, 0, 0.94, 0.436 between
    found = scores.compare(vectors_with(1.0, 0.9, 0.7, 0.0), np.array([0, 0, 1, 1], dtype=np.int32), floor=0.5, rate=1e-2)
    assert sorted(scores.cosine(int(step)) for step in found.genuine) == pytest.approx([0.7141, 0.9], abs=1.1e-4)
    assert found.impostor_pairs == 4
    assert [found.impostors_from(scores.step_of(at)) for at in (-1.0, 0.0, 0.4, 0.69, 0.93, 0.95)] == [4, 4, 3, 2, 1, 0]
    assert [found.genuine_from(scores.step_of(at)) for at in (0.7, 0.8, 0.95)] == [2, 1, 0]
    assert sorted(zip(found.near.left.tolist(), found.near.right.tolist(), strict=True)) == [(0, 2), (1, 2)]


def test_a_score_exactly_at_the_threshold_is_a_match() -> None:
    found = scores.compare(vectors_with(1.0, 1.0, 0.5), np.array([0, 0, 1], dtype=np.int32), floor=0.0, rate=1e-2)
    assert found.impostors_from(scores.step_of(0.5)) == 2
    assert found.impostors_from(scores.step_of(0.5001)) == 0
    once = np.ones((2, 1), dtype=np.float32)
    matches = [found.resampled_matches(once, scores.step_of(at)) for at in (0.5, 0.5001)]
    assert [None if each is None else each.tolist() for each in matches] == [[2], [0]]


def test_blocks_of_any_size_count_what_one_large_matrix_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, persons = random_set(7, 15, 4)
    whole = scores.steps(vectors @ vectors.T)
    left, right = np.triu_indices(len(persons), 1)
    other = persons[left] != persons[right]
    expected = np.bincount(whole[left, right][other], minlength=scores.MOST_STEPS + 1)
    for block in (1, 70, 1_000_000):
        monkeypatch.setattr(scores, "BLOCK", block)
        found = scores.compare(vectors, persons, floor=0.1, rate=1e-2)
        # a product over another number of rows may round the last bit otherwise, so a count may move by one step
        assert np.abs(np.cumsum(found.impostors - expected)).max() <= 1
        assert found.impostor_pairs == other.sum()
        assert len(found.genuine) == (~other).sum()


def test_a_listed_pair_scores_the_same_with_left_and_right_swapped() -> None:
    vectors, persons = random_set(3, 10, 2)
    left, right = (side.astype(np.int32) for side in np.triu_indices(len(persons), 1))
    same = persons[left] == persons[right]
    one = scores.compare_listed(vectors, persons, Pairs(left, right, same), 0.0, 1e-2)
    other = scores.compare_listed(vectors, persons, Pairs(right, left, same), 0.0, 1e-2)
    weights = limits.resampled_people(one.people, 200, 1)
    assert verification.point(one, weights, scores.step_of(0.2)) == verification.point(other, weights, scores.step_of(0.2))


def test_all_pairs_listed_give_what_all_pairs_give() -> None:
    vectors, persons = random_set(5, 12, 3)
    left, right = (side.astype(np.int32) for side in np.triu_indices(len(persons), 1))
    listed = scores.compare_listed(vectors, persons, Pairs(left, right, persons[left] == persons[right]), -1.0, 1e-2)
    every = scores.compare(vectors, persons, -1.0, 1e-2)
    weights = limits.resampled_people(every.people, 200, 4)
    assert listed.resampled_impostors(weights) == pytest.approx(every.resampled_impostors(weights))
    step = scores.step_of(0.1)
    assert verification.point(listed, weights, step).fmr.value == pytest.approx(
        verification.point(every, weights, step).fmr.value, abs=2 / every.impostor_pairs
    )


def test_two_hundred_tries_without_an_event_show_less_than_one_and_a_half_percent() -> None:
    assert limits.proportion(0, 200).low == 0
    assert limits.proportion(0, 200).high == pytest.approx(0.01487, abs=1e-5)
    assert limits.proportion(200, 200).low == pytest.approx(1 - 0.01487, abs=1e-5)


def test_wilsons_interval_gives_the_published_example() -> None:
    # Newcombe, Statistics in Medicine 17, 1998, table I, method 3: 81 of 263 and 15 of 148
    assert (limits.proportion(81, 263).low, limits.proportion(81, 263).high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (limits.proportion(15, 148).low, limits.proportion(15, 148).high) == pytest.approx((0.0624, 0.1605), abs=5e-5)


@given(st.integers(1, 10_000_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_limits_contain_the_rate_and_stay_within_zero_and_one(counts: tuple[int, int]) -> None:
    events, of = counts
    found = limits.proportion(events, of)
    assert 0 <= found.low <= events / of <= found.high <= 1


@given(st.integers(0, 50), st.integers(2, 25), st.integers(2, 4))
@settings(deadline=None, max_examples=25)
def test_false_matches_fall_and_misses_rise_with_the_threshold_and_limits_hold_both(seed: int, people: int, images: int) -> None:
    found = compared(seed, people, images)
    weights = limits.resampled_people(found.people, 200, seed)
    points = [verification.point(found, weights, scores.step_of(at)) for at in (-0.2, 0.0, 0.1, 0.3, 0.6)]
    for before, after in itertools.pairwise(points):
        assert before.fmr.value >= after.fmr.value
        assert before.fnmr.value <= after.fnmr.value
    for rate in (rate for point in points for rate in (point.fmr, point.fnmr, point.fnmr_by_identity)):
        assert rate.limits.low <= rate.value <= rate.limits.high
        assert rate.limits.high >= rate.independent.high


def test_the_mean_of_people_counts_each_person_once() -> None:
    # person 0: three photographs alike, three pairs matched; person 1: two unlike, its one pair missed
    vectors = np.concatenate([vectors_with(1.0, 1.0, 1.0), vectors_with(0.0, -1.0)])
    found = scores.compare(vectors, np.array([0, 0, 0, 1, 1], dtype=np.int32), 0.5, 1e-2)
    point = verification.point(found, limits.resampled_people(2, 200, 1), scores.step_of(0.5))
    assert (point.fnmr.events, point.fnmr.of, point.fnmr.value) == (1, 4, 0.25)
    assert (point.fnmr_by_identity.value, point.fnmr_by_identity.of) == (0.5, 2)


def test_pairs_that_share_people_make_the_limits_wider_than_independent_ones() -> None:
    # one pair of people is alike in all of its 16 comparisons: 16 events, but one cause
    vectors, _ = random_set(2, 30, 1)
    vectors[1] = vectors[0]
    found = scores.compare(np.repeat(vectors, 4, axis=0), np.repeat(np.arange(30, dtype=np.int32), 4), 0.9, 1e-2)
    fmr = verification.point(found, limits.resampled_people(30, 1000, 1), scores.step_of(0.9)).fmr
    assert fmr.events == 16
    assert fmr.by_person is not None
    assert fmr.by_person.high > 2 * fmr.independent.high
    assert fmr.limits == limits.Limits(0.0, fmr.by_person.high)


def test_a_resample_counts_the_impostor_pairs_of_the_people_drawn() -> None:
    vectors, persons = random_set(4, 3, 2)
    found = scores.compare(vectors, persons, -1.0, 1e-2)
    drawn = np.array([[1, 3, 2], [1, 0, 1], [1, 0, 0]], dtype=np.float32)  # three resamples: all once; 0 thrice; 0 twice and 1
    assert found.resampled_impostors(drawn).tolist() == [12, 0, 8]
    matches = found.resampled_matches(drawn, scores.step_of(-1.0))
    assert matches is not None
    assert matches.tolist() == [12, 0, 8]


def test_a_rate_below_one_event_is_not_measured_and_no_rate_rests_on_a_threshold_without_a_false_match() -> None:
    found = compared(people=20, images=3)  # 1,710 impostor pairs
    weights = limits.resampled_people(found.people, 500, 1)
    assert verification.target(found, weights, 1e-4).point is None
    measured = verification.target(found, weights, 1e-2).point
    assert measured is not None
    assert measured.fmr.events <= 17
    assert limits.proportion(0, found.impostor_pairs).high < 2.5e-3  # but nothing was seen up there
    assert verification.claim(found, weights, 2.5e-3).point is None
    claimed = verification.claim(found, weights, 5e-2).point
    assert claimed is not None
    assert claimed.fmr.supports(5e-2)
    assert claimed.fmr.events > 0
    just_below = verification.point(found, weights, scores.step_of(claimed.threshold) - 1)
    assert not just_below.fmr.supports(5e-2)


def test_a_search_finds_the_enrolled_names_no_stranger_and_counts_the_swapped() -> None:
    # persons 0 and 1 at right angles, each with two equal photographs; 2 looks like 0 to 0.8
    axes = np.eye(128, dtype=np.float32)
    third = (0.8 * axes[0] + 0.6 * axes[2]).astype(np.float32)
    vectors = np.stack([axes[0], axes[0], axes[1], axes[1], third, third])
    found = scores.compare(vectors, np.array([0, 0, 1, 1, 2, 2], dtype=np.int32), 0.5, 1e-2)
    weights = limits.resampled_people(3, 200, 1)
    fmr = {scores.step_of(at): verification.point(found, weights, scores.step_of(at)).fmr for at in (0.5, 0.9)}
    loose, strict = identification.trials(vectors, found, [2], fmr, repeats=60, seed=1)
    assert strict.fpir is not None
    assert strict.fpir.value == 0
    assert loose.fpir is not None
    # the stranger is 0, 1 or 2, a third of the draws each; 0 and 2 are taken for one another, 1 for nobody
    assert loose.fpir.value == pytest.approx(2 / 3, abs=0.2)
    assert loose.fnir is not None
    assert loose.fnir.value == 0
    assert loose.mistaken is not None
    assert loose.mistaken.value == 0


def test_a_person_who_looks_more_like_another_counts_as_taken_for_another() -> None:
    axes = np.eye(128, dtype=np.float32)
    vectors = np.stack([axes[0], axes[1], axes[1], axes[1]])  # person 0's second photograph is person 1's face
    found = scores.compare(vectors, np.array([0, 0, 1, 1], dtype=np.int32), 0.5, 1e-2)
    step = scores.step_of(0.5)
    fmr = {step: verification.point(found, limits.resampled_people(2, 200, 1), step).fmr}
    (trial,) = identification.trials(vectors, found, [2], fmr, repeats=40, seed=3)
    assert trial.fpir is None  # everybody is enrolled
    assert trial.mistaken is not None
    assert trial.mistaken.value > 0
    assert trial.fnir is not None
    assert trial.fnir.value >= trial.mistaken.value


def test_the_formula_for_a_gallery_is_the_textbooks() -> None:
    assert identification.modelled(0.01, 2) == pytest.approx(1 - 0.99**2)
    assert identification.modelled(1e-9, 1000) == pytest.approx(1e-6, rel=1e-5)
    assert identification.modelled(0.0, 1000) == 0


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    one, again, other = (limits.resampled_people(50, 200, seed) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert (one.sum(axis=0) == 50).all()


def test_without_two_people_or_without_two_photographs_of_one_there_is_nothing_to_measure() -> None:
    with pytest.raises(TooLittle, match="at least two people"):
        scores.compare(vectors_with(1.0, 0.9), np.array([0, 0], dtype=np.int32), 0.5, 1e-2)
    with pytest.raises(TooLittle, match="two usable photographs"):
        scores.compare(vectors_with(1.0, 0.9), np.array([0, 1], dtype=np.int32), 0.5, 1e-2)


def test_four_million_pairs_are_counted_without_ever_lying_in_memory_at_once() -> None:
    vectors, persons = random_set(9, 1000, 3)
    tracemalloc.start()
    found = scores.compare(vectors, persons, floor=0.36, rate=1e-2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * scores.BLOCK
    assert found.impostor_pairs == 3000 * 2999 // 2 - 3000
    assert len(found.near.steps) == found.impostors_from(found.near.floor)


def test_more_close_impostors_than_memory_holds_raise_the_floor_and_cost_the_limits_by_person_below_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scores, "MOST_NEAR", 50)
    found = compared(people=20, images=3)
    weights = limits.resampled_people(found.people, 200, 1)
    assert len(found.near.steps) <= 50
    assert verification.point(found, weights, found.near.floor).fmr.by_person is not None
    below = verification.point(found, weights, found.near.floor - 1).fmr
    assert below.by_person is None
    assert below.events > 50

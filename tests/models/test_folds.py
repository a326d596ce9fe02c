"""Ten-fold accuracy: thresholds from the other nine tenths, in the table's order, and a missed face is a wrong answer."""

from __future__ import annotations

import numpy as np
import pytest

from models.evaluation import folds


def test_scores_that_part_cleanly_are_all_right() -> None:
    scores = np.concatenate([np.linspace(0.6, 0.9, 50), np.linspace(-0.1, 0.3, 50)])
    found = folds.accuracy(scores, np.arange(100) < 50)
    assert found is not None
    assert (found.mean, found.deviation, found.pairs) == (1.0, 0.0, 100)


def test_each_tenth_is_judged_by_the_threshold_of_the_others() -> None:
    genuine, impostor = np.full(100, 0.8), np.full(100, 0.2)
    genuine[:10] = 0.1  # the first tenth alone would have asked for another threshold
    found = folds.accuracy(np.concatenate([genuine, impostor]), np.arange(200) < 100)
    assert found is not None
    assert found.folds == (0.5, *[1.0] * 9)
    assert found.mean == pytest.approx(0.95)


def test_a_pair_whose_face_was_not_found_is_wrong_whichever_it_was() -> None:
    scores = np.concatenate([np.full(20, 0.8), np.full(20, 0.1)])
    scores[[0, 20]] = folds.LOST
    found = folds.accuracy(scores, np.arange(40) < 20)
    assert found is not None
    assert found.mean == pytest.approx(38 / 40)


def test_the_order_of_genuine_and_impostor_rows_among_each_other_does_not_matter() -> None:
    random = np.random.default_rng(1)
    scores, same = random.normal(0.3, 0.2, 400), np.arange(400) % 2 == 0
    scores[same] += 0.4
    apart = np.concatenate([scores[same], scores[~same]])
    assert folds.accuracy(scores, same) == folds.accuracy(apart, np.arange(400) < 200)


def test_with_fewer_than_ten_pairs_of_a_kind_nothing_is_said() -> None:
    assert folds.accuracy(np.zeros(19), np.arange(19) < 10) is None

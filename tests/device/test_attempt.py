"""The budget of an attempt is in the code: a fourth embedding or liveness run is not made, whoever asks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from device import attempt
from device.attempt import Attempt, Look, OverBudget
from device.liveness import Guard, Limits
from models.detect import Box
from tests.device import parts

CHIP = np.zeros((112, 112, 3), np.uint8)


class Counted:
    def __init__(self) -> None:
        self.count = 0

    def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.count += 1
        return np.zeros(128, np.float32)

    def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
        self.count += 1
        return 1.0


def look(person: str, at_s: float = 0.0) -> Look:
    return Look(person, 0.6, 0.3, parts.moment(at_s))


def test_a_fourth_embedding_is_refused_before_it_is_made() -> None:
    embedder, one = Counted(), Attempt(parts.moment())
    for _ in range(attempt.MOST_EMBEDDINGS):
        one.embed(embedder, CHIP)
    with pytest.raises(OverBudget, match="3 embeddings"):
        one.embed(embedder, CHIP)
    assert embedder.count == 3


def test_a_fourth_liveness_run_is_refused_before_it_is_made() -> None:
    model, one = Counted(), Attempt(parts.moment())
    for _ in range(attempt.MOST_LIVENESS_RUNS):
        one.look_for_life(Guard(model, Limits()), np.zeros((240, 320, 3), np.uint8), Box(50, 50, 130, 130))
    assert not one.has_liveness_runs_left
    with pytest.raises(OverBudget, match="3 liveness runs"):
        one.look_for_life(Guard(model, Limits()), CHIP, Box(0, 0, 112, 112))
    assert model.count == 3


def test_an_embedding_that_fails_is_spent_all_the_same() -> None:
    class Broken:
        def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
            raise RuntimeError("no memory")

    one = Attempt(parts.moment())
    for _ in range(3):
        with pytest.raises(RuntimeError):
            one.embed(Broken(), CHIP)
    with pytest.raises(OverBudget):
        one.embed(Counted(), CHIP)


def test_looks_that_name_nobody_contradict_nobody() -> None:
    one = Attempt(parts.moment(), [look(parts.ADA), look("")])
    assert one.named == parts.ADA
    assert not one.contradicts(look(""))
    assert not one.contradicts(look(parts.ADA))
    assert one.contradicts(look(parts.BOB))


def test_whoever_is_found_where_another_stood_begins_with_the_look_that_showed_them() -> None:
    one = Attempt.starting_with(look(parts.BOB, 3.0))
    assert (one.begun, one.named, one.embeddings, one.looks_left(3)) == (parts.moment(3.0), parts.BOB, 1, 2)

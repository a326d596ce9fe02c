"""A release whose models answer otherwise is told from one whose models are right, whatever it is that is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
import pytest

from models import reference, weights
from models.align import SIZE
from models.arrays import Pixels, Vector
from models.detect import Box, Detector, Face
from models.embed import Embedder
from models.errors import ModelError
from models.landmarks import Landmarker, Mesh, drawn
from models.landmarks.with_mediapipe import WithMediaPipe
from models.landmarks.with_opencv import WithOpenCv
from models.liveness import AntiSpoofing


@dataclass(frozen=True)
class Known:
    photographs: Detector
    embedder: Embedder
    landmarker: Landmarker
    antispoofing: AntiSpoofing | None = None


@pytest.fixture(scope="module", params=[WithMediaPipe, WithOpenCv])
def known(request: pytest.FixtureRequest, ready: weights.Ready, detector: Detector, embedder: Embedder) -> Iterator[Known]:
    laid = request.param(ready.landmarker)
    yield Known(detector, embedder, laid, AntiSpoofing(*ready.antispoofing) if ready.antispoofing else None)
    laid.close()


def test_the_published_weights_answer_as_they_have_to_whoever_lays_the_mesh(known: Known) -> None:
    reference.compare(known)


def test_what_other_processors_round_otherwise_changes_nothing(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_here = drawn.picture().astype(int)
    shades = np.random.default_rng(1).integers(-1, 2, drawn_here.shape)
    monkeypatch.setattr(drawn, "picture", lambda: np.clip(drawn_here + shades, 0, 255).astype(np.uint8))
    reference.compare(known)


class Exchanged:
    """An embedder that is shown red for blue: no error anywhere, and another vector for everybody."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def embed(self, chip: Pixels) -> Vector:
        return self._embedder.embed(np.ascontiguousarray(chip[:, :, ::-1]))


class Constant:
    """A graph that lost its input."""

    def embed(self, chip: Pixels) -> Vector:
        assert chip.shape == (SIZE, SIZE, 3)
        return np.full(128, 128**-0.5, dtype=np.float32)


class Moved:
    """A detector, and one that lays meshes, whose numbers are read in the wrong order or scale."""

    def __init__(self, inner: Detector | Landmarker) -> None:
        self._inner = inner

    def faces(self, pixels: Pixels) -> tuple[Face, ...]:
        found = cast(Detector, self._inner).faces(pixels)
        return tuple(Face(Box(one.box.y, one.box.x, one.box.width, one.box.height), one.landmarks, one.score) for one in found)

    def find(self, pixels: Pixels, face: Face) -> Mesh | None:
        found = cast(Landmarker, self._inner).find(pixels, face)
        return None if found is None else Mesh.of(found.points * 0.9, found.blendshapes)


class Expressionless:
    """The second graph of the bundle gives zeros."""

    def __init__(self, inner: Landmarker) -> None:
        self._inner = inner

    def find(self, pixels: Pixels, face: Face) -> Mesh | None:
        found = self._inner.find(pixels, face)
        return None if found is None else Mesh.of(found.points, found.blendshapes * 0)


class Blind:
    def faces(self, pixels: Pixels) -> tuple[Face, ...]:
        return ()

    def find(self, pixels: Pixels, face: Face) -> Mesh | None:
        return None

    def live(self, pixels: Pixels, box: Box) -> float:
        return float("nan")


def test_models_that_answer_otherwise_are_refused_and_it_is_said_which(known: Known) -> None:
    for other, said in (
        (replace(known, embedder=cast(Embedder, Exchanged(known.embedder))), "another vector"),
        (replace(known, embedder=cast(Embedder, Constant())), "another vector"),
        (replace(known, photographs=cast(Detector, Moved(known.photographs))), "detector"),
        (replace(known, photographs=cast(Detector, Blind())), "detector"),
        (replace(known, landmarker=cast(Landmarker, Moved(known.landmarker))), "does not lie"),
        (replace(known, landmarker=cast(Landmarker, Expressionless(known.landmarker))), "expression"),
        (replace(known, landmarker=cast(Landmarker, Blind())), "does not lie"),
        (replace(known, antispoofing=cast(AntiSpoofing, Blind())), "liveness"),
    ):
        with pytest.raises(ModelError, match=said):
            reference.compare(other)


def test_a_picture_is_seen_as_it_was_drawn_when_the_reference_was_taken() -> None:
    """The numbers are of this picture: whoever draws it otherwise takes them anew."""
    assert cv2.mean(drawn.picture())[:3] == pytest.approx((167.8, 176.4, 189.5), abs=0.5)

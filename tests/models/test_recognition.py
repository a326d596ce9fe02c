"""Who is who on the sample photographs, and what the models do with pictures that no kiosk should ever see."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import align, match, weights
from models.detect import Detector
from models.embed import Embedder
from models.errors import BadInput, ModelError
from models.manifest import Group, Manifest
from tests.models.conftest import Photograph


@pytest.fixture(scope="module")
def vectors(detector: Detector, embedder: Embedder, photograph: Photograph, manifest: Manifest) -> dict[str, NDArray[np.float32]]:
    """Photograph to vector, of every sample."""
    found = {}
    for entry in manifest.of_groups(frozenset({Group.SAMPLES})):
        pixels = photograph(entry.name)
        found[entry.name] = embedder.embed(align.chip(pixels, detector.faces(pixels)[0].landmarks))
    return found


def test_every_pair_of_photographs_falls_on_its_side_of_the_thresholds(
    vectors: dict[str, NDArray[np.float32]], manifest: Manifest
) -> None:
    genuine = impostor = 0
    for one, other in itertools.combinations(vectors, 2):
        score = match.score(vectors[one], vectors[other])
        if manifest.entry(one).person == manifest.entry(other).person:
            genuine += 1
            assert score > 0.5, (one, other)
        else:
            impostor += 1
            assert score < 0.45, (one, other)
    assert (genuine, impostor) == (17, 49)


def test_a_vector_has_128_numbers_and_unit_length(vectors: dict[str, NDArray[np.float32]]) -> None:
    for vector in vectors.values():
        assert vector.shape == (128,)
        assert vector.dtype == np.float32
        assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)


def test_the_same_picture_gives_the_same_answer_twice(detector: Detector, embedder: Embedder, photograph: Photograph) -> None:
    pixels = photograph("biden")
    first, second = (detector.faces(pixels)[0] for _ in range(2))
    assert first.box == second.box
    chip = align.chip(pixels, first.landmarks)
    assert np.array_equal(embedder.embed(chip), embedder.embed(chip))


def test_of_two_people_the_nearer_comes_first(detector: Detector, photograph: Photograph) -> None:
    near, far = cv2.resize(photograph("obama"), (384, 480)), cv2.resize(photograph("biden"), (150, 340))
    pixels = np.zeros((480, 640, 3), dtype=np.uint8)
    pixels[:, 256:] = near
    pixels[140:, :150] = far
    faces = detector.faces(pixels)
    assert len(faces) == 2
    assert faces[0].box.height > faces[1].box.height
    assert faces[0].box.x > 256


def test_twelve_people_are_twelve_faces_inside_the_picture(detector: Detector, photograph: Photograph) -> None:
    one = cv2.resize(photograph("obama"), (320, 400))[:320]
    pixels = np.asarray(np.tile(one, (3, 4, 1)), dtype=np.uint8)
    faces = detector.faces(pixels)
    assert len(faces) == 12
    middles = {(int(face.landmarks[2, 0]) // 320, int(face.landmarks[2, 1]) // 320) for face in faces}
    assert len(middles) == 12


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (500, 1, 3), (31, 33, 3), (480, 640, 3)])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_empty_wall_of_any_size_has_no_face(detector: Detector, shape: tuple[int, int, int], value: int) -> None:
    assert detector.faces(np.full(shape, value, dtype=np.uint8)) == ()


def test_noise_has_no_face_and_a_view_of_a_larger_array_is_taken(detector: Detector, photograph: Photograph) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert detector.faces(noise) == ()
    mirrored = photograph("obama")[:, ::-1]
    assert not mirrored.flags.c_contiguous
    assert len(detector.faces(mirrored)) == 1


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((480, 0, 3), np.uint8),
        np.zeros((480, 640), np.uint8),
        np.zeros((480, 640, 4), np.uint8),
        np.full((480, 640, 3), np.nan, np.float32),
        np.zeros((1, 40_000, 3), np.uint8),
        None,
        "frame",
    ],
    ids=["empty", "no width", "grey", "four channels", "float NaN", "too wide", "None", "text"],
)
def test_what_is_no_picture_is_refused_with_what_was_expected(detector: Detector, frame: object) -> None:
    with pytest.raises(BadInput, match="a picture must"):
        detector.faces(frame)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize(
    "points",
    [
        np.full((5, 2), np.nan, np.float32),
        np.full((5, 2), np.inf, np.float32),
        np.full((5, 2), 7, np.float32),
        np.zeros((4, 2), np.float32),
        np.zeros((5, 2), np.int32),
    ],
    ids=["NaN", "infinite", "one point", "four", "integers"],
)
def test_landmarks_that_are_no_face_are_refused(points: NDArray[np.float32]) -> None:
    with pytest.raises(BadInput):
        align.chip(np.zeros((100, 100, 3), np.uint8), points)


def test_a_face_outside_the_frame_is_black_and_no_crash() -> None:
    far_away = (align.REFERENCE + 5000).astype(np.float32)
    assert align.chip(np.full((100, 100, 3), 200, np.uint8), far_away).max() == 0


def test_landmarks_on_the_reference_points_change_nothing() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (112, 112, 3), dtype=np.uint8)
    assert np.array_equal(align.chip(picture, align.REFERENCE.astype(np.float32)), picture)


def test_only_a_chip_can_be_embedded(embedder: Embedder) -> None:
    with pytest.raises(BadInput, match="112"):
        embedder.embed(np.zeros((100, 100, 3), np.uint8))
    blank = embedder.embed(np.zeros((112, 112, 3), np.uint8))
    assert float(np.linalg.norm(blank)) == pytest.approx(1, abs=1e-5)


def test_bytes_that_are_no_model_are_refused_as_such() -> None:
    for damaged in (b"", b"not a model", b"\x08\x06" * 500):
        with pytest.raises(ModelError, match="daka models fetch"):
            Detector(damaged)
        with pytest.raises(ModelError, match="daka models fetch"):
            Embedder(damaged)


def test_one_model_in_the_place_of_the_other_is_refused(ready: weights.Ready) -> None:
    with pytest.raises(ModelError, match="not the folded YuNet"):
        Detector(ready.embedder)
    with pytest.raises(ModelError, match="not the folded SFace"):
        Embedder(ready.detector)

"""The same weights on the same photographs give what OpenCV's own FaceDetectorYN and FaceRecognizerSF give."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import align, detect, fold, weights
from models.detect import Detector, Face
from models.embed import Embedder
from models.manifest import Manifest
from tests.models.conftest import Photograph

PHOTOGRAPHS = ("obama", "obama2", "obama3", "biden", "obama_partial_face", "person_a_1", "person_b_2", "impostor_2")
NO_CONFIG: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)


@pytest.fixture(scope="module")
def opencv_detector(weights_directory: Path, manifest: Manifest) -> cv2.FaceDetectorYN:
    plain = fold.plain_detector(weights.read(weights_directory, manifest.entry("yunet")))
    model = np.frombuffer(plain, dtype=np.uint8)
    return cv2.FaceDetectorYN.create(
        "onnx", model, NO_CONFIG, (320, 256), detect.LEAST_SCORE, detect.OVERLAP, detect.MOST_CANDIDATES
    )


def opencv_faces(theirs: cv2.FaceDetectorYN, pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.float32]:
    """Rows of FaceDetectorYN in the pixels of the photograph, tallest first, looked for at the same working size."""
    small, scale = detect.shrink(pixels, size)
    theirs.setInputSize((small.shape[1], small.shape[0]))
    found = theirs.detect(small)[1]
    rows = np.zeros((0, 15), np.float32) if found is None else np.array(found, dtype=np.float32)
    rows[:, :14] *= np.tile(np.asarray(scale, np.float32), 7)
    return rows[np.argsort(-rows[:, 3])]


def opencv_row(face: Face) -> NDArray[np.float32]:
    box = (face.box.x, face.box.y, face.box.width, face.box.height)
    return np.array([*box, *face.landmarks.reshape(-1), face.score], dtype=np.float32)


@pytest.fixture(scope="module")
def recognizer(weights_directory: Path, manifest: Manifest) -> cv2.FaceRecognizerSF:
    plain = fold.embedder(weights.read(weights_directory, manifest.entry("sface")))
    return cv2.FaceRecognizerSF.create("onnx", np.frombuffer(plain, dtype=np.uint8), NO_CONFIG)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("size", [(320, 240), (640, 480)])
def test_boxes_and_landmarks_are_those_of_opencv_within_a_pixel_and_a_half(
    ready: weights.Ready, opencv_detector: cv2.FaceDetectorYN, photograph: Photograph, name: str, size: tuple[int, int]
) -> None:
    pixels = photograph(name)
    ours, theirs = Detector(ready.detector, size).faces(pixels), opencv_faces(opencv_detector, pixels, size)
    assert len(ours) == len(theirs) >= 1
    for face, row in zip(ours, theirs, strict=True):
        assert np.abs(opencv_row(face)[:14] - row[:14]).max() <= 1.5
        assert face.score == pytest.approx(float(row[14]), abs=0.01)


def test_two_people_in_one_picture_are_found_as_opencv_finds_them(
    ready: weights.Ready, opencv_detector: cv2.FaceDetectorYN, photograph: Photograph
) -> None:
    left, right = (cv2.resize(photograph(name), (400, 480)) for name in ("obama", "biden"))
    pixels = np.asarray(np.hstack([left, right]), dtype=np.uint8)
    ours, theirs = Detector(ready.detector).faces(pixels), opencv_faces(opencv_detector, pixels, detect.WORKING_SIZE)
    assert len(ours) == len(theirs) == 2
    for face, row in zip(ours, theirs, strict=True):
        assert np.abs(opencv_row(face)[:14] - row[:14]).max() <= 1.5


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_aligned_face_is_that_of_opencv(
    detector: Detector, recognizer: cv2.FaceRecognizerSF, photograph: Photograph, name: str
) -> None:
    pixels = photograph(name)
    face = detector.faces(pixels)[0]
    ours, theirs = align.chip(pixels, face.landmarks), recognizer.alignCrop(pixels, opencv_row(face))
    difference = np.abs(ours.astype(int) - theirs.astype(int))
    assert ours.shape == theirs.shape == (112, 112, 3)
    assert difference.max() <= 2
    assert difference.mean() < 0.05


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_embedding_points_where_that_of_opencv_points(
    detector: Detector, embedder: Embedder, recognizer: cv2.FaceRecognizerSF, photograph: Photograph, name: str
) -> None:
    pixels = photograph(name)
    face = detector.faces(pixels)[0]
    theirs = recognizer.feature(recognizer.alignCrop(pixels, opencv_row(face))).reshape(-1)
    ours = embedder.embed(align.chip(pixels, face.landmarks))
    assert float(ours @ theirs) / float(np.linalg.norm(theirs)) > 0.9999

"""Detection, alignment and embedding beside OpenCV's own with the same weights; search beside reading the templates once."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.registry import Pair, Setting, number
from models import align, detect, fold, match, memory, weights
from models import manifest as manifests
from models.detect import Detector, Face
from models.embed import Embedder
from models.match import Gallery

FRAME = (640, 480)  # (width, height), what a kiosk's camera gives
NO_CONFIG: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)


def frame(setting: Setting) -> NDArray[np.uint8]:
    """One person before the kiosk: a sample photograph, (480, 640, 3) uint8 BGR, the face about 150 pixels tall."""
    data = weights.read(setting.weights, manifests.load().entry("biden"))
    photograph = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert photograph is not None
    scale = 370 / photograph.shape[1]
    small = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[: FRAME[1]]
    canvas = np.full((FRAME[1], FRAME[0], 3), 127, dtype=np.uint8)
    canvas[: small.shape[0], 135 : 135 + small.shape[1]] = small
    return canvas


def opencv_row(face: Face) -> NDArray[np.float32]:
    """A face as FaceRecognizerSF takes it."""
    box = (face.box.x, face.box.y, face.box.width, face.box.height)
    return np.array([*box, *face.landmarks.reshape(-1), face.score], dtype=np.float32)


@number(
    family="recognition",
    name="detect at 320x240 in a 640x480 frame",
    ours="Detector.faces (ONNX Runtime)",
    peer="OpenCV resize + FaceDetectorYN, same weights",
    at_most=0.55,
)
def detection(setting: Setting) -> Iterator[Pair]:
    """The whole way: shrinking, network, decoding, suppression."""
    pixels, ours = frame(setting), Detector(weights.ready(setting.weights).detector)
    model = fold.plain_detector(weights.read(setting.weights, manifests.load().entry(weights.DETECTOR)))
    size = detect.WORKING_SIZE
    theirs = cv2.FaceDetectorYN.create(
        "onnx", np.frombuffer(model, dtype=np.uint8), NO_CONFIG, size, detect.LEAST_SCORE, detect.OVERLAP, detect.MOST_CANDIDATES
    )
    yield Pair(lambda: ours.faces(pixels), lambda: theirs.detect(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)))


@number(
    family="recognition",
    name="align + embed one face",
    ours="align.chip + Embedder.embed (ONNX Runtime)",
    peer="OpenCV FaceRecognizerSF alignCrop + feature, same weights",
    at_most=0.80,
)
def embedding(setting: Setting) -> Iterator[Pair]:
    """From the frame and the landmarks to 128 numbers."""
    ready, pixels = weights.ready(setting.weights), frame(setting)
    face = Detector(ready.detector).faces(pixels)[0]
    row, ours = opencv_row(face), Embedder(ready.embedder)
    ours.embed(align.chip(pixels, face.landmarks))
    memory.into_huge_pages()  # as device.sight does; the peer's memory comes after, as OpenCV makes it
    plain = fold.embedder(weights.read(setting.weights, manifests.load().entry(weights.EMBEDDER)))
    theirs = cv2.FaceRecognizerSF.create("onnx", np.frombuffer(plain, dtype=np.uint8), NO_CONFIG)
    yield Pair(lambda: ours.embed(align.chip(pixels, face.landmarks)), lambda: theirs.feature(theirs.alignCrop(pixels, row)))


def searched(people: int) -> Pair:
    """Random templates, one per person: the time does not depend on whose they are. Seed fixed."""
    random = np.random.default_rng(1)
    matrix = random.standard_normal((people, match.DIMENSIONS), dtype=np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    gallery = Gallery.of_matrix(matrix, tuple(f"p{number}" for number in range(people)))
    flat, probe = matrix.reshape(-1), matrix[people // 2].copy()
    return Pair(lambda: match.best(gallery, probe), lambda: np.dot(flat, flat))


@number(family="recognition", name="search 10,000 people", ours="match.best", peer="BLAS sdot, reads the matrix once", at_most=1.5)
def search_ten_thousand(setting: Setting) -> Iterator[Pair]:
    """5 MB of templates: a large company."""
    yield searched(10_000)


@number(family="recognition", name="search 50,000 people", ours="match.best", peer="BLAS sdot, reads the matrix once", at_most=1.5)
def search_fifty_thousand(setting: Setting) -> Iterator[Pair]:
    """26 MB of templates: a town's administration."""
    yield searched(50_000)


@number(family="recognition", name="search 100,000 people", ours="match.best", peer="BLAS sdot, reads the matrix once", at_most=1.5)
def search_hundred_thousand(setting: Setting) -> Iterator[Pair]:
    """51 MB of templates: larger than the processor's cache, so memory sets the pace."""
    yield searched(100_000)

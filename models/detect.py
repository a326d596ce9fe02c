"""Every face in a picture, nearest first: YuNet in ONNX Runtime.

Array in, dataclasses out. Keeps no picture. Gives what OpenCV's FaceDetectorYN gives at the same size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import arrays
from models.arrays import Landmarks, Pixels
from models.errors import BadInput
from models.session import Session, Tensor

STRIDES = (8, 16, 32)  # pixels between two cells of the network's three grids
SIDE = 32  # the network halves its input five times
CLASS, OBJECT, BOX, POINTS = 0, 1, slice(2, 6), slice(6, 16)  # channels of a grid, as models.heads lays them
WORKING_SIZE = (320, 240)  # (width, height): 20 pixels tall here, 40 in a 640x480 frame, and all sample faces are found
LEAST_SCORE = 0.6
OVERLAP = 0.3  # boxes that share more than this of their union are one face
SAME_FACE = 0.3  # of the union: a second look at another size moves the box a little
MOST_CANDIDATES = 5000  # as FaceDetectorYN's default; a frame of noise cannot make suppression slow

Rows = NDArray[np.float32]  # (faces, 15): x, y, width, height, five landmarks x y, score


@dataclass(frozen=True, slots=True)
class Box:
    """Upper left corner and size in pixels of the frame; may reach beyond the frame's edge."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face. `landmarks`: (5, 2) float32 in pixels of the frame, read-only; `score`: 0 to 1, how sure the detector is."""

    box: Box
    landmarks: Landmarks
    score: float


class Detector:
    """Looks at a frame that is shrunk to fit the working size, never enlarged, and answers in the frame's own pixels."""

    def __init__(
        self, model: bytes, working_size: tuple[int, int] = WORKING_SIZE, threads: int = 1, least_score: float = LEAST_SCORE
    ) -> None:
        """`model`: `weights.Ready.detector`; `working_size`: (width, height) in pixels. Raises ModelError."""
        if min(working_size) < SIDE:
            raise BadInput(f"the working size must be at least {SIDE} x {SIDE} pixels, not {working_size[0]} x {working_size[1]}")
        if not 0 < least_score < 1:
            raise BadInput(f"the least score must lie between 0 and 1, not {least_score}")
        self._session = Session(model, threads)
        self._outputs = [f"grid_{stride}" for stride in STRIDES]
        if set(self._outputs) != set(self._session.outputs):
            raise BadInput("this model is not the folded YuNet; run: daka models fetch")
        self._working_size, self._least_score = working_size, least_score

    def faces(self, pixels: Pixels) -> tuple[Face, ...]:
        """All faces in `pixels`, (height, width, 3) uint8 BGR, the tallest and therefore nearest first. Raises BadInput."""
        whole = arrays.pixels(pixels)
        canvas, scale = shrink(whole, self._working_size)
        feed = {self._session.inputs[0]: np.ascontiguousarray(canvas.transpose(2, 0, 1)[None], dtype=np.float32)}
        grids = self._session.run(self._outputs, feed)
        rows = np.concatenate([_decoded(grid[0], at, self._least_score) for grid, at in zip(grids, STRIDES, strict=True)])
        found = [_face(row, scale) for row in _one_per_face(rows, self._least_score)]
        return tuple(sorted(found, key=lambda face: face.box.height, reverse=True))

    def closer(self, pixels: Pixels, face: Face) -> Face | None:
        """The same face, looked at again in full resolution: a small face's landmarks come out finer. None where it is not found.

        Costs one more run at the working size; only what lies around the face is looked at.
        """
        whole = arrays.pixels(pixels)
        width, height = self._working_size
        left = _window(face.box.x + face.box.width / 2, width, whole.shape[1])
        top = _window(face.box.y + face.box.height / 2, height, whole.shape[0])
        around = self.faces(whole[top : top + height, left : left + width])
        shifted = [_shifted(found, left, top) for found in around]
        return next((found for found in shifted if _overlap(found.box, face.box) > SAME_FACE), None)


def _window(middle: float, side: int, whole: int) -> int:
    """Where a stretch of `side` pixels around `middle` begins, inside a picture of `whole` pixels."""
    return int(max(0, min(middle - side / 2, whole - side)))


def _shifted(face: Face, left: int, top: int) -> Face:
    landmarks = np.asarray(face.landmarks + np.array([left, top], dtype=np.float32), dtype=np.float32)
    landmarks.setflags(write=False)
    return Face(Box(face.box.x + left, face.box.y + top, face.box.width, face.box.height), landmarks, face.score)


def _overlap(one: Box, other: Box) -> float:
    """Shared part of the union of two boxes."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    shared = max(0.0, width) * max(0.0, height)
    return shared / max(one.width * one.height + other.width * other.height - shared, 1.0)


def shrink(pixels: Pixels, working_size: tuple[int, int]) -> tuple[Pixels, tuple[float, float]]:
    """The picture within `working_size` (width, height), padded with black at the right and below to multiples of 32.

    With it the factors from the small picture's x and y to the given one's.
    """
    height, width = pixels.shape[:2]
    factor = min(1.0, working_size[0] / width, working_size[1] / height)
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    shrunk = pixels if small == (width, height) else cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((-(-small[1] // SIDE) * SIDE, -(-small[0] // SIDE) * SIDE, 3), dtype=np.uint8)
    canvas[: small[1], : small[0]] = shrunk
    return canvas, (width / small[0], height / small[1])


def _decoded(grid: Tensor, stride: int, least_score: float) -> Rows:
    """Candidates of one grid, (16, rows, columns). Score: geometric mean of class and object scores; positions are in cells,
    sizes in log cells."""
    columns = grid.shape[2]
    values = grid.reshape(grid.shape[0], -1)
    score = np.sqrt(_sigmoid(values[CLASS]) * _sigmoid(values[OBJECT]))
    cells = np.flatnonzero(score >= least_score)
    box, points = values[BOX, cells].T, values[POINTS, cells].T
    corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
    centre = (box[:, :2] + corner) * stride
    size = np.exp(np.minimum(box[:, 2:], 10)) * stride  # e**10 cells are wider than any frame; keeps the power finite
    landmarks = (points.reshape(-1, 5, 2) + corner[:, None]) * stride
    rows = np.concatenate([centre - size / 2, size, landmarks.reshape(-1, 10), score[cells, None]], axis=1)
    return np.asarray(rows, dtype=np.float32)


def _sigmoid(values: Tensor) -> Tensor:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -80, 80))), dtype=np.float32)


def _one_per_face(rows: Rows, least_score: float) -> Rows:
    """The best box of each heap of overlapping ones."""
    if not len(rows):
        return rows
    keep = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 14].tolist(), least_score, OVERLAP, top_k=MOST_CANDIDATES)
    return np.asarray(rows[np.asarray(keep, dtype=np.int64).reshape(-1)], dtype=np.float32)


def _face(row: Rows, scale: tuple[float, float]) -> Face:
    factors = np.asarray(scale, dtype=np.float32)
    x, y, width, height = (float(number) for number in (row[:4].reshape(2, 2) * factors).reshape(-1))
    landmarks = row[4:14].reshape(5, 2) * factors
    landmarks.setflags(write=False)
    return Face(Box(x, y, width, height), landmarks, float(row[14]))

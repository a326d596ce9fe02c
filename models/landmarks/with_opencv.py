"""The bundle's three graphs in OpenCV's TFLite importer, for processors that MediaPipe leaves behind.

Follows MediaPipe's graph (Kartynnik et al., arXiv:1907.06724; Bazarevsky et al., arXiv:1907.05047): find, turn upright, lay the
mesh, read the blendshapes. A test holds the two against each other on photographs.
"""

from __future__ import annotations

import math
import os
import threading
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.arrays import Pixels
from models.detect import Face
from models.errors import ModelError
from models.landmarks import bundle, region
from models.landmarks.mesh import POINTS, Mesh

Numbers = NDArray[np.float64]

FINDER_SIDE, MESH_SIDE = 128, 256  # pixels
FINDER_OUT, MESH_OUT, SHAPES_OUT = ("regressors", "classificators"), ("Identity", "Identity_1"), ("StatefulPartitionedCall:0",)
GRIDS = ((16, 2), (8, 6))  # cells a side of the finder's two grids, and guesses for each cell
LEAST_SCORE = 0.5  # of the finder and of the mesh: MediaPipe's own defaults
OVERLAP = 0.3  # guesses that share this part of their union are one face
ROOM = 1.5  # the mesh is laid on this much of the found box

# Which of the 478 points the blendshape graph takes, in its order: lips, eyes with their irises, brows, nose, outline
# fmt: off
SHAPE_POINTS = np.array((
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80, 81, 82, 84,
    87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153, 154, 155, 157, 158, 159,
    160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251, 263, 267, 269, 270, 276, 282, 283,
    284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361,
    362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415,
    454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
), dtype=np.int64)
# fmt: on


class WithOpenCv:
    """One face at a time; `find` may be called from several threads."""

    name = "opencv"

    def __init__(self, task: bytes) -> None:
        """`task`: the bundle, verified. Raises ModelError."""
        graphs = bundle.unpacked(task)
        self._finder, self._mesh, self._shapes = (_net(graph) for graph in (graphs.finder, graphs.mesh, graphs.shapes))
        self._cells = _cells()
        self._turn = threading.Lock()  # a net holds its input and its outputs

    def find(self, pixels: Pixels, face: Face) -> Mesh | None:
        """See models.landmarks.Landmarker; about 12 ms."""
        cut = region.cut(pixels, face)
        if cut is None:
            return None
        with self._turn:
            place = self._place(cut.rgb)
            points = None if place is None else self._points(cut.rgb, place)
            if points is None:
                return None
            on_frame = cut.to_frame(points)
            return Mesh.of(on_frame, self._coefficients(points)) if region.lies_on(on_frame, face) else None

    def close(self) -> None:
        """Nothing to let go of."""

    def _place(self, rgb: Pixels) -> _Place | None:
        """Where the most certain face of the region is."""
        height, width = rgb.shape[:2]
        scale = FINDER_SIDE / max(height, width)
        shift = (FINDER_SIDE - scale * np.array([width, height])) / 2
        small = cv2.warpAffine(rgb, np.column_stack([np.eye(2) * scale, shift]), (FINDER_SIDE, FINDER_SIDE))
        boxes, scores = _run(self._finder, FINDER_OUT, _planes(np.asarray(small, dtype=np.uint8)) / 127.5 - 1)
        corners = _best_guess(boxes[0].astype(np.float64), scores.reshape(-1), self._cells)
        return None if corners is None else _Place.of((corners * FINDER_SIDE - shift) / scale)

    def _points(self, rgb: Pixels, place: _Place) -> Numbers | None:
        """(478, 3) in pixels of the region; None where the graph sees no face."""
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        upright = cv2.warpAffine(rgb, place.matrix(), (MESH_SIDE, MESH_SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        found, sure = _run(self._mesh, MESH_OUT, _planes(np.asarray(upright, dtype=np.uint8)) / 255)
        if _sigmoid(sure.reshape(-1))[0] < LEAST_SCORE:
            return None
        laid = found.reshape(POINTS, 3).astype(np.float64) / MESH_SIDE
        flat = (laid[:, :2] - 0.5) @ place.turn.T * place.size + place.centre
        return np.column_stack([flat, laid[:, 2] * place.size[0]])

    def _coefficients(self, points: Numbers) -> NDArray[np.float32]:
        (shapes,) = _run(self._shapes, SHAPES_OUT, points[SHAPE_POINTS, :2][None])
        return shapes.reshape(-1)


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """The rectangle, turned with the eyes, on which the mesh is laid: centre and size in pixels of the region."""

    centre: Numbers
    size: Numbers
    turn: Numbers  # (2, 2)

    @staticmethod
    def of(found: Numbers) -> _Place:
        """From (8, 2): two corners of the box, then six points, of which the first two are the eyes."""
        first, second, right_eye, left_eye = found[:4]
        angle = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return _Place((first + second) / 2, (second - first) * ROOM, turn)

    def matrix(self) -> Numbers:
        """(2, 3), from the mesh graph's input to the region."""
        linear = self.turn * self.size / MESH_SIDE
        return np.column_stack([linear, self.centre - linear @ np.full(2, MESH_SIDE / 2)])


def _net(graph: bytes) -> cv2.dnn.Net:
    """A graph from memory. OpenCV 5 ignores the engine for bytes, and its new engine loses outputs: so from a file that is none."""
    descriptor = os.memfd_create("graph", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(graph)
        net = cv2.dnn.readNetFromTFLite(f"/proc/self/fd/{descriptor}", cv2.dnn.ENGINE_CLASSIC)
    except cv2.error as error:
        raise ModelError(f"OpenCV {cv2.__version__} cannot load the landmark graphs ({_short(error)})") from error
    finally:
        os.close(descriptor)
    return net


def _run(net: cv2.dnn.Net, outputs: tuple[str, ...], values: NDArray[np.floating]) -> list[NDArray[np.float32]]:
    try:
        net.setInput(np.ascontiguousarray(values, dtype=np.float32))
        return [np.asarray(value, dtype=np.float32) for value in net.forward(outputs)]
    except cv2.error as error:
        raise ModelError(f"OpenCV {cv2.__version__} failed while it ran a landmark graph ({_short(error)})") from error


def _planes(picture: Pixels) -> NDArray[np.float32]:
    return picture.transpose(2, 0, 1)[None].astype(np.float32)


def _cells() -> Numbers:
    """(896, 2) centres of the finder's cells, 0 to 1."""
    centres = []
    for side, guesses in GRIDS:
        y, x = np.mgrid[:side, :side]
        centres.append(np.repeat(np.stack([x.ravel() + 0.5, y.ravel() + 0.5], axis=1) / side, guesses, axis=0))
    return np.concatenate(centres)


def _best_guess(boxes: Numbers, logits: NDArray[np.float32], cells: Numbers) -> Numbers | None:
    """(8, 2), 0 to 1: the mean of the guesses that overlap the most certain one, each counting as much as it is certain."""
    scores = _sigmoid(logits)
    sure = scores >= LEAST_SCORE
    if not sure.any():
        return None
    guesses, scores, cells = boxes[sure].reshape(-1, 8, 2) / FINDER_SIDE, scores[sure], cells[sure]
    centre, half = guesses[:, 0] + cells, guesses[:, 1] / 2
    corners = np.concatenate([(centre - half)[:, None], (centre + half)[:, None], guesses[:, 2:] + cells[:, None]], axis=1)
    same = _overlap(corners[:, :2], corners[int(scores.argmax()), :2]) > OVERLAP
    mean: Numbers = np.average(corners[same], axis=0, weights=scores[same])
    return mean


def _overlap(boxes: Numbers, one: Numbers) -> Numbers:
    """Shared part of the union of (n, 2, 2) boxes with one (2, 2)."""
    shared = np.clip(np.minimum(boxes[:, 1], one[1]) - np.maximum(boxes[:, 0], one[0]), 0, None).prod(axis=1)
    union: Numbers = (boxes[:, 1] - boxes[:, 0]).prod(axis=1) + (one[1] - one[0]).prod() - shared
    return np.asarray(shared / np.maximum(union, 1e-9), dtype=np.float64)


def _sigmoid(logits: NDArray[np.float32]) -> Numbers:
    return 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -100, 100)))


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

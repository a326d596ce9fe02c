"""The part of a frame that is looked at for one face, and the way back from it. Arrays in, arrays out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import arrays
from models.arrays import Pixels
from models.detect import Face
from models.landmarks import mesh
from models.landmarks.mesh import Points

SIZE = 1.5  # of the longer side of the face's box: with more of the frame the finder takes somebody beside it more often
MOST_SIDE_PX = 512  # a face in a portrait is shrunk: its graphs look at 256 pixels
NEAR = 0.25  # of the box's width: how far a mesh's eyes may lie from those of the detector


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """`rgb`: (height, width, 3) uint8, contiguous. `scale`: its pixels per pixel of the frame; `left`, `top` in the frame."""

    rgb: Pixels
    left: int
    top: int
    scale: float

    def to_frame(self, points: NDArray[np.floating]) -> Points:
        """(478, 3) points in pixels of the region as pixels of the frame."""
        placed = points / self.scale
        placed[:, 0] += self.left
        placed[:, 1] += self.top
        return np.asarray(placed, dtype=np.float32)


def cut(pixels: Pixels, face: Face) -> Region | None:
    """The square around `face`, as far as it lies in the frame; None for a face that lies outside."""
    whole = arrays.pixels(pixels)
    height, width = whole.shape[:2]
    box = face.box
    half = SIZE * max(box.width, box.height) / 2
    x, y = box.x + box.width / 2, box.y + box.height / 2
    left, top = max(0, int(x - half)), max(0, int(y - half))
    part = whole[top : max(0, int(y + half)) + 1, left : max(0, int(x + half)) + 1]
    if min(part.shape[:2]) < 2 or left >= width or top >= height:
        return None
    scale = min(1.0, MOST_SIDE_PX / max(part.shape[:2]))
    if scale < 1.0:
        part = np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return Region(np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2RGB), dtype=np.uint8), left, top, scale)


def lies_on(points: Points, face: Face) -> bool:
    """Whether a mesh is that of `face` and not of somebody beside it: its eyes are where the detector saw them."""
    right = points[[mesh.RIGHT_EYE_OUTER, mesh.RIGHT_EYE_INNER], :2].mean(axis=0)
    left = points[[mesh.LEFT_EYE_OUTER, mesh.LEFT_EYE_INNER], :2].mean(axis=0)
    off = (right + left) / 2 - face.landmarks[:2].mean(axis=0)
    return bool(np.hypot(off[0], off[1]) <= NEAR * face.box.width)

"""Where a face went between two runs of the detector: sparse optical flow over a small grey picture.

Arrays in, faces out; keeps no picture. A face whose points disagree is lost, never guessed: the detector finds it anew.

Median flow: Kalal, Mikolajczyk and Matas, "Forward-backward error: automatic detection of tracking failures", ICPR 2010.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models import arrays
from models.arrays import Pixels
from models.detect import Box, Face

Grey = NDArray[np.uint8]  # (height, width)
Points = NDArray[np.float32]  # (n, 2) x, y

WORKING_WIDTH_PX = 320
GRID = 5  # points a side
INNER = 0.7  # of the box: the corners show background
WINDOW_PX = 15
LEVELS = 2  # of the pyramid: a face may move by 60 pixels of the small picture
MOST_DISAGREEMENT_PX = 1.5  # forward and back again
LEAST_POINTS = 12  # of 25
MOST_GROWTH = 1.3  # between two frames


def small_grey(pixels: Pixels) -> Grey:
    """`pixels`, (height, width, 3) uint8 BGR, as a grey picture at most 320 wide: what `follow` compares."""
    whole = arrays.pixels(pixels)
    height, width = whole.shape[:2]
    if width > WORKING_WIDTH_PX:
        size = (WORKING_WIDTH_PX, max(1, round(height * WORKING_WIDTH_PX / width)))
        whole = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(whole, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def follow(before: Grey, now: Grey, face: Face, width_px: int) -> Face | None:
    """`face`, found in `before`, where it is in `now`; None if it was lost.

    The two are `small_grey` of frames that are `width_px` wide; the face is in pixels of the frame. Its landmarks move with its
    box: good enough for the screen and for knowing that it is the same face, never for an embedding.
    """
    if before.shape != now.shape:
        return None
    scale = before.shape[1] / width_px
    start = _grid(face.box, scale)
    end, good = _flow(before, now, start)
    if good.sum() < LEAST_POINTS:
        return None
    start, end = start[good], end[good]
    growth = _growth(start, end)
    if not 1 / MOST_GROWTH <= growth <= MOST_GROWTH:
        return None
    move = np.median(end - start, axis=0) / scale
    return _moved(face, move, growth)


def _grid(box: Box, scale: float) -> Points:
    """Points over the inner part of the face, in pixels of the small picture."""
    shares = 0.5 + INNER * (np.arange(GRID) / (GRID - 1) - 0.5)
    x, y = np.meshgrid(box.x + shares * box.width, box.y + shares * box.height)
    return np.asarray(np.stack([x.ravel(), y.ravel()], axis=1) * scale, dtype=np.float32)


def _flow(before: Grey, now: Grey, start: Points) -> tuple[Points, NDArray[np.bool_]]:
    """Where each point went, and which of them come back to where they started."""
    window = (WINDOW_PX, WINDOW_PX)
    end, there, _ = cv2.calcOpticalFlowPyrLK(before, now, start, np.empty_like(start), winSize=window, maxLevel=LEVELS)
    back, home, _ = cv2.calcOpticalFlowPyrLK(now, before, end, np.empty_like(start), winSize=window, maxLevel=LEVELS)
    found = (there.ravel() == 1) & (home.ravel() == 1)
    good = found & (np.linalg.norm(back - start, axis=1) <= MOST_DISAGREEMENT_PX)
    return np.asarray(end, dtype=np.float32), np.asarray(good, dtype=np.bool_)


def _growth(start: Points, end: Points) -> float:
    """Median ratio of the distances between points."""
    rows, columns = np.triu_indices(len(start), 1)
    before = np.linalg.norm(start[rows] - start[columns], axis=1)
    after = np.linalg.norm(end[rows] - end[columns], axis=1)
    return float(np.median(after / np.maximum(before, 1e-3)))


def _moved(face: Face, move: NDArray[np.float32], growth: float) -> Face:
    box = face.box
    middle = np.array([box.x + box.width / 2, box.y + box.height / 2], dtype=np.float32)
    x, y = middle + move - growth * np.array([box.width, box.height], dtype=np.float32) / 2
    landmarks = np.asarray((face.landmarks - middle) * growth + middle + move, dtype=np.float32)
    landmarks.setflags(write=False)
    return Face(Box(float(x), float(y), box.width * growth, box.height * growth), landmarks, face.score)

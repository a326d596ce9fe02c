"""A face that nobody has: what a probe shows to the landmark graphs, so that all three of them run."""

from __future__ import annotations

import cv2
import numpy as np

from models.arrays import Pixels
from models.detect import Box, Face

SIDE_PX = 256
# Centre and half axes of ellipses as parts of the side, and their colour (BGR): hair, skin, eyes, brows, nose, mouth
PARTS = (
    *(((0.0, -0.08), (0.30, 0.34), (40, 50, 60)), ((0.0, 0.0), (0.26, 0.34), (130, 160, 205))),
    *(((-0.11, -0.06), (0.055, 0.025), (245, 245, 245)), ((0.11, -0.06), (0.055, 0.025), (245, 245, 245))),
    *(((-0.11, -0.06), (0.022, 0.024), (40, 40, 40)), ((0.11, -0.06), (0.022, 0.024), (40, 40, 40))),
    *(((-0.11, -0.125), (0.07, 0.012), (50, 60, 70)), ((0.11, -0.125), (0.07, 0.012), (50, 60, 70))),
    *(((0.0, 0.06), (0.03, 0.05), (115, 140, 185)), ((0.0, 0.09), (0.045, 0.018), (95, 115, 160))),
    ((0.0, 0.18), (0.09, 0.025), (90, 90, 170)),
)


def picture() -> Pixels:
    """(256, 256, 3) uint8 BGR."""
    drawn = np.full((SIDE_PX, SIDE_PX, 3), 200, dtype=np.uint8)
    for (x, y), (across, down), colour in PARTS:
        centre = (round((0.5 + x) * SIDE_PX), round((0.5 + y) * SIDE_PX))
        cv2.ellipse(drawn, centre, (round(across * SIDE_PX), round(down * SIDE_PX)), 0, 0, 360, colour, -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 1.5), dtype=np.uint8)


def face() -> Face:
    """Where it is, as the detector would say."""
    points = np.array([(100, 113), (156, 113), (128, 150), (106, 174), (150, 174)], dtype=np.float32)
    points.setflags(write=False)
    return Face(Box(62, 40, 132, 172), points, 0.9)

"""A picture of a person, held up before the camera: on paper, or on a screen.

Rendered attacks are indicative: they show that the refusal works, never how often a real attack would pass. Nothing in them is a
person, so nothing in them blinks, turns or breathes.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from device.pictures import Pixels
from device.walkups.script import Medium

# What is held up shows this much around the face, in heights of the face, and its rim is as wide as that part of its shorter side
ABOVE, BELOW, BESIDE = 0.8, 1.3, 1.1
PAPER_RIM, SCREEN_RIM = 0.05, 0.07
PAPER_WHITE, BEZEL_GREY = (214, 222, 226), (22, 21, 20)  # blue, green, red in a lit room
INK_RANGE = 0.72  # office print: contrast of about 1:4 seen by a camera, against 1:100 of a scene
INK_LIFT = 38.0
DOT_PX = 3  # raster of a print of 150 lines per inch, held at arm's length
DOT_DEPTH = 14.0
GLOW = 1.12  # a screen outshines the room
BACKLIGHT = (1.10, 1.0, 0.93)  # bluish, as screens come from the factory
BLACK_LEVEL = 16.0
BEAT_DEPTH = 20.0
BEAT_LOW, BEAT_SPAN, BEAT_TURNS = (
    0.14,
    0.2,
    3.7,
)  # cycles a pixel of the camera: the beat runs through this span as the screen comes nearer
GLARE = 34.0


class Held(NamedTuple):
    """What is held up: its pixels, and where the face's box begins in it (x, y) after the cut."""

    pixels: Pixels
    face: tuple[float, float]


def held_up(photograph: Pixels, face: tuple[float, float, float, float], medium: Medium) -> Held:
    """The photograph around `face` (x, y, width, height in its pixels) as a sheet of paper or a screen, rim included."""
    x, y, width, height = face
    middle = x + width / 2
    left, right = max(0, round(middle - BESIDE * height)), min(photograph.shape[1], round(middle + BESIDE * height))
    top, bottom = max(0, round(y - ABOVE * height)), min(photograph.shape[0], round(y + height * (1 + BELOW)))
    part = photograph[top:bottom, left:right].astype(np.float32)
    made = printed(part) if medium is Medium.PRINT else shown(part)
    share, colour = (PAPER_RIM, PAPER_WHITE) if medium is Medium.PRINT else (SCREEN_RIM, BEZEL_GREY)
    rim = max(2, round(share * min(part.shape[:2])))
    framed = cv2.copyMakeBorder(made, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=colour)
    return Held(np.asarray(framed, dtype=np.uint8), (x - left + rim, y - top + rim))


def printed(part: NDArray[np.float32]) -> Pixels:
    """Ink on paper: less contrast, no deep black, a raster of dots, fibres."""
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]].astype(np.float32)
    turn = 2 * np.pi / DOT_PX
    dots = DOT_DEPTH * np.cos(turn * (rows + columns) * 0.7071) * np.cos(turn * (rows - columns) * 0.7071)
    fibres = np.random.default_rng(1).normal(0, 3, part.shape[:2]).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(part, (0, 0), 1.0), dtype=np.float32)
    return _clipped(soft * INK_RANGE + INK_LIFT + (dots + fibres)[:, :, None])


def shown(part: NDArray[np.float32]) -> Pixels:
    """A screen: brighter and bluer than the room, its black glows, and it mirrors a lamp."""
    down = np.linspace(0, 1, part.shape[0], dtype=np.float32)[:, None, None]
    glare = GLARE * np.exp(-((down - 0.2) ** 2) / 0.03)
    return _clipped(part * GLOW * np.array(BACKLIGHT, dtype=np.float32) + BLACK_LEVEL + glare)


def beating(pixels: Pixels, scale: float) -> Pixels:
    """What the camera makes of a screen's pixels: a moiré whose stripes depend on how large the screen appears.

    `pixels`: the screen as it lies in the frame; `scale`: how large. Isaac Amidror, "The Theory of the Moire Phenomenon", 2009.
    """
    across = np.float32(BEAT_LOW + BEAT_SPAN * abs((BEAT_TURNS * scale) % 2 - 1))
    x = np.arange(pixels.shape[1], dtype=np.float32)[None, :, None]
    y = np.arange(pixels.shape[0], dtype=np.float32)[:, None, None]
    phases = np.array([0, 2 * np.pi / 3, 4 * np.pi / 3], dtype=np.float32)  # the three colours lie side by side
    stripes = np.cos(np.float32(2 * np.pi) * across * (x + y / 3) + phases)
    return _clipped((pixels + np.float32(BEAT_DEPTH) * stripes).astype(np.float32))


def _clipped(values: NDArray[np.float32]) -> Pixels:
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)

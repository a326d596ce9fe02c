"""Passive signs of a presentation attack in one frame: what a learned model says, and the raster of a print or a screen.

Arrays in, numbers out. None of them proves that somebody lives; together they tell photographs and screens from faces as often as
the model card says, and no more.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models import arrays
from models.arrays import Pixels
from models.detect import Box
from models.errors import BadInput
from models.session import Session

SIDE = 80  # pixels of the crop that the MiniFASNet models take
LIVE = 1  # of their three classes
V2_SCALE, V1SE_SCALE = 2.7, 4.0  # crop, in sizes of the face's box: what each was trained on (Silent-Face-Anti-Spoofing)

RASTER_SIDE_PX = 192  # most; a face of a print fills it with dozens of dots
LEAST_RASTER_SIDE_PX = 48
SMOOTH_PX = 3.0  # what is coarser is the face itself
LOWEST_FREQUENCY, RING = 0.12, 0.04  # cycles a pixel: rings from a period of 8 pixels down to 2


class AntiSpoofing:
    """The MiniFASNet pair: how much a face looks live, by its skin and by what surrounds it."""

    def __init__(self, v2: bytes, v1se: bytes, threads: int = 1) -> None:
        """The two files as published. Raises ModelError."""
        self._sessions = ((Session(v2, threads), V2_SCALE), (Session(v1se, threads), V1SE_SCALE))
        for session, _ in self._sessions:
            if len(session.inputs) != 1 or len(session.outputs) != 1:
                raise BadInput("this is not a MiniFASNet model; run: daka models verify")

    def live(self, pixels: Pixels, box: Box) -> float:
        """Mean of the two models' probability of the class `live`, 0 to 1, for the face in `box` of a BGR frame."""
        whole = arrays.pixels(pixels)
        return float(np.mean([self._one(session, crop(whole, box, scale)) for session, scale in self._sessions]))

    def _one(self, session: Session, chip: Pixels) -> float:
        feed = {session.inputs[0]: np.ascontiguousarray(chip.transpose(2, 0, 1)[None], dtype=np.float32)}
        logits = session.run(session.outputs, feed)[0].reshape(-1)
        odds = np.exp(logits - logits.max())
        return float(odds[LIVE] / odds.sum())


def crop(pixels: Pixels, box: Box, scale: float) -> Pixels:
    """`scale` times the face's box around its centre, moved into the frame, smaller where the frame is, as (80, 80, 3)."""
    height, width = pixels.shape[:2]
    fitting = min((height - 1) / box.height, (width - 1) / box.width, scale)
    across, down = box.width * fitting, box.height * fitting
    left = min(max(0.0, box.x + box.width / 2 - across / 2), width - 1 - across)
    top = min(max(0.0, box.y + box.height / 2 - down / 2), height - 1 - down)
    part = pixels[int(top) : int(top + down) + 1, int(left) : int(left + across) + 1]
    return np.asarray(cv2.resize(part, (SIDE, SIDE)), dtype=np.uint8)


def raster(pixels: Pixels, box: Box) -> float:
    """How far the strongest line of the face's spectrum stands above its own ring: a print's dots, the beat of a screen's pixels.

    A face itself has no regular pattern of 2 to 8 pixels. Measured on 1,000 photographs of LFW: half below 8.1, 99 in 100 below
    16.4, none above 23.7; they were JPEG, which leaves a pattern of its own. 0 where the face is too small to say.
    """
    whole = arrays.pixels(pixels)
    half = int(min(0.9 * box.height, RASTER_SIDE_PX)) // 2
    x, y = int(box.x + box.width / 2), int(box.y + box.height / 2)
    part = whole[max(0, y - half) : y + half, max(0, x - half) : x + half]
    if min(part.shape[:2]) < LEAST_RASTER_SIDE_PX:
        return 0.0
    values = part.astype(np.float32)
    fine = values - cv2.GaussianBlur(values, (0, 0), SMOOTH_PX)
    window = np.outer(np.hanning(fine.shape[0]), np.hanning(fine.shape[1])).astype(np.float32)
    down, across = np.fft.fftfreq(fine.shape[0])[:, None], np.fft.rfftfreq(fine.shape[1])[None, :]
    frequency = np.hypot(down, across)
    # Each colour by itself: the three beat against each other, and in their sum the stripes of a screen nearly vanish.
    return max(_sharpest_line(np.abs(np.fft.rfft2(fine[:, :, colour] * window)), frequency) for colour in range(3))


def _sharpest_line(spectrum: NDArray[np.float64], frequency: NDArray[np.float64]) -> float:
    """The largest ratio of a ring's maximum to its median."""
    sharpest = 0.0
    for low in np.arange(LOWEST_FREQUENCY, 0.5, RING):
        ring = spectrum[(frequency >= low) & (frequency < low + RING)]
        if ring.size:
            sharpest = max(sharpest, float(ring.max() / max(float(np.median(ring)), 1e-3)))
    return sharpest


def flicker(face_luma: Sequence[float], room_luma: Sequence[float]) -> float:
    """How much the face's brightness swings against the room's from frame to frame, relative standard deviation.

    A screen's backlight beats with the shutter while the room stays as it is. Steps, not values: a person who walks into the light
    grows brighter slowly. Three frames are the least. Unmeasured on real screens.
    """
    if len(face_luma) != len(room_luma):
        raise BadInput("flicker needs the room's brightness for each of the face's")
    if len(face_luma) < 3:
        return 0.0
    ratio = np.asarray(face_luma, dtype=np.float64) / np.maximum(np.asarray(room_luma, dtype=np.float64), 1.0)
    steps = np.diff(np.log(np.maximum(ratio, 1e-3)), n=2)
    return float(np.std(steps) / np.sqrt(6))  # second differences of white noise have six times its variance

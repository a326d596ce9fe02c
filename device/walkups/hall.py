"""The empty hall in which staged people walk, and the noise of the sensor that looks at it."""

from __future__ import annotations

import cv2
import numpy as np

from device.pictures import Pixels

NOISE = 3.0  # standard deviation, of 255: a cheap sensor in a lit room
ROOM_PX = 64  # by how much the field of noise is larger than a frame
WARM = (0.93, 0.98, 1.03)  # gains of blue, green and red


class Grain:
    """One field of noise, made once and laid over each frame at another place:

    new noise for every frame costs ten times as much.
    """

    def __init__(self, size: tuple[int, int], randomness: np.random.Generator) -> None:
        self._size, self._randomness = size, randomness
        shape = (size[1] + ROOM_PX, size[0] + ROOM_PX, 3)
        self._field = np.round(randomness.standard_normal(shape, dtype=np.float32) * NOISE).astype(np.int16)

    def over(self, frame: Pixels) -> Pixels:
        """A new frame with noise on it."""
        x, y = self._randomness.integers(0, ROOM_PX, 2)
        noise = self._field[y : y + self._size[1], x : x + self._size[0]]
        return np.asarray(cv2.add(frame, noise, dtype=cv2.CV_8U), dtype=np.uint8)


def background(size: tuple[int, int]) -> Pixels:
    """An entrance hall out of focus, (height, width, 3) uint8 BGR:

    a wall with a lamp's glow, a door, a floor.

    Nothing in it looks like a face.
    """
    width, height = size
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    glow = np.exp(-((across - 0.7) ** 2 / 0.08 + (down - 0.1) ** 2 / 0.15))
    wall = 120 + 15 * (1 - down) + 45 * glow
    with_door = np.where((across > 0.12) & (across < 0.30) & (down > 0.25), wall * 0.72, wall)
    grey = np.where(down > 0.86, 85 + 30 * (1 - across), with_door).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(grey, (0, 0), max(1.0, width / 160)), dtype=np.float32)
    coloured = soft[:, :, None] * np.array(WARM, dtype=np.float32)
    return np.asarray(np.clip(coloured, 0, 255), dtype=np.uint8)

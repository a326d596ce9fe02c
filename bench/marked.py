"""The kiosk daemon before a stage whose every frame carries the time at which it was made: 32 black or white fields along its edge.

A program of its own, for measurements of what a browser really shows; the product draws nothing into a frame.
"""

from __future__ import annotations

import time

import numpy as np

from device import camera
from device.camera.stage import Stage
from device.commands.main import main
from device.pictures import Pixels

BITS, FIELD_PX = 32, 20  # 640 pixels; large enough for JPEG to leave black black


def marked(pixels: Pixels, now_ms: int) -> Pixels:
    """A copy of the frame that says so; milliseconds since 1970, the last 32 bits, the highest first."""
    fields = [(now_ms >> place) & 1 for place in reversed(range(BITS))]
    drawn = pixels.copy()
    drawn[:FIELD_PX, : BITS * FIELD_PX] = np.repeat(np.array(fields, np.uint8) * 255, FIELD_PX)[None, :, None]
    return drawn


class MarkedStage(Stage):
    """A stage that marks what it shows."""

    def read(self) -> Pixels:
        return marked(super().read(), time.time_ns() // 1_000_000)


if __name__ == "__main__":
    vars(camera)["Stage"] = MarkedStage
    main()

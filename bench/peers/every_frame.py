"""What a kiosk costs that looks hard at every frame: OpenCV's FaceDetectorYN on an empty hall at 15 frames a second.

`python -m bench.peers.every_frame MODEL`; runs until it is ended.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
import numpy as np

from device import walkups

FRAME, WORKING = (640, 480), (320, 240)
PERIOD_S = 1 / 15


def main(model: Path) -> None:
    """The loop."""
    cv2.setNumThreads(1)
    no_config = np.zeros(0, dtype=np.uint8)
    theirs = cv2.FaceDetectorYN.create("onnx", np.frombuffer(model.read_bytes(), dtype=np.uint8), no_config, WORKING)
    due = time.monotonic()
    for pixels in walkups.empty(FRAME):
        theirs.detect(cv2.resize(pixels, WORKING, interpolation=cv2.INTER_AREA))
        due = max(due + PERIOD_S, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

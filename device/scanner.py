"""QR codes in front of the camera: looked for a few times a second, in the same frames as faces, and handed on as text.

A code is handed on once for as long as it is held up. What it says is never run, never logged, and looked at by nobody here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from device import attend
from device.camera import Frame
from device.clock import Moment

log = logging.getLogger(__name__)

QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
MOST_CODES = 4  # in one frame; a poster full of them is nobody's badge
LONGEST_TEXT = 1_000
GONE_AFTER = timedelta(seconds=3)  # a code that was not seen for so long is shown anew


class Scanner:
    """Looks at frames in a thread of its own, so that no face waits for a code."""

    def __init__(self, show: Callable[[str], object], interval: timedelta, is_awake: Callable[[], bool] = lambda: True) -> None:
        self._show, self._interval, self._is_awake = show, interval, is_awake
        self._looked: Moment | None = None
        self._seen: dict[str, Moment] = {}

    def run(self, frames: Iterable[Frame]) -> None:
        """Until the camera ends. One bad frame is a line in the log, not the end of the kiosk."""
        for frame in frames:
            try:
                self.take(frame)
            except Exception as error:  # noqa: BLE001  a traceback might hold the code
                log.error("a frame could not be looked at for codes: %s", type(error).__name__)

    def take(self, frame: Frame) -> None:
        """One frame, unless it comes too soon after another or nobody is there."""
        soon = self._looked is not None and timedelta(0) <= attend.elapsed(self._looked, frame.moment) < self._interval
        if soon or not self._is_awake():
            return
        self._looked = frame.moment
        for text in texts(frame.pixels):
            self._hand_on(text, frame.moment)

    def _hand_on(self, text: str, now: Moment) -> None:
        self._seen = {seen: at for seen, at in self._seen.items() if attend.elapsed(at, now) < GONE_AFTER}
        is_new = text not in self._seen
        self._seen[text] = now
        if is_new:
            self._show(text)


def texts(pixels: NDArray[np.uint8]) -> tuple[str, ...]:
    """What the QR codes in a picture say, (height, width, 3) uint8 BGR; about half a millisecond at 640 x 480."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    found = zxingcpp.read_barcodes(grey, formats=QR, text_mode=zxingcpp.TextMode.Plain)
    return tuple(code.text for code in found[:MOST_CODES] if 0 < len(code.text) <= LONGEST_TEXT)

"""The mirror: the newest frame as a JPEG, only for the screen beside the camera, and only while somebody is there.

Holds no frame longer than until the next one; whoever asks gets the newest and is never sent an old one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import cv2

from device.api import serving
from device.camera import Frame
from device.outlines import Outline
from models.detect import Box

WIDTH_PX = 640  # a larger camera picture is brought to this: sharp enough for a mirror, quick enough for a small board
QUALITY = 80
LINGERS_US = 1_500_000  # whoever bends down for a moment has not left
FRESH_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Drawn:
    """One face as the page draws it: `box` is left, top, width, height as shares of the picture; for the rest see `Outline`."""

    face: int
    box: tuple[float, float, float, float]
    regard: str
    waiting: str
    leads: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture for the screen, and the faces in it, nearest first."""

    number: int
    jpeg: bytes
    faces: tuple[Drawn, ...]
    age_ms: float


class Mirror:
    """Between the line, which shows every frame that it has looked at, and the page, which asks for the newest."""

    def __init__(self, now_us: Callable[[], int]) -> None:
        """`now_us`: the clock that frames are stamped by, microseconds since boot."""
        self._now_us = now_us
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._faces: tuple[Drawn, ...] = ()
        self._number = 0
        self._seen_us: int | None = None

    def show(self, frame: Frame, outlines: tuple[Outline, ...]) -> None:
        """The newest frame and whom it shows, nearest first."""
        height, width = frame.pixels.shape[:2]
        with self._changed:
            self._frame, self._number = frame, self._number + 1
            self._faces = tuple(drawn(one, width, height) for one in outlines)
            if outlines:
                self._seen_us = frame.moment.monotonic_us
            self._changed.notify_all()

    def is_somebody_there(self) -> bool:
        """Whether a face was seen a moment ago."""
        return self._seen_us is not None and self._now_us() - self._seen_us <= LINGERS_US

    def after(self, number: int, wait_s: float, *, always: bool = False) -> Picture | None:
        """A picture newer than `number`; None when none comes in time, or nobody is there (unless `always`: a code is held up)."""

        def is_ready() -> bool:
            return self._number > number and self._is_fresh() and (always or self.is_somebody_there())

        with self._changed:
            if not serving.wait(self._changed, is_ready, wait_s) or self._frame is None:
                return None
            frame, faces, found = self._frame, self._faces, self._number
        return Picture(found, encoded(frame), faces, (self._now_us() - frame.moment.monotonic_us) / 1000)

    def _is_fresh(self) -> bool:
        return self._frame is not None and self._now_us() - self._frame.moment.monotonic_us <= FRESH_US


def encoded(frame: Frame) -> bytes:
    """The frame as a JPEG of at most WIDTH_PX pixels' width."""
    height, width = frame.pixels.shape[:2]
    pixels = frame.pixels
    if width > WIDTH_PX:
        pixels = cv2.resize(pixels, (WIDTH_PX, round(height * WIDTH_PX / width)), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    done, buffer = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    return buffer.tobytes() if done else b""


def drawn(outline: Outline, width: int, height: int) -> Drawn:
    """An outline in shares of the picture instead of pixels."""
    return Drawn(outline.face, shares(outline.box, width, height), outline.regard.value, outline.waiting, outline.leads)


def shares(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    """The box as shares of the picture, four decimals."""
    return (
        round(box.x / width, 4),
        round(box.y / height, 4),
        round(box.width / width, 4),
        round(box.height / height, 4),
    )

"""The one frame worth having: the newest.

Promises that a slow reader skips frames and never gets an old one. Never holds more than one frame, however
slow the reader is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from device.camera.status import Frame


class Newest:
    """A place for one frame, between the thread that reads the camera and whoever looks at it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._number = 0
        self._ended = False
        self._closed = False

    def put(self, frame: Frame) -> None:
        """Replace the frame by a newer one."""
        with self._changed:
            self._frame, self._number = frame, self._number + 1
            self._changed.notify_all()

    def forget(self) -> None:
        """The camera went away: what it showed before is no longer true."""
        with self._changed:
            self._frame = None

    def end(self) -> None:
        """No frame will follow; the last one can still be taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody gets anything any more, and whoever waits stops waiting."""
        with self._changed:
            self._frame, self._closed = None, True
            self._changed.notify_all()

    def begin(self) -> int:
        """The number after which a new reader starts: the newest frame is for it too, unless all is over."""
        with self._changed:
            return self._number if self._ended else 0

    def after(self, seen: int, is_fresh: Callable[[Frame], bool]) -> tuple[int, Frame] | None:
        """Wait for a fresh frame with a number above `seen`; None when there will be none."""
        with self._changed:
            while not self._closed:
                if self._frame is not None and self._number > seen:
                    if is_fresh(self._frame):
                        return self._number, self._frame
                    seen = self._number
                if self._ended:
                    return None
                self._changed.wait()
            return None

"""How fast frames come, and how long our own looks at a face held the next one up.

Told of every frame, whether or not a face is in it: whoever hides theirs makes no camera slow.
"""

from __future__ import annotations

import statistics
from collections import deque

from device.clock import Moment

FRAMES = 15  # of which the median is the usual time: a stall among them, or a pause in which nobody was looked at, changes nothing
MOST_HELD_UP_S = 0.3  # by one look: an embedding and a run of the signs on the slowest kiosk, and no stall beyond


class Pace:
    """The time between frames, in seconds."""

    def __init__(self) -> None:
        self._before_s: float | None = None
        self._took_s: deque[float] = deque(maxlen=FRAMES)
        self._has_looked = False
        self.held_up_s = 0.0  # in all

    def note(self, moment: Moment) -> None:
        """One more frame."""
        now_s = moment.monotonic_us / 1_000_000
        if self._before_s is not None:
            self._count(now_s - self._before_s)
        self._before_s, self._has_looked = now_s, False

    def has_looked(self) -> None:
        """A face was compared in this frame, so that the next one comes later."""
        self._has_looked = True

    @property
    def frame_s(self) -> float:
        """The usual time from one frame to the next; 0 before any is known."""
        return statistics.median(self._took_s) if self._took_s else 0.0

    def _count(self, took_s: float) -> None:
        if self._has_looked and self._took_s:
            self.held_up_s += min(max(0.0, took_s - self.frame_s), MOST_HELD_UP_S)
        else:
            self._took_s.append(took_s)

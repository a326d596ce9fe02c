"""How the line runs: frames handled, punches made, and how long a person waited. Figures alone; nobody is in them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import timedelta
from time import monotonic

KEPT = 200
OVER_S = 10.0  # the frame rate is that of the last so many seconds


class Pulse:
    """Counts; from any thread. `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._frames_at: deque[float] = deque()
        self._waits_s: deque[float] = deque(maxlen=KEPT)
        self.frames = self.punches = 0

    def frame(self) -> None:
        """One frame was handled."""
        with self._lock:
            self.frames += 1
            self._frames_at.append(self._now())
            self._forget()

    def punched(self, waited: timedelta | None) -> None:
        """A punch is on the disk; `waited` since the first frame that showed this face, None for a way without one."""
        with self._lock:
            self.punches += 1
            if waited is not None:
                self._waits_s.append(waited.total_seconds())

    def frames_per_second(self) -> float:
        """Of the last seconds."""
        with self._lock:
            self._forget()
            return len(self._frames_at) / OVER_S

    def wait_s(self, share: float) -> float:
        """The wait that this share of the latest punches by face did not exceed, seconds; 0 where there was none."""
        with self._lock:
            waits = sorted(self._waits_s)
        return waits[min(len(waits) - 1, int(share * len(waits)))] if waits else 0.0

    def _forget(self) -> None:
        while self._frames_at and self._frames_at[0] < self._now() - OVER_S:
            self._frames_at.popleft()

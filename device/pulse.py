"""How the line runs: frames handled, punches made, and how long a person waited. Figures alone; nobody is in them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

KEPT = 200
SHORTEST_LAP_S = 1.0
OVER_S = 10.0  # the frame rate is that of the last so many seconds


@dataclass(frozen=True, slots=True)
class Lap:
    """A while: the frames' mean rate, and the median wait of its latest two hundred punches by face; None: there is none."""

    frames_per_second: float | None
    wait_s: float | None


class Pulse:
    """Counts; from any thread. `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now, self._lock = now, threading.Lock()
        self._frames_at: deque[float] = deque()
        self._waits_s: deque[float] = deque(maxlen=KEPT)
        self.frames = self.punches = self._waited = 0

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
                self._waited += 1

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

    def laps(self) -> Callable[[], Lap]:
        """A stopwatch: each call answers for the time since the one before."""
        began_at, frames, waited = self._now(), self.frames, self._waited

        def lap() -> Lap:
            nonlocal began_at, frames, waited
            with self._lock:
                now, seen, came = self._now(), self.frames - frames, min(self._waited - waited, KEPT)
                latest = sorted(list(self._waits_s)[len(self._waits_s) - came :])
                lasted, began_at, frames, waited = now - began_at, now, self.frames, self._waited
            return Lap(seen / lasted if lasted >= SHORTEST_LAP_S else None, latest[len(latest) // 2] if latest else None)

        return lap

    def _forget(self) -> None:
        while self._frames_at and self._frames_at[0] < self._now() - OVER_S:
            self._frames_at.popleft()

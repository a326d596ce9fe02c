"""Whether the kiosk works, for systemd's watchdog: it is told so only after real work, and starts afresh who does none.

A kiosk without a camera, or whose camera shows nothing, works: people come by their other ways.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from device.api.serving import Serving
from device.camera import Camera, State
from device.line import Line

IDLE_S, IDLE_PAUSES = 20.0, 5  # pictures come, and so long, or for so many of their longest pauses, none is handled
UNANSWERED_S = 60.0  # somebody waits for the page and no thread of it is free; a question may be open for half of that


class Working:
    """Asked a few times a minute.

    `page` is None where none is served; `pause_s` is the longest between two pictures; `now` a monotonic clock in seconds.
    """

    def __init__(
        self, walk: Line, source: Camera, page: Serving | None, pause_s: float, now: Callable[[], float] = monotonic
    ) -> None:
        self._walk, self._source, self._page, self._now = walk, source, page, now
        self._idle_s = max(IDLE_S, IDLE_PAUSES * pause_s)
        self._frames, self._moved_at = walk.pulse.frames, now()

    def __call__(self) -> bool:
        """Neither the driver nor the line hangs, what the camera shows is looked at, and whoever asks for the page is answered."""
        if self._walk.is_stuck() or self._source.is_stuck() or not self._looks():
            return False
        return self._page is None or self._page.unanswered_s() < UNANSWERED_S

    def _looks(self) -> bool:
        frames = self._walk.pulse.frames
        if frames != self._frames or self._source.status().state not in (State.STREAMING, State.BLACK):
            self._frames, self._moved_at = frames, self._now()
        return self._now() - self._moved_at < self._idle_s

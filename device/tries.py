"""When somebody first tried: one attempt may take several PINs, and our own failures make nobody late. Safe to use from threads."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta

from device import attend
from device.clock import Moment

ONE_ATTEMPT = timedelta(seconds=60)  # tries closer together are one attempt
LONGEST_ATTEMPT = timedelta(minutes=2)  # from the first try: nobody else's tries hold it open for an hour
MOST_LETTERS = 64


@dataclass(slots=True)
class _Attempt:
    first: Moment
    latest: Moment

    def goes_on(self, now: Moment) -> bool:
        is_near = timedelta(0) <= attend.elapsed(self.latest, now) < ONE_ATTEMPT
        return is_near and attend.elapsed(self.first, now) < LONGEST_ATTEMPT


class Tries:
    """The attempts of the last minutes, each by the number that was typed."""

    def __init__(self) -> None:
        self._attempts: dict[str, _Attempt] = {}
        self._lock = threading.Lock()

    def first(self, number: str, now: Moment) -> Moment:
        """When the attempt began that this try belongs to."""
        with self._lock:
            self._attempts = {key: one for key, one in self._attempts.items() if one.goes_on(now)}
            return self._attempts.setdefault(number[:MOST_LETTERS], _Attempt(now, now)).first

    def judged(self, number: str, now: Moment) -> None:
        """That try was looked at, and the attempt goes on from it; one that was told to wait prolongs nothing."""
        with self._lock:
            if (mine := self._attempts.get(number[:MOST_LETTERS])) is not None:
                mine.latest = now

    def is_over(self, number: str) -> None:
        """They are clocked in."""
        with self._lock:
            self._attempts.pop(number, None)

"""What the next badge or code is for: as a rule a punch; for a while, when somebody at the page has asked, only to know who it is.

So a supervisor who comes to help shows a badge without being clocked in or out by it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from device import api, attend
from device.clock import Clock, Moment

VERIFIES_FOR = timedelta(seconds=60)


class Ways(Protocol):
    """Takes what a reader read; device.ways has the real one."""

    def code(self, text: str, *, punch: bool = True) -> api.Decision: ...
    def badge(self, text: str, *, punch: bool = True) -> api.Decision: ...


class Readers:
    """Between the readers and the ways. Safe to use from several threads."""

    def __init__(self, ways: Ways, clock: Clock) -> None:
        self._ways, self._clock = ways, clock
        self._verify_since: Moment | None = None

    def verify(self) -> None:
        """For a minute, whoever shows something is not clocked in by it."""
        self._verify_since = self._clock.now()

    def punch(self) -> None:
        """As a rule."""
        self._verify_since = None

    def code(self, text: str) -> None:
        """The camera has read a code."""
        self._ways.code(text, punch=self._is_for_a_punch())

    def badge(self, text: str) -> None:
        """The reader has read a badge."""
        self._ways.badge(text, punch=self._is_for_a_punch())

    def _is_for_a_punch(self) -> bool:
        since = self._verify_since
        return since is None or attend.elapsed(since, self._clock.now()) >= VERIFIES_FOR

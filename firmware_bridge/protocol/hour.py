"""The lock's time: the server's word for this session, counted on by the lock's own oscillator until it loses power."""

from __future__ import annotations

from dataclasses import dataclass

from firmware_bridge.protocol.commands import Time

STATED_MS = 5 * 60 * 1000  # since message 1: time to read a long log; a session held open for longer hears of no revocation
COUNT_ON_MS = 30 * 24 * 3600 * 1000  # a crystal of 100 ppm is off by four minutes then; after that the lock knows no time


@dataclass(frozen=True, slots=True)
class Hour:
    """Whose word the time is, and between which two moments it lies (seconds since 1970)."""

    source: Time
    earliest: int
    latest: int


class Oscillator:
    """Knows no time until it is told one; a restart forgets it."""

    def __init__(self) -> None:
        self._anchor: tuple[int, int, int] | None = None  # the server's time, and the uptimes between which it was said
        self._stated = False

    def told(self, at: int, asked_ms: int, now_ms: int) -> None:
        """The server's word, said at some moment since `asked_ms`: it may have been held back on its way."""
        self._anchor, self._stated = (at, asked_ms, now_ms), True

    def session_ends(self) -> None:
        """From now on the time is only counted."""
        self._stated = False

    def at(self, now_ms: int) -> Hour:
        """The time at this uptime."""
        if self._anchor is None or now_ms - self._anchor[2] > COUNT_ON_MS:
            return Hour(Time.NONE, 0, 0)
        at, asked_ms, told_ms = self._anchor
        source = Time.STATED if self._stated and now_ms - asked_ms < STATED_MS else Time.COUNTED
        return Hour(source, at + (now_ms - told_ms) // 1000, at + -(-(now_ms - asked_ms) // 1000))

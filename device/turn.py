"""Whose turn it is, of a search and of a change of what is searched, in one interpreter."""

from __future__ import annotations

import threading


class Turn:
    """Lets a search that is under way end before the gallery changes again.

    Of two threads in one interpreter, an import that runs from one short call of SQLite to the next takes the interpreter back each
    time before the other one wakes: a search stood for up to 180 ms behind other people's changes (`make bench ONLY=gallery`).
    """

    def __init__(self) -> None:
        self._ended = threading.Condition()
        self._running = self._ends = 0

    def __enter__(self) -> None:
        with self._ended:
            self._running += 1

    def __exit__(self, *error: object) -> None:
        with self._ended:
            self._running -= 1
            self._ends += 1
            self._ended.notify_all()

    def give_way(self, at_most_s: float) -> None:
        """Returns when a search that runs now has ended, at once if none does."""
        with self._ended:
            before = self._ends
            self._ended.wait_for(lambda: not self._running or self._ends != before, at_most_s)

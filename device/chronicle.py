"""The chronicle: every record that is no punch, as the administrators' pages list it, sorted and paged.

A line a record in memory, read from the journal in steps so that no punch waits long behind it; the journal stays the truth.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Collection
from dataclasses import dataclass
from operator import attrgetter

from device.journal import Journal, Mention

SORTS = ("seq", "what", "by", "person", "lock")
STEP = 5_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records, and which part of them; those that are equal in `sort` stand by their numbers."""

    kinds: Collection[str]
    sort: str = "seq"
    descending: bool = True
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Found:
    """How many records match, and the numbers of the asked-for part."""

    total: int
    seqs: tuple[int, ...]


class Chronicle:
    """One journal's records but for punches; safe to use from several threads."""

    def __init__(self, journal: Journal) -> None:
        self._journal, self._lock = journal, threading.Lock()
        self._epoch, self._lines = "", list[Mention]()

    def find(self, wanted: Wanted) -> Found:
        """The records of these kinds, the newest first unless asked otherwise."""
        with self._lock:
            self._catch_up()
            found = [line for line in self._lines if line.kind in wanted.kinds]
        if wanted.sort != "seq":
            found.sort(key=attrgetter(wanted.sort))
        if wanted.descending:
            found.reverse()
        return Found(len(found), tuple(line.seq for line in found[wanted.offset : wanted.offset + wanted.limit]))

    def _catch_up(self) -> None:
        head = self._journal.head()
        if head.epoch != self._epoch:  # a new journal has begun
            self._epoch, self._lines = head.epoch, []
        while more := self._journal.mentions(self._lines[-1].seq if self._lines else 0, STEP):
            self._lines += more
        del self._lines[: bisect.bisect_left(self._lines, head.kept_from, key=attrgetter("seq"))]  # the journal has removed them

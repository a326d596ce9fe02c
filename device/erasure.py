"""Erasure: everything about a person leaves this kiosk, a search shows that nothing stayed, and a signed record says so.

What the law wants kept stays under the opaque id: the punches in the journal, which hold neither name nor number.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from device import api, leftovers, messages, people
from device.clock import Clock
from device.journal import Journal
from device.messages import ErasureReason
from device.people import Directory
from device.people.graves import Owed
from device.people.roster import check_text

log = logging.getLogger(__name__)


class Eraser:
    """The one place where people end. `forget` is told of each, for whatever holds them in memory. Safe to use from threads."""

    def __init__(
        self, journal: Journal, directory: Directory, clock: Clock, root: Path, forget: Callable[[str], None] = lambda person: None
    ) -> None:
        self._journal, self._directory, self._clock, self._root = journal, directory, clock, root
        self._forget = forget
        self._lock = threading.RLock()  # or two would search, and write a record each, for one erasure

    def erase(self, number: str, reason: str, by: str) -> api.Erased:
        """Erase the person with this employee number."""
        return self.erase_person(self._directory.by_number(number).person, reason, by)

    def erase_person(self, person: str, reason: str, by: str) -> api.Erased:
        """Rows and keys, write-ahead log and free pages; then the search, then the record.

        PersonUnknown for nobody's id. If traces stay in some file the record says how many, and the answer names the files.
        """
        check_text("whoever does this", by)
        if reason not in set(ErasureReason):
            raise people.PeopleError(f"a reason is one of {', '.join(ErasureReason)}")
        with self._lock:
            traces = self._directory.graves.traces(person)
            try:
                owed = self._directory.graves.bury(person, reason, by, self._clock.now().at, traces)
            finally:
                self._forget(person)
            return self._finish(owed)

    def erase_if_here(self, person: str, reason: str, by: str) -> bool:
        """Erase somebody if they are here; either way they never will be again. Says whether they were.

        Whose erasure lacks its search or its record still is: that is brought to its end first.
        """
        with self._lock:
            owed = [one for one in self._directory.graves.owed() if one.person == person]
            for one in owed:
                self._finish(one)
            if person not in self._directory.graves.risen([person], self._clock.now().at):
                return bool(owed)
            self.erase_person(person, reason, by)
            return True

    def settle(self) -> None:
        """What a start and each minute have to put right: who came back with a restored file, and erasures without their record."""
        with self._lock:
            for person in self._directory.graves.risen(self._journal.erased(), self._clock.now().at):
                log.warning("somebody who was erased came back with a file from elsewhere, and is erased again")
                self.erase_person(person, ErasureReason.CAME_BACK, "kiosk")
            for owed in self._directory.graves.owed():
                self._finish(owed)

    def _finish(self, owed: Owed) -> api.Erased:
        self._directory.graves.scrub()
        traces = self._directory.graves.nobody_elses(owed.traces)
        count = len(traces.all)
        searched, remains = leftovers.search(self._root, traces)
        body = messages.Erasure(owed.person, ErasureReason(owed.reason), owed.by, owed.templates, count, searched, len(remains))
        receipt = self._journal.append(body, self._clock.now())
        self._directory.graves.settled(owed.person)
        if remains:
            log.error("traces of a person who was erased are left in %d file(s): %s", len(remains), ", ".join(remains))
        return api.Erased(owed.person, owed.templates, count, searched, remains, receipt.seq, receipt.hash)

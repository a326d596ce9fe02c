"""Erasure: everything about a person leaves this kiosk, a search shows that nothing stayed, and a signed record says so.

What the law wants kept stays under the opaque id: the punches in the journal, which hold neither name nor number.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from device import api, database, messages, people
from device.clock import Clock
from device.journal import Journal
from device.messages import ErasureReason
from device.people import Directory
from device.people.graves import Owed
from device.people.roster import check_text

log = logging.getLogger(__name__)

CHUNK = 4 * 2**20
UNSEARCHED = (".sock",)


class Eraser:
    """The one place where people end. `forget` is told of each, for whatever holds them in memory."""

    def __init__(
        self, journal: Journal, directory: Directory, clock: Clock, root: Path, forget: Callable[[str], None] = lambda person: None
    ) -> None:
        self._journal, self._directory, self._clock, self._root = journal, directory, clock, root
        self._forget = forget

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
        traces = self._directory.graves.traces(person)
        try:
            owed = self._directory.graves.bury(person, reason, by, self._clock.now().at)
        finally:
            self._forget(person)
        return self._finish(owed, traces)

    def erase_if_here(self, person: str, reason: str, by: str) -> bool:
        """Erase somebody if they are here; either way they never will be again. Says whether they were."""
        if person not in self._directory.graves.risen([person], self._clock.now().at):
            return False
        self.erase_person(person, reason, by)
        return True

    def settle(self) -> None:
        """What a start has to put right: people who came back with a restored file, and erasures without their record."""
        for person in self._directory.graves.risen(self._journal.erased(), self._clock.now().at):
            log.warning("somebody who was erased came back with a file from elsewhere, and is erased again")
            self.erase_person(person, ErasureReason.CAME_BACK, "kiosk")
        for owed in self._directory.graves.owed():
            self._finish(owed, ())

    def _finish(self, owed: Owed, traces: Sequence[bytes]) -> api.Erased:
        self._directory.graves.scrub()
        searched, remains = search(self._root, traces)
        body = messages.Erasure(
            owed.person, ErasureReason(owed.reason), owed.by, owed.templates, len(traces), searched, len(remains)
        )
        receipt = self._journal.append(body, self._clock.now())
        self._directory.graves.settled(owed.person)
        if remains:
            log.error("traces of a person who was erased are left in %d file(s): %s", len(remains), ", ".join(remains))
        return api.Erased(owed.person, owed.templates, len(traces), searched, remains, receipt.seq, receipt.hash)


def search(root: Path, traces: Sequence[bytes]) -> tuple[int, tuple[str, ...]]:
    """How many files below `root` were read to their end, and the names of those in which a trace stands."""
    if not traces:
        return 0, ()
    looked = {path: _holds(path, traces) for path in sorted(root.rglob("*")) if path.is_file() and path.suffix not in UNSEARCHED}
    found = tuple(str(path.relative_to(root)) for path, holds in looked.items() if holds)
    return sum(holds is not None for holds in looked.values()), found


def _holds(path: Path, traces: Sequence[bytes]) -> bool | None:
    """None for a file that is gone by now, or that another daemon keeps to itself: its own promises cover it."""
    overlap = max(map(len, traces)) - 1
    tail = b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                window = tail + chunk
                if any(trace in window for trace in traces):
                    return True
                tail = window[-overlap:] if overlap else b""
    except (FileNotFoundError, PermissionError):
        return None
    except OSError as error:
        raise database.translated(path, error) from error
    return False

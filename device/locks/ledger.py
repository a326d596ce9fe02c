"""The locks' events on record: verified against the lock's key and what was known of its log, then into the journal.

An event is in the journal before this file says so; after a crash between the two it comes again, and the server knows it by number
and hash.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from device import database, messages
from device.clock import Clock, Moment
from device.journal import Receipt
from device.locks.errors import LogBehind, LogRefused
from device.messages import LockAct, LockBody
from device.messages import lock as papers
from device.messages.lock import Event, EventKind
from device.messages.lock.papers import public_key
from device.sentences import say

log = logging.getLogger(__name__)


class Journal(Protocol):
    """Remembers, durably; device.journal has the real one."""

    def append(self, body: messages.Body, moment: Moment) -> Receipt: ...


@dataclass(frozen=True, slots=True)
class Known:
    """How far a lock's log is on record; `head` is the length that a head last proved."""

    number: int = 0
    hash: bytes = papers.GENESIS
    head: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether nothing lies between what is on record and the length that was last proved."""
        return self.number == self.head


class Ledger:
    """The file `locks.db`, open; safe to use from several threads."""

    def __init__(self, path: Path, journal: Journal, clock: Clock) -> None:
        self.database = database.Database(path, "locks")
        self._journal, self._clock = journal, clock

    def known(self, enrolment: papers.Enrolment) -> Known:
        """How far this lock's log is on record, here or at the enterprise."""
        here = self._known(enrolment.lock)
        return max(here, Known(enrolment.log_number, enrolment.log_hash), key=lambda known: known.number)

    def _known(self, lock: str) -> Known:
        with self.database.reading() as connection:
            row = connection.execute("SELECT number, hash, head FROM log WHERE lock = ?", (lock,)).fetchone()
        return Known(*row) if row else Known()

    def used(self, grant: bytes) -> int:
        """How many stamps of this grant the locks' events have shown."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT stamps FROM used WHERE grant_id = ?", (grant,)).fetchone()
        return int(row[0]) if row else 0

    def keep(self, enrolment: papers.Enrolment, events: Sequence[bytes], head: bytes, nonce: bytes) -> Known:
        """What the lock has just told, on record; LogRefused, itself on record, where it does not continue what was known.

        More events than one answer holds come with the next; one with none, below a head that says there are more, keeps them back.
        LogBehind where it begins later than what is known here: a lock drops what the enterprise has, whoever has brought it. The
        head on record tells the enterprise to look whether it has all of it.
        """
        lock, known = enrolment.lock, self.known(enrolment)
        try:
            is_behind = _begins_later(enrolment, events, known)
            found, known = _followed(enrolment, () if is_behind else events, known)
            end = _head(enrolment, head, nonce, known)
        except messages.MessageError as error:
            self._record(LockBody(LockAct.BROKEN, lock, number=known.number, paper=_b64(head)))
            log.error("the log of %s is not what it was: %s", lock, error)
            raise LogRefused(say("lock.log_refused", lock=lock)) from error
        if is_behind:
            self._record(LockBody(LockAct.HEAD, lock, number=end.number, paper=_b64(head)))
            raise LogBehind(say("lock.log_behind", lock=lock))
        for event, data in found:
            self._record(_of_event(event, data))
        is_withheld = not events and end.number > known.number
        if is_withheld or end.number == known.number > known.head:
            self._record(LockBody(LockAct.HEAD, lock, number=end.number, paper=_b64(head)))
        if is_withheld:
            log.error("%s has %d events and shows %d", lock, end.number, known.number)
            raise LogRefused(say("lock.log_withheld", lock=lock, last=end.number, number=known.number))
        if end.number == known.number:
            known = Known(known.number, known.hash, end.number)
        self._write(lock, known, [event for event, _ in found if event.kind == EventKind.STAMP])
        return known

    def _record(self, body: LockBody) -> None:
        self._journal.append(body, self._clock.now())

    def _write(self, lock: str, known: Known, stamps: Sequence[Event]) -> None:
        with self.database.transaction() as connection:
            row = (lock, known.number, known.hash, known.head)
            connection.execute("INSERT OR REPLACE INTO log VALUES (?, ?, ?, ?)", row)
            connection.executemany(
                "INSERT INTO used VALUES (?, ?) ON CONFLICT (grant_id) DO UPDATE SET stamps = max(stamps, excluded.stamps)",
                [(event.grant, event.count) for event in stamps],
            )

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self.database.close()


def _begins_later(enrolment: papers.Enrolment, events: Sequence[bytes], known: Known) -> bool:
    """Whether the lock shows nothing of what comes next here, and something of its own that comes after that."""
    first = Event.opened(events[0], public_key(enrolment.lock_key)) if events else None
    return first is not None and first.lock == enrolment.lock and first.number > known.number + 1


def _followed(enrolment: papers.Enrolment, events: Sequence[bytes], known: Known) -> tuple[list[tuple[Event, bytes]], Known]:
    key, found = public_key(enrolment.lock_key), []
    for data in events:
        event, digest = papers.follow(data, key, known.number, known.hash)
        _check_name(event.lock, enrolment)
        known = Known(event.number, digest, known.head)
        found.append((event, data))
    return found, known


def _head(enrolment: papers.Enrolment, data: bytes, nonce: bytes, known: Known) -> papers.Head:
    """The head that answers our nonce, if it lies at or beyond what is known."""
    head = papers.Head.opened(data, public_key(enrolment.lock_key))
    _check_name(head.lock, enrolment)
    if head.nonce != nonce:
        raise papers.LogBroken("the head answers another question than ours")
    if head.number < known.number or (head.number == known.number and head.hash != known.hash):
        end = f"its log ends at event {head.number}, and {known.number} were known"
        raise papers.LogBroken(f"{end}: its tail is cut, or its memory was put back")
    return head


def _check_name(lock: str, enrolment: papers.Enrolment) -> None:
    if lock != enrolment.lock:
        raise papers.LogBroken(f"it speaks for {lock}")


def _of_event(event: Event, data: bytes) -> LockBody:
    return LockBody(
        LockAct.EVENT,
        event.lock,
        person=event.person,
        grant=event.grant.hex(),
        document=event.document.hex(),
        number=event.number,
        event=EventKind(event.kind).name.lower(),
        paper=_b64(data),
    )


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

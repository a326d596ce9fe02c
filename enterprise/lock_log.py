"""Locks' events as kiosks relay them: each checked with the lock's key, all of one lock's held together whoever brought them.

What does not hold is an alarm for a person, and never stops a kiosk's records:
`lock_unknown`, `lock_forged`, `lock_fork` (two events of one number, or one that does not follow), `lock_gap` (the lock says that
there are more; by lock and first missing event), `lock_broken` (a kiosk found the log cut or put back), `lock_unapproved` (a stamp
that no approval covers), `lock_unverified` (one without a verification; by lock and event), and what a lock tells about itself:
`lock_tamper`, `lock_drop`, `lock_battery_low`, `lock_unfinished`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from device import messages
from device.messages import lock as papers
from device.messages.lock import Event, EventKind
from enterprise import alarms, tables
from enterprise.lock_stamps import Stamps
from enterprise.store import EpochState, RecordRow, Transaction

TOLD = {
    EventKind.TAMPER: "the lock was opened by force; look at it, then: daka-enterprise lock clear",
    EventKind.DROP: "the lock fell; look at it, then: daka-enterprise lock clear",
    EventKind.BATTERY_LOW: "the lock's battery is low; change it",
    EventKind.UNFINISHED: "power failed during a stamp, which is counted; look at the paper",
}


@dataclass(frozen=True, slots=True)
class LockLog:
    """The `lock` records of one batch, in the batch's own transaction."""

    transaction: Transaction
    state: EpochState
    now: datetime

    def settle(self, rows: Iterable[RecordRow]) -> None:
        """Take over what these records say."""
        for row in rows:
            if row.kind == "lock":
                self._take(row, json.loads(row.body)["body"])

    def _take(self, row: RecordRow, body: dict[str, Any]) -> None:
        seq = row.seq
        if body["act"] == messages.LockAct.VERIFIED:
            self._stamps.verified(row.device, row.hash, body)
            return
        lock = self.transaction.connection.execute(
            select(tables.lock).where(tables.lock.c.lock == body["lock"]).with_for_update()
        ).first()
        if lock is None:
            self._alarm("lock_unknown", seq, f"a kiosk relays the log of {body['lock']}, which nobody has added here")
        elif body["act"] == messages.LockAct.BROKEN:
            self._alarm("lock_broken", seq, f"the log of {body['lock']} was cut, put back or forged; stop using it and ask why")
        else:
            self._check(seq, lock, body)

    def _check(self, seq: int, lock: Any, body: dict[str, Any]) -> None:
        key = messages.public_key_from_text(lock.key)
        try:
            paper = base64.b64decode(body["paper"], validate=True)
            is_head = body["act"] == messages.LockAct.HEAD
            said = papers.Head.opened(paper, key) if is_head else Event.opened(paper, key)
        except (messages.MessageError, ValueError):
            self._alarm("lock_forged", seq, f"an event of {lock.lock} is not signed by it; ask who runs this kiosk")
            return
        if said.lock != lock.lock:
            self._alarm("lock_fork", seq, f"{lock.lock} has signed in the name of {said.lock}; stop using both and ask why")
            return
        if isinstance(said, papers.Head):
            self._head(seq, lock, said)
        else:
            self._event(seq, lock, said, papers.Signed(paper, b"").hash.hex())
        self._stamps.heard(self.state.device, lock.lock, said.number)

    @property
    def _stamps(self) -> Stamps:
        return Stamps(self.transaction, self._alarm, self.now)

    def _event(self, seq: int, lock: Any, event: Event, digest: str) -> None:
        column = tables.lock_event.c
        there = self.transaction.connection.scalar(
            select(column.hash).where(column.lock == event.lock, column.number == event.number)
        )
        if there is not None and there != digest:
            self._alarm("lock_fork", seq, f"{lock.lock} has signed two events with number {event.number}: its memory was put back")
        if there is not None:
            return
        self.transaction.put(tables.lock_event, self._row(seq, event, digest))
        self._advance(seq, lock)
        self._meaning(seq, event)

    def _row(self, seq: int, event: Event, digest: str) -> dict[str, Any]:
        return {
            "lock": event.lock,
            "number": event.number,
            "hash": digest,
            "prev": event.prev.hex(),
            "event": EventKind(event.kind).name.lower(),
            "grant_id": event.grant.hex(),
            "person": event.person,
            "document": event.document.hex(),
            "used": event.count,
            "at": event.at,
            "device": self.state.device,
            "seq": seq,
        }

    def _advance(self, seq: int, lock: Any) -> None:
        """As far as the log is here without a hole."""
        column, seen, last = tables.lock_event.c, lock.seen, lock.seen_hash
        query = select(column.number, column.hash, column.prev).where(column.lock == lock.lock, column.number > seen)
        for row in self.transaction.connection.execute(query.order_by(column.number)):
            if row.number != seen + 1:
                break
            if row.prev != last:
                self._alarm("lock_fork", seq, f"event {row.number} of {lock.lock} does not follow the one before it")
                break
            seen, last = row.number, row.hash
        values = {"seen": seen, "seen_hash": last}
        self.transaction.connection.execute(tables.lock.update().where(tables.lock.c.lock == lock.lock).values(values))

    def _head(self, seq: int, lock: Any, head: papers.Head) -> None:
        if head.number > lock.seen:
            for first, last in self._holes(lock, head.number):
                self._gap(lock.lock, first, last)
        elif head.number == lock.seen and head.hash.hex() != lock.seen_hash:
            self._alarm("lock_fork", seq, f"{lock.lock} and this database do not agree about event {head.number}")

    def _holes(self, lock: Any, upto: int) -> Iterator[tuple[int, int]]:
        """The first and the last number of each stretch of events that are not here."""
        column, wanted = tables.lock_event.c, lock.seen + 1
        query = select(column.number).where(column.lock == lock.lock, column.number > lock.seen, column.number <= upto)
        here = self.transaction.connection.execute(query.order_by(column.number)).scalars().all()
        for number in (*here, upto + 1):
            if number > wanted:
                yield wanted, number - 1
            wanted = number + 1

    def _gap(self, lock: str, first: int, last: int) -> None:
        """An alarm of the lock's, whichever kiosk brought its head: each later head shows the hole again, and it is no news."""
        detail = f"events {first} to {last} of {lock} are not here, and the lock says that it has them"
        alarms.news(self.transaction, lock, "lock_gap", first, detail, self.now)

    def _meaning(self, seq: int, event: Event) -> None:
        kind = EventKind(event.kind)
        if kind in TOLD:
            self._alarm(f"lock_{kind.name.lower()}", seq, f"{event.lock}: {TOLD[kind]}")
        if kind is EventKind.TAMPER_CLEARED:
            column = tables.lock_clearance.c
            heard = (column.lock == event.lock) & (column.upto < event.number)  # one that was decided since is still to be told
            self.transaction.connection.execute(tables.lock_clearance.delete().where(heard))
        if kind is EventKind.STAMP:
            self._stamps.take(seq, event)

    def _alarm(self, kind: str, seq: int, detail: str) -> None:
        self.transaction.alarm(self.state.device, self.state.epoch, kind, seq, detail, self.now)

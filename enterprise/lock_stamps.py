"""A stamp held against what was approved and verified: whose, on which document, how often, when, and that its person was there.

Other records may come first. A verification is missing only once the kiosk that owes it has sent something of that lock's log that
is as late as the stamp: in a kiosk's journal the verification stands before.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from device import messages
from device.messages.lock import Event
from enterprise import tables
from enterprise.store import Transaction

CLOCKS_S = 300  # a lock's clock is off by four minutes after thirty days, and the press comes half a minute after the judgement
AWAITED, VERIFIED, MISSING = "awaited", "verified", "missing"
Alarm = Callable[[str, int, str], None]


@dataclass(frozen=True, slots=True)
class Stamps:
    """The stamps in one batch, in the batch's own transaction."""

    transaction: Transaction
    alarm: Alarm

    def take(self, seq: int, event: Event) -> None:
        """A stamp that was not known; its event stands in `lock_event` already."""
        grant = self._one(tables.lock_grant, tables.lock_grant.c.id == event.grant.hex())
        if why := self._complaint(event, grant):
            self.alarm("lock_unapproved", seq, f"{event.lock} has stamped (event {event.number}) {why}")
        if grant is None:
            return
        state, stamp = AWAITED, tables.lock_stamp.c
        before = self._one(tables.lock_stamp, stamp.record == event.record.hex(), stamp.state != MISSING)
        if before is not None:
            self._unverified(seq, event.lock, event.number, f"on the verification of event {before.number} of {before.lock}")
            state = MISSING
        row = {"lock": event.lock, "number": event.number, "device": grant.device, "grant_id": grant.id}
        self.transaction.put(tables.lock_stamp, row | {"record": event.record.hex(), "state": state})

    def verified(self, device: str, record: str, body: dict[str, Any]) -> None:
        """A kiosk has verified somebody, by its record of this hash."""
        row = {"record": record, "device": device, "lock": body["lock"], "grant_id": body["grant"]}
        self.transaction.put(tables.lock_verified, row)

    def heard(self, seq: int, device: str, lock: str, number: int) -> None:
        """This kiosk has put on record how the lock stood at event `number`: what it had verified until then is here."""
        column = tables.lock_stamp.c
        owed = (column.lock == lock) & (column.device == device) & (column.number <= number) & (column.state == AWAITED)
        for stamp in self.transaction.connection.execute(select(tables.lock_stamp).where(owed)).all():
            state = VERIFIED if self._is_verified(stamp) else MISSING
            if state is MISSING:
                self._unverified(seq, lock, stamp.number, "though no record of the kiosk's says that its person was verified")
            same = (column.lock == lock) & (column.number == stamp.number)
            self.transaction.connection.execute(tables.lock_stamp.update().where(same).values(state=state))

    def _complaint(self, event: Event, grant: Any) -> str:
        """What of the approval does not cover this stamp; empty for nothing."""
        if grant is None or (grant.lock, grant.person, grant.document) != (event.lock, event.person, event.document.hex()):
            return "what no approval here covers"
        if event.count > grant.stamps or self._made(event) > grant.stamps:
            return f"more often than the {grant.stamps} times that were approved"
        if not event.count or self._made(event, tables.lock_event.c.used == event.count) > 1:
            return f"as number {event.count} of its approval, which is no number or was there before"
        if not grant.not_before - CLOCKS_S <= event.at <= grant.expires_at + CLOCKS_S:
            return "at a time for which it was not approved"
        if grant.revoked and event.at > grant.revoked + CLOCKS_S:
            return f"after the approval was revoked ({messages.write_time(datetime.fromtimestamp(grant.revoked, UTC))})"
        return ""

    def _made(self, event: Event, *such: Any) -> int:
        """How many stamps under the event's approval are here."""
        column = tables.lock_event.c
        query = select(func.count()).where(
            column.grant_id == event.grant.hex(), column.lock == event.lock, column.event == "stamp", *such
        )
        return self.transaction.connection.scalar(query) or 0

    def _is_verified(self, stamp: Any) -> bool:
        column, record = tables.lock_verified.c, tables.record.c
        wanted = (stamp.device, stamp.lock, stamp.grant_id)
        found = self._one(tables.lock_verified, column.record == stamp.record)
        if found is not None:
            return (found.device, found.lock, found.grant_id) == wanted
        such = (tables.of_rare_kinds("lock"), record.device == stamp.device, record.hash == stamp.record)  # older than that table
        body = self.transaction.connection.scalar(select(record.body).where(*such))
        said = json.loads(body)["body"] if body else {}
        return said.get("act") == messages.LockAct.VERIFIED and (stamp.device, said["lock"], said["grant"]) == wanted

    def _unverified(self, seq: int, lock: str, number: int, how: str) -> None:
        self.alarm("lock_unverified", seq, f"{lock} has stamped (event {number}) {how}; ask who was at the kiosk")

    def _one(self, table: Any, *such: Any) -> Any:
        return self.transaction.connection.execute(select(table).where(*such)).first()

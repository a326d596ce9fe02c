"""A stamp held against what was approved and verified: whose, on which document, how often, when, and that its person was there.

Other records may come first. A verification is missing only once the kiosk that owes it has sent something of that lock's log that
is as late as the stamp: in a kiosk's journal the verification stands before. A kiosk need not say such a thing ever, so what is
awaited for a week is an alarm as well; and a kiosk that is believed no more brings nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from device import messages
from device.messages.lock import Event
from enterprise import alarms, tables
from enterprise.store import Transaction

CLOCKS_S = 300  # a lock's clock is off by four minutes after thirty days, and the press comes half a minute after the judgement
AWAITED_FOR = timedelta(days=7)  # a kiosk may be without a network for days
AWAITED, VERIFIED, MISSING = "awaited", "verified", "missing"
Alarm = Callable[[str, int, str], None]


@dataclass(frozen=True, slots=True)
class Stamps:
    """The stamps in one batch, in the batch's own transaction."""

    transaction: Transaction
    alarm: Alarm
    now: datetime

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
            how = f"on the verification of event {before.number} of {before.lock}"
            _unverified(self.transaction, event.lock, event.number, how, self.now)
            state = MISSING
        row = {"lock": event.lock, "number": event.number, "device": grant.device, "grant_id": grant.id}
        self.transaction.put(tables.lock_stamp, row | {"record": event.record.hex(), "state": state})

    def verified(self, device: str, record: str, body: dict[str, Any]) -> None:
        """A kiosk has verified somebody, by its record of this hash."""
        row = {"record": record, "device": device, "lock": body["lock"], "grant_id": body["grant"]}
        self.transaction.put(tables.lock_verified, row)

    def heard(self, device: str, lock: str, number: int) -> None:
        """This kiosk has put on record how the lock stood at event `number`: what it had verified until then is here."""
        column = tables.lock_stamp.c
        _settle(self.transaction, self.now, column.lock == lock, column.device == device, column.number <= number)

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

    def _one(self, table: Any, *such: Any) -> Any:
        return self.transaction.connection.execute(select(table).where(*such)).first()


def give_up(transaction: Transaction, device: str, now: datetime) -> None:
    """This kiosk is believed no more: what it has not brought of what it owes is missing."""
    _settle(transaction, now, tables.lock_stamp.c.device == device)


def complain(transaction: Transaction, now: datetime) -> None:
    """An alarm for each stamp whose verification has not come for too long. It may come yet, and is awaited on."""
    stamp, event = tables.lock_stamp.c, tables.lock_event.c
    query = select(tables.lock_stamp).join(tables.lock_event, (event.lock == stamp.lock) & (event.number == stamp.number))
    late = (stamp.state == AWAITED) & (event.at < int((now - AWAITED_FOR).timestamp()))
    for one in transaction.connection.execute(query.where(late)).all():
        how = f"and {one.device} has not sent that its person was verified for {AWAITED_FOR.days} days"
        alarms.news(transaction, one.lock, "lock_unverified", one.number, _told(one.lock, one.number, how), now)


def awaited(connection: Connection, lock: str) -> int:
    """How many of the lock's stamps wait for the record of their verification."""
    column = tables.lock_stamp.c
    query = select(func.count()).select_from(tables.lock_stamp).where(column.lock == lock, column.state == AWAITED)
    return connection.scalar(query) or 0


def _settle(transaction: Transaction, now: datetime, *such: Any) -> None:
    """Of stamps like these, whose verification has to be here by now if there is any."""
    column = tables.lock_stamp.c
    for stamp in transaction.connection.execute(select(tables.lock_stamp).where(column.state == AWAITED, *such)).all():
        state = VERIFIED if _is_verified(transaction.connection, stamp) else MISSING
        if state is MISSING:
            how = f"though no record of {stamp.device} says that its person was verified"
            _unverified(transaction, stamp.lock, stamp.number, how, now)
        same = (column.lock == stamp.lock) & (column.number == stamp.number)
        transaction.connection.execute(tables.lock_stamp.update().where(same).values(state=state))


def _is_verified(connection: Connection, stamp: Any) -> bool:
    column, record = tables.lock_verified.c, tables.record.c
    wanted = (stamp.device, stamp.lock, stamp.grant_id)
    found = connection.execute(select(tables.lock_verified).where(column.record == stamp.record)).first()
    if found is not None:
        return (found.device, found.lock, found.grant_id) == wanted
    such = (tables.of_rare_kinds("lock"), record.device == stamp.device, record.hash == stamp.record)  # older than that table
    body = connection.scalar(select(record.body).where(*such))
    said = json.loads(body)["body"] if body else {}
    return said.get("act") == messages.LockAct.VERIFIED and (stamp.device, said["lock"], said["grant"]) == wanted


def _unverified(transaction: Transaction, lock: str, number: int, how: str, now: datetime) -> None:
    """An alarm of the lock's: one word of a kiosk's may tell of several stamps, and each is looked at."""
    transaction.alarm(lock, "", "lock_unverified", number, _told(lock, number, how), now)


def _told(lock: str, number: int, how: str) -> str:
    return f"{lock} has stamped (event {number}) {how}; ask who was at the kiosk"

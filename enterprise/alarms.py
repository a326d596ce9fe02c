"""Alarms that a person has looked at. One that goes on is open again; settling it is itself on record, with who and why."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, select

from device import messages
from enterprise import tables
from enterprise.errors import EnterpriseError
from enterprise.store import Transaction, storable


class NothingToSettle(EnterpriseError):
    """No open alarm is meant by these words."""


def is_open() -> ColumnElement[bool]:
    """Whether nobody has settled a row of `alarm` since it last went off."""
    alarm, settled = tables.alarm.c, tables.settlement.c
    same = and_(settled.device == alarm.device, settled.epoch == alarm.epoch, settled.kind == alarm.kind, settled.seq == alarm.seq)
    return ~exists().where(same, settled.count >= alarm.count)


def news(transaction: Transaction, device: str, kind: str, seq: int, detail: str, at: datetime) -> None:
    """An alarm, unless it has said the same before: then it is none, also where a person has settled it."""
    column = tables.alarm.c
    same = (column.device == device, column.epoch == "", column.kind == kind, column.seq == seq)
    if transaction.connection.scalar(select(column.detail).where(*same)) != storable(detail):
        transaction.alarm(device, "", kind, seq, detail, at)


def settle(transaction: Transaction, device: str, kind: str, seq: int | None, by: str, note: str, at: datetime) -> int:
    """Settle the open alarms of this kind (of record `seq` alone, if given); how many that were. NothingToSettle: none."""
    column = tables.alarm.c
    query = select(tables.alarm).where(column.device == device, column.kind == kind, is_open())
    found = transaction.connection.execute(query if seq is None else query.where(column.seq == seq)).all()
    if not found:
        which = "" if seq is None else f" at {seq}"
        raise NothingToSettle(f"{device} has no open alarm {kind}{which}; see: daka-enterprise show alarms")
    who = {"settled_by": storable(by), "note": storable(note), "settled_at": messages.write_time(at)}
    for row in found:
        place = {"device": row.device, "epoch": row.epoch, "kind": row.kind, "seq": row.seq, "count": row.count}
        transaction.put(tables.settlement, place | who)
    return len(found)

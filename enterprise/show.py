"""Tables for people: devices, punches, parked records and alarms as they stand in the database."""

from __future__ import annotations

from typing import Any

import sqlalchemy
from rich.table import Table
from sqlalchemy import Connection, Select, column, func, select

from enterprise import tables

Query = Select[Any]

PUNCH = sqlalchemy.table(
    "punch", *(column(name) for name in ("device", "seq", "person", "direction", "method", "at", "liveness", "capture", "site"))
)


def devices() -> Query:
    """Each journal of each trusted device, and how far it is signed for."""
    device, epoch = tables.device.c, tables.epoch.c
    return (
        select(device.name.label("device"), device.trusted_at, epoch.epoch, epoch.upto, epoch.duplicates, epoch.last_seen)
        .select_from(tables.device.outerjoin(tables.epoch, device.name == epoch.device))
        .order_by(device.name, epoch.first_seen)
    )


def punches(most: int) -> Query:
    """The latest punches, newest first."""
    return select(*PUNCH.columns).order_by(PUNCH.c.at.desc(), PUNCH.c.seq.desc()).limit(most)


def parked(most: int) -> Query:
    """Records that this server could not use, newest first."""
    row = tables.parked.c
    size = func.length(row.body).label("characters")
    return select(row.device, row.epoch, row.seq, row.reason, size, row.received_at).order_by(row.received_at.desc()).limit(most)


def alarms(most: int) -> Query:
    """What a person must look at, latest first."""
    return select(tables.alarm).order_by(tables.alarm.c.last_at.desc()).limit(most)


def table(connection: Connection, title: str, query: Query) -> Table:
    """The rows of `query`, ready to print."""
    found = connection.execute(query)
    shown = Table(*found.keys(), title=title)
    for row in found:
        shown.add_row(*("" if value is None else str(value) for value in row))
    return shown

"""Withdrawals and erasures that happened at one kiosk, found in its records, for all the others to follow.

What a kiosk did because it was told to is not told again, and only a person's latest word on their consent counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from device import messages
from device.messages import TombstoneAct
from enterprise import attendance, tables

FOLLOWED = "follow"  # how tombstones made here are asked for; kiosks put it on their records
TOLD = (f"{FOLLOWED}:", "site:")
SPREAD = frozenset({"asked", "left"})  # reasons of an erasure that concern every kiosk; retention is each kiosk's own


@dataclass(frozen=True, slots=True)
class Ending:
    """What ended at `device`, under the id that all kiosks share; `id` is the same whenever it is found again."""

    id: str
    device: str
    person: str
    act: TombstoneAct
    at: str

    @property
    def by(self) -> str:
        """Who asks: the kiosk where it happened."""
        return f"{FOLLOWED}:{self.device}"[:64]


def found(connection: Connection) -> list[Ending]:
    """Every ending that other kiosks have to hear of, in no order."""
    shared = attendance.aliases(connection)
    endings: dict[str, Ending] = {}
    for device, digest, at, body in _said(connection, "consent"):  # by time: the latest word stays
        person = shared.get(body["person"], body["person"])
        endings.pop(person, None)
        if body["act"] == "withdrawn" and body["purpose"] == "face_recognition" and not body["by"].startswith(TOLD):
            endings[person] = Ending(f"tombstone-{digest[:16]}", device, person, TombstoneAct.WITHDRAWN, at)
    for device, digest, at, body in _said(connection, "erasure"):
        if body["reason"] in SPREAD:
            person = shared.get(body["person"], body["person"])
            endings[person] = Ending(f"tombstone-{digest[:16]}", device, person, TombstoneAct.ERASED, at)
    return list(endings.values())


def _said(connection: Connection, kind: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Device, hash, time and body of each record of that kind, by the time it was made."""
    column = tables.record.c
    query = (
        select(column.device, column.hash, column.at, column.body)
        .where(column.kind == kind)
        .order_by(column.at, column.device, column.seq)
    )
    for device, digest, at, text in connection.execute(query):
        yield device, digest, at, messages.parse(text.encode("utf-8"))["body"]

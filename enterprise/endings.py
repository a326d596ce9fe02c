"""Withdrawals and erasures that happened at one kiosk, found in its records, for all the others to follow.

What a kiosk did because it was told to is no word of the person's: it is not told again, and takes nothing back. Of their own words
the latest counts, by the times at which they really were; where nobody knows which of two came first, the withdrawal counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from device import messages
from device.messages import TombstoneAct
from enterprise import attendance, downlink, tables, times

FOLLOWED = "follow"  # how tombstones made here are asked for; kiosks put it on their records
TOLD = (f"{FOLLOWED}:", "site:")
NEVER = datetime.min.replace(tzinfo=UTC)
SPREAD = frozenset({"asked", "left"})  # reasons of an erasure that concern every kiosk; retention is each kiosk's own
ASKED_HERE = "tombstone"  # what this server asked for; where it knows nothing of that, its database was put back from a backup


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


@dataclass(frozen=True, slots=True)
class _Word:
    """What somebody said at a kiosk; it was between `earliest` and `latest`."""

    device: str
    epoch: str
    seq: int
    hash: str
    body: dict[str, Any]
    earliest: datetime
    latest: datetime

    def ending(self, person: str, act: TombstoneAct) -> Ending:
        return Ending(f"tombstone-{self.hash[:16]}", self.device, person, act, messages.write_time(self.latest))

    def is_after(self, other: _Word) -> bool:
        """Whether this was said later, for sure."""
        if (self.device, self.epoch) == (other.device, other.epoch):
            return self.seq > other.seq
        return self.earliest > other.latest


def found(connection: Connection) -> list[Ending]:
    """Every ending that other kiosks have to hear of, in no order."""
    shared = attendance.aliases(connection)
    endings: dict[str, Ending] = {}
    words: dict[str, list[_Word]] = {}
    for word in _said(connection, "consent"):
        if word.body["purpose"] == "face_recognition" and not word.body["by"].startswith(TOLD):
            words.setdefault(shared.get(word.body["person"], word.body["person"]), []).append(word)
    for person, theirs in words.items():
        standing = [word for word in theirs if word.body["act"] == "withdrawn" and not _taken_back(word, theirs)]
        if standing:
            endings[person] = max(standing, key=lambda word: word.latest).ending(person, TombstoneAct.WITHDRAWN)
    known = erased(connection)
    for word in _said(connection, "erasure"):
        person = shared.get(word.body["person"], word.body["person"])
        if word.body["reason"] in SPREAD or (is_of_ours(word.body) and person not in known):
            endings[person] = word.ending(person, TombstoneAct.ERASED)
    return list(endings.values())


def is_of_ours(body: Mapping[str, Any]) -> bool:
    """Whether a kiosk erased somebody because this server had asked for it, and nobody else."""
    return body["reason"] == ASKED_HERE and not body["by"].startswith(TOLD)


def erased(connection: Connection) -> set[str]:
    """Whom every kiosk is to erase."""
    wanted = downlink.wishes(connection, downlink.EVERY, "tombstones").values()
    return {content["person"] for content, _ in wanted if content["act"] == TombstoneAct.ERASED}


def _taken_back(withdrawn: _Word, words: Iterable[_Word]) -> bool:
    return any(word.body["act"] == "given" and word.is_after(withdrawn) for word in words)


def _said(connection: Connection, kind: str) -> Iterator[_Word]:
    """Each record of that kind, with its time as it should be read; nothing was said after it was here."""
    column = tables.record.c
    lines: dict[tuple[str, str], messages.timeline.Timeline] = {}
    wanted = (column.device, column.epoch, column.seq, column.hash, column.body, column.received_at)
    for row in connection.execute(
        select(*wanted).where(tables.of_rare_kinds(kind)).order_by(column.at, column.device, column.seq)
    ).all():
        place, plain = (row.device, row.epoch), messages.parse(row.body.encode("utf-8"))
        line = lines.get(place) or lines.setdefault(place, times.of(connection, *place))
        at = line.correct(times.stamp(plain))
        bounds = (at.at, at.at)
        if at.review:
            received = messages.read_time(row.received_at)
            bounds = at.earliest or NEVER, min(at.latest or received, received)
        yield _Word(row.device, row.epoch, row.seq, row.hash, plain["body"], *bounds)

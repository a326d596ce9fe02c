"""Walks what is stored, from each journal's first record to its head, and names what does not hold. Believes no column.

Every hash is computed afresh from the exact bytes, every record must name the one before it, every stored signature must hold, and
the last record of every unbroken stretch must carry one: who changes, cuts or invents a record without the kiosk's key is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, literal, null, select

from device import messages
from device.messages import Purpose
from enterprise import alarms, tables, times
from enterprise.settle import copied_columns
from enterprise.store import Store

PAGE = 1_000
GRAVE = ("fork", "tail_cut", "wrong_genesis")  # alarms under which two histories of one journal may exist


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `seq` is the record that it begins at."""

    kind: str
    seq: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One journal as stored: `head` is the hash of record `upto`, the number that the kiosk's own verification prints."""

    device: str
    epoch: str
    upto: int
    head: str
    records: int
    parked: int
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        return not self.findings


def chains(store: Store, device: str | None = None) -> Iterator[Chain]:
    """Every stored journal, or those of one device, walked one after the other."""
    with store.reading() as connection:
        for name, epoch in _epochs(connection, device):
            yield _Walk(connection, name, epoch).result()


def _epochs(connection: Connection, device: str | None) -> list[tuple[str, str]]:
    columns = [select(table.c.device, table.c.epoch) for table in (tables.epoch, tables.record, tables.parked)]
    if device is not None:
        columns = [query.where(query.selected_columns.device == device) for query in columns]
    return sorted((row.device, row.epoch) for row in connection.execute(sqlalchemy.union(*columns)))


class _Walk:
    """One journal, page by page; stops at the first record that does not hold, since nothing after it can be judged."""

    def __init__(self, connection: Connection, device: str, epoch: str) -> None:
        self._connection, self._device, self._epoch = connection, device, epoch
        column = tables.epoch.c
        self._state = connection.execute(select(tables.epoch).where(column.device == device, column.epoch == epoch)).first()
        trusted = connection.scalar(select(tables.device.c.key).where(tables.device.c.name == device))
        self._key = self._state.key if self._state is not None else trusted
        self._findings: list[Finding] = []
        self._seq, self._head, self._signed = 0, messages.GENESIS_PREV, True
        self._records = self._parked = 0
        self._said = times.Known()  # about times, by the records themselves

    def result(self) -> Chain:
        if self._walk():
            self._judge_end()
        self._findings += self._alarms()
        return Chain(self._device, self._epoch, self._seq, self._head, self._records, self._parked, tuple(self._findings))

    def _walk(self) -> bool:
        for row in self._rows():
            if sentence := self._what_is_wrong_with(row):
                self._findings.append(Finding("bad_record", row.seq, f"record {row.seq}: {sentence}"))
                return False
            self._seq, self._head, self._signed = row.seq, row.hash, row.sig is not None
            self._records += row.kind is not None
            self._parked += row.kind is None
        return True

    def _rows(self) -> Iterator[Any]:
        after = 0
        while page := self._connection.execute(self._page(after)).all():
            yield from page
            after = page[-1].seq

    def _page(self, after: int) -> Any:
        halves = []
        for table in (tables.record, tables.parked):
            column, usable = table.c, table is tables.record
            copied = [column.kind, column.person, column.at] if usable else [null().label(n) for n in ("kind", "person", "at")]
            wanted = select(column.seq, column.hash, column.body, column.sig, *copied, literal(usable).label("usable"))
            halves.append(wanted.where(column.device == self._device, column.epoch == self._epoch, column.seq > after))
        return sqlalchemy.union_all(*halves).order_by("seq").limit(PAGE)

    def _what_is_wrong_with(self, row: Any) -> str:
        follows = row.seq == self._seq + 1
        if not follows and (sentence := self._note_gap(row.seq)):
            return sentence
        text = row.body.encode("utf-8", "surrogateescape")
        if hashlib.sha256(text).hexdigest() != row.hash:
            return "its content does not match its hash"
        plain = _parsed(text)
        if (plain.get("device"), plain.get("epoch"), plain.get("seq")) != (self._device, self._epoch, row.seq):
            return "it was made by another device, in another epoch or at another place"
        if follows and plain.get("prev") != self._head:
            return "it does not name the record before it as that one stands here; one of the two was changed"
        if row.usable and (sentence := self._what_is_wrong_with_content(row, plain)):
            return sentence
        return self._what_is_wrong_with_signature(row)

    def _what_is_wrong_with_content(self, row: Any, plain: dict[str, Any]) -> str:
        """Of a record among the usable ones; its time is noted."""
        try:
            if copied_columns(plain) != (row.kind, row.person, row.at):
                return "a column beside it (kind, person or at) does not repeat what it says"
            self._said.note(row.seq, plain)
        except (messages.MessageError, KeyError, TypeError, AttributeError, ValueError):  # invented, with a hash that fits
            return "it stands among the usable records and is none"
        return ""

    def _note_gap(self, seq: int) -> str:
        """Names the missing stretch before `seq`; a sentence if the record itself is out of order."""
        if seq <= self._seq:
            return "it stands twice, usable and parked"
        first, last = self._seq + 1, seq - 1
        if not self._signed:
            self._findings.append(Finding("unsigned", self._seq, f"record {self._seq}: no signature closes the stretch before it"))
        said = "declared gone by the kiosk" if self._is_declared(first, last) else "missing, though they were signed for"
        self._findings.append(Finding("gap", first, f"records {first} to {last}: {said}"))
        return ""

    def _is_declared(self, first: int, last: int) -> bool:
        column = tables.gap.c
        query = select(sqlalchemy.func.count()).where(
            column.device == self._device, column.epoch == self._epoch, column.first <= first, column.last >= last
        )
        return bool(self._connection.scalar(query))

    def _what_is_wrong_with_signature(self, row: Any) -> str:
        if row.sig is None:
            return ""
        if self._key is None:
            return "no key is trusted for this device"
        try:
            key = messages.public_key_from_text(self._key)
            messages.verify(key, Purpose.RECORD, self._device, self._epoch, bytes.fromhex(row.hash), row.sig)
        except messages.MessageError:
            return "its signature does not hold"
        return ""

    def _judge_end(self) -> None:
        if not self._signed:
            self._findings.append(Finding("unsigned", self._seq, f"record {self._seq}: no signature closes the chain"))
        if times.kept(self._connection, self._device, self._epoch) != self._said:
            self._findings.append(Finding("times", 0, "the tables of boots and trusted times do not repeat what the records say"))
        if self._state is None:
            self._findings.append(Finding("cursor", 0, "what was signed for this journal is no longer recorded"))
        elif (self._state.upto, self._state.head) != (self._seq, self._head):
            sentence = f"record {self._state.upto} with hash {self._state.head} was signed for, the chain ends at {self._seq}"
            self._findings.append(Finding("cursor", self._state.upto, sentence))

    def _alarms(self) -> Iterator[Finding]:
        column = tables.alarm.c
        here = (column.device == self._device, column.epoch == self._epoch, column.kind.in_(GRAVE))
        query = select(tables.alarm).where(*here, alarms.is_open())
        for row in self._connection.execute(query.order_by(column.seq)):
            yield Finding(row.kind, row.seq, f"{row.kind} since {row.first_at}: {row.detail}")


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        value = messages.parse(text)
    except messages.MessageError:
        return {}
    return value if isinstance(value, dict) else {}

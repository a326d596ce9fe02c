"""Lists of employees against the directory: planned as a whole, applied in one transaction or not at all."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

from device import database, messages
from device.people import credentials, planning
from device.people import person as person_rows
from device.people.credentials import Credentials
from device.people.person import Person
from device.people.roster import Act, Entry, Known, Refusal, Step
from device.telling import STEP, Tell, silent

NO_NUMBER = "\0"  # begins what stands in a number's place for a moment; no number has it
HASHING_THREADS = 2  # Argon2 lets the interpreter go; two of 32 MB each


class Roll:
    """Everybody at once, on the people database."""

    def __init__(self, opened: database.Database, kept: Credentials) -> None:
        self._database, self._credentials = opened, kept

    def plan(self, lines: Iterable[tuple[int, Entry | Refusal]], complete_at: datetime | None = None) -> tuple[Step, ...]:
        """What a list would do; `complete_at`: who is not in it has left by then. Somebody new without an id gets one here."""
        with self._database.reading() as connection:
            known = _known(connection)
            erased = frozenset(person for (person,) in connection.execute("SELECT person FROM tombstone"))
        steps = planning.plan(lines, known, erased, self._credentials.digest, complete_at)
        return tuple(_with_id(step) if step.act is Act.ADD and not step.person else step for step in steps)

    def apply(self, steps: Sequence[Step], at: datetime, origin: str, tell: Tell = silent) -> None:
        """All of it, or nothing where anything fails. PINs are hashed before the transaction begins."""
        todo = [step for step in steps if step.act in (Act.ADD, Act.CHANGE, Act.END)]
        hashes = _pin_hashes(todo, tell)
        with self._database.transaction() as connection:
            for step in todo:
                self._let_go(connection, step, at)
            for done, (step, pin_hash) in enumerate(zip(todo, hashes, strict=True)):
                if done % STEP == 0:
                    tell("people", done, len(todo))
                self._apply(connection, step, pin_hash, at, origin)

    def _let_go(self, connection: sqlite3.Connection, step: Step, at: datetime) -> None:
        """Before anybody is given anything: two people may change numbers or badges with each other."""
        if step.act is Act.END:
            row = (messages.write_time(at), step.person)
            connection.execute("UPDATE person SET expires_at = ? WHERE person = ?", row)
        if step.act is Act.CHANGE and any(change.column == "number" for change in step.changes):
            connection.execute("UPDATE person SET number = ? WHERE person = ?", (f"{NO_NUMBER}{step.person}", step.person))
        if step.entry is None:
            return
        for kind in (kind for kind, said in (("badge", step.entry.badges), ("qr", step.entry.qr)) if said is not None):
            connection.execute("DELETE FROM code WHERE person = ? AND kind = ?", (step.person, kind))
        for digest in step.inherited:
            connection.execute("DELETE FROM code WHERE digest = ?", (digest,))

    def _apply(self, connection: sqlite3.Connection, step: Step, pin_hash: str, at: datetime, origin: str) -> None:
        if step.entry is None:
            return
        entry = step.entry
        if step.act is Act.ADD:
            person_rows.insert(connection, _person(entry, origin), at)
        else:
            _update(connection, entry, origin)
        if pin_hash:
            self._credentials.assign_pin(connection, entry.person, entry.pin or entry.pin_hash, pin_hash, at)
        for kind, texts in (("badge", entry.badges or ()), ("qr", (entry.qr,) if entry.qr else ())):
            for text in texts:
                self._credentials.keep_code(connection, entry.person, kind, text, at)


def _with_id(step: Step) -> Step:
    assert step.entry is not None
    person = new_id()
    return replace(step, person=person, entry=replace(step.entry, person=person))


def new_id() -> str:
    """A fresh opaque id; it says nothing about anybody."""
    return f"p-{secrets.token_hex(16)}"


def _pin_hashes(todo: Sequence[Step], tell: Tell) -> list[str]:
    """What is slow on purpose, told one by one."""
    slow = sum(step.entry is not None and bool(step.entry.pin) for step in todo)
    hashes: list[str] = []
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        done = 0
        for step, made in zip(todo, pool.map(_pin_hash, todo), strict=True):
            hashes.append(made)
            if step.entry is not None and step.entry.pin:
                tell("pins", done := done + 1, slow)
    return hashes


def _pin_hash(step: Step) -> str:
    if step.entry is None:
        return ""
    return credentials.HASHER.hash(step.entry.pin) if step.entry.pin else step.entry.pin_hash


def _person(entry: Entry, origin: str) -> Person:
    return Person(
        entry.person,
        entry.number,
        entry.name,
        entry.language,
        group=entry.group,
        expires_at=entry.expires_at,
        supervisor=entry.supervisor,
        origin=origin,
    )


def _update(connection: sqlite3.Connection, entry: Entry, origin: str) -> None:
    connection.execute(
        "UPDATE person SET number = ?, name = ?, language = ?, group_name = ?, expires_at = ?, supervisor = ?, "
        "origin = CASE ? WHEN 'roster' THEN 'roster' ELSE origin END WHERE person = ?",
        (
            entry.number,
            entry.name,
            entry.language,
            entry.group,
            person_rows.write_expiry(entry.expires_at),
            entry.supervisor,
            origin,
            entry.person,
        ),
    )


def _known(connection: sqlite3.Connection) -> tuple[Known, ...]:
    """Everybody in the directory, as far as a list can change them."""
    people = connection.execute(
        "SELECT person, number, name, language, group_name, expires_at, supervisor, origin, coalesce(assigned, x'') "
        "FROM person LEFT JOIN pin USING (person)"
    ).fetchall()
    codes: dict[tuple[str, str], set[bytes]] = {}
    for person, kind, digest in connection.execute("SELECT person, kind, digest FROM code"):
        codes.setdefault((person, kind), set()).add(digest)
    return tuple(
        Known(
            row[0],
            Entry(row[1], row[2], row[3], row[4], person_rows.read_expiry(row[5]), bool(row[6]), row[0]),
            row[7],
            bytes(row[8]),
            frozenset(codes.get((row[0], "badge"), ())),
            frozenset(codes.get((row[0], "qr"), ())),
        )
        for row in people
    )

"""A person's row: how it is written and how it is read."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device import messages
from device.people.errors import NumberTaken, PersonErased
from device.sentences import say

LAST_YEAR = 9998  # in every zone a year that a calendar has


@dataclass(frozen=True, slots=True)
class Person:
    """An employee as this kiosk knows them; `person` is the opaque id that records use.

    From `expires_at` on (None: never) they no longer clock in. `origin`: made on this kiosk, or brought by the server's roster.
    """

    person: str
    number: str
    name: str
    language: str
    has_consent: bool = False
    templates: int = 0
    group: str = ""
    expires_at: datetime | None = None
    supervisor: bool = False
    origin: str = "kiosk"
    has_pin: bool = False
    badges: int = 0
    codes: int = 0
    has_phone: bool = False


PEOPLE = """
SELECT p.person, p.number, p.name, p.language,
       EXISTS (SELECT 1 FROM consent_in_force c WHERE c.person = p.person AND c.purpose = 'face_recognition'),
       (SELECT count(*) FROM template t WHERE t.person = p.person),
       p.group_name, p.expires_at, p.supervisor, p.origin,
       EXISTS (SELECT 1 FROM pin i WHERE i.person = p.person),
       (SELECT count(*) FROM code b WHERE b.person = p.person AND b.kind = 'badge'),
       (SELECT count(*) FROM code q WHERE q.person = p.person AND q.kind = 'qr'),
       EXISTS (SELECT 1 FROM phone h WHERE h.person = p.person)
FROM person p
"""


def insert(connection: sqlite3.Connection, person: Person, at: datetime) -> None:
    """A new person's row; NumberTaken if the number is somebody's, PersonErased for the id of somebody who was erased."""
    check_free(connection, person.number)
    if connection.execute("SELECT 1 FROM tombstone WHERE person = ?", (person.person,)).fetchone():
        raise PersonErased(say("list.erased"))
    columns = "person, number, name, language, created_at, group_name, expires_at, supervisor, origin"
    row = (person.person, person.number, person.name, person.language, messages.write_time(at))
    rest = (person.group, write_expiry(person.expires_at), person.supervisor, person.origin)
    connection.execute(f"INSERT INTO person ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *rest))


def write_expiry(expires_at: datetime | None) -> str:
    """As the table has it: empty for never."""
    return "" if expires_at is None else messages.write_time(expires_at)


def read_expiry(kept: str) -> datetime | None:
    """As it was kept, be it of a version that took the year 9999 for a year."""
    return unending(messages.read_time(kept)) if kept else None


def unending(at: datetime) -> datetime | None:
    """None for the year 9999: personnel systems write it for "no end", and no clock east of Greenwich can show it."""
    return at if at.year <= LAST_YEAR else None


def check_free(connection: sqlite3.Connection, number: str) -> None:
    if connection.execute("SELECT 1 FROM person WHERE number = ?", (number,)).fetchone():
        raise NumberTaken(f"employee number {number} is taken; look it up with `daka people list`")


def read(row: tuple[Any, ...]) -> Person:
    person, number, name, language, has_consent, made, group, expires, supervisor, origin, has_pin, badges, codes, phone = row
    ways = (bool(has_pin), badges, codes, bool(phone))
    known = (person, number, name, language, bool(has_consent), made, group)
    return Person(*known, read_expiry(expires), bool(supervisor), origin, *ways)

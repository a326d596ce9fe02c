"""Consents taken back, and the templates, keys and cards that hung on them: the rows that go, and what is remembered of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta

from device import messages
from device.consent import Purpose

OWE = """
INSERT OR REPLACE INTO withdrawal_owed (person, text_version, language, text_sha256, basis, by, purpose, kiosks, reference)
SELECT person, text_version, language, text_sha256, basis, ?, purpose, kiosks, reference
FROM consent WHERE person = ? AND purpose = ?
"""

LATEST = "ON CONFLICT DO UPDATE SET at = max(at, excluded.at)"
REMEMBER = f"""
INSERT INTO withdrawn
SELECT person, purpose, max(coalesce(?, given_at), given_at) FROM consent WHERE person = ? AND purpose = ? {LATEST}
"""

CONCERNED = """
SELECT person FROM consent UNION SELECT person FROM template UNION SELECT person FROM person_key UNION SELECT person FROM card
"""


def concerned(connection: sqlite3.Connection) -> list[str]:
    """Everybody who has agreed to anything, whether it is in force or asked again, or of whom a template, key or card is kept."""
    return [person for (person,) in connection.execute(CONCERNED)]


def withdraw(connection: sqlite3.Connection, person: str, by: str, purposes: Sequence[Purpose], at: datetime | None) -> int:
    """One person's consents to these purposes and all that hung on them; says how many templates there were."""
    gone = 0
    for purpose in purposes:
        connection.execute(OWE, (by, person, purpose))
        connection.execute(REMEMBER, (messages.write_time(at) if at else None, person, purpose))
        connection.execute("DELETE FROM consent WHERE person = ? AND purpose = ?", (person, purpose))
    if Purpose.FACE_RECOGNITION in purposes:
        gone = destroy_templates(connection, person)
    if Purpose.FACE_CARD in purposes:
        connection.execute("DELETE FROM card WHERE person = ?", (person,))
    return gone


def note(connection: sqlite3.Connection, person: str, purpose: Purpose, at: datetime) -> None:
    """A withdrawal made elsewhere of whoever has not agreed here, or is not here: a yes of before that comes later is none.

    Whoever was erased needs none, and nothing more is kept of them.
    """
    row = (person, purpose, messages.write_time(at), person)
    query = "INSERT INTO withdrawn SELECT ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM tombstone WHERE person = ?)"
    connection.execute(f"{query} {LATEST}", row)


def came_before(connection: sqlite3.Connection, person: str, purpose: Purpose, agreed_at: datetime) -> None:
    """Whoever agrees here does so after all that is known here: a withdrawal by a clock that was ahead is set before it."""
    row = (messages.write_time(agreed_at - timedelta(microseconds=1)), person, purpose, messages.write_time(agreed_at))
    connection.execute("UPDATE withdrawn SET at = ? WHERE person = ? AND purpose = ? AND at >= ?", row)


def destroy_templates(connection: sqlite3.Connection, person: str) -> int:
    """One person's templates and their key; says how many there were."""
    gone = connection.execute("DELETE FROM template WHERE person = ?", (person,)).rowcount
    connection.execute("DELETE FROM person_key WHERE person = ?", (person,))
    connection.execute("DELETE FROM uncompared WHERE person = ?", (person,))
    connection.execute("DELETE FROM look_alike WHERE person = ? OR other = ?", (person, person))
    return gone

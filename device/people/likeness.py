"""Who looks too much like whom here, and whose templates have still to be held against everybody else's.

Neither is clocked in by a face alone. The gallery compares; here stands what came of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from device import database


class Likeness:
    """The tables look_alike and uncompared of the people database."""

    def __init__(self, opened: database.Database) -> None:
        self._database = opened

    def mark(self, person: str, other: str) -> None:
        """From now on neither is clocked in by a face alone."""
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO look_alike VALUES (?, ?)", [(person, other), (other, person)])

    def of(self, person: str) -> frozenset[str]:
        """Who looks too much like this person, as far as it is known."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT other FROM look_alike WHERE person = ?", (person,)).fetchall()
        return frozenset(other for (other,) in rows)

    def need_more_than_a_face(self) -> frozenset[str]:
        """Everybody who has somebody here who looks too much like them, or may have."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT person FROM look_alike UNION SELECT person FROM uncompared").fetchall()
        return frozenset(person for (person,) in rows)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The pairs that are known, by employee number, each once."""
        query = (
            "SELECT a.number, b.number FROM look_alike l JOIN person a ON a.person = l.person JOIN person b ON b.person = l.other "
            "WHERE a.number < b.number ORDER BY a.number, b.number"
        )
        with self._database.reading() as connection:
            return tuple((one, other) for one, other in connection.execute(query))

    def pairs_among(self, persons: Collection[str]) -> tuple[tuple[str, str], ...]:
        """The pairs of whom both are among these, by opaque id, each once."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT person, other FROM look_alike WHERE person < other ORDER BY person, other").fetchall()
        return tuple((one, other) for one, other in rows if one in persons and other in persons)

    def uncompared(self) -> frozenset[str]:
        """Whose templates have still to be held against everybody else's."""
        with self._database.reading() as connection:
            return frozenset(person for (person,) in connection.execute("SELECT person FROM uncompared"))

    def compared(self, people: Collection[str]) -> None:
        """They have been; whoever looks too much like them is marked."""
        with self._database.transaction() as connection:
            connection.executemany("DELETE FROM uncompared WHERE person = ?", [(person,) for person in people])


def to_be_compared(connection: sqlite3.Connection, person: str) -> None:
    """Templates of this person, if there are any, come into force now."""
    connection.execute("INSERT OR IGNORE INTO uncompared SELECT DISTINCT person FROM template WHERE person = ?", (person,))

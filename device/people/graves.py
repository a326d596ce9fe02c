"""Everything about one person leaves the people database, and a stone stays: the opaque id, so that nothing brings them back.

Beside other kiosks of a site a digest of the employee number stays as well, since those may know the person under another id.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from device import database, messages
from device.people.credentials import Credentials
from device.people.errors import PersonUnknown
from device.templates import TemplateError

# Everything that hangs on a person, children first; the person's own row is the last.
TABLES = ("template", "person_key", "consent", "card", "pin", "code", "phone", "withdrawn", "face_removed", "uncompared", "person")
# Where no other kiosk is believed nobody is to be kept out, and nothing is kept of the number.
REMEMBER_NUMBER = "INSERT OR REPLACE INTO erased_number SELECT ?, ? WHERE EXISTS (SELECT 1 FROM sister)"
ERASED = "erased"
LEAST_TRACE = 6  # bytes; shorter ones turn up in any random bytes
SEALED = (
    "SELECT sealed FROM template WHERE person = ?",
    "SELECT wrapped FROM person_key WHERE person = ?",
    "SELECT sealed FROM pin WHERE person = ?",
    "SELECT sealed FROM phone WHERE person = ?",
    "SELECT digest FROM code WHERE person = ?",
)


@dataclass(frozen=True, slots=True)
class Traces:
    """What of somebody can be looked for in files: `pieces` are theirs wherever they stand, `names` outside records.

    `words` only where they stand alone, and where no database has cells side by side.
    """

    pieces: tuple[bytes, ...] = ()  # of all that was sealed, and the beginning of their row
    names: tuple[bytes, ...] = ()
    words: tuple[bytes, ...] = ()  # the number, and what the name is made of

    @property
    def all(self) -> tuple[bytes, ...]:
        return self.pieces + self.names + self.words


@dataclass(frozen=True, slots=True)
class Owed:
    """An erasure that is done, and has to be searched for and told to the journal."""

    person: str
    reason: str
    by: str
    templates: int
    traces: Traces


class Graves:
    """The end of people on the people database."""

    def __init__(self, opened: database.Database, credentials: Credentials) -> None:
        self._database, self._credentials = opened, credentials

    def traces(self, person: str) -> Traces:
        """What of this person can be looked for in files afterwards."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT number, name FROM person WHERE person = ?", (person,)).fetchone()
            if row is None:
                raise PersonUnknown("nobody here has that id")
            sealed = [bytes(one) for query in SEALED for (one,) in connection.execute(query, (person,))]
        number, name = (text.encode("utf-8") for text in row)
        pieces = (secret[at : at + 24] for secret in sealed for at in range(0, max(len(secret) - 23, 1), 64))
        words = (number, *(one for one in name.split() if one != name))
        return Traces(_long_enough((person.encode("ascii") + number + name, *pieces)), _long_enough((name,)), _long_enough(words))

    def nobody_elses(self, traces: Traces) -> Traces:
        """Those that are not in somebody's number or name who is here now, too."""
        with self._database.reading() as connection:
            names, words = (tuple(one for one in some if not _is_shared(connection, one)) for some in (traces.names, traces.words))
        return Traces(traces.pieces, names, words)

    def bury(self, person: str, reason: str, by: str, at: datetime, traces: Traces) -> Owed:
        """Every row goes in one transaction, keys and templates first; search and record are owed from then on."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT number FROM person WHERE person = ?", (person,)).fetchone()
            (templates,) = connection.execute("SELECT count(*) FROM template WHERE person = ?", (person,)).fetchone()
            connection.execute("DELETE FROM look_alike WHERE person = ? OR other = ?", (person, person))
            for table in TABLES:
                connection.execute(f"DELETE FROM {table} WHERE person = ?", (person,))
            if row is not None:
                connection.execute("DELETE FROM attempt WHERE subject = ?", (self._credentials.digest("subject", row[0]),))
                digest = self._credentials.digest(ERASED, row[0])
                connection.execute(REMEMBER_NUMBER, (digest, messages.write_time(at)))
            connection.execute("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", (person, messages.write_time(at)))
            connection.execute("INSERT OR REPLACE INTO erasure_owed VALUES (?, ?, ?, ?)", (person, reason, by, templates))
            sealed = self._credentials.seal(_written(traces), person)
            connection.execute("INSERT OR REPLACE INTO erasure_trace VALUES (?, ?)", (person, sealed))
        return Owed(person, reason, by, templates, traces)

    def scrub(self) -> None:
        """Write the file anew and cut the write-ahead log: what was deleted is in no page and no log any more."""
        with self._database.reading() as connection:
            connection.execute("VACUUM")
        self._database.checkpoint()

    def owed(self) -> tuple[Owed, ...]:
        """Erasures that the journal does not have yet; one of an earlier version has no traces to search for."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT person, reason, by, templates FROM erasure_owed").fetchall()
            sealed = dict(connection.execute("SELECT person, sealed FROM erasure_trace").fetchall())
        return tuple(
            Owed(person, reason, by, templates, self._unsealed(person, sealed.get(person)))
            for person, reason, by, templates in rows
        )

    def _unsealed(self, person: str, sealed: bytes | None) -> Traces:
        try:
            return _read(self._credentials.unseal(sealed, person)) if sealed else Traces()
        except TemplateError:  # from another device's file
            return Traces()

    def settled(self, person: str) -> None:
        """The journal has it; the write-ahead log is cut once more, since what was searched for stood in it."""
        with self._database.transaction() as connection:
            for table in ("erasure_owed", "erasure_trace"):
                connection.execute(f"DELETE FROM {table} WHERE person = ?", (person,))
        self._database.checkpoint()

    def stones(self) -> frozenset[str]:
        """Everybody who was erased here."""
        with self._database.reading() as connection:
            return _persons(connection, "SELECT person FROM tombstone")

    def dated_stones(self) -> dict[str, datetime]:
        """The same, and when."""
        with self._database.reading() as connection:
            return {person: messages.read_time(at) for person, at in connection.execute("SELECT person, erased_at FROM tombstone")}

    def number_erased_at(self, number: str) -> datetime | None:
        """When somebody with this employee number was erased here, while other kiosks were believed; None for nobody."""
        query = "SELECT erased_at FROM erased_number WHERE digest = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (self._credentials.digest(ERASED, number),)).fetchone()
        return messages.read_time(row[0]) if row else None

    def risen(self, erased: Iterable[str], at: datetime) -> tuple[str, ...]:
        """A stone for each of these; then whoever has one and is in the directory nevertheless, as after a restored file."""
        rows = [(person, messages.write_time(at)) for person in erased]
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", rows)
            return tuple(sorted(_persons(connection, "SELECT person FROM person JOIN tombstone USING (person)")))


def _persons(connection: sqlite3.Connection, query: str) -> frozenset[str]:
    return frozenset(person for (person,) in connection.execute(query))


def _is_shared(connection: sqlite3.Connection, text: bytes) -> bool:
    query = "SELECT 1 FROM person WHERE instr(name, ?1) OR instr(number, ?1) LIMIT 1"
    return connection.execute(query, (text.decode("utf-8"),)).fetchone() is not None


def _long_enough(traces: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(trace for trace in traces if len(trace) >= LEAST_TRACE))


def _written(traces: Traces) -> bytes:
    return json.dumps([[one.hex() for one in some] for some in (traces.pieces, traces.names, traces.words)]).encode("ascii")


def _read(plain: bytes) -> Traces:
    return Traces(*(tuple(map(bytes.fromhex, some)) for some in json.loads(plain)))

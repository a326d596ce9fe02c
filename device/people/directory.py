"""Who may clock in here, what they agreed to, and their sealed templates.

No template exists without a consent in force: `add_template` is the one place that writes one, and it asks. Withdrawal destroys
at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device import cards, database, messages, templates
from device.consent import Purpose
from device.people import consents, device_key, likeness, measurements, withdrawals
from device.people import person as person_rows
from device.people.consents import COLUMNS, NO_CARD_CONSENT, NO_CONSENT, Agreement, Consents
from device.people.credentials import Credentials
from device.people.errors import ConsentMissing, PersonUnknown
from device.people.graves import Graves
from device.people.likeness import Likeness
from device.people.measurements import SiteMeasurement
from device.people.person import Person
from device.people.roll import Roll
from device.people.sisters import Sisters
from device.sentences import say


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """Templates with their persons, and the persons of whom some do not open: damaged, or moved from somebody else."""

    whole: tuple[tuple[str, NDArray[np.float32]], ...]
    damaged: frozenset[str]


MOST_AT_ONCE = 500  # SQLite takes 32,766 values; no other look should wait long for this one
UNKNOWN_ID = "nobody here has that id"
MISSING = {Purpose.FACE_RECOGNITION: NO_CONSENT, Purpose.FACE_CARD: NO_CARD_CONSENT}

ENROLLED_HERE = """
SELECT t.embedder, k.wrapped, t.sealed, t.enrolled_at FROM template t
JOIN person_key k USING (person) JOIN consent_in_force c USING (person)
WHERE c.purpose = 'face_recognition' AND t.source NOT LIKE 'site:%' AND t.person = ? ORDER BY t.id
"""

TEMPLATES = """
SELECT t.person, k.wrapped, t.sealed FROM template t
JOIN person_key k USING (person) JOIN consent_in_force c USING (person)
WHERE c.purpose = 'face_recognition' AND t.embedder = ? """


class Directory:
    """The people database of one kiosk."""

    def __init__(self, path: Path, wrapping_key: bytes) -> None:
        self._wrapping_key = wrapping_key
        self._template_key: bytes | None = wrapping_key
        self.database = database.Database(path, "people")
        self._listed: tuple[tuple[int, int], tuple[Person, ...]] = ((0, -1), ())
        self.credentials = Credentials(self.database, wrapping_key)
        self.consents = Consents(self.database)
        self.sisters = Sisters(self.database)
        self.likeness = Likeness(self.database)
        self.graves = Graves(self.database, self.credentials)
        self.roll = Roll(self.database, self.credentials)

    def check_device_key(self) -> None:
        """Returns if this is the key that the file was begun with; WrongDeviceKey otherwise, before anything is touched."""
        device_key.check(self.database, self.credentials.digest("device key", ""))

    @property
    def is_locked(self) -> bool:
        """Whether no template can be read before the server's share has come; whoever has none clocks in as ever."""
        return self._template_key is None

    def lock_if_sealed(self) -> bool:
        """Lock if the persons' keys are wrapped under another key than the device's: one that a share belongs to."""
        if self._wrapped() and not self._opens(self._wrapping_key):
            self._template_key = None
        return self.is_locked

    def unlock(self, key: bytes) -> bool:
        """From now on `key` wraps the persons' keys; those under the device key are wrapped anew. False if it opens none."""
        if not self.is_locked:
            self.rewrap(key)
            return True
        if not self._opens(key):
            return False
        self._template_key = key
        return True

    def rewrap(self, key: bytes) -> None:
        """Every person's key under `key`, all or none, and nothing of the old ones left in any file; what is damaged stays."""
        before = self._require_key()
        with self.database.transaction() as connection:
            for person, wrapped in connection.execute("SELECT person, wrapped FROM person_key").fetchall():
                if templates.unwraps(before, wrapped, person):
                    fresh = templates.rewrapped(before, key, wrapped, person)
                    connection.execute("UPDATE person_key SET wrapped = ? WHERE person = ?", (fresh, person))
        self._template_key = key
        self.graves.scrub()

    def _wrapped(self) -> list[tuple[str, bytes]]:
        with self.database.reading() as connection:
            return connection.execute("SELECT person, wrapped FROM person_key").fetchall()

    def _opens(self, key: bytes) -> bool:
        return any(templates.unwraps(key, wrapped, person) for person, wrapped in self._wrapped())

    def _require_key(self) -> bytes:
        if self._template_key is None:
            raise templates.TemplatesLocked(say("template.locked"))
        return self._template_key

    def start_over(self) -> int:
        """The device key is lost: all that it sealed goes, people and consents stay; says how many templates went."""
        gone = device_key.give_up(self.database)
        self.graves.scrub()
        return gone

    def enrolled_at(self, person: str) -> datetime:
        """When the person's newest template was made; PersonUnknown where there is none."""
        with self.database.reading() as connection:
            (at,) = connection.execute("SELECT max(enrolled_at) FROM template WHERE person = ?", (person,)).fetchone()
        if at is None:
            raise PersonUnknown("nobody with that id has a template here")
        return messages.read_time(at)

    def journal_known_since(self, epoch: str, now: datetime) -> datetime | None:
        """Since when this journal tells who clocked in, noted when it is asked for another one first; None for the first of all."""
        with self.database.transaction() as connection:
            row = connection.execute("SELECT epoch, since FROM journal_known").fetchone()
            if row is None or row[0] != epoch:
                since = "" if row is None else messages.write_time(now)
                connection.execute("INSERT OR REPLACE INTO journal_known VALUES (1, ?, ?)", (epoch, since))
                row = (epoch, since)
        return messages.read_time(row[1]) if row[1] else None

    def check_free(self, number: str) -> None:
        """Returns if the employee number is nobody's; NumberTaken otherwise."""
        with self.database.reading() as connection:
            person_rows.check_free(connection, number)

    def add(self, person: Person, at: datetime) -> None:
        """Keep a new employee; NumberTaken if the number is somebody's."""
        with self.database.transaction() as connection:
            person_rows.insert(connection, person, at)

    def list(self) -> tuple[Person, ...]:
        """Everybody, by employee number; read anew when something has changed, since thousands are asked for with every page."""
        with self.database.reading() as connection:
            stand = (id(connection), connection.total_changes)  # this is the file's only connection
            if self._listed[0] != stand:
                rows = connection.execute(person_rows.PEOPLE + "ORDER BY p.number").fetchall()
                self._listed = (stand, tuple(person_rows.read(row) for row in rows))
            return self._listed[1]

    def counts(self) -> tuple[int, int]:
        """How many people and how many templates, without reading them."""
        with self.database.reading() as connection:
            row = connection.execute("SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM template)").fetchone()
        return int(row[0]), int(row[1])

    def get(self, person: str) -> Person:
        """The person with that opaque id; PersonUnknown if there is none."""
        with self.database.reading() as connection:
            row = connection.execute(person_rows.PEOPLE + "WHERE p.person = ?", (person,)).fetchone()
        if row is None:
            raise PersonUnknown(UNKNOWN_ID)
        return person_rows.read(row)

    def several(self, persons: Collection[str]) -> dict[str, Person]:
        """Those of them who are known here, by their opaque ids, with one look for each few hundred."""
        found: dict[str, Person] = {}
        wanted = sorted(persons)
        for first in range(0, len(wanted), MOST_AT_ONCE):
            some = wanted[first : first + MOST_AT_ONCE]
            with self.database.reading() as connection:
                rows = connection.execute(person_rows.PEOPLE + f"WHERE p.person IN ({', '.join('?' * len(some))})", some).fetchall()
            found |= {one.person: one for one in map(person_rows.read, rows)}
        return found

    def by_number(self, number: str) -> Person:
        """The person with that employee number; PersonUnknown if there is none."""
        with self.database.reading() as connection:
            query = person_rows.PEOPLE + "WHERE p.number = ?"
            row = connection.execute(query, (number,)).fetchone() if number.isprintable() else None  # no lone surrogates to SQLite
        if row is None:
            raise PersonUnknown(f"nobody here has employee number {number}; `daka people list` shows everybody")
        return person_rows.read(row)

    def as_typed(self, text: str) -> str:
        """The employee number that somebody meant who typed this at the kiosk, where letters are large; else the text as it is.

        Its own letters come first; a number that is told apart from another by its case alone has to be typed as it is.
        """
        with self.database.reading() as connection:
            query = "SELECT number FROM person WHERE number = ? COLLATE NOCASE"
            found = {row[0] for row in connection.execute(query, (text,))} if text.isprintable() else set()
        return text if text in found or len(found) != 1 else found.pop()

    def agree(self, person: str, agreement: Agreement, at: datetime) -> None:
        """Keep a consent, in place of an earlier one to the same purpose; PersonUnknown for nobody's."""
        with self.database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM person WHERE person = ?", (person,)).fetchone():
                raise PersonUnknown(UNKNOWN_ID)
            consents.keep(connection, person, agreement, at)
            withdrawals.came_before(connection, person, agreement.purpose, at)
            if agreement.purpose is Purpose.FACE_RECOGNITION:
                likeness.to_be_compared(connection, person)  # templates may lie here under an older text

    def receive(
        self,
        person: Person,
        agreed: tuple[Agreement, datetime] | None,
        source: str,
        made: Sequence[tuple[str, NDArray[np.float32], datetime]],
        record: Callable[[], object],
        now: datetime,
    ) -> None:
        """Somebody from another kiosk, their consent (None: the one that is in force here stays) and (embedder, vector, when), in
        place of what came from `source` before: all of it or nothing, and `record` is called once nothing can refuse any more.
        """
        with self.database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM person WHERE person = ?", (person.person,)).fetchone():
                person_rows.insert(connection, person, now)
            if agreed is not None:
                consents.keep(connection, person.person, *agreed)
            connection.execute("DELETE FROM template WHERE person = ? AND source = ?", (person.person, source))
            for embedder, vector, at in made:
                self._insert_template(connection, person.person, embedder, source, vector, at)
            likeness.to_be_compared(connection, person.person)
            record()

    def has_from(self, person: str, source: str) -> bool:
        """Whether a template of theirs came from there."""
        query = "SELECT 1 FROM template WHERE person = ? AND source = ? LIMIT 1"
        with self.database.reading() as connection:
            return connection.execute(query, (person, source)).fetchone() is not None

    def agreement(self, person: str, purpose: Purpose = Purpose.FACE_RECOGNITION) -> Agreement | None:
        """The consent in force to this purpose, with the text that was shown, or None."""
        query = f"SELECT {COLUMNS} FROM consent_in_force WHERE person = ? AND purpose = ?"
        with self.database.reading() as connection:
            row = connection.execute(query, (person, purpose)).fetchone()
        return consents.read(row) if row else None

    def require_consent(self, person: str, purpose: Purpose = Purpose.FACE_RECOGNITION) -> None:
        """Returns if a consent is in force; ConsentMissing otherwise."""
        with self.database.reading() as connection:
            _require(connection, person, purpose)

    def withdraw(
        self, person: str, by: str = "kiosk", purposes: Sequence[Purpose] = tuple(Purpose), at: datetime | None = None
    ) -> int:
        """Take consents back and destroy the person's key and templates, write-ahead log included; says how many.

        What the journal has to say about it is owed from then on, until `settled`.
        """
        with self.database.transaction() as connection:
            gone = withdrawals.withdraw(connection, person, by, purposes, at)
        self.database.checkpoint()
        return gone

    def withdraw_all(self, by: str, at: datetime) -> int:
        """The same of everybody, all of it or nothing: in force, asked again, or kept without any; says how many people's."""
        with self.database.transaction() as connection:
            people = withdrawals.concerned(connection)
            for person in people:
                withdrawals.withdraw(connection, person, by, tuple(Purpose), at)
        self.database.checkpoint()
        return len(people)

    def taken_back(self) -> tuple[tuple[str, Purpose, datetime], ...]:
        """Consents that stand here although they were taken back since, as after a restored file; and when they were."""
        query = "SELECT person, purpose, w.at FROM consent c JOIN withdrawn w USING (person, purpose) WHERE w.at >= c.given_at"
        with self.database.reading() as connection:
            rows = connection.execute(query).fetchall()
        return tuple((person, Purpose(purpose), messages.read_time(at)) for person, purpose, at in rows)

    def destroy_templates(self, person: str) -> int:
        """The templates and their key, and no consent; says how many there were."""
        with self.database.transaction() as connection:
            gone = withdrawals.destroy_templates(connection, person)
        self.database.checkpoint()
        return gone

    def remove_face(self, person: str, at: datetime) -> int:
        """The same, and packages for the other kiosks of the site say so until the person is enrolled here anew."""
        with self.database.transaction() as connection:
            gone = withdrawals.destroy_templates(connection, person)
            connection.execute("INSERT OR REPLACE INTO face_removed VALUES (?, ?)", (person, messages.write_time(at)))
        self.database.checkpoint()
        return gone

    def given_at(self, person: str) -> datetime:
        """When the consent to a kept template was given; ConsentMissing where there is none."""
        found = self.given_at_or_none(person)
        if found is None:
            raise ConsentMissing(NO_CONSENT)
        return found

    def given_at_or_none(self, person: str) -> datetime | None:
        """The same, or None."""
        query = "SELECT given_at FROM consent WHERE person = ? AND purpose = ?"
        with self.database.reading() as connection:
            row = connection.execute(query, (person, Purpose.FACE_RECOGNITION)).fetchone()
        return messages.read_time(row[0]) if row else None

    def owed(self) -> tuple[tuple[str, Agreement], ...]:
        """Withdrawals that the journal does not have yet: the person, what had been agreed to, and who took it back."""
        with self.database.reading() as connection:
            rows = connection.execute(f"SELECT person, {COLUMNS} FROM withdrawal_owed ORDER BY person, purpose").fetchall()
        return tuple((row[0], consents.read(row[1:])) for row in rows)

    def settled(self, person: str, purpose: Purpose) -> None:
        """The journal has the person's withdrawal."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM withdrawal_owed WHERE person = ? AND purpose = ?", (person, purpose))

    def add_template(self, person: str, embedder: str, source: str, vector: NDArray[np.float32], at: datetime) -> None:
        """Seal and keep one template; ConsentMissing without a consent in force."""
        with self.database.transaction() as connection:
            self._insert_template(connection, person, embedder, source, vector, at)

    def add_templates(self, person: str, source: str, made: Sequence[tuple[str, NDArray[np.float32], datetime]]) -> None:
        """Several at once: (embedder, vector, when); all of it or nothing."""
        with self.database.transaction() as connection:
            for embedder, vector, at in made:
                self._insert_template(connection, person, embedder, source, vector, at)

    def replace_templates(self, person: str, source: str, made: Sequence[tuple[str, NDArray[np.float32], datetime]]) -> None:
        """In place of everything that came from `source` before: (embedder, vector, when); all of it or nothing."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM template WHERE person = ? AND source = ?", (person, source))
            for embedder, vector, at in made:
                self._insert_template(connection, person, embedder, source, vector, at)

    def _insert_template(
        self, connection: sqlite3.Connection, person: str, embedder: str, source: str, vector: NDArray[np.float32], at: datetime
    ) -> None:
        """The one place where a template comes to be, and it asks."""
        _require(connection, person, Purpose.FACE_RECOGNITION)
        wrapped = self._wrapped_key(connection, person)
        sealed = templates.seal(self._require_key(), wrapped, person, embedder, vector)
        connection.execute(
            "INSERT INTO template (person, embedder, source, sealed, enrolled_at) VALUES (?, ?, ?, ?, ?)",
            (person, embedder, source, sealed, messages.write_time(at)),
        )
        if not source.startswith("site:"):
            connection.execute("DELETE FROM face_removed WHERE person = ?", (person,))

    def unsealed(self, person: str) -> tuple[tuple[str, NDArray[np.float32], datetime], ...]:
        """What was enrolled here of one person under a consent in force: (embedder, vector, when). Not what came from elsewhere."""
        key = self._require_key()
        with self.database.reading() as connection:
            found = connection.execute(ENROLLED_HERE, (person,)).fetchall()
        return tuple(
            (embedder, templates.open_sealed(key, wrapped, person, embedder, sealed), messages.read_time(at))
            for embedder, wrapped, sealed, at in found
        )

    def _wrapped_key(self, connection: sqlite3.Connection, person: str) -> bytes:
        row = connection.execute("SELECT wrapped FROM person_key WHERE person = ?", (person,)).fetchone()
        if row is not None:
            return bytes(row[0])
        wrapped = templates.new_person_key(self._require_key(), person)
        connection.execute("INSERT INTO person_key VALUES (?, ?)", (person, wrapped))
        return wrapped

    def templates(self, embedder: str) -> Opened:
        """Every template of this embedder under a consent in force. WrongDeviceKey if no person's key opens."""
        return self._opened(TEMPLATES + "ORDER BY t.id", embedder)

    def templates_of(self, person: str, embedder: str, source: str = "") -> Opened:
        """One person's templates of this embedder under a consent in force, of any source or of this one alone."""
        return self._opened(TEMPLATES + "AND t.person = ? AND ? IN ('', t.source) ORDER BY t.id", embedder, person, source)

    def _opened(self, query: str, *given: str) -> Opened:
        if self._template_key is None:
            return Opened((), frozenset())  # nobody is recognised, and nobody is damaged
        with self.database.reading() as connection:
            rows = connection.execute(query, given).fetchall()
        whole, damaged = [], set()
        for person, wrapped, sealed in rows:
            try:
                whole.append((person, templates.open_sealed(self._template_key, wrapped, person, given[0], sealed)))
            except templates.TemplateError:
                damaged.add(person)
        if rows and not whole and len(given) == 1:
            self._check_device_key(rows)
        return Opened(tuple(whole), frozenset(damaged))

    def _check_device_key(self, rows: Sequence[tuple[str, bytes, bytes]]) -> None:
        """Damage hits one or the other; where nothing opens at all it is the key."""
        if not any(templates.unwraps(self._require_key(), wrapped, person) for person, wrapped, _ in rows):
            raise templates.WrongDeviceKey(say("template.other_key", count=len(rows)))

    def keep_site_measurement(self, measured: SiteMeasurement) -> None:
        """In place of an earlier one."""
        measurements.keep(self.database, measured)

    def site_measurement(self) -> SiteMeasurement | None:
        """The latest, or None."""
        return measurements.latest(self.database)

    def issue_card(
        self, person: str, embedder: str, vector: NDArray[np.float32], issued_at: datetime, expires_at: datetime
    ) -> tuple[str, str]:
        """A template for the person to carry, kept here nowhere: the card's number and the text of its QR code.

        ConsentMissing without a consent in force. Earlier cards of this person open no more.
        """
        self.require_consent(person, Purpose.FACE_CARD)
        card, text = cards.issue(self._wrapping_key, person, embedder, vector, expires_at)
        self._keep_card(card, person, issued_at, expires_at)
        return card, text

    def read_card(self, text: str, embedder: str, now: datetime) -> cards.Card:
        """The card in a QR code's text; CardRefused for anything else, and for a card that was revoked or whose consent is gone."""
        card = cards.read(self._wrapping_key, embedder, text, now)
        if not self.card_holds(card):
            raise cards.CardRefused("this card was revoked; have a new one made, or use another way")
        return card

    def card_holds(self, card: cards.Card) -> bool:
        """Whether a card that was read is neither revoked nor without consent by now."""
        return self._card_expires_at(card.card, card.person) is not None

    def _keep_card(self, card: str, person: str, issued_at: datetime, expires_at: datetime) -> None:
        with self.database.transaction() as connection:
            _require(connection, person, Purpose.FACE_CARD)
            connection.execute("DELETE FROM card WHERE person = ?", (person,))
            row = (card, person, messages.write_time(issued_at), messages.write_time(expires_at))
            connection.execute("INSERT INTO card VALUES (?, ?, ?, ?)", row)

    def revoke_cards(self, person: str) -> None:
        """No card of this person opens any more."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM card WHERE person = ?", (person,))

    def _card_expires_at(self, card: str, person: str) -> datetime | None:
        """When this card of this person ends; None if it was revoked, is somebody else's, or the consent is gone."""
        with self.database.reading() as connection:
            row = connection.execute(
                "SELECT expires_at FROM card JOIN consent_in_force USING (person) "
                "WHERE purpose = 'face_card' AND card = ? AND person = ?",
                (card, person),
            ).fetchone()
        return messages.read_time(row[0]) if row else None

    def close(self) -> None:
        """Close the file."""
        self.database.close()


def _require(connection: sqlite3.Connection, person: str, purpose: Purpose) -> None:
    """No template, no card and no matching without a consent in force."""
    if not consents.in_force(connection, person, purpose):
        raise ConsentMissing(MISSING[purpose])

"""Which consent texts are in force here, and who agreed to which of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from device import consent, database, messages
from device.consent import Purpose, Text
from device.people.errors import PeopleError
from device.people.roster import LANGUAGES, check_text
from device.sentences import say

MOST_WORDS = 20_000
NO_CONSENT = "no consent in force; record it first with `daka people consent`, or offer another way to clock in"
NO_CARD_CONSENT = "no consent to a face card in force; record it first with `daka people consent --purpose face_card`"
COLUMNS = "text_version, language, text_sha256, basis, by, purpose, kiosks, reference"


@dataclass(frozen=True, slots=True)
class Agreement:
    """Which text was shown, on what basis it was agreed to, and who recorded it.

    `kiosks`: the other kiosks that the text named, with commas; `reference`: the law or contract, where that is the basis.
    """

    text_version: str
    language: str
    text_sha256: str
    basis: str
    by: str
    purpose: Purpose = Purpose.FACE_RECOGNITION
    kiosks: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A text that was published here; `asks_again`: consents to earlier ones count no more."""

    purpose: Purpose
    version: str
    asks_again: bool
    by: str
    published_at: datetime


class Consents:
    """The texts, on the people database."""

    def __init__(self, opened: database.Database) -> None:
        self._database = opened

    def text(self, language: str, purpose: Purpose = Purpose.FACE_RECOGNITION) -> Text:
        """The current text: the latest that was published, or the shipped one."""
        query = "SELECT version, words FROM consent_version JOIN consent_text USING (number) WHERE purpose = ? AND language = ?"
        with self._database.reading() as connection:
            row = connection.execute(f"{query} ORDER BY number DESC LIMIT 1", (purpose, language)).fetchone()
        return Text(row[0], language, row[1], purpose) if row else consent.text(language, purpose)

    def versions(self) -> tuple[Version, ...]:
        """Everything that was ever published here, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT purpose, version, asks_again, by, published_at FROM consent_version ORDER BY number DESC"
            ).fetchall()
        return tuple(Version(Purpose(row[0]), row[1], bool(row[2]), row[3], messages.read_time(row[4])) for row in rows)

    def check(self, purpose: Purpose, version: str, words: Mapping[str, str]) -> None:
        """Returns if this may be published; PeopleError otherwise."""
        check_text("a version", version)
        if len(version) > 32 or version == consent.CURRENT_VERSION or version in self._published(purpose):
            raise PeopleError(say("text.version", version=version))
        if set(words) != set(LANGUAGES) or not all(1 <= len(text.strip()) <= MOST_WORDS for text in words.values()):
            raise PeopleError(say("text.languages", languages=", ".join(LANGUAGES), most=MOST_WORDS))
        if any(letter != "\n" and not letter.isprintable() for text in words.values() for letter in text):
            raise PeopleError(say("text.letters"))

    def publish(self, purpose: Purpose, version: str, words: Mapping[str, str], by: str, at: datetime, *, asks_again: bool) -> None:
        """From now on this is what is shown; all languages at once, or none."""
        row = (purpose, version, asks_again, by, messages.write_time(at))
        with self._database.transaction() as connection:
            number = connection.execute(
                "INSERT INTO consent_version (purpose, version, asks_again, by, published_at) VALUES (?, ?, ?, ?, ?)", row
            ).lastrowid
            texts = [(number, language, text) for language, text in words.items()]
            connection.executemany("INSERT INTO consent_text VALUES (?, ?, ?)", texts)

    def counts(self, agreement: Agreement) -> bool:
        """Whether a consent to this text would be in force here: no later one asks again."""
        query = """SELECT coalesce((SELECT number FROM consent_version WHERE purpose = :purpose AND version = :version), 0)
        >= coalesce((SELECT max(number) FROM consent_version WHERE purpose = :purpose AND asks_again), 0)"""
        with self._database.reading() as connection:
            row = connection.execute(query, {"purpose": agreement.purpose, "version": agreement.text_version}).fetchone()
        return bool(row[0])

    def _published(self, purpose: Purpose) -> frozenset[str]:
        return frozenset(one.version for one in self.versions() if one.purpose == purpose)

    def asked_again_at(self, person: str) -> datetime | None:
        """Since when a newer text asks this person again about a template; None where none does."""
        query = """SELECT min(v.published_at) FROM consent c JOIN consent_version v USING (purpose)
        WHERE c.person = ? AND c.purpose = 'face_recognition' AND v.asks_again AND v.number > coalesce(
            (SELECT number FROM consent_version a WHERE a.purpose = c.purpose AND a.version = c.text_version), 0)"""
        with self._database.reading() as connection:
            (at,) = connection.execute(query, (person,)).fetchone()
        return messages.read_time(at) if at else None

    def given(self, person: str) -> tuple[tuple[Agreement, bool], ...]:
        """What the person has agreed to and not taken back, and whether it is in force."""
        query = f"SELECT {COLUMNS}, EXISTS (SELECT 1 FROM consent_in_force f WHERE f.person = c.person AND f.purpose = c.purpose)"
        with self._database.reading() as connection:
            rows = connection.execute(f"{query} FROM consent c WHERE person = ? ORDER BY purpose", (person,)).fetchall()
        return tuple((read(row[:-1]), bool(row[-1])) for row in rows)


def read(row: tuple[str, ...]) -> Agreement:
    """A row of COLUMNS."""
    return Agreement(row[0], row[1], row[2], row[3], row[4], Purpose(row[5]), row[6], row[7])


def keep(connection: sqlite3.Connection, person: str, said: Agreement, at: datetime) -> None:
    """A consent, in place of an earlier one to the same purpose."""
    row = (said.text_version, said.language, said.text_sha256, said.basis, said.by, said.purpose, said.kiosks, said.reference)
    connection.execute(
        f"INSERT OR REPLACE INTO consent ({COLUMNS}, person, given_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, person, messages.write_time(at)),
    )


def in_force(connection: sqlite3.Connection, person: str, purpose: Purpose) -> bool:
    """The one question: may this be done with this person's face?"""
    query = "SELECT 1 FROM consent_in_force WHERE person = ? AND purpose = ?"
    return connection.execute(query, (person, purpose)).fetchone() is not None

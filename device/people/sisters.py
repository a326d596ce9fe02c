"""The other kiosks of the site, as an administrator vouched for them, and what went to and fro."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from device import database, messages
from device.consent import Purpose
from device.people import withdrawals
from device.people.errors import PeopleError

NEVER = "0001-01-01T00:00:00.000000Z"


@dataclass(frozen=True, slots=True)
class Sister:
    """Another kiosk: the key that signs its packages, and the one that packages for it are sealed to; both as text."""

    device: str
    signing_key: str
    sealing_key: str


class Sisters:
    """The tables sister, withdrawn and face_removed of the people database."""

    def __init__(self, opened: database.Database) -> None:
        self._database = opened

    def trust(self, sister: Sister) -> None:
        """Believe this kiosk from now on, in place of what was believed under that name."""
        messages.public_key_from_text(sister.signing_key)
        messages.sealing_key_from_text(sister.sealing_key)
        row = (sister.device, sister.signing_key, sister.sealing_key, NEVER)
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO sister VALUES (?, ?, ?, ?)", row)

    def forget(self, device: str) -> bool:
        """Believe it no more; whether it was."""
        with self._database.transaction() as connection:
            return connection.execute("DELETE FROM sister WHERE device = ?", (device,)).rowcount > 0

    def get(self, device: str) -> Sister:
        """The kiosk of that name; PeopleError if nobody vouched for it."""
        with self._database.reading() as connection:
            query = "SELECT device, signing_key, sealing_key FROM sister WHERE device = ?"
            row = connection.execute(query, (device,)).fetchone()
        if row is None:
            raise PeopleError(f"nobody vouched for {device} here; compare `daka site show` on it, then run `daka site trust` here")
        return Sister(*row)

    def list(self) -> tuple[Sister, ...]:
        """Every one of them."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT device, signing_key, sealing_key FROM sister ORDER BY device").fetchall()
        return tuple(Sister(*row) for row in rows)

    def latest(self, device: str) -> datetime:
        """When the latest package was made that was taken from this kiosk."""
        with self._database.reading() as connection:
            (at,) = connection.execute("SELECT latest FROM sister WHERE device = ?", (device,)).fetchone()
        return messages.read_time(at)

    def took(self, device: str, made_at: datetime) -> None:
        """A package was taken; an older one counts no more."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE sister SET latest = ? WHERE device = ?", (messages.write_time(made_at), device))

    def faces_removed(self) -> frozenset[str]:
        """Whose enrolled face the office removed here, and who was not enrolled here since."""
        with self._database.reading() as connection:
            return frozenset(person for (person,) in connection.execute("SELECT person FROM face_removed"))

    def heard_withdrawal(self, person: str, at: datetime) -> None:
        """It was made elsewhere; what this kiosk hears later of a yes of before counts no more."""
        with self._database.transaction() as connection:
            withdrawals.note(connection, person, Purpose.FACE_RECOGNITION, at)

    def withdrawn(self, persons: Collection[str] = ()) -> dict[str, datetime]:
        """When each person, or each of these few, last took the consent to a kept template back, as far as this kiosk knows."""
        query = "SELECT person, at FROM withdrawn WHERE purpose = 'face_recognition'"
        among = f" AND person IN ({', '.join('?' * len(persons))})" if persons else ""
        with self._database.reading() as connection:
            rows = connection.execute(query + among, tuple(persons)).fetchall()
        return {person: messages.read_time(at) for person, at in rows}

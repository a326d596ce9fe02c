"""Everything that this kiosk holds about one person, as one open, signed JSON text that they can keep.

Of templates it says which there are and from when; their numbers stay sealed, because whoever has them can be taken for the person.
"""

from __future__ import annotations

import json
from typing import Any

from device import api, messages
from device.clock import Clock
from device.journal import Journal
from device.messages import Purpose
from device.people import Agreement, Directory, Person
from device.people.roster import check_text

FORMAT = "daka-person-1"
KEPT = (
    ("pin", "SELECT must_change, changed_at FROM pin WHERE person = ?"),
    ("codes", "SELECT kind, added_at FROM code WHERE person = ? ORDER BY added_at"),
    ("phones", "SELECT phone, issued_at FROM phone WHERE person = ?"),
    ("cards", "SELECT card, issued_at, expires_at FROM card WHERE person = ?"),
    ("templates", "SELECT embedder, source, enrolled_at FROM template WHERE person = ? ORDER BY id"),
    ("look_alikes", "SELECT count(*) AS people FROM look_alike WHERE person = ?"),
    ("to_be_compared", "SELECT count(*) AS waits FROM uncompared WHERE person = ?"),
    ("face_removed", "SELECT at FROM face_removed WHERE person = ?"),
    ("withdrawals", "SELECT purpose, at FROM withdrawn WHERE person = ?"),
)


class Holdings:
    """The one that answers what is held."""

    def __init__(self, journal: Journal, directory: Directory, clock: Clock) -> None:
        self._journal, self._directory, self._clock = journal, directory, clock

    def export(self, number: str, by: str) -> api.PersonExport:
        """For the person with this employee number; recorded, since it is a disclosure."""
        check_text("whoever does this", by)
        person = self._directory.by_number(number)
        moment = self._clock.now()
        self._journal.append(messages.Audit("person_exported", by, person.person), moment)
        body: dict[str, Any] = {
            "format": FORMAT,
            "device": self._journal.device,
            "key": self._journal.public_key,
            "made_at": messages.write_time(moment.at),
            "person": _known(person),
            "consents": [_consent(*given) for given in self._directory.consents.given(person.person)],
            **self._kept(person.person),
            "records": self._journal.about(person.person),
        }
        sig = self._journal.sign(Purpose.PERSON, person.person, messages.digest(messages.canonical(body)))
        return api.PersonExport(person.person, json.dumps(body | {"sig": sig}, ensure_ascii=False, indent=1))

    def _kept(self, person: str) -> dict[str, list[dict[str, Any]]]:
        """Rows about the person in every other table, without what is sealed or hashed."""
        found: dict[str, list[dict[str, Any]]] = {}
        with self._directory.database.reading() as connection:
            for name, query in KEPT:
                cursor = connection.execute(query, (person,))
                columns = [column[0] for column in cursor.description]
                found[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        return found


def _known(person: Person) -> dict[str, Any]:
    expires_at = "" if person.expires_at is None else messages.write_time(person.expires_at)
    return {
        "id": person.person,
        "number": person.number,
        "name": person.name,
        "language": person.language,
        "group": person.group,
        "expires_at": expires_at,
        "supervisor": person.supervisor,
        "origin": person.origin,
    }


def _consent(agreed: Agreement, counts: bool) -> dict[str, Any]:
    return {
        "purpose": agreed.purpose.value,
        "text_version": agreed.text_version,
        "language": agreed.language,
        "text_sha256": agreed.text_sha256,
        "basis": agreed.basis,
        "reference": agreed.reference,
        "kiosks": agreed.kiosks,
        "by": agreed.by,
        "in_force": counts,
    }

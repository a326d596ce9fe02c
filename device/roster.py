"""The enterprise's roster and tombstones against this kiosk's directory: who belongs here, who leaves, who must not come back.

Whoever was added here by hand before the roster came keeps the id of the records, and is known under both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from device import messages, people
from device.desk import Desk
from device.erasure import Eraser
from device.messages import Alias, RosterPerson
from device.people import Act, Directory, Entry
from device.people.roster import Refusal, read_expiry
from device.personnel import Personnel
from device.steward import RosterDone

REFUSED = "refused by the directory"  # why exactly may name a number, which no record does: `daka people list` shows both


class Register:
    """The steward's office on the real directory."""

    def __init__(
        self,
        desk: Desk,
        personnel: Personnel,
        directory: Directory,
        eraser: Eraser,
        aliases: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """`aliases`: whom an earlier roster met here under another id."""
        self._desk, self._personnel, self._directory, self._eraser = desk, personnel, directory, eraser
        self._aliases = aliases

    def take(self, roster: messages.Roster) -> RosterDone:
        """Take in whoever is new, change who changed, let go whom an earlier roster brought and this one lacks."""
        met = self._met(roster.people)
        ids = {**self._aliases(), **{alias.person: alias.here for alias in met}}
        report = self._personnel.apply_roster([self._entry(person, ids) for person in roster.people], roster.by, complete=True)
        refused = [roster.people[step.line - 1].person for step in report.steps if step.act == Act.REFUSE and step.line]
        changed = sum(step.act not in (Act.REFUSE, Act.SAME) for step in report.steps)
        return RosterDone(changed, tuple((person, REFUSED) for person in refused), met)

    def _entry(self, person: RosterPerson, ids: Mapping[str, str]) -> Entry | Refusal:
        here = ids.get(person.person, person.person)
        try:
            ends = read_expiry(person.expires_at, self._personnel.zone)
        except people.PeopleError as error:
            return Refusal(person.number, str(error), here)
        known = (person.number, person.name, person.language, person.group, ends, person.supervisor)
        entry = Entry(*known, here, pin_hash=person.pin)
        return dataclasses.replace(entry, badges=person.badges, qr=person.qr) if person.codes else entry

    def _met(self, people: Sequence[RosterPerson]) -> tuple[Alias, ...]:
        """Who is known here under another id, which stays: who was added by hand and has that number, and who comes back.

        That is somebody of an earlier roster with the same number and name: missing in one by mistake, or employed once more.
        """
        everybody = self._directory.list()
        known, aliases = {person.person for person in everybody}, self._aliases()
        named = {aliases.get(person.person, person.person) for person in people}
        by_hand = {person.number: person.person for person in everybody if person.origin == "kiosk"}
        gone = {
            (person.number, person.name): person.person
            for person in everybody
            if person.origin == "roster" and person.person not in named
        }
        here = {
            person.person: by_hand.get(person.number) or gone.get((person.number, person.name))
            for person in people
            if person.person not in known
        }
        return tuple(Alias(person, found) for person, found in here.items() if found)

    def bury(self, tombstone: messages.Tombstone, here: str) -> bool:
        """Take the consent back, and with it every template; or erase everything, with a receipt of its own in the journal.

        Whoever was never here, or is erased already, leaves a stone too: a later roster does not bring them in.
        """
        if tombstone.act == messages.TombstoneAct.ERASED:
            return self._eraser.erase_if_here(here, messages.ErasureReason.TOMBSTONE, tombstone.by)
        try:
            person = self._directory.get(here)
        except people.PersonUnknown:
            return False
        if person.has_consent:
            self._desk.withdraw_consent(person.number, tombstone.by)
        return person.has_consent

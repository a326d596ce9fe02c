"""The enterprise's roster and tombstones against this kiosk's directory: who belongs here, who leaves, who must not come back.

Whoever was here before the roster came, added by hand or by another kiosk of the site, keeps the id of the records, and is known
under both.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from device import api, messages, people
from device.desk import Desk
from device.erasure import Eraser
from device.messages import Alias, RosterPerson
from device.people import Act, Directory, Entry
from device.people.roster import Refusal, read_expiry
from device.personnel import Personnel
from device.steward import RosterDone

# Why exactly may name a number, which no record does: `daka people list` shows both.
REFUSED = "refused by the directory"
HELD = (
    "the number is another person's here, see `daka people list`: if it is the same one and works here, make the names agree; "
    "else give another number, or erase who had it before"
)


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
        refused = [(roster.people[step.line - 1].person, _why(step)) for step in report.steps if step.act == Act.REFUSE]
        changed = sum(step.act not in (Act.REFUSE, Act.SAME) for step in report.steps)
        return RosterDone(changed, tuple(refused), met)

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
        """Who is known here under another id, which stays, by number and name: who is here already, and who comes back.

        The first were added by hand or came from another kiosk of the site, and work here still; the others stood in an earlier
        roster: missing in one by mistake, or employed once more. The number alone would give a new colleague somebody else's face.
        """
        everybody, aliases = self._directory.list(), self._aliases()
        ids = {person.person: aliases.get(person.person, person.person) for person in people}
        named, met = set(ids.values()), {one.person for one in everybody} | self._directory.graves.stones()
        free = [
            one for one in everybody if one.person not in named and (one.origin == "roster" or not self._personnel.has_left(one))
        ]
        called = {(one.number, _plain(one.name)): one.person for one in free}
        here = {one.person: called.get((one.number, _plain(one.name))) for one in people if ids[one.person] not in met}
        return tuple(Alias(person, found) for person, found in here.items() if found)

    def bury(self, tombstone: messages.Tombstone, here: str) -> bool:
        """Take the consent back, and with it every template; or erase everything, with a receipt of its own in the journal.

        Whoever was never here, or is erased already, leaves a stone too: a later roster does not bring them in, nor a package of
        another kiosk with a yes of before the withdrawal.
        """
        if tombstone.act == messages.TombstoneAct.ERASED:
            ids = dict.fromkeys((here, tombstone.person))  # a stone under each: other kiosks may know the person by either
            done = [self._eraser.erase_if_here(one, messages.ErasureReason.TOMBSTONE, tombstone.by) for one in ids]
            return any(done)
        now = self._personnel.now()
        at = min(messages.read_time(tombstone.at), now) if tombstone.at else now
        if self._directory.consents.given(here):
            self._desk.consents.withdraw(self._directory.get(here).number, tombstone.by, at=at)
            return True
        self._directory.sisters.heard_withdrawal(here, at)
        return False


def _why(step: api.ListStep) -> str:
    return HELD if step.said.name == "list.holder" else REFUSED


def _plain(name: str) -> str:
    """A name as two offices write it: wide or narrow letters, spaces and case tell nobody apart."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())

"""A person's own affairs at the kiosk, once it stands fast who they are: their last punches, their consents, and taking them back.

A badge or code that anybody can copy opens none of it; a PIN, a phone's code or a face does, for some minutes.
"""

from __future__ import annotations

from device import api, journal, messages, people
from device.consenting import ONESELF, ConsentOffice
from device.corrections import Corrections
from device.holdings import Holdings
from device.messages.attendance import AT_THE_KIOSK
from device.people import Agreement, Directory, Person
from device.register import Listed, Register, Wanted
from device.ways import Ways

MOST_PUNCHES = 20
BY = ONESELF
BY_THE_OFFICE = "office"


class TicketGone(people.PeopleError):
    """It took too long, or it does not stand fast who this is."""


class Own:
    """The counter for one's own affairs."""

    def __init__(
        self,
        ways: Ways,
        consents: ConsentOffice,
        directory: Directory,
        opened: journal.Journal,
        holdings: Holdings,
        corrections: Corrections,
    ) -> None:
        self._ways, self._consents, self._directory, self._journal = ways, consents, directory, opened
        self._register, self._holdings, self._corrections = Register(opened), holdings, corrections

    def affairs(self, ticket: str) -> api.OwnAffairs:
        """What this kiosk holds about the person, in short."""
        person = self._owner(ticket)
        given = tuple(_consent(agreement, counts) for agreement, counts in self._directory.consents.given(person.person))
        return api.OwnAffairs(person.name, person.number, person.language, person.templates, given, self._punches(person.person))

    def give_consent(self, ticket: str, language: str, purpose: str, shown_sha256: str) -> api.OwnAffairs:
        """The person's own yes to exactly the text whose hash this is."""
        person = self._owner(ticket)
        if not shown_sha256:
            raise people.PeopleError("a yes counts only to the text that was shown; send its hash")
        self._consents.give(person.number, language, "consent", BY, purpose, "", shown_sha256)
        return self.affairs(ticket)

    def withdraw_consent(self, ticket: str, purpose: str = "") -> api.OwnAffairs:
        """The person's own no: the template is destroyed before this returns; the other ways stay. No purpose: everything."""
        self._consents.withdraw(self._owner(ticket).number, BY, purpose)
        return self.affairs(ticket)

    def export(self, ticket: str) -> api.PersonExport:
        """Everything that is held here about the person, to keep."""
        return self._holdings.export(self._owner(ticket).number, BY)

    def _owner(self, ticket: str) -> Person:
        person = self._ways.owner(ticket)
        if person is None:
            raise TicketGone("say who you are once more, by PIN, by your phone's code or by your face")
        return person

    def _punches(self, person: str) -> tuple[api.OwnPunch, ...]:
        """At the times that they are to be read with. What counts no more stays to be seen, with what was said about it."""
        found = self._register.find(Wanted(people=frozenset({person}), limit=MOST_PUNCHES))
        records = {record.seq: record for record in self._journal.pick(found.seqs)}
        said = self._corrections.standing(found.seqs)
        return tuple(self._punch(records[one.seq], one, said[one.seq]) for one in found.punches if one.seq in records)

    def _punch(self, record: messages.Record, listed: Listed, said: api.Amendment) -> api.OwnPunch:
        void = next(iter(self._journal.pick([said.void])), None) if said.void else None
        return api.OwnPunch(
            record.seq,
            record.hash.hex(),
            messages.write_time(listed.at),
            listed.review,
            listed.direction,
            self._way_of(record),
            record.body.get("reason", ""),
            listed.state,
            void.body["reason"] if void else "",
            by_oneself=void is not None and void.body["by"] == AT_THE_KIOSK,
            replaced_by=said.replaced_by,
        )

    def _way_of(self, record: messages.Record) -> str:
        """How the person was established; their own change at the kiosk leaves that as it was."""
        while record.kind == "correction" and record.body["by"] == AT_THE_KIOSK:
            replaced = self._journal.pick([record.body["replaces"]])
            if not replaced:
                break
            record = replaced[0]
        return str(record.body.get("method", BY_THE_OFFICE))


def _consent(agreed: Agreement, counts: bool) -> api.OwnConsent:
    return api.OwnConsent(agreed.purpose, agreed.text_version, agreed.language, agreed.basis, agreed.kiosks, counts)

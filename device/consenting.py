"""Consent as an act: what is shown, who said yes to exactly that, and how it is taken back; each with its record in the journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from device import api, consent, messages, people
from device.clock import Clock
from device.consent import Purpose, Text
from device.journal import Journal
from device.people import Agreement, Directory, Person
from device.people.roster import check_text
from device.personnel import shown
from device.sentences import say

ONESELF = "self"  # who acts, where it is the person at the page
BASES = ("consent", "contract", "legal_duty")


class ConsentChanged(people.PeopleError):
    """What was shown is no longer what would be recorded; show the new text and ask again."""


class ConsentOffice:
    """Gives and takes consents on one kiosk; `renew` tells the gallery of a person, or ("") of everybody.

    `kiosks`: the other kiosks of the site to which templates go, which the text then names.
    """

    def __init__(
        self, journal: Journal, directory: Directory, clock: Clock, renew: Callable[[str], None], kiosks: Sequence[str] = ()
    ) -> None:
        self._journal, self._directory, self._clock, self.renew = journal, directory, clock, renew
        self.kiosks = tuple(kiosks)
        self._settling = threading.Lock()  # or two would record one withdrawal twice

    def text(self, language: str, purpose: str = Purpose.FACE_RECOGNITION) -> Text:
        """Exactly what is to be shown, alone, before anybody says yes."""
        check_language(language)
        return self._directory.consents.text(language, _purpose(purpose)).naming(self.kiosks)

    def texts(self, purpose: str = Purpose.FACE_RECOGNITION) -> tuple[api.ConsentText, ...]:
        """The same in every language."""
        found = (self.text(language, purpose) for language in consent.LANGUAGES)
        return tuple(api.ConsentText(text.version, text.language, text.words, text.sha256) for text in found)

    def give(
        self, number: str, language: str, basis: str, by: str, purpose: str = "", reference: str = "", shown_sha256: str = ""
    ) -> api.Person:
        """Put a consent to the current text in force, in the journal first.

        `shown_sha256`: hash of what stood on the screen; ConsentChanged if that is not the current text. `reference`: which law or
        contract, where that is the basis.
        """
        check_text("whoever does this", by)
        chosen = _purpose(purpose or Purpose.FACE_RECOGNITION)
        person, text, moment = self._directory.by_number(number), self.text(language, chosen), self._clock.now()
        if shown_sha256 and shown_sha256 != text.sha256:
            raise ConsentChanged(say("text.changed"))
        _check_basis(basis, reference)
        kiosks = ", ".join(self.kiosks) if chosen is Purpose.FACE_RECOGNITION else ""
        agreement = Agreement(text.version, text.language, text.sha256, basis, by, chosen, kiosks, reference)
        self._journal.append(record(person.person, messages.ConsentAct.GIVEN, agreement, by), moment)
        self._directory.agree(person.person, agreement, moment.at)
        self.renew(person.person)  # a template may lie here under an older text
        return self._shown(person)

    def withdraw(self, number: str, by: str, purpose: str = "", at: datetime | None = None) -> api.Person:
        """Destroy the template first, then record the withdrawal: a failing disk must not keep a face alive. No purpose: all.

        `at`: when it was taken back elsewhere; a yes of later stays one.
        """
        check_text("whoever does this", by)
        person = self._directory.by_number(number)
        given = [agreement.purpose for agreement, _ in self._directory.consents.given(person.person)]
        purposes = [one for one in given if purpose in ("", one)]
        if not purposes:
            raise people.ConsentMissing(say("consent.none", number=number))
        try:
            self._directory.withdraw(person.person, by, purposes, at or self._clock.now().at)
        finally:  # committed, though the disk may have failed in tidying up after it
            self.renew(person.person)
        self.settle()
        return self._shown(person)

    def withdraw_all(self, by: str) -> int:
        """Everybody's, in force or not, and with them every template and card, recorded afterwards; how many people's."""
        check_text("whoever does this", by)
        try:
            gone = self._directory.withdraw_all(by, self._clock.now().at)
        finally:
            self.renew("")
        self.settle()
        return gone

    def settle(self) -> None:
        """Record the withdrawals that the journal does not have yet; the daemon asks for it at each start and every minute."""
        with self._settling:
            for person, agreement in self._directory.owed():
                self._journal.append(record(person, messages.ConsentAct.WITHDRAWN, agreement, agreement.by), self._clock.now())
                self._directory.settled(person, agreement.purpose)

    def publish(
        self, purpose: str, version: str, words: Mapping[str, str], by: str, *, asks_again: bool
    ) -> tuple[api.ConsentText, ...]:
        """The enterprise's own text from now on, in every language at once.

        `asks_again`: whoever agreed to an earlier one is matched no more until they agree to this one; otherwise it says the same
        in better words, and earlier consents stand.
        """
        check_text("whoever does this", by)
        chosen = _purpose(purpose)
        self._directory.consents.check(chosen, version, words)
        moment = self._clock.now()
        self._journal.append(messages.Audit("consent_text_published", by, after=f"{chosen} {version}"), moment)
        self._directory.consents.publish(chosen, version, words, by, moment.at, asks_again=asks_again)
        self.renew("")
        return self.texts(chosen)

    def versions(self) -> tuple[api.ConsentVersion, ...]:
        """Everything that was published here, newest first; before it came what is shipped."""
        return tuple(
            api.ConsentVersion(one.purpose, one.version, one.asks_again, one.by, messages.write_time(one.published_at))
            for one in self._directory.consents.versions()
        )

    def _shown(self, person: Person) -> api.Person:
        return shown(self._directory.get(person.person))


def check_language(language: str) -> None:
    """Returns if there are texts in this language; PeopleError otherwise."""
    if language not in consent.LANGUAGES:
        raise people.PeopleError(f"language {language} is not one of {', '.join(consent.LANGUAGES)}")


def _purpose(purpose: str) -> Purpose:
    if purpose not in set(Purpose):
        raise people.PeopleError(f"a purpose is one of {', '.join(Purpose)}")
    return Purpose(purpose)


def _check_basis(basis: str, reference: str) -> None:
    if basis not in BASES:
        raise people.PeopleError(f"a basis is one of {', '.join(BASES)}")
    check_text(say("what.reference"), reference, int(basis == "legal_duty"))


def record(person: str, act: messages.ConsentAct, agreed: Agreement, by: str) -> messages.Consent:
    """What the journal says of it."""
    words = (agreed.text_version, agreed.language, agreed.text_sha256, agreed.basis)
    return messages.Consent(person, act, agreed.purpose, *words, by, agreed.kiosks, agreed.reference)

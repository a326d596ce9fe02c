"""The desk: the one place where people, consents and templates change, each change with its record in the journal.

A photograph that arrives here is looked at once and dropped. Nothing is half done: a refusal leaves everything as it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device import api, enrolment, gallery, messages, people
from device.clock import Clock
from device.consent import Purpose
from device.consenting import ONESELF, ConsentOffice, check_language
from device.enrolment import EnrolmentRefused
from device.gallery import Keeper
from device.journal import Journal
from device.people import Directory, Person
from device.people.roster import check_text
from device.personnel import shown
from device.sentences import say
from device.sight import Sight
from device.telling import Tell, silent
from models import match
from models.evaluation.site import Site

MOST_LISTED = 1_000
MADE = {"photograph": "template_made_from_photograph", "kiosk": "templates_made_at_kiosk"}  # how the journal says it
MOST_CARD_DAYS = 1_830
PROMISE = gallery.Promise()  # where no setting says otherwise


class Desk:
    """Office work on one kiosk's files; `sight` is asked for only when a photograph has to be looked at."""

    def __init__(
        self,
        journal: Journal,
        directory: Directory,
        clock: Clock,
        sight: Callable[[], Sight],
        promise: gallery.Promise = PROMISE,
        kiosks: Sequence[str] = (),
    ) -> None:
        self._journal, self._directory, self._clock, self._sight = journal, directory, clock, sight
        self._promise = promise
        self._keeper: Keeper | None = None
        self.consents = ConsentOffice(journal, directory, clock, self.renew, kiosks)

    def keeper(self) -> Keeper:
        """The gallery, filled when it is first asked for: most office work needs none."""
        if self._keeper is None:
            sight = self._sight()
            terms = gallery.Terms(sight.bounds, self._promise, sight.one_to_one)
            self._keeper = Keeper(self._directory, sight.models.embedder, terms, self._found_alike)
        return self._keeper

    def _found_alike(self, person: str) -> None:
        self._journal.append(messages.Audit("look_alikes_found", "kiosk", person), self._clock.now())

    def renew(self, person: str) -> None:
        """The gallery looks again at what is kept of one person, or ("") of everybody; nothing to do where there is none yet."""
        if self._keeper is not None:
            self._keeper.renew(person) if person else self._keeper.refill()

    def people(self) -> tuple[api.Person, ...]:
        """Everybody, by employee number."""
        return tuple(shown(person) for person in self._directory.list())

    def add_person(self, number: str, name: str, language: str, by: str) -> api.Person:
        """A new employee under a fresh opaque id."""
        for what, text in ((say("what.number"), number), (say("what.name"), name), ("whoever does this", by)):
            check_text(what, text)
        check_language(language)
        self._directory.check_free(number)
        moment = self._clock.now()
        person = f"p-{secrets.token_hex(16)}"
        self._journal.append(messages.PersonAnnounced(person, "kiosk"), moment)
        self._directory.add(Person(person, number, name, language, False, 0), moment.at)
        self._journal.append(messages.Audit("person_added", by, person), self._clock.now())
        return shown(self._directory.get(person))

    def give_consent(
        self, number: str, language: str, basis: str, by: str, purpose: str = "", reference: str = "", shown_sha256: str = ""
    ) -> api.Person:
        """Put the current text's consent in force, in the journal first; see device.consenting."""
        return self.consents.give(number, language, basis, by, purpose, reference, shown_sha256)

    def withdraw_consent(self, number: str, by: str, purpose: str = "") -> api.Person:
        """Destroy the template first, then record the withdrawal; see device.consenting."""
        return self.consents.withdraw(number, by, purpose)

    def withdraw_all(self, by: str) -> int:
        """Every consent is taken back, each with its record, and every template destroyed; how many people's."""
        return self.consents.withdraw_all(by)

    def consent_texts(self, purpose: str = "") -> tuple[api.ConsentText, ...]:
        """The texts to be shown now, in every language."""
        return self.consents.texts(purpose or Purpose.FACE_RECOGNITION)

    def publish_consent_text(
        self, purpose: str, version: str, words: Mapping[str, str], by: str, *, asks_again: bool
    ) -> tuple[api.ConsentText, ...]:
        """The enterprise's own text from now on; see device.consenting."""
        return self.consents.publish(purpose, version, words, by, asks_again=asks_again)

    def settle(self) -> None:
        """Record the withdrawals that the journal does not have yet; the daemon asks for it at each start and every minute."""
        self.consents.settle()

    def enrol(self, number: str, photograph: bytes, by: str, look_alike_of: str = "") -> api.Enrolled:
        """A template from one photograph; refused without consent, with a bad picture, or when it is somebody else's face.

        Unless `look_alike_of` is the number of that other person: then somebody vouches that they are two people, and from then on
        neither is clocked in by a face alone. In the journal first: no template exists that was not announced.
        """
        return self.enrol_several(number, (photograph,), by, look_alike_of)

    def enrol_several(self, number: str, photographs: tuple[bytes, ...], by: str, look_alike_of: str = "") -> api.Enrolled:
        """A template from each of several photographs of one person: all of them, or none and the reason."""
        self.may_sit(number, by)
        return self.keep(number, "photograph", enrolment.vectors_of(self._sight(), photographs), by, look_alike_of)

    def look_at(self, number: str, photographs: tuple[bytes, ...], by: str) -> api.Enrolled:
        """Refused where `enrol_several` would be; nothing is kept and nothing recorded, and templates are those of before."""
        self.may_sit(number, by)
        person, sight = self._directory.by_number(number).person, self._sight()
        vectors = enrolment.vectors_of(sight, photographs)
        self._refuse_another_face(sight, person, vectors[0], by)
        self._refuse_duplicates([other for vector in vectors for other in self._look_alikes(sight, person, vector)], "")
        return api.Enrolled(person, self._directory.get(person).templates)

    def may_sit(self, number: str, by: str) -> None:
        """Whether templates may be made of this person at all: before anything is looked at."""
        check_text("whoever does this", by)
        self._directory.require_consent(self._directory.by_number(number).person)

    def keep(self, number: str, source: str, vectors: tuple[NDArray[np.float32], ...], by: str, look_alike_of: str) -> api.Enrolled:
        """Templates of one face; those made at the kiosk take the place of earlier ones from there.

        The first vector speaks for all: whoever took them has held the others against it.
        """
        person, sight = self._directory.by_number(number).person, self._sight()
        self._refuse_another_face(sight, person, vectors[0], by)
        others = {other: None for vector in vectors for other in self._look_alikes(sight, person, vector)}
        self._refuse_duplicates(list(others), look_alike_of)
        self._directory.require_consent(person)  # taken back while they sat, nothing was made, and the journal must not say so
        moment = self._clock.now()
        for other in others:
            self._journal.append(messages.Audit("look_alikes_vouched_for", by, person), moment)
            self._directory.likeness.mark(person, other)
        self._journal.append(messages.Audit(MADE[source], by, person), moment)
        made = [(sight.models.embedder, vector, moment.at) for vector in vectors]
        if source == "kiosk":
            self._directory.replace_templates(person, source, made)
        else:
            self._directory.add_templates(person, source, made)
        self.keeper().renew(person)
        return api.Enrolled(person, self._directory.get(person).templates)

    def remove_face(self, number: str, by: str) -> api.Person:
        """The enrolled face goes and the consent stays, so that another may be enrolled. On record before that is possible."""
        check_text("whoever does this", by)
        person = self._directory.by_number(number)
        if not person.templates:
            raise EnrolmentRefused(say("enrol.none", number=number))
        moment = self._clock.now()
        self._journal.append(messages.Audit("face_removed", by, person.person), moment)
        try:
            self._directory.remove_face(person.person, moment.at)
        finally:  # committed, though the disk may have failed in tidying up after it
            self.renew(person.person)
        return shown(self._directory.get(person.person))

    def issue_card(self, number: str, photograph: bytes, by: str, days: int) -> api.CardIssued:
        """A template for the person to carry; refused as enrolment is, and kept here nowhere."""
        check_text("whoever does this", by)
        if not 1 <= days <= MOST_CARD_DAYS:
            raise people.PeopleError(f"a card is good for 1 to {MOST_CARD_DAYS} days, not {days}")
        person = self._directory.by_number(number)
        self._directory.require_consent(person.person, Purpose.FACE_CARD)
        sight, moment = self._sight(), self._clock.now()
        vector = enrolment.vector_of(sight, photograph)
        self._refuse_duplicates(self._look_alikes(sight, person.person, vector), "")
        expires_at = moment.at + timedelta(days=days)
        self._journal.append(messages.Audit("face_card_issued", by, person.person), moment)
        card, code = self._directory.issue_card(person.person, sight.models.embedder, vector, moment.at, expires_at)
        return api.CardIssued(person.person, card, code, messages.write_time(expires_at))

    def revoke_cards(self, number: str, by: str) -> api.Person:
        """A card was lost: it opens no more, whoever shows it."""
        check_text("whoever does this", by)
        person = self._directory.by_number(number).person
        self._directory.revoke_cards(person)
        self.renew(person)  # who is being recognised by it just now is not
        self._journal.append(messages.Audit("face_card_revoked", by, person), self._clock.now())
        return shown(self._directory.get(person))

    def evaluate_site(self, by: str, tell: Tell = silent) -> api.SiteEvaluated:
        """Measure this site's own templates, keep the limits that follow, and say up to how many people may be searched."""
        check_text("whoever does this", by)
        keeper, moment = self.keeper(), self._clock.now()
        measured = keeper.measure_site(moment.at, tell)
        self._journal.append(messages.Audit("site_evaluated", by), moment)
        return _site_shown(measured, keeper)

    def _look_alikes(self, sight: Sight, person: str, vector: NDArray[np.float32]) -> list[str]:
        """Other people whom this face would be taken for."""
        others, found = self.keeper().known.gallery.without(person), []
        while (nearest := match.best(others, vector)) is not None and nearest.score >= sight.one_to_one:
            found.append(nearest.person)
            others = others.without(nearest.person)
        return found

    def _refuse_another_face(self, sight: Sight, person: str, vector: NDArray[np.float32], by: str) -> None:
        """Neither a PIN nor a photograph puts another face beside the one that is known, or in its place.

        Where nothing that is kept opens, or all of it is of another model, somebody of the office may go on, and nobody alone.
        """
        known = self._directory.templates_of(person, sight.models.embedder).whole
        is_theirs = any(float(vector @ own) >= sight.one_to_one for _, own in known)
        nothing_to_compare = not known and (by != ONESELF or not self._directory.get(person).templates)
        if not is_theirs and not nothing_to_compare:
            raise EnrolmentRefused(say("enrol.another_face"))

    def _refuse_duplicates(self, others: list[str], vouched_for: str) -> None:
        for other in others:
            number = self._directory.get(other).number
            if number != vouched_for:
                raise EnrolmentRefused(say("enrol.known", number=number))

    def punches(self, after: int) -> tuple[dict[str, Any], ...]:
        """Punch records after `after`, as they stand in the chain, each with `corrected`: its time as it should be read."""
        line, records = self._journal.timeline(), self._journal.punches(after, MOST_LISTED)
        return tuple(messages.parse(record.text) | {"corrected": time_shown(line.correct(record.stamp))} for record in records)

    def verify(self, tell: Tell = silent) -> api.Verified:
        """Walk the whole chain; ChainBroken names the first record that does not hold."""
        head = self._journal.verify(tell=tell)
        times = self._journal.times()
        return api.Verified(
            self._journal.device,
            head.epoch,
            head.kept_from,
            head.seq,
            head.hash,
            head.acknowledged,
            self._journal.public_key,
            times.corrected,
            times.to_review,
        )

    def status(self) -> api.Status:
        """The kiosk's files without its eyes; the daemon adds what it sees."""
        head, (known, made), moment = self._journal.head(), self._directory.counts(), self._clock.now()
        damaged = self._keeper.damaged if self._keeper else frozenset()
        return api.Status(
            device=self._journal.device,
            boot="",
            epoch=head.epoch,
            last=head.seq,
            head=head.hash,
            acknowledged=head.acknowledged,
            kept_from=head.kept_from,
            camera_state="not_running",
            camera="the kiosk daemon is not running",
            simulated=False,
            waiting="",
            trouble="",
            decisions=0,
            people=known,
            templates=made,
            public_key=self._journal.public_key,
            clock_quality=moment.quality,
            now=messages.write_time(self._journal.as_read(moment)),
            damaged=tuple(sorted(self._directory.get(person).number for person in damaged)),
        )

    def name_of(self, person: str) -> str:
        """The display name for the screen; empty for nobody."""
        return self._directory.get(person).name if person else ""

    def expires_at(self, person: str) -> datetime | None:
        """When the person's employment ends here; None for never."""
        return self._directory.get(person).expires_at

    def group_of(self, person: str) -> str:
        """The person's group, whose shifts are theirs; empty for none."""
        return self._directory.get(person).group


def time_shown(found: messages.Corrected) -> dict[str, Any]:
    """A record's time as it should be read, for an answer."""
    earliest, latest = ("" if bound is None else messages.write_time(bound) for bound in (found.earliest, found.latest))
    at = messages.write_time(found.at)
    return {"at": at, "quality": found.quality, "review": found.review, "earliest": earliest, "latest": latest}


def _site_shown(measured: Site, keeper: Keeper) -> api.SiteEvaluated:
    rates = tuple(
        api.RateAt(
            at.threshold,
            at.false_match.value,
            at.false_match.limits.high,
            at.named.value,
            at.named.limits.high,
            at.mistaken.value if at.mistaken else -1.0,
            at.mistaken.limits.high if at.mistaken else -1.0,
        )
        for at in measured.thresholds
    )
    sizes = tuple((size.people, size.named.value, size.named.limits.high) for size in measured.sizes)
    known = keeper.known
    return api.SiteEvaluated(
        measured.people,
        measured.templates,
        measured.pairs,
        measured.look_alikes,
        measured.rate,
        measured.most_people,
        known.search_from is not None,
        known.search_from if known.search_from is not None else known.one_to_one,
        rates,
        sizes,
    )

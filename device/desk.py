"""The desk: the one place where people, consents and templates change, each change with its record in the journal.

A photograph that arrives here is looked at once and dropped. Nothing is half done: a refusal leaves everything as it was.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device import api, consent, gallery, messages, people, pictures
from device.clock import Clock
from device.errors import DeviceError
from device.gallery import Keeper
from device.journal import Journal
from device.people import Agreement, Directory, Person
from device.people.roster import check_text
from device.personnel import shown
from device.sight import Sight
from models import align, match, quality
from models.detect import Face
from models.evaluation.site import Site
from models.quality import Reason

MIN_ENROL_FACE_PX = 80  # height; SFace looks at 112x112, and below this it would mostly see interpolation
MOST_LISTED = 1_000
MOST_CARD_DAYS = 1_830
STRANGERS = 0.05  # of strangers' attempts may name somebody, where no setting says otherwise

# A template serves for years: it has to be closer and sharper than a passing look, but a portrait may fill its picture.
ENROL_LIMITS = quality.Limits(least_height_px=MIN_ENROL_FACE_PX, most_height=2.0, least_margin=-0.1, most_turn=0.3)
REMEDIES = {
    Reason.TOO_FAR: "the face is too small; use a larger or closer one",
    Reason.TOO_NEAR: "the face is larger than the picture; use one with some room around the face",
    Reason.OUTSIDE: "the face is cut off by the picture's edge; use one that shows it whole",
    Reason.TOO_DARK: "the face is too dark; use one in better light",
    Reason.TOO_BRIGHT: "the face is too bright; use one without glare",
    Reason.TURNED_AWAY: "the face is turned away; use one from the front",
    Reason.BLURRED: "the face is blurred; use a sharper one",
}


class EnrolmentRefused(DeviceError):
    """No template was made; the message says why and what to do."""


class Desk:
    """Office work on one kiosk's files; `sight` is asked for only when a photograph has to be looked at."""

    def __init__(
        self, journal: Journal, directory: Directory, clock: Clock, sight: Callable[[], Sight], strangers_named: float = STRANGERS
    ) -> None:
        self._journal, self._directory, self._clock, self._sight = journal, directory, clock, sight
        self._strangers_named = strangers_named
        self._keeper: Keeper | None = None

    def keeper(self) -> Keeper:
        """The gallery, filled when it is first asked for: most office work needs none."""
        if self._keeper is None:
            sight = self._sight()
            terms = gallery.Terms(sight.bounds, self._strangers_named, sight.one_to_one)
            self._keeper = Keeper(self._directory, sight.models.embedder, terms)
        return self._keeper

    def renew(self, person: str) -> None:
        """The gallery looks again at what is kept of one person; nothing to do where there is no gallery yet."""
        if self._keeper is not None:
            self._keeper.renew(person)

    def people(self) -> tuple[api.Person, ...]:
        """Everybody, by employee number."""
        return tuple(shown(person) for person in self._directory.list())

    def add_person(self, number: str, name: str, language: str, by: str) -> api.Person:
        """A new employee under a fresh opaque id."""
        for what, text in (("an employee number", number), ("a name", name), ("whoever does this", by)):
            check_text(what, text)
        _check_language(language)
        self._directory.check_free(number)
        moment = self._clock.now()
        person = f"p-{secrets.token_hex(16)}"
        self._journal.append(messages.PersonAnnounced(person, "kiosk"), moment)
        self._directory.add(Person(person, number, name, language, False, 0), moment.at)
        self._journal.append(messages.Audit("person_added", by, person), self._clock.now())
        return shown(self._directory.get(person))

    def give_consent(self, number: str, language: str, basis: str, by: str) -> api.Person:
        """Put the current text's consent in force, in the journal first."""
        check_text("whoever does this", by)
        _check_language(language)
        person, text, moment = self._directory.by_number(number), consent.text(language), self._clock.now()
        agreement = Agreement(text.version, text.language, text.sha256, basis, by)
        self._journal.append(_consent_record(person.person, messages.ConsentAct.GIVEN, agreement, by), moment)
        self._directory.agree(person.person, agreement, moment.at)
        return shown(self._directory.get(person.person))

    def withdraw_consent(self, number: str, by: str) -> api.Person:
        """Destroy the template first, then record the withdrawal: a failing disk must not keep a face alive."""
        check_text("whoever does this", by)
        person = self._directory.by_number(number)
        agreement = self._directory.agreement(person.person)
        if agreement is None:
            raise people.ConsentMissing(f"employee {number} has no consent in force; there is nothing to withdraw")
        try:
            self._directory.withdraw(person.person, by)
        finally:  # committed, though the disk may have failed in tidying up after it
            self.renew(person.person)
        self.settle()
        return shown(self._directory.get(person.person))

    def settle(self) -> None:
        """Record the withdrawals that the journal does not have yet; the daemon asks for it at each start."""
        for person, agreement in self._directory.owed():
            record = _consent_record(person, messages.ConsentAct.WITHDRAWN, agreement, agreement.by)
            self._journal.append(record, self._clock.now())
            self._directory.settled(person)

    def enrol(self, number: str, photograph: bytes, by: str, look_alike_of: str = "") -> api.Enrolled:
        """A template from one photograph; refused without consent, with a bad picture, or when it is somebody else's face.

        Unless `look_alike_of` is the number of that other person: then somebody vouches that they are two people, and from then on
        neither is clocked in by a face alone. In the journal first: no template exists that was not announced.
        """
        check_text("whoever does this", by)
        person = self._directory.by_number(number)
        self._directory.require_consent(person.person)
        sight = self._sight()
        vector = self._vector(sight, photograph)
        others = self._look_alikes(sight, person.person, vector)
        self._refuse_duplicates(others, look_alike_of)
        moment = self._clock.now()
        for other in others:
            self._journal.append(messages.Audit("look_alikes_vouched_for", by, person.person), moment)
            self._directory.mark_look_alikes(person.person, other)
        self._journal.append(messages.Audit("template_made_from_photograph", by, person.person), moment)
        self._directory.add_template(person.person, sight.models.embedder, "photograph", vector, moment.at)
        self.keeper().renew(person.person)
        return api.Enrolled(person.person, self._directory.get(person.person).templates)

    def issue_card(self, number: str, photograph: bytes, by: str, days: int) -> api.CardIssued:
        """A template for the person to carry; refused as enrolment is, and kept here nowhere."""
        check_text("whoever does this", by)
        if not 1 <= days <= MOST_CARD_DAYS:
            raise people.PeopleError(f"a card is good for 1 to {MOST_CARD_DAYS} days, not {days}")
        person = self._directory.by_number(number)
        self._directory.require_consent(person.person)
        sight, moment = self._sight(), self._clock.now()
        vector = self._vector(sight, photograph)
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
        self._journal.append(messages.Audit("face_card_revoked", by, person), self._clock.now())
        return shown(self._directory.get(person))

    def evaluate_site(self, by: str) -> api.SiteEvaluated:
        """Measure this site's own templates, keep the limits that follow, and say up to how many people may be searched."""
        check_text("whoever does this", by)
        keeper, moment = self.keeper(), self._clock.now()
        measured = keeper.measure_site(moment.at)
        self._journal.append(messages.Audit("site_evaluated", by), moment)
        return _site_shown(measured, keeper)

    def _vector(self, sight: Sight, photograph: bytes) -> NDArray[np.float32]:
        try:
            pixels = pictures.decode(photograph)
        except pictures.PictureError as error:
            raise EnrolmentRefused(f"the photograph cannot be used: {error}") from error
        face = _only_face(sight.faces_in_photograph(pixels))
        chip = align.chip(pixels, face.landmarks)
        if shortfalls := quality.assess(pixels, face, chip, ENROL_LIMITS):
            raise EnrolmentRefused(f"the photograph cannot be used: {REMEDIES[shortfalls[0].reason]}")
        return sight.embedder.embed(chip)

    def _look_alikes(self, sight: Sight, person: str, vector: NDArray[np.float32]) -> list[str]:
        """Other people whom this face would be taken for."""
        others, found = self.keeper().known.gallery.without(person), []
        while (nearest := match.best(others, vector)) is not None and nearest.score >= sight.one_to_one:
            found.append(nearest.person)
            others = others.without(nearest.person)
        return found

    def _refuse_duplicates(self, others: list[str], vouched_for: str) -> None:
        for other in others:
            number = self._directory.get(other).number
            if number != vouched_for:
                raise EnrolmentRefused(
                    f"this face is enrolled already, under employee number {number}; check the photograph, or, if they are two "
                    f"people who look alike, add --look-alike-of {number}: both then need a badge, QR code or PIN with the face"
                )

    def punches(self, after: int) -> tuple[dict[str, Any], ...]:
        """Punch records after `after`, as they stand in the chain, each with `corrected`: its time as it should be read."""
        line, records = self._journal.timeline(), self._journal.punches(after, MOST_LISTED)
        return tuple(messages.parse(record.text) | {"corrected": time_shown(line.correct(record.stamp))} for record in records)

    def verify(self) -> api.Verified:
        """Walk the whole chain; ChainBroken names the first record that does not hold."""
        head = self._journal.verify()
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
        head, known = self._journal.head(), self._directory.list()
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
            people=len(known),
            templates=sum(person.templates for person in known),
            public_key=self._journal.public_key,
            clock_quality=self._clock.now().quality,
            damaged=tuple(person.number for person in known if self._keeper and person.person in self._keeper.damaged),
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


def _check_language(language: str) -> None:
    if language not in consent.LANGUAGES:
        raise people.PeopleError(f"language {language} is not one of {', '.join(consent.LANGUAGES)}")


def _only_face(faces: tuple[Face, ...]) -> Face:
    if not faces:
        raise EnrolmentRefused("no face found in the photograph; use one that shows the face from the front, well lit")
    if len(faces) > 1 and faces[1].box.height > faces[0].box.height / 2:
        raise EnrolmentRefused(f"{len(faces)} faces in the photograph; use one that shows only this person")
    if faces[0].box.height < MIN_ENROL_FACE_PX:
        raise EnrolmentRefused(
            f"the face is {faces[0].box.height:.0f} pixels tall, {MIN_ENROL_FACE_PX} are needed; use a larger or closer photograph"
        )
    return faces[0]


def _consent_record(person: str, act: messages.ConsentAct, agreed: Agreement, by: str) -> messages.Consent:
    return messages.Consent(
        person, act, "face_recognition", agreed.text_version, agreed.language, agreed.text_sha256, agreed.basis, by
    )

"""Templates between the kiosks of a site: sealed to the one that receives them, signed by the one that sends them, by file.

Only under a consent that names the receiver. Withdrawals and erasures travel along, and count whatever the order of the files.
Word of a face that was removed travels as well. Never through the broker.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import cattrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import api, messages, packages
from device.clock import Clock
from device.consent import Purpose
from device.consenting import ConsentOffice
from device.consenting import record as consent_record
from device.erasure import Eraser
from device.journal import Journal
from device.messages import ErasureReason
from device.messages import Purpose as Signs
from device.messages.desired import SUITE
from device.packages import Ended, Package, PackedPerson, PackedTemplate, SiteRefused
from device.people import Agreement, Directory, PeopleError, Person
from device.people.roster import OPAQUE_ID, Act, Entry, Step, check, check_text, given_end
from device.people.sisters import Sister

MOST_AHEAD = timedelta(days=1)  # of a package's time: what comes after is told from it, and a yes from its withdrawal


class Site:
    """One kiosk among those of its site."""

    def __init__(
        self,
        journal: Journal,
        directory: Directory,
        eraser: Eraser,
        clock: Clock,
        sealing_key: X25519PrivateKey,
        consents: ConsentOffice,
        aliases: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """`aliases`: people whom the roster met here under another id; the other kiosks may know them by the roster's."""
        self._aliases = aliases
        self._journal, self._directory, self._eraser, self._clock = journal, directory, eraser, clock
        self._sealing_key, self._consents = sealing_key, consents
        self._sisters = directory.sisters

    def own_keys(self) -> api.SiteKeys:
        """This kiosk's name and public keys, for a person to carry to the others."""
        return api.SiteKeys(self._journal.device, self._journal.public_key, messages.sealing_key_text(self._sealing_key))

    def sisters(self) -> tuple[api.SiteKeys, ...]:
        """The kiosks that this one believes."""
        return tuple(api.SiteKeys(one.device, one.signing_key, one.sealing_key) for one in self._sisters.list())

    def trust(self, device: str, signing_key: str, sealing_key: str, by: str) -> tuple[api.SiteKeys, ...]:
        """Believe that kiosk: a person has compared its keys."""
        check_text("whoever does this", by)
        if device == self._journal.device:
            raise PeopleError(f"{device} is this kiosk itself; give each kiosk of the site a device.id of its own")
        self._sisters.trust(Sister(device, signing_key, sealing_key))
        self._journal.append(messages.Audit("site_kiosk_trusted", by, after=device), self._clock.now())
        return self.sisters()

    def export(self, device: str, by: str) -> api.SitePackage:
        """Everybody whose consent names that kiosk, sealed to it; and who ended here."""
        check_text("whoever does this", by)
        sister, moment = self._sisters.get(device), self._clock.now()
        removed, everybody = self._sisters.faces_removed(), self._directory.list()
        concerned = [person for person in everybody if person.templates or person.person in removed]
        also = self._also()
        found = tuple(packed for person in concerned if (packed := self._pack(person, device, also)) is not None)
        package = Package(found, self._ended(also), self._directory.likeness.pairs_among({one.person for one in found}))
        head = {"format": packages.FORMAT, "from": self._journal.device, "to": device, "made_at": messages.write_time(moment.at)}
        text = json.dumps(messages.CODEC.unstructure(package), separators=(",", ":")).encode("utf-8")
        recipient = messages.sealing_key_from_text(sister.sealing_key)
        body = head | {"sealed": base64.b64encode(SUITE.encrypt(text, recipient, info=packages.info(head))).decode("ascii")}
        sig = self._journal.sign(Signs.SITE, device, messages.digest(messages.canonical(body)))
        self._journal.append(messages.Audit("site_package_made", by, after=f"{device}: {len(found)}"), moment)
        return api.SitePackage(json.dumps(body | {"sig": sig}), len(found), len(package.ended))

    def take(self, text: str, by: str) -> api.SiteTaken:
        """A package from another kiosk: endings first, then people and templates, each that may be, then who looks alike."""
        check_text("whoever does this", by)
        sender, made_at, package = self._open(text)
        aliases = self._aliases()
        # what a clock wrote that was ahead happened before the package was made, and must not count against every later yes
        ended = sum(self._end(replace(one, at=min(one.at, made_at)), sender, aliases) for one in package.ended)
        before = self._directory.likeness.pairs()
        people = self._met(package.people, aliases)
        reports = [self._receive(one, sender) for one in people]
        here = {theirs.person: one.person for theirs, one in zip(package.people, people, strict=True)}
        self._keep_marks([(here.get(one, one), here.get(other, other)) for one, other in package.look_alikes], sender)
        self._sisters.took(sender, made_at)
        alike = tuple(pair for pair in self._directory.likeness.pairs() if pair not in before)
        refused = tuple(api.SiteRefusal(one.number, why) for one, why in zip(package.people, reports, strict=True) if why)
        taken = len(reports) - len(refused)
        self._journal.append(messages.Audit("site_package_taken", by, after=f"{sender}: {taken}"), self._clock.now())
        return api.SiteTaken(sender, taken, ended, refused, alike)

    def _also(self) -> dict[str, tuple[str, ...]]:
        """Under which other ids the roster knows people of here."""
        found: dict[str, tuple[str, ...]] = {}
        for shared, here in self._aliases().items():
            found[here] = (*found.get(here, ()), shared)
        return found

    def _pack(self, person: Person, device: str, also: Mapping[str, tuple[str, ...]]) -> PackedPerson | None:
        """None without a consent that names the receiver."""
        agreed = self._directory.agreement(person.person)
        if agreed is None or device not in _names(agreed.kiosks):
            return None
        opened = tuple(
            PackedTemplate(embedder, base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii"), enrolled_at)
            for embedder, vector, enrolled_at in self._directory.unsealed(person.person)
        )
        expires = "" if person.expires_at is None else messages.write_time(person.expires_at)
        known = (person.person, person.number, person.name, person.language, person.group, expires)
        given_at = self._directory.given_at(person.person)
        return PackedPerson(*known, agreed, given_at, opened, also.get(person.person, ()))

    def _ended(self, also: Mapping[str, tuple[str, ...]]) -> tuple[Ended, ...]:
        stones = [Ended(person, "erased", at) for person, at in self._directory.graves.dated_stones().items()]
        endings = (*stones, *(Ended(person, "withdrawn", at) for person, at in self._sisters.withdrawn().items()))
        return tuple(replace(one, person=known) for one in endings for known in (one.person, *also.get(one.person, ())))

    def _open(self, text: str) -> tuple[str, datetime, Package]:
        body = packages.envelope(text)
        if body["to"] != self._journal.device:
            raise SiteRefused(f"the package is for {body['to']}, and this is {self._journal.device}")
        sister = self._sisters.get(body["from"])
        rest = {name: value for name, value in body.items() if name != "sig"}
        digest = messages.digest(messages.canonical(rest))
        try:
            key = messages.public_key_from_text(sister.signing_key)
            messages.verify(key, Signs.SITE, sister.device, self._journal.device, digest, body["sig"])
            made_at = messages.read_time(body["made_at"])
            plain = SUITE.decrypt(base64.b64decode(body["sealed"], validate=True), self._sealing_key, info=packages.info(body))
            package = messages.CODEC.structure(json.loads(plain), Package)
        except messages.SignatureRefused as error:
            raise SiteRefused(f"the package is not signed with the key of {sister.device} that was vouched for") from error
        except (InvalidTag, binascii.Error, ValueError, messages.MessageError, cattrs.BaseValidationError) as error:
            raise SiteRefused("the package is damaged, or sealed to another key; have it made again") from error
        horizon = self._clock.now().at + MOST_AHEAD
        if made_at > horizon:
            raise SiteRefused(f"the package says it was made on {made_at.date()}; set the clocks right, then have it made again")
        if made_at <= self._sisters.latest(sister.device) <= horizon:  # one that lies beyond it was taken by a wrong clock
            raise SiteRefused(f"a package that {sister.device} made later was taken already; have a new one made")
        return sister.device, made_at, package

    def _end(self, one: Ended, sender: str, aliases: Mapping[str, str]) -> bool:
        """Follow a withdrawal or an erasure of a sister; whether there was anything to do."""
        if not OPAQUE_ID.fullmatch(one.person):
            return False
        by, ids = f"site:{sender}"[:64], dict.fromkeys((one.person, aliases.get(one.person, one.person)))
        if one.act == "erased":  # a stone under each
            done = [self._eraser.erase_if_here(known, ErasureReason.TOMBSTONE, by) for known in ids]
        else:
            done = [self._follow_withdrawal(known, one.at, by) for known in ids]
        return any(done)

    def _follow_withdrawal(self, person: str, at: datetime, by: str) -> bool:
        given_at = self._directory.given_at_or_none(person)
        if given_at is None or given_at > at:
            self._sisters.heard_withdrawal(person, at)
            return False
        self._consents.withdraw(self._directory.get(person).number, by, Purpose.FACE_RECOGNITION, at)
        return True

    def _met(self, people: Sequence[PackedPerson], aliases: Mapping[str, str]) -> list[PackedPerson]:
        """Each under the id of this kiosk's records: erased here, or known here; else the one that the roster has, if any."""
        stones = self._directory.graves.stones()
        ids = [dict.fromkeys(aliases.get(known, known) for known in (*one.also, one.person)) for one in people]
        known = self._directory.several({one for some in ids for one in some})
        return [
            replace(one, person=next((each for here in (stones, known) for each in some if each in here), next(iter(some))))
            for one, some in zip(people, ids, strict=True)
        ]

    def _receive(self, one: PackedPerson, sender: str) -> str:
        """Take a person and their templates, all of it or nothing; why not, or empty."""
        moment, by = self._clock.now(), f"site:{sender}"
        try:
            self._follow_last_day(one, by[:64])
            person = self._check(one)
            made = [(template.embedder, packages.vector(template.vector), template.enrolled_at) for template in one.templates]
            agreed = self._consent_that_counts(one)
            action = "face_removed" if not made and self._directory.has_from(one.person, by) else "templates_received"
            records = _records(one, action, by[:64], with_consent=agreed is not None)
            self._directory.receive(person, agreed, by, made, lambda: self._journal.append_all(records, moment), moment.at)
        except (PeopleError, messages.MessageError) as error:
            return str(error)
        self._consents.renew(one.person)
        return ""

    def _follow_last_day(self, one: PackedPerson, by: str) -> None:
        """Whoever came from another kiosk leaves here as well, consent or none; nobody stays longer by a package.

        Of two kiosks that know different last days one has not heard of the other's.
        """
        here, ends = self._directory.several([one.person]).get(one.person), _last_day(one)
        if here is None or here.origin != "site" or ends is None or (here.expires_at is not None and here.expires_at <= ends):
            return
        before = "" if here.expires_at is None else messages.write_time(here.expires_at)
        sides = (f"expires = {before}", f"expires = {messages.write_time(ends)}")
        self._journal.append(messages.Audit("person_changed", by, one.person, *sides), self._clock.now())
        self._directory.roll.apply([Step(0, here.number, Act.END, person=one.person)], ends, "site")

    def _consent_that_counts(self, one: PackedPerson) -> tuple[Agreement, datetime] | None:
        """The consent of the package; None where a later one is in force here, which stays. PeopleError where neither is."""
        here = self._directory.given_at_or_none(one.person)
        if here is not None and here > one.given_at:
            if self._directory.agreement(one.person) is None:
                raise PeopleError("a newer consent text here asks this person again; have them agree to it")
            return None
        if not self._directory.consents.counts(one.agreement):
            version = one.agreement.text_version
            raise PeopleError(f"the consent is to text {version}, which does not count here; publish one text at all kiosks")
        return one.agreement, one.given_at

    def _keep_marks(self, pairs: Sequence[tuple[str, str]], sender: str) -> None:
        """Whom the sender's people vouched for, or what was found there, holds here as well."""
        named = {person for pair in pairs for person in pair if OPAQUE_ID.fullmatch(person)}
        known = self._directory.several(named)
        for one, other in pairs:
            if one != other and {one, other} <= known.keys() and other not in self._directory.likeness.of(one):
                self._journal.append(messages.Audit("look_alikes_found", f"site:{sender}"[:64], one), self._clock.now())
                self._directory.likeness.mark(one, other)
                self._consents.renew(one)

    def _check(self, one: PackedPerson) -> Person:
        if self._journal.device not in _names(one.agreement.kiosks):
            raise PeopleError("the consent does not name this kiosk")
        if one.agreement.purpose is not Purpose.FACE_RECOGNITION:
            raise PeopleError("the consent is to something else")
        if any(at >= one.given_at for at in self._sisters.withdrawn({one.person, *one.also}).values()):
            raise PeopleError("the consent was taken back here after it was given there")
        self._check_number(one)
        expires_at = _last_day(one)
        check(Entry(one.number, one.name, one.language, one.group, expires_at, person=one.person))
        known = (one.person, one.number, one.name, one.language)
        return Person(*known, group=one.group, expires_at=expires_at, origin="site")

    def _check_number(self, one: PackedPerson) -> None:
        """Whoever is new here and has an erased person's number has to have agreed since, wherever: it may be that person."""
        erased_at = self._directory.graves.number_erased_at(one.number)
        if erased_at is None or erased_at < one.given_at:
            return
        if one.person not in self._directory.several([one.person]).keys() | self._directory.graves.stones():
            raise PeopleError(
                "somebody with this number was erased here after this person agreed there; erase them there as well if it is the "
                "same one, else have them agree anew"
            )


def _last_day(one: PackedPerson) -> datetime | None:
    return given_end(messages.read_time(one.expires_at)) if one.expires_at else None


def _records(one: PackedPerson, action: str, by: str, *, with_consent: bool) -> list[messages.Body]:
    received = messages.Audit(action, by, one.person)
    given = consent_record(one.person, messages.ConsentAct.GIVEN, one.agreement, by)
    return [given, received] if with_consent else [received]


def _names(kiosks: str) -> Sequence[str]:
    return [name.strip() for name in kiosks.split(",") if name.strip()]

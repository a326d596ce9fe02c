"""Who somebody says they are, before their face is compared with theirs alone (1:1).

A claim identifies and proves nothing: the face does, or whatever else the policy asks for. It is forgotten after seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from device import api, cards, people
from device.attend import Claim
from device.clock import Clock
from device.errors import DeviceError
from device.gallery import Keeper
from device.people import Directory
from device.recognise import Claimed
from device.sentences import say
from device.templates import TemplatesLocked
from models import match

# What may be typed at the kiosk's own interface; the readers behind badge, QR code and PIN vouch for theirs
KINDS = {claim.value: claim for claim in Claim if claim is not Claim.NONE}


class ClaimRefused(people.PeopleError):
    """Nobody can be compared for this claim; the message says which way is open."""


class Claims:
    """The counter where claims are made; `put` hands each to the recogniser."""

    def __init__(
        self, directory: Directory, keeper: Keeper, embedder: str, clock: Clock, lasts_s: float, put: Callable[[Claimed], None]
    ) -> None:
        self._directory, self._keeper, self._embedder = directory, keeper, embedder
        self._clock, self._lasts_s, self._put = clock, lasts_s, put

    def number(self, number: str, kind: str) -> api.ClaimTaken:
        """The person with this employee number, established by `kind`: number, badge, qr or pin."""
        if kind not in KINDS:
            raise ClaimRefused(f"{kind} is no way to say who one is; there is {', '.join(KINDS)}")
        person = self._directory.by_number(number).person
        templates = self._keeper.known.gallery.of_person(person)
        if not len(templates):
            raise ClaimRefused("there is no face to compare with; use your PIN, or ask at the office")
        return self.take(person, KINDS[kind], templates)

    def of_person(self, person: str, by: Claim) -> api.ClaimTaken | None:
        """A person whom a badge, code or PIN named; None where there is no template to compare with."""
        templates = self._keeper.known.gallery.of_person(person)
        return self.take(person, by, templates) if len(templates) else None

    def for_lock(self, person: str, visit: str, awaits: Callable[[], bool], *, seen_here: bool) -> bool:
        """Wait for this person's face, with the active challenge, while `awaits` says so; False without a template.

        `seen_here`: as it was enrolled before this camera. A photograph, or another kiosk's template, may be of anybody.
        """
        templates = self._seen_here(person) if seen_here else self._keeper.known.gallery.of_person(person)
        if len(templates):
            now = self._clock.now()
            self._put(Claimed(person, Claim.NUMBER, templates, now, challenge=True, awaits=awaits, visit=visit))
        return len(templates) > 0

    def _seen_here(self, person: str) -> match.Gallery:
        if self._directory.is_locked:
            raise TemplatesLocked(say("template.locked"))
        return match.Gallery.of(self._directory.templates_of(person, self._embedder, "kiosk").whole)

    def card(self, text: str) -> api.ClaimTaken:
        """The person whose face card this is; the template is forgotten with the claim. CardRefused for any other code."""
        card = self._directory.read_card(text, self._embedder, self._clock.now().at)
        templates = match.Gallery.of([(card.person, card.vector)])
        return self.take(card.person, Claim.QR, templates, lambda: self._holds(card))

    def _holds(self, card: cards.Card) -> bool:
        """Not revoked since it was shown; what cannot be read counts as revoked."""
        try:
            return self._directory.card_holds(card)
        except DeviceError:
            return False

    def take(self, person: str, by: Claim, templates: match.Gallery, holds: Callable[[], bool] | None = None) -> api.ClaimTaken:
        """Wait for this person's face and nobody else's."""
        self._put(Claimed(person, by, templates, self._clock.now(), holds=holds))
        return api.ClaimTaken(person, self._lasts_s)

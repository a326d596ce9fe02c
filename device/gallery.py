"""Who may be recognised now: the opened templates in memory, and how high a score has to be for that many people.

Filled once, then changed person by person, so that a kiosk of thousands does not open every template again at each enrolment. Only
templates under a consent in force are ever in it; it is never written anywhere.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from device.database import StorageError
from device.errors import DeviceError
from device.people import Directory, PeopleError, SiteMeasurement
from device.recognise import Known
from device.sentences import say
from device.telling import Tell, silent
from device.turn import Turn
from models import match, openset
from models.evaluation import site
from models.evaluation.errors import TooLittle
from models.openset import Bound, Evidence, OfPairs, OfSearches

log = logging.getLogger(__name__)

GIVE_WAY_S = 0.05  # longest wait of a change for a search: 100,000 templates take 3 ms, a busy Pi several times that


class SiteTooSmall(PeopleError):
    """Too few people have a template for their scores to say anything."""


@dataclass(frozen=True, slots=True)
class Promise:
    """The share of strangers' attempts that may name somebody; an attempt has up to `looks` looks, of which `votes` must agree."""

    strangers_named: float = 0.05
    looks: int = 3
    votes: int = 2


@dataclass(frozen=True, slots=True)
class Terms:
    """What a search may promise: `bounds` measured for the models, what the administrator chose, and the cosine for one person."""

    bounds: tuple[Bound, ...]
    promise: Promise
    one_to_one: float

    @property
    def a_look(self) -> float:
        """The share of strangers' single looks that may name somebody."""
        return openset.a_look(self.promise.strangers_named, self.promise.looks, self.promise.votes)


class Keeper:
    """The one holder of the gallery; readers take `known`, which is replaced whole."""

    def __init__(
        self, directory: Directory, embedder: str, terms: Terms, record: Callable[[str], object] = lambda person: None
    ) -> None:
        """`record` is told of somebody whose templates came into force and are like somebody else's."""
        self._directory, self._embedder, self._shipped, self._record = directory, embedder, terms, record
        self._changing, self._turn = threading.Lock(), Turn()
        self.changed: Callable[[Known], None] = lambda known: None
        self.damaged = frozenset[str]()
        self._people: set[str] = set()  # counted as they come and go: to go through 100,000 templates at each change takes 10 ms
        gallery = self._opened()
        self._compare(gallery)
        self.known = self._known(gallery)

    def _opened(self) -> match.Gallery:
        opened = self._directory.templates(self._embedder)
        self._note_damage(opened.damaged)
        self._people = {person for person, _ in opened.whole}
        return match.Gallery.of(opened.whole)

    def refill(self) -> None:
        """Look again at everybody: what a consent text covers has changed. Nobody is known where that cannot be read."""
        with self._changing:
            try:
                self._put(self._opened())
            except DeviceError:
                log.error("who may be recognised could not be read again; nobody is until the next start")
                self._people = set()
                self._show(replace(self.known, gallery=match.Gallery()))
                raise

    def renew(self, person: str) -> None:
        """Look again at what is kept of one person: a template came, or all of them went.

        Where that cannot be read the person is not known any more: a withdrawal is committed by then, and not asked for again.
        """
        self._turn.give_way(GIVE_WAY_S)
        with self._changing:
            without = self.known.gallery.without(person)
            try:
                self._put(self._with(person, without))
            except DeviceError:
                self._people.discard(person)
                self._show(replace(self.known, gallery=without))
                raise

    def _with(self, person: str, gallery: match.Gallery) -> match.Gallery:
        """This gallery, which has nothing of the person, with what is kept of them."""
        opened = self._directory.templates_of(person, self._embedder)
        for _, vector in opened.whole:
            gallery = gallery.with_template(person, vector)
        (self._people.add if opened.whole else self._people.discard)(person)
        self._note_damage(self.damaged - {person} | opened.damaged)
        return gallery

    def reconsider(self) -> None:
        """The site was measured, or two people were found to look alike: the same templates under other terms."""
        with self._changing:
            self._put(self.known.gallery)

    def measure_site(self, now: datetime, tell: Tell = silent) -> site.Site:
        """Compare everybody with everybody, keep the limits, and go by them from now on. SiteTooSmall with too few people."""
        gallery = self.known.gallery
        matrix = np.concatenate([block.matrix for block in gallery.blocks]) if gallery.blocks else np.zeros((0, match.DIMENSIONS))
        rate = self._shipped.a_look
        try:
            measured = site.measure(gallery.persons, np.asarray(matrix, dtype=np.float32), rate, self._shipped.one_to_one, tell)
        except TooLittle as error:
            people = len(set(gallery.persons))
            raise SiteTooSmall(say("site.too_small", people=people, least=site.LEAST_PEOPLE)) from error
        limits = (measured.bounds, measured.at_least, measured.named)
        kept = SiteMeasurement(now, measured.people, rate, measured.most_people, *limits)
        self._directory.keep_site_measurement(kept)
        self.reconsider()
        return measured

    def most_people(self) -> int:
        """How many people a search may serve at the rate that was chosen."""
        return openset.largest(self._evidence(), self._shipped.a_look)

    def _note_damage(self, damaged: frozenset[str]) -> None:
        """One damaged template costs its owner the face, never the others their kiosk; `daka doctor` names whose it is."""
        for person in damaged - self.damaged:
            log.error("a template of %s does not open; they have to be enrolled again", person)
        self.damaged = damaged

    def _compare(self, gallery: match.Gallery) -> None:
        """Hold those who came into force unseen, from another kiosk or by a new consent, against everybody else.

        What a disk does not take is done at the next change; until then a face alone is not enough for them.
        """
        marks, least = self._directory.likeness, self._shipped.one_to_one
        try:
            new = sorted(marks.uncompared() & self._people)
            for person in new:
                for other in sorted(look_alikes(gallery, person, least) - marks.of(person)):
                    self._record(person)
                    marks.mark(person, other)
            if new:
                marks.compared(new)  # at once: after a site's first package a sync for each would hold up the start
        except StorageError as error:
            log.error("whom somebody looks like could not be kept: %s", error)

    def _put(self, gallery: match.Gallery) -> None:
        self._compare(gallery)
        self._show(self._known(gallery))

    def _show(self, known: Known) -> None:
        self.known = known
        self.changed(known)

    def _known(self, gallery: match.Gallery) -> Known:
        chosen = openset.supported(self._evidence(), self._shipped.a_look, len(self._people))
        least, alike = self._shipped.one_to_one, self._directory.likeness.need_more_than_a_face()
        return Known(gallery, None if chosen is None else max(chosen, least), least, alike, self._turn)

    def _evidence(self) -> tuple[Evidence, ...]:
        """The shipped limits of the worst known group, unless this site's scores contradict them; and this site's, once measured.

        Whichever supports the lower threshold is gone by: a small site's own limits are wide for want of pairs.
        """
        shipped, measured = OfPairs(self._shipped.bounds), self._directory.site_measurement()
        if measured is None:
            return (shipped,)
        own = (OfPairs(measured.bounds, site.GROWTH * measured.people), OfSearches(measured.named, measured.people))
        return own if openset.contradicts(measured.at_least, self._shipped.bounds) else (shipped, *own)


def look_alikes(gallery: match.Gallery, person: str, least: float) -> set[str]:
    """Other people for whom one of this person's templates would be taken; `least` is the cosine that counts."""
    own = [block.matrix.T for block in gallery.of_person(person).blocks]
    if not own:
        return set()
    scores = ((block, (block.matrix @ np.concatenate(own, axis=1)).max(axis=1)) for block in gallery.blocks)
    return {block.persons[row] for block, found in scores for row in np.flatnonzero(found >= least)} - {person}

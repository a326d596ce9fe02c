"""Who may be recognised now: the opened templates in memory, and how high a score has to be for that many people.

Filled once, then changed person by person, so that a kiosk of thousands does not open every template again at each enrolment. Only
templates under a consent in force are ever in it; it is never written anywhere.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from device.people import Directory, PeopleError, SiteMeasurement
from device.recognise import Known
from models import match, openset
from models.evaluation import site
from models.evaluation.errors import TooLittle
from models.openset import Bound

log = logging.getLogger(__name__)


class SiteTooSmall(PeopleError):
    """Too few people have a template for their scores to say anything."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a search may promise: measured `bounds`, the share of strangers that may be named, and the cosine for one person."""

    bounds: tuple[Bound, ...]
    strangers_named: float
    one_to_one: float


class Keeper:
    """The one holder of the gallery; readers take `known`, which is replaced whole."""

    def __init__(self, directory: Directory, embedder: str, terms: Terms) -> None:
        self._directory, self._embedder, self._shipped = directory, embedder, terms
        self._changing = threading.Lock()
        self.changed: Callable[[Known], None] = lambda known: None
        self.damaged = frozenset[str]()
        self.known = self._known(self._opened())

    def _opened(self) -> match.Gallery:
        opened = self._directory.templates(self._embedder)
        self._note_damage(opened.damaged)
        return match.Gallery.of(opened.whole)

    def refill(self) -> None:
        """Look again at everybody: what a consent text covers has changed."""
        with self._changing:
            self._put(self._opened())

    def renew(self, person: str) -> None:
        """Look again at what is kept of one person: a template came, or all of them went."""
        with self._changing:
            gallery, opened = self.known.gallery.without(person), self._directory.templates_of(person, self._embedder)
            for _, vector in opened.whole:
                gallery = gallery.with_template(person, vector)
            self._note_damage(self.damaged - {person} | opened.damaged)
            self._put(gallery)

    def reconsider(self) -> None:
        """The site was measured, or two people were found to look alike: the same templates under other terms."""
        with self._changing:
            self._put(self.known.gallery)

    def measure_site(self, now: datetime) -> site.Site:
        """Compare everybody with everybody, keep the limits, and go by them from now on. SiteTooSmall with too few people."""
        gallery = self.known.gallery
        matrix = np.concatenate([block.matrix for block in gallery.blocks]) if gallery.blocks else np.zeros((0, match.DIMENSIONS))
        rate = self._shipped.strangers_named
        try:
            measured = site.measure(gallery.persons, np.asarray(matrix, dtype=np.float32), rate, self._shipped.one_to_one)
        except TooLittle as error:
            raise SiteTooSmall(str(error)) from error
        kept = SiteMeasurement(now, measured.people, rate, measured.most_people, measured.bounds)
        self._directory.keep_site_measurement(kept)
        self.reconsider()
        return measured

    def most_people(self) -> int:
        """How many people a search may serve at the rate that was chosen."""
        return max(self._site_size(), openset.most_people(self._bounds(), self._shipped.strangers_named))

    def _note_damage(self, damaged: frozenset[str]) -> None:
        """One damaged template costs its owner the face, never the others their kiosk; `daka doctor` names whose it is."""
        for person in damaged - self.damaged:
            log.error("a template of %s does not open; they have to be enrolled again", person)
        self.damaged = damaged

    def _put(self, gallery: match.Gallery) -> None:
        self.known = self._known(gallery)
        self.changed(self.known)

    def _known(self, gallery: match.Gallery) -> Known:
        people = len(set(gallery.persons))
        chosen = openset.threshold(self._bounds(), self._shipped.strangers_named, people)
        if chosen is None and people <= self._site_size():
            chosen = self._bounds()[-1].threshold
        least = self._shipped.one_to_one
        return Known(gallery, None if chosen is None else max(chosen, least), least, self._directory.look_alikes())

    def _bounds(self) -> tuple[Bound, ...]:
        """This site's own, once measured: its people are those who really stand here. The shipped ones until then."""
        measured = self._directory.site_measurement()
        return measured.bounds if measured is not None else self._shipped.bounds

    def _site_size(self) -> int:
        measured = self._directory.site_measurement()
        return measured.most_people if measured is not None and measured.rate <= self._shipped.strangers_named else 0

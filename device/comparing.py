"""Whose face a look shows: a search of everybody, or a comparison with the one person whom somebody says to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from device.attempt import Look
from device.attend import Claim
from device.clock import Moment
from device.turn import Turn
from models import match
from models.arrays import Vector


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Everybody who may be recognised, replaced whole at each change.

    `search_from` is the cosine from which a look counts in a search of all, None where there are too many people for one at the
    rate that was chosen; `one_to_one` the same against one person's templates. `look_alikes` need more than a face.
    """

    gallery: match.Gallery
    search_from: float | None
    one_to_one: float
    look_alikes: frozenset[str] = frozenset()
    turn: Turn = field(default_factory=Turn)

    def nearest(self, vector: Vector) -> match.Match | None:
        """Who of everybody is most like `vector`, (128,) of unit length. Raises BadInput."""
        with self.turn:
            return match.best(self.gallery, vector)


@dataclass(frozen=True, slots=True, eq=False)
class Claimed:
    """Somebody says who they are; only these templates are looked at until the answer, or until it has lasted too long.

    `challenge`: what they want asks for the active challenge, as a lock does. `awaits`: it lasts for as long as this says so,
    through answers that name nobody, and beside what others present meanwhile. `visit`: the ticket of the visit that waits so.
    `holds`: whether templates that the kiosk does not keep, as a face card's, may be used still; None for the gallery's.
    """

    person: str
    by: Claim
    templates: match.Gallery
    made: Moment
    challenge: bool = False
    awaits: Callable[[], bool] | None = None
    holds: Callable[[], bool] | None = None
    visit: str = ""


def may_count(known: Known, person: str, claimed: Claimed | None) -> bool:
    """Whether this person may be recognised still: not after a withdrawal, an erasure, or with a card that was revoked."""
    if claimed is not None and claimed.holds is not None:
        return claimed.holds()
    return len(known.gallery.of_person(person)) > 0


def looked_up(vector: Vector, known: Known, claimed: Claimed | None, least_margin: float, moment: Moment) -> Look:
    """One look against everybody, or against the one person who was claimed."""
    if claimed is not None:
        return _look(match.best(claimed.templates, vector), known.one_to_one, least_margin, moment)
    return _look(known.nearest(vector), known.search_from, least_margin, moment)


def looked_up_again(
    vector: Vector, known: Known, person: str, answered_for: Claimed | None, least_margin: float, moment: Moment
) -> Look:
    """Whether it is still this person: by the templates that the answer rested on, and else whoever it is."""
    if answered_for is not None:
        look = with_one(vector, known, person, answered_for, moment)
        if look.person:
            return look
    return looked_up(vector, known, None, least_margin, moment)


def with_one(vector: Vector, known: Known, person: str, claimed: Claimed | None, moment: Moment) -> Look:
    """One look against one person's templates alone."""
    templates = known.gallery.of_person(person) if claimed is None else claimed.templates
    return _look(match.best(templates, vector), known.one_to_one, 0.0, moment)


def _look(best: match.Match | None, least: float | None, least_margin: float, moment: Moment) -> Look:
    if best is None or least is None:
        return Look("", match.NOBODY, 0.0, moment)
    margin = best.score - best.runner_up
    good = best.score >= least and margin >= least_margin
    return Look(best.person if good else "", best.score, margin, moment)

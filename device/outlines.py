"""What the screen draws around faces: where each is, how the kiosk regards it, and what it waits for. Never whose it is."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from models.detect import Box, Face


class Waiting(enum.StrEnum):
    """What the kiosk is waiting for; a hint for the person, never a decision. The gate's reasons keep their names."""

    NOBODY = "nobody"
    TOO_FAR = "too_far"
    TOO_NEAR = "too_near"
    OUTSIDE = "outside"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    BLURRED = "blurred"
    TILTED = "tilted"
    EYES_COVERED = "eyes_covered"
    MOUTH_COVERED = "mouth_covered"  # a mask: another way is offered beside taking it off
    TWO_PEOPLE = "two_people"  # whose badge was that? whoever it was steps forward
    LOOKING = "looking"
    DONE = "done"
    OTHER_WAY = "other_way"  # somebody uses PIN, code or badge: no face is looked at meanwhile
    CHALLENGE = "challenge"  # the prompt says what the person has to do
    SAY_WHO = "say_who"  # too many people for a search: number, badge, QR code or PIN first
    MOVING = "moving"  # walking past, or not there yet
    TOO_CLOSE = "too_close"  # two faces that cannot be told apart by where they are
    YOUR_TURN_SOON = "your_turn_soon"  # somebody beside is being asked to show that they are there
    SPENT = "spent"  # the attempt has ended without a name: another way, or a fresh attempt after a pause


class Regard(enum.StrEnum):
    """How the kiosk regards a face."""

    LOOKING = "looking"
    DONE = "done"  # answered: the result says what came of it
    CHALLENGED = "challenged"  # the prompt is for this one
    MEANT = "meant"  # compared with the one person whose number, badge, code or PIN came first
    BEHIND = "behind"  # not looked at: too far away, or behind somebody


@dataclass(frozen=True, slots=True)
class Outline:
    """One face. `face` is the number of its track, also in the decision about it; 0 where nobody is compared.

    `waiting` is a hint for that person, `leads` marks the one to whom the screen's large words speak.
    """

    face: int
    box: Box
    regard: Regard
    waiting: str
    leads: bool


def plain(faces: Iterable[Face]) -> tuple[Outline, ...]:
    """Faces, nearest first, while nobody is compared: an enrolment, or another way."""
    return tuple(Outline(0, face.box, Regard.LOOKING, "", leads=number == 0) for number, face in enumerate(faces))

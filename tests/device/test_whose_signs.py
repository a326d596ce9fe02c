"""Whose signs of life count: those of the face that was named, in the frames that named it, not of whoever stood there before."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from device import api, recognise
from device.attempt import Attempt, Look
from device.attend import Identity, Stranger
from device.challenger import Challenger, Demand
from device.liveness import Guard, Limits, Sign
from device.messages import Capture, Liveness
from models.detect import Box
from tests.device import parts
from tests.device.test_challenger import LIMITS, RATE, Performer
from tests.device.test_recognise import ADA, BOB, KNOWN, NOBODY, POLICY, Hall, Someone, looking, open_gate

OWN, PICTURE, HIS = range(3)  # the bearer's face, the picture of Ada that they hold before it, and Bob
SCRIPT = ([Someone(NOBODY)], [Someone(ADA)], [Someone(BOB)])


@dataclass
class Model:
    """A learned model that is sure of the living face; `of_picture`: what it says of the picture."""

    of_picture: float
    now: int = OWN
    runs: int = 0

    def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
        self.runs += 1
        return self.of_picture if self.now == PICTURE else 0.98


@dataclass
class Said:
    answers: list[Identity | Stranger] = field(default_factory=list)
    prompts: int = 0


def shown(of_picture: float, first: int, first_s: float, demand: Demand = Demand.UNSURE, seconds: float = 1.5) -> Said:
    """Somebody shows one face, then the picture in its place."""
    hall, model, said = Hall(SCRIPT), Model(of_picture), Said()
    asked = Challenger(Performer(follows=False), demand, LIMITS, random.Random(6))
    recogniser = recognise.Recogniser(
        looking(hall), open_gate, hall, KNOWN, POLICY, Capture.CAMERA, Guard(model, Limits(), 1), asked
    )
    for number in range(int(seconds * RATE)):
        at_s = number / RATE
        model.now = first if at_s < first_s else PICTURE
        seen = recogniser.see(hall.frame(model.now, at_s))
        said.prompts += isinstance(seen, api.Prompt)
        if isinstance(seen, Identity | Stranger):
            said.answers.append(seen)
    return said


def test_a_picture_is_refused_whoever_was_seen_before_it() -> None:
    (alone,) = shown(0.03, PICTURE, 0.0).answers
    (after,) = shown(0.03, OWN, 0.3).answers
    for who in (alone, after):
        assert isinstance(who, Identity)
        assert (who.person, who.liveness) == (parts.ADA, Liveness.FAILED)


def test_a_living_face_of_somebody_else_who_is_known_speaks_for_no_picture() -> None:
    (who,) = shown(0.03, HIS, 0.1).answers
    assert isinstance(who, Identity)
    assert (who.person, who.liveness) == (parts.ADA, Liveness.FAILED)


def test_a_face_that_was_another_one_before_is_for_the_challenge_even_where_the_signs_pass() -> None:
    assert shown(0.9, OWN, 0.3).prompts
    assert not shown(0.9, PICTURE, 0.0).prompts


def test_where_no_challenge_is_asked_for_such_a_face_is_not_called_live() -> None:
    (who,) = shown(0.9, OWN, 0.3, Demand.NEVER).answers
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.NOT_ASSESSED


def look(person: str, live: float) -> Look:
    return Look(person, 0.6, 0.3, parts.moment(), Sign(live, 1.0))


@pytest.mark.parametrize(
    ("named", "mixed"),
    [
        ("", False),
        ("a", False),
        ("-", False),
        ("-a", True),
        ("a-", False),
        ("a-a", True),
        ("aa-", False),
        ("--a", True),
        ("aaa", False),
    ],
)
def test_an_attempt_is_mixed_when_nobody_came_before_somebody(named: str, mixed: bool) -> None:
    looks = [look("" if letter == "-" else parts.ADA, 0.5) for letter in named]
    assert Attempt(parts.moment(), looks).is_mixed is mixed


def test_only_looks_that_named_somebody_and_the_newest_frame_count() -> None:
    one = Attempt(parts.moment(), [look("", 0.9), look(parts.ADA, 0.1)], sign=Sign(0.2, 1.0))
    assert [sign.live for sign in one.signs] == [0.1, 0.2]

"""The same recogniser with the real models: another photograph of a person is that person, somebody else's is nobody."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device import attention, camera, config, pictures, recognise, sight, terms
from device.attend import Identity, Stranger
from device.messages import Capture
from models import align, match
from tests.device import parts

Pixels = Callable[[str], NDArray[np.uint8]]
FRAME = (640, 480)
ENROLLED = {parts.ADA: "obama", parts.BOB: "person_b_1"}


class Counted:
    """The real embedder, counting."""

    def __init__(self, eyes: sight.Sight) -> None:
        self._eyes, self.count = eyes, 0

    def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.count += 1
        return self._eyes.embedder.embed(chip)


def gallery(eyes: sight.Sight, pixels: Pixels) -> match.Gallery:
    found = match.Gallery()
    for person, name in ENROLLED.items():
        whole = pixels(name)
        face = eyes.faces_in_photograph(whole)[0]
        found = found.with_template(person, eyes.embedder.embed(align.chip(whole, face.landmarks)))
    return found


def watching(eyes: sight.Sight) -> attention.Attention:
    return attention.Attention(eyes.detector, terms.effort(config.Config()))


def stand(
    eyes: sight.Sight, pixels: Pixels, picture: NDArray[np.uint8], frames: int = 30
) -> tuple[list[Identity | Stranger], Counted]:
    """What is said about somebody who stands still before the camera for three seconds."""
    embedder = Counted(eyes)
    policy = terms.recognition_policy(config.Config())
    gate = terms.gate(config.Config(), eyes.landmarker)
    recogniser = recognise.Recogniser(
        watching(eyes),
        gate,
        embedder,
        recognise.Known(gallery(eyes, pixels), eyes.one_to_one, eyes.one_to_one),
        policy,
        Capture.SIMULATED,
    )
    seen = [recogniser.see(camera.Frame(picture, parts.moment(number / 10))) for number in range(frames)]
    return [one for one in seen if isinstance(one, Identity | Stranger)], embedder


@pytest.mark.parametrize(("name", "person"), [("obama2", parts.ADA), ("obama3", parts.ADA), ("person_b_2", parts.BOB)])
def test_another_photograph_of_the_same_person_is_that_person(eyes: sight.Sight, pixels: Pixels, name: str, person: str) -> None:
    said, embedder = stand(eyes, pixels, pictures.fit(pixels(name), FRAME), frames=6)
    (who,) = said
    assert isinstance(who, Identity)
    assert who.person == person
    assert who.score >= eyes.one_to_one
    assert embedder.count == 3


@pytest.mark.parametrize("name", ["impostor_2", "biden", "person_a_2"])
def test_somebody_who_is_not_enrolled_is_a_stranger(eyes: sight.Sight, pixels: Pixels, name: str) -> None:
    (who,) = stand(eyes, pixels, pictures.fit(pixels(name), FRAME))[0]
    assert isinstance(who, Stranger)


def test_of_two_people_the_nearer_is_named(eyes: sight.Sight, pixels: Pixels) -> None:
    near, far = pictures.fit(pixels("obama2"), (400, 480)), pictures.fit(pixels("person_b_2"), (240, 200))
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[:, :400] = near
    picture[140:340, 400:] = far
    assert len(eyes.detector.faces(picture)) == 2
    (who,) = stand(eyes, pixels, picture, frames=6)[0]
    assert isinstance(who, Identity)
    assert who.person == parts.ADA


def test_an_empty_picture_holds_nobody(eyes: sight.Sight, pixels: Pixels) -> None:
    for picture in (np.zeros((480, 640, 3), np.uint8), np.full((480, 640, 3), 255, np.uint8)):
        said, embedder = stand(eyes, pixels, picture, frames=5)
        assert said == []
        assert embedder.count == 0


def test_a_blurred_stranger_is_asked_to_stand_still_and_not_refused(eyes: sight.Sight, pixels: Pixels) -> None:
    blurred = np.asarray(cv2.GaussianBlur(pictures.fit(pixels("impostor_2"), FRAME), (0, 0), 6), dtype=np.uint8)
    gate, policy = terms.gate(config.Config(), eyes.landmarker), terms.recognition_policy(config.Config())
    recogniser = recognise.Recogniser(
        watching(eyes), gate, eyes.embedder, recognise.Known(match.Gallery(), 0.5, 0.5), policy, Capture.SIMULATED
    )
    seen = [recogniser.see(camera.Frame(blurred, parts.moment(number / 10))) for number in range(40)]
    assert set(seen[3:]) == {recognise.Waiting.BLURRED}


def watch(
    eyes: sight.Sight, known: match.Gallery, frames: list[NDArray[np.uint8]], min_margin: float = 0.05
) -> list[Identity | Stranger]:
    """What is said while these frames are shown, ten a second."""
    settings = config.Config()
    recogniser = recognise.Recogniser(
        watching(eyes),
        terms.gate(settings, eyes.landmarker),
        eyes.embedder,
        recognise.Known(known, eyes.one_to_one, eyes.one_to_one),
        dataclasses.replace(terms.recognition_policy(settings), min_margin=min_margin),
        Capture.SIMULATED,
    )
    seen = [recogniser.see(camera.Frame(frame, parts.moment(number / 10))) for number, frame in enumerate(frames)]
    return [one for one in seen if isinstance(one, Identity | Stranger)]


def test_who_is_as_like_one_person_as_another_is_named_as_neither(eyes: sight.Sight, pixels: Pixels) -> None:
    """One face enrolled under two names: both score high, and what is missing is the lead of one over the other."""
    whole = pixels("obama")
    vector = eyes.embedder.embed(align.chip(whole, eyes.faces_in_photograph(whole)[0].landmarks))
    twins = match.Gallery.of([(parts.ADA, vector), (parts.BOB, vector)])
    frames = [np.asarray(pictures.fit(pixels("obama2"), FRAME), dtype=np.uint8)] * 28
    (said,) = watch(eyes, twins, frames)
    assert isinstance(said, Stranger)
    (said,) = watch(eyes, twins, frames, min_margin=0.0)
    assert isinstance(said, Identity), "it was the margin, not the score"


def test_two_people_who_take_turns_in_one_place_are_not_votes_for_each_other(eyes: sight.Sight, pixels: Pixels) -> None:
    turns = [np.asarray(pictures.fit(pixels(name), FRAME), dtype=np.uint8) for name in ("obama2", "person_b_2")]
    (x, y), (there_x, there_y) = (_middle(eyes, frame) for frame in turns)
    turns[1] = np.asarray(np.roll(turns[1], (round(y - there_y), round(x - there_x)), axis=(0, 1)))
    known = gallery(eyes, pixels)
    for frame, person in zip(turns, (parts.ADA, parts.BOB), strict=True):
        (alone,) = watch(eyes, known, [frame] * 5)
        assert isinstance(alone, Identity)
        assert alone.person == person
    said = watch(eyes, known, [turns[number % 2] for number in range(28)])
    assert all(isinstance(one, Stranger) for one in said)


def _middle(eyes: sight.Sight, frame: NDArray[np.uint8]) -> tuple[float, float]:
    box = eyes.detector.faces(frame)[0].box
    return box.x + box.width / 2, box.y + box.height / 2

"""A face followed by optical flow, with real photographs: where it went, and when it is better called lost."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import track
from models.detect import Detector, Face
from tests.models.conftest import Photograph

FRAME = (640, 480)


def stood(picture: NDArray[np.uint8], dx: float = 0.0, dy: float = 0.0, scale: float = 1.0) -> NDArray[np.uint8]:
    """The photograph before a kiosk: moved by pixels of the frame and grown around its middle."""
    height, width = picture.shape[:2]
    fit = 0.9 * min(FRAME[0] / width, FRAME[1] / height)
    middle = np.array([FRAME[0] / 2 + dx, FRAME[1] / 2 + dy])
    matrix = np.array([[fit * scale, 0, 0], [0, fit * scale, 0]])
    matrix[:, 2] = middle - fit * scale * np.array([width / 2, height / 2])
    return np.asarray(cv2.warpAffine(picture, matrix, FRAME, borderValue=(90, 90, 90)), dtype=np.uint8)


def only(detector: Detector, frame: NDArray[np.uint8]) -> Face:
    return detector.faces(frame)[0]


@pytest.mark.parametrize(("dx", "dy", "scale"), [(0, 0, 1), (12, 3, 1), (-20, 8, 1), (0, 0, 1.06), (9, -6, 0.95)])
def test_a_face_that_moves_as_people_do_is_followed_to_where_the_detector_finds_it(
    detector: Detector, photograph: Photograph, dx: float, dy: float, scale: float
) -> None:
    for name in ("obama", "biden", "person_a_1"):
        before, now = stood(photograph(name)), stood(photograph(name), dx, dy, scale)
        face = only(detector, before)
        found = track.follow(track.small_grey(before), track.small_grey(now), face, FRAME[0])
        assert found is not None
        expected = only(detector, now)
        assert found.box.x + found.box.width / 2 == pytest.approx(
            expected.box.x + expected.box.width / 2, abs=0.08 * face.box.width
        )
        assert found.box.height == pytest.approx(expected.box.height, rel=0.1)
        assert np.abs(found.landmarks - expected.landmarks).max() < 0.12 * face.box.width


@pytest.mark.parametrize("instead", ["biden", "person_a_1"])
def test_a_face_that_gave_way_to_another_picture_is_lost(detector: Detector, photograph: Photograph, instead: str) -> None:
    before = stood(photograph("obama"))
    for now in (stood(photograph(instead), 60, 20), np.full_like(before, 90)):
        assert track.follow(track.small_grey(before), track.small_grey(now), only(detector, before), FRAME[0]) is None


def test_pictures_of_two_sizes_have_nothing_in_common(detector: Detector, photograph: Photograph) -> None:
    before = stood(photograph("obama"))
    assert track.follow(track.small_grey(before), track.small_grey(before[:200]), only(detector, before), FRAME[0]) is None


def test_a_small_face_looked_at_closer_has_finer_landmarks(detector: Detector, photograph: Photograph) -> None:
    """Against the landmarks of the whole photograph; 72 pixels is the smallest face that is compared."""
    coarse, fine = [], []
    for name in ("obama", "biden", "person_a_1", "person_b_1", "impostor_2"):
        whole = photograph(name)
        truth = detector.faces(whole)[0]
        scale = 74 / truth.box.height
        small = cv2.resize(whole, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[: FRAME[1], : FRAME[0]]
        frame = np.full((FRAME[1], FRAME[0], 3), 90, dtype=np.uint8)
        frame[: small.shape[0], : small.shape[1]] = small
        face = detector.faces(frame)[0]
        closer = detector.closer(frame, face)
        assert closer is not None
        coarse.append(np.abs(face.landmarks - truth.landmarks * scale).mean())
        fine.append(np.abs(closer.landmarks - truth.landmarks * scale).mean())
    assert np.mean(fine) < 0.8 * np.mean(coarse)


def test_looking_closer_at_a_face_that_is_not_there_finds_none(detector: Detector, photograph: Photograph) -> None:
    frame = stood(photograph("obama"))
    assert detector.closer(np.full_like(frame, 90), only(detector, frame)) is None

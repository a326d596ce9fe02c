"""How hard the kiosk looks: asleep in an empty hall, awake in the frame that shows somebody, and no more detections than needed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from device import camera, config, pictures, sight, terms
from device.attention import Alertness, Attention, Effort
from models.detect import Face
from tests.device import parts

Pixels = Callable[[str], NDArray[np.uint8]]
FRAME = (640, 480)
RATE = 15
EFFORT = Effort(timedelta(milliseconds=100), timedelta(seconds=5), timedelta(seconds=1), 0.0)


@pytest.fixture
def hall(pixels: Pixels) -> NDArray[np.uint8]:
    """An empty room with some structure, and a sensor's noise later."""
    empty = np.asarray(pictures.fit(pixels("obama"), FRAME), dtype=np.uint8)[::-1, ::-1] // 2
    return np.ascontiguousarray(empty)


def noisy(picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(number).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def frame(picture: NDArray[np.uint8], number: int) -> camera.Frame:
    return camera.Frame(picture, parts.moment(number / RATE))


class Nobody:
    """A detector that finds nobody and counts how often it is asked."""

    def __init__(self) -> None:
        self.runs = 0

    def faces(self, pixels: NDArray[np.uint8]) -> tuple[Face, ...]:
        self.runs += 1
        return ()

    def closer(self, pixels: NDArray[np.uint8], face: Face) -> Face | None:
        raise AssertionError("there is no face to look closer at")


def test_in_an_empty_hall_the_detector_runs_once_a_second_sensor_noise_or_not(hall: NDArray[np.uint8]) -> None:
    nobody = Nobody()
    watching = Attention(nobody, EFFORT)
    for number in range(6 * RATE):
        watching.look(frame(noisy(hall, number), number))
    assert watching.alertness is Alertness.ASLEEP
    before = nobody.runs
    for number in range(6 * RATE, 16 * RATE):
        watching.look(frame(noisy(hall, number), number))
    assert nobody.runs - before == 10


def test_whoever_walks_in_wakes_the_kiosk_in_the_frame_that_shows_them(
    hall: NDArray[np.uint8], pixels: Pixels, eyes: sight.Sight
) -> None:
    watching = Attention(eyes.detector, EFFORT)
    for number in range(6 * RATE):
        watching.look(frame(noisy(hall, number), number))
    assert watching.alertness is Alertness.ASLEEP
    walked_in = hall.copy()
    walked_in[:, :320] = pictures.fit(pixels("biden"), (320, 480))
    seen = watching.look(frame(walked_in, 6 * RATE))
    assert seen.fresh
    assert len(seen.faces) == 1
    assert str(watching.alertness) == "awake"


def test_somebody_who_stands_still_keeps_the_kiosk_awake(pixels: Pixels, eyes: sight.Sight) -> None:
    standing = np.asarray(pictures.fit(pixels("biden"), FRAME), dtype=np.uint8)
    watching = Attention(eyes.detector, EFFORT)
    for number in range(8 * RATE):
        seen = watching.look(frame(standing, number))
    assert watching.alertness is Alertness.AWAKE
    assert len(seen.faces) == 1


def test_between_two_runs_of_the_detector_the_face_is_followed_and_its_landmarks_are_not_fresh(
    pixels: Pixels, eyes: sight.Sight
) -> None:
    standing = np.asarray(pictures.fit(pixels("biden"), FRAME), dtype=np.uint8)
    watching = Attention(eyes.detector, EFFORT)
    seen = [watching.look(frame(standing, number)) for number in range(2 * RATE)]
    assert all(len(look.faces) == 1 for look in seen)
    assert watching.detections == sum(look.fresh for look in seen) == RATE


def test_a_small_face_is_looked_at_closer_and_a_large_one_is_not(pixels: Pixels, eyes: sight.Sight) -> None:
    asked: list[float] = []

    class Watched:
        def faces(self, picture: NDArray[np.uint8]) -> tuple[Face, ...]:
            return eyes.detector.faces(picture)

        def closer(self, picture: NDArray[np.uint8], face: Face) -> Face | None:
            asked.append(face.box.height)
            return eyes.detector.closer(picture, face)

    effort = terms.effort(config.Config())
    small = np.full((480, 640, 3), 90, np.uint8)
    small[100:260, 200:360] = pictures.fit(pixels("biden"), (160, 160))
    large = np.asarray(pictures.fit(pixels("biden")[:700, 100:900], FRAME), dtype=np.uint8)
    assert eyes.detector.faces(large)[0].box.height > effort.closer_below_px
    for picture in (large, small):
        Attention(Watched(), effort).look(frame(picture, 0))
    assert len(asked) == 1
    assert asked[0] < effort.closer_below_px

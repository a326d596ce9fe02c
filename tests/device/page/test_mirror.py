"""The mirror: the newest picture or none, and only while somebody is there."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device.camera import Frame
from device.outlines import Outline, Regard
from device.page.mirror import Mirror
from models.detect import Box
from tests.device import parts

SOMEBODY = (Outline(7, Box(160.0, 120.0, 80.0, 120.0), Regard.LOOKING, "too_dark", leads=True),)


def frame(clock: parts.Clock, level: int = 90, size: tuple[int, int] = (640, 480)) -> Frame:
    return Frame(np.full((size[1], size[0], 3), level, np.uint8), clock.now())


@pytest.fixture
def clock() -> parts.Clock:
    return parts.Clock()


@pytest.fixture
def mirror(clock: parts.Clock) -> Mirror:
    return Mirror(lambda: clock.now().monotonic_us)


def unpacked(jpeg: bytes) -> NDArray[np.uint8]:
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return np.asarray(found, np.uint8)


def test_no_picture_is_given_while_nobody_is_there(mirror: Mirror, clock: parts.Clock) -> None:
    mirror.show(frame(clock), ())
    assert mirror.after(0, 0.0) is None


def test_a_person_sees_themselves_with_their_face_marked(mirror: Mirror, clock: parts.Clock) -> None:
    mirror.show(frame(clock, 77), SOMEBODY)
    picture = mirror.after(0, 0.0)
    assert picture is not None
    (drawn,) = picture.faces
    assert drawn.box == (0.25, 0.25, 0.125, 0.25)
    assert (drawn.face, drawn.regard, drawn.waiting, drawn.leads) == (7, "looking", "too_dark", True)
    assert abs(int(unpacked(picture.jpeg).mean()) - 77) <= 1


def test_the_picture_stops_soon_after_the_last_face_has_gone(mirror: Mirror, clock: parts.Clock) -> None:
    mirror.show(frame(clock), SOMEBODY)
    clock.seconds = 1.0
    mirror.show(frame(clock), ())
    assert mirror.after(1, 0.0) is not None
    clock.seconds = 2.0
    mirror.show(frame(clock), ())
    assert mirror.after(2, 0.0) is None


def test_a_picture_is_never_shown_twice_nor_an_old_one(mirror: Mirror, clock: parts.Clock) -> None:
    mirror.show(frame(clock), SOMEBODY)
    first = mirror.after(0, 0.0)
    assert first is not None
    assert mirror.after(first.number, 0.0) is None
    clock.seconds = 1.2  # the camera hangs: what it showed is no longer true
    assert mirror.after(0, 0.0, always=True) is None


def test_whoever_holds_up_a_code_sees_the_picture_without_a_face(mirror: Mirror, clock: parts.Clock) -> None:
    mirror.show(frame(clock), ())
    assert mirror.after(0, 0.0, always=True) is not None


def test_whoever_waits_gets_the_next_picture_at_once(mirror: Mirror, clock: parts.Clock) -> None:
    threading.Timer(0.1, mirror.show, (frame(clock), SOMEBODY)).start()
    started = time.monotonic()
    assert mirror.after(0, 10.0) is not None
    assert time.monotonic() - started < 5.0


def test_a_large_camera_picture_is_made_small_enough_for_a_small_board(mirror: Mirror, clock: parts.Clock) -> None:
    mirror.show(frame(clock, size=(1920, 1080)), SOMEBODY)
    picture = mirror.after(0, 0.0)
    assert picture is not None
    assert unpacked(picture.jpeg).shape == (360, 640, 3)

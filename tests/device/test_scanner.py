"""QR codes in the camera's picture: read while somebody holds them up, once, and whatever they say."""

from __future__ import annotations

import io
import logging
import time
from datetime import timedelta

import cv2
import numpy as np
import pytest
import segno
from numpy.typing import NDArray

from device import camera, scanner
from tests.device import parts

EVERY = timedelta(milliseconds=250)


def picture(text: str = "", *, scale: int = 4, turned: float = 0.0, seed: int = 1) -> NDArray[np.uint8]:
    """A noisy 640 x 480 picture, with a code held into it."""
    canvas = np.random.default_rng(seed).integers(90, 140, (480, 640, 3), dtype=np.uint8)
    if text:
        file = io.BytesIO()
        segno.make_qr(text, error="m").save(file, kind="png", scale=scale)
        code = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_COLOR)
        assert code is not None
        height, width = code.shape[:2]
        canvas[60 : 60 + height, 80 : 80 + width] = code
    turn = cv2.getRotationMatrix2D((320, 240), turned, 0.9)
    return np.asarray(cv2.warpAffine(canvas, turn, (640, 480)), dtype=np.uint8)


def frame(seconds: float, text: str = "") -> camera.Frame:
    return camera.Frame(picture(text), parts.moment(seconds))


@pytest.mark.parametrize("turned", [0.0, 12.0, 90.0, 180.0, 200.0])
def test_a_code_is_read_however_it_is_held(turned: float) -> None:
    assert scanner.texts(picture("DAKA3:ABCDEFGH", turned=turned)) == ("DAKA3:ABCDEFGH",)


def test_a_picture_without_a_code_says_nothing() -> None:
    assert scanner.texts(picture()) == ()


def test_a_code_that_is_held_up_is_handed_on_once_and_again_when_it_comes_back() -> None:
    shown: list[str] = []
    looks = scanner.Scanner(shown.append, EVERY)
    looks.run(frame(0.25 * number, "badge-ada") for number in range(12))
    assert shown == ["badge-ada"]
    looks.run([frame(3.2, "badge-bob"), frame(9, "badge-ada")])
    assert shown == ["badge-ada", "badge-bob", "badge-ada"]


def test_frames_in_between_and_an_empty_hall_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[NDArray[np.uint8]] = []

    def look(pixels: NDArray[np.uint8]) -> tuple[str, ...]:
        looks.append(pixels)
        return ()

    monkeypatch.setattr(scanner, "texts", look)
    scanner.Scanner(lambda text: None, EVERY).run(frame(number / 15) for number in range(30))
    assert len(looks) == 8
    scanner.Scanner(lambda text: None, EVERY, lambda: False).run(frame(number) for number in range(5))
    assert len(looks) == 8


def test_an_endless_code_is_not_handed_on() -> None:
    shown: list[str] = []
    scanner.Scanner(shown.append, EVERY).run([camera.Frame(picture("x" * 1_100, scale=2), parts.moment())])
    assert shown == []
    assert scanner.texts(picture("x" * 900, scale=3)) == ("x" * 900,), "the code itself can be read"


def test_a_counter_that_fails_ends_nothing_and_no_code_enters_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def fails(text: str) -> None:
        raise RuntimeError(text)

    with caplog.at_level(logging.DEBUG):
        scanner.Scanner(fails, EVERY).run([frame(0, "secret-badge"), frame(5, "secret-badge")])
    assert len(caplog.records) == 2
    assert "secret-badge" not in caplog.text


def test_looking_for_a_code_is_bounded_work() -> None:
    """A few milliseconds of work even for pictures made to keep a reader busy."""
    hostile = [picture(seed=7), np.tile(picture("A" * 20, scale=2)[60:160, 80:180], (5, 7, 1))[:480, :640]]
    for pixels in hostile:
        used = time.process_time()
        scanner.texts(np.ascontiguousarray(pixels))
        assert time.process_time() - used < 0.5

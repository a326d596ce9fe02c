"""Signs of an attack: real photographs, rendered prints and screens and, where at hand, real attacks and the learned model."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import liveness, weights
from models.detect import Box, Detector
from models.errors import BadInput
from tests.models.conftest import Photograph

SHARED = Path(__file__).resolve().parents[3] / "shared"
ATTACKS, LEARNED = SHARED / "data" / "attacks", SHARED / "models"
LIVE = ("obama", "biden", "obama3", "person_a_2", "person_b_1", "person_b_2", "impostor_2")
FINE = 25.0  # device.liveness.Limits.raster_from


@pytest.fixture(scope="module")
def antispoofing() -> liveness.AntiSpoofing:
    """The MiniFASNet pair; no package index has it."""
    files = [LEARNED / "MiniFASNetV2.onnx", LEARNED / "MiniFASNetV1SE.onnx"]
    if not all(path.exists() for path in files):
        pytest.skip(f"the MiniFASNet models are not in {LEARNED}")
    return liveness.AntiSpoofing(files[0].read_bytes(), files[1].read_bytes())


def box_in(detector: Detector, pixels: NDArray[np.uint8]) -> Box:
    return detector.faces(pixels)[0].box


def dotted(pixels: NDArray[np.uint8], box: Box, depth: float) -> NDArray[np.uint8]:
    """The photograph with a coarse print's dots on it, 64 to a face."""
    period = max(3.0, box.height / 64)
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    dots = depth * np.cos(2 * np.pi * rows / period) * np.cos(2 * np.pi * columns / period)
    return np.asarray(np.clip(pixels + dots[:, :, None], 0, 255), dtype=np.uint8)


def resized(pixels: NDArray[np.uint8], detector: Detector, face_px: float = 180.0) -> NDArray[np.uint8]:
    scale = face_px / box_in(detector, pixels).height
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.mark.parametrize("name", LIVE)
def test_a_face_has_no_raster_and_its_print_has_one(detector: Detector, photograph: Photograph, name: str) -> None:
    pixels = resized(photograph(name), detector)
    box = box_in(detector, pixels)
    assert liveness.raster(pixels, box) < FINE / 1.4
    assert liveness.raster(dotted(pixels, box, 12), box) > FINE * 1.4


def test_a_face_too_small_for_a_raster_has_none(detector: Detector, photograph: Photograph) -> None:
    pixels = photograph("biden")
    assert liveness.raster(pixels, Box(10, 10, 40, 40)) == 0
    assert liveness.raster(pixels, Box(-5_000, -5_000, 200, 200)) == 0


@pytest.mark.parametrize("name", LIVE)
def test_the_learned_model_believes_in_photographs_of_people(
    antispoofing: liveness.AntiSpoofing, detector: Detector, photograph: Photograph, name: str
) -> None:
    """Camera pictures of people stand for the live ones here: of live people in front of a kiosk there is one."""
    assert antispoofing.live(photograph(name), box_in(detector, photograph(name))) > 0.7


@pytest.mark.parametrize(("file", "low", "high"), [("T1", 0.9, 1.0), ("F1", 0.0, 0.3), ("F2", 0.0, 0.05)])
def test_the_learned_model_tells_the_sample_of_a_live_person_from_those_of_attacks(
    antispoofing: liveness.AntiSpoofing, file: str, low: float, high: float
) -> None:
    pixels = cv2.imread(str(ATTACKS / f"minivision_image_{file}.jpg"))
    if pixels is None:
        pytest.skip(f"the samples are not in {ATTACKS}")
    picture = np.asarray(pixels, dtype=np.uint8)
    detector = _detector()
    assert low <= antispoofing.live(picture, box_in(detector, picture)) <= high


def _detector() -> Detector:
    """A finer one: two of the three show a face far from the middle."""
    return Detector(weights.ready(platformdirs.user_cache_path("daka") / "weights").detector, working_size=(640, 640))


@given(st.floats(-200, 900), st.floats(-200, 700), st.floats(1, 900), st.floats(1, 900), st.sampled_from([liveness.V2_SCALE, 4.0]))
def test_a_crop_has_its_size_wherever_the_face_lies(x: float, y: float, width: float, height: float, scale: float) -> None:
    pixels = np.zeros((480, 640, 3), np.uint8)
    inside = Box(min(x, 600), min(y, 440), width, height)
    if inside.x + width > 0 and inside.y + height > 0:
        assert liveness.crop(pixels, inside, scale).shape == (80, 80, 3)


def test_a_backlight_that_beats_with_the_shutter_flickers_and_a_walk_into_the_light_does_not() -> None:
    frames = np.arange(30)
    room = np.full(30, 110.0)
    walking = 90 + 1.5 * frames + np.random.default_rng(1).normal(0, 0.6, 30)
    beating = 120 * (1 + 0.15 * np.sin(2 * np.pi * frames * 0.31))
    assert liveness.flicker(walking.tolist(), room.tolist()) < 0.02
    assert liveness.flicker(beating.tolist(), room.tolist()) > 0.06
    assert liveness.flicker((beating * 0.6).tolist(), (0.6 * beating).tolist()) < 1e-9, "when the room swings too, it is the lamp"
    assert liveness.flicker([1.0, 2.0], [1.0, 1.0]) == 0
    with pytest.raises(BadInput):
        liveness.flicker([1.0], [])

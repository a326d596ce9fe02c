"""Each reason of the quality gate, with a real photograph brought to just inside and just outside its limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models import align, quality
from models.detect import Detector, Face
from models.quality import Limits, Reason, Shortfall
from tests.models.conftest import Photograph

Picture = NDArray[np.uint8]
FRAME = (480, 640)
LIMITS = Limits()
STEPS = 12  # halvings of the degradation: enough to stand within a few parts in a thousand of the limit


def in_frame(photograph: Picture, height: int) -> Picture:
    """The photograph in the middle of a grey 640x480 frame, `height` pixels tall."""
    scale = height / photograph.shape[0]
    small = cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    frame = np.full((*FRAME, 3), 127, dtype=np.uint8)
    small = small[: FRAME[0], : FRAME[1]]
    top, left = (FRAME[0] - small.shape[0]) // 2, (FRAME[1] - small.shape[1]) // 2
    frame[top : top + small.shape[0], left : left + small.shape[1]] = small
    return frame


def gain(frame: Picture, factor: float) -> Picture:
    return np.asarray(np.clip(frame.astype(np.float32) * factor, 0, 255), dtype=np.uint8)


def blurred(frame: Picture, sigma: float) -> Picture:
    return frame if sigma < 0.2 else np.asarray(cv2.GaussianBlur(frame, (0, 0), sigma), dtype=np.uint8)


def affine(frame: Picture, matrix: NDArray[np.float64]) -> Picture:
    return np.asarray(cv2.warpAffine(frame, matrix, (FRAME[1], FRAME[0]), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def scaled(frame: Picture, factor: float) -> Picture:
    return affine(frame, np.array([[factor, 0.0, 320 * (1 - factor)], [0.0, factor, 240 * (1 - factor)]]))


def shifted(frame: Picture, pixels: float) -> Picture:
    return affine(frame, np.array([[1.0, 0.0, pixels], [0.0, 1.0, 0.0]]))


@dataclass(frozen=True)
class Case:
    """`degrade(frame, amount)`: at `good` all is well, at `bad` the reason is there."""

    reason: Reason
    degrade: Callable[[Picture, float], Picture]
    good: float
    bad: float


CASES = [
    Case(Reason.TOO_DARK, gain, 1.0, 0.1),
    Case(Reason.TOO_BRIGHT, gain, 1.0, 2.2),
    Case(Reason.BLURRED, blurred, 0.0, 8.0),
    Case(Reason.TOO_FAR, scaled, 1.0, 0.25),
    Case(Reason.TOO_NEAR, scaled, 1.0, 3.0),
    Case(Reason.OUTSIDE, shifted, 0.0, 262.0),
]


@pytest.fixture(scope="module")
def frame(photograph: Photograph) -> Picture:
    """One person before the kiosk, the face in the middle, all well."""
    raw = in_frame(photograph("obama"), 620)
    return affine(raw, np.array([[1.0, 0.0, 320.0 - 342.0], [0.0, 1.0, 240.0 - 135.0]]))


def found(detector: Detector, picture: Picture) -> tuple[Face, tuple[Shortfall, ...]]:
    faces = detector.faces(picture)
    assert faces, "the face was lost before the limit"
    chip = align.chip(picture, faces[0].landmarks)
    return faces[0], quality.assess(picture, faces[0], chip, LIMITS)


def reasons(detector: Detector, picture: Picture) -> set[Reason]:
    return {shortfall.reason for shortfall in found(detector, picture)[1]}


def test_a_good_look_has_no_shortfall(detector: Detector, frame: Picture) -> None:
    assert found(detector, frame)[1] == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.reason))
def test_a_reason_appears_at_its_limit_and_not_before(detector: Detector, frame: Picture, case: Case) -> None:
    good, bad = case.good, case.bad
    for _ in range(STEPS):
        middle = (good + bad) / 2
        if case.reason in reasons(detector, case.degrade(frame, middle)):
            bad = middle
        else:
            good = middle
    inside, outside = case.degrade(frame, good), case.degrade(frame, bad)
    assert case.reason not in reasons(detector, inside)
    (shortfall,) = (one for one in found(detector, outside)[1] if one.reason is case.reason)
    assert shortfall.measured == pytest.approx(shortfall.limit, rel=0.05, abs=0.01), "just outside means near the limit"


def test_a_dark_blurred_look_is_called_dark_first(detector: Detector, frame: Picture) -> None:
    """Noise in the dark looks sharp, so light is what the person can mend."""
    noise = np.random.default_rng(1).normal(0, 2, frame.shape)
    dark = np.clip(gain(blurred(frame, 3.0), 0.12).astype(np.float32) + noise, 0, 255).astype(np.uint8)
    assert found(detector, dark)[1][0].reason is Reason.TOO_DARK


def landmarks_at(yaw_deg: float, pitch_deg: float) -> NDArray[np.float32]:
    """Five landmarks of a generic head turned by yaw and pitch, seen from far; the nose stands 22 mm before eyes and mouth."""
    head = np.array([(-32, -35, 0), (32, -35, 0), (0, 2, 22), (-25, 32, 0), (25, 32, 0)], dtype=np.float64)
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return np.asarray((head @ (about_x @ about_y).T)[:, :2] + 200, dtype=np.float32)


@pytest.mark.parametrize("yaw", [-60, -50, 50, 60])
def test_a_head_turned_by_half_a_right_angle_and_more_is_turned_away(yaw: float) -> None:
    assert abs(quality.turn(landmarks_at(yaw, 0))) > LIMITS.most_turn


@pytest.mark.parametrize("yaw", [-30, -15, 0, 15, 30])
def test_a_head_turned_by_a_third_of_a_right_angle_is_not(yaw: float) -> None:
    assert abs(quality.turn(landmarks_at(yaw, 0))) < LIMITS.most_turn


def test_looking_up_and_down_moves_the_nose_between_eyes_and_mouth() -> None:
    up, straight, down = (quality.nod(landmarks_at(0, pitch)) for pitch in (30, 0, -30))
    assert up < LIMITS.least_nod < straight < LIMITS.most_nod < down


def test_every_sample_photograph_passes_the_gate(detector: Detector, photograph: Photograph) -> None:
    for name in ("obama2", "obama3", "biden", "person_a_2", "person_b_1", "person_b_2", "impostor_1", "impostor_2"):
        assert reasons(detector, in_frame(photograph(name), 640)) <= {Reason.TOO_NEAR}, name

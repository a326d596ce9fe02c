"""Whether a look at a face is worth comparing, and if not, why: each reason is a value with its measured number and its limit.

Array in, values out. Judges the picture, never the person. What covers a face, and how far a head is tilted, the mesh tells: the
detector's five landmarks stay nearly upright on a face that is rolled by 40 degrees.

Defaults: chosen on 250 people of LFW, one genuine pair each, one side degraded step by step; the limit stands where the false
non-match rate at cosine 0.50 has about doubled against the undegraded pictures (0.12), and no undegraded picture falls under it:
blur with a standard deviation of 2.5 pixels at 250x250, a gain of 0.2, a gain of 2. At a tilt of 15 degrees it had
doubled, too (150 people, 0.07 to 0.15; 0.23 at 20 degrees, 0.63 at 30). See docs/evaluation.md, and models/covering.py.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models import covering
from models.align import SIZE
from models.arrays import Landmarks, Pixels
from models.detect import Box, Face
from models.landmarks.mesh import Mesh


class Reason(enum.StrEnum):
    """Why a look is not worth comparing."""

    TOO_FAR = "too_far"
    TOO_NEAR = "too_near"
    OUTSIDE = "outside"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    BLURRED = "blurred"
    TILTED = "tilted"
    EYES_COVERED = "eyes_covered"
    MOUTH_COVERED = "mouth_covered"


@dataclass(frozen=True, slots=True)
class Limits:
    """Heights in pixels of the frame or as a part of its height; margin as a part of the face's width; luma 0 to 255.

    `balance` is that of models.covering: less than the least, and the mouth is covered; more than the most, and the eyes are.
    """

    least_height_px: float = 72.0
    most_height: float = 0.85
    least_margin: float = 0.02
    least_luma: float = 25.0
    most_luma: float = 215.0
    most_turn: float = 0.35
    least_nod: float = 0.38
    most_nod: float = 0.70
    least_sharpness: float = 0.009
    most_tilt_deg: float = 15.0
    least_balance: float = 0.30
    most_balance: float = 3.5


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One reason, what was measured, and the limit that it crossed."""

    reason: Reason
    measured: float
    limit: float


def assess(pixels: Pixels, face: Face, chip: Pixels, limits: Limits) -> tuple[Shortfall, ...]:
    """Everything that is wrong with this look, the most useful hint first; empty when it is worth comparing.

    `pixels`: (height, width, 3) uint8 BGR frame, `chip`: (112, 112, 3) uint8 BGR aligned face of it. Darkness comes before blur,
    because the noise of a dark picture looks sharp.
    """
    height, width = pixels.shape[:2]
    light, turned, nodded = luma(chip), abs(turn(face.landmarks)), nod(face.landmarks)
    found = (
        _below(Reason.TOO_FAR, face.box.height, limits.least_height_px),
        _above(Reason.TOO_NEAR, face.box.height / height, limits.most_height),
        _below(Reason.OUTSIDE, margin(face.box, width, height), limits.least_margin),
        _below(Reason.TOO_DARK, light, limits.least_luma),
        _above(Reason.TOO_BRIGHT, light, limits.most_luma),
        _above(Reason.TURNED_AWAY, turned, limits.most_turn),
        _below(Reason.TURNED_AWAY, nodded, limits.least_nod),
        _above(Reason.TURNED_AWAY, nodded, limits.most_nod),
        _below(Reason.BLURRED, sharpness(chip), limits.least_sharpness),
    )
    return tuple(shortfall for shortfall in found if shortfall is not None)


def assess_mesh(pixels: Pixels, mesh: Mesh, limits: Limits) -> tuple[Shortfall, ...]:
    """What only the mesh shows of a look that `assess` finds nothing wrong with; empty when it is worth comparing."""
    balance = covering.balance(pixels, mesh)
    found = (
        _above(Reason.TILTED, abs(mesh.pose.tilt_deg), limits.most_tilt_deg),
        _below(Reason.MOUTH_COVERED, balance, limits.least_balance),
        _above(Reason.EYES_COVERED, balance, limits.most_balance),
    )
    return tuple(shortfall for shortfall in found if shortfall is not None)


def _below(reason: Reason, measured: float, limit: float) -> Shortfall | None:
    return Shortfall(reason, measured, limit) if measured < limit else None


def _above(reason: Reason, measured: float, limit: float) -> Shortfall | None:
    return Shortfall(reason, measured, limit) if measured > limit else None


def margin(box: Box, width: int, height: int) -> float:
    """Distance from the face to the frame's nearest edge, in widths of the face; a cut face's box ends at the edge."""
    nearest = min(box.x, box.y, width - box.x - box.width, height - box.y - box.height)
    return nearest / max(box.width, 1.0)


def luma(chip: Pixels) -> float:
    """Mean luma (ITU-R BT.601) of the face itself, 0 to 255."""
    return float(_grey(chip)[FACE].mean())


def sharpness(chip: Pixels) -> float:
    """Variance of the Laplacian over the variance of the luma, both over the face: focus, whatever the contrast."""
    grey = _grey(chip)
    detail = cv2.Laplacian(grey, cv2.CV_32F)[FACE].var()
    return float(detail / max(float(grey[FACE].var()), 1.0))


def turn(landmarks: Landmarks) -> float:
    """How far the nose stands beside the middle of the eyes, as a part of the distance between them; 0 from the front."""
    along, _, distance = _eye_axes(landmarks)
    return float((landmarks[2] - landmarks[:2].mean(axis=0)) @ along) / distance


def nod(landmarks: Landmarks) -> float:
    """Where the nose stands between eyes (0) and mouth (1); about 0.56 from the front, less when the head looks up."""
    _, down, _ = _eye_axes(landmarks)
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    length = float((mouth - eyes) @ down)
    return float((landmarks[2] - eyes) @ down) / length if abs(length) > 1.0 else 0.0


def _eye_axes(landmarks: Landmarks) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Unit vectors along the eyes and down the face, and the distance between the eyes in pixels."""
    line = landmarks[1] - landmarks[0]
    distance = max(float(np.hypot(line[0], line[1])), 1.0)
    along = (line / distance).astype(np.float32)
    return along, np.array([-along[1], along[0]], dtype=np.float32), distance


def _grey(chip: Pixels) -> NDArray[np.float32]:
    return cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY).astype(np.float32)


def _face() -> NDArray[np.bool_]:
    """The pixels of an aligned chip that are face and not hair or background: an ellipse around the reference points."""
    y, x = np.mgrid[:SIZE, :SIZE]
    mask: NDArray[np.bool_] = ((x - 56) / 38) ** 2 + ((y - 66) / 48) ** 2 <= 1
    return mask


FACE = _face()

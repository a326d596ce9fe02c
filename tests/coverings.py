"""Real photographs with something rendered onto the face: a mask, a hand, dark glasses; and the whole picture rolled."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.landmarks import Mesh

Picture = NDArray[np.uint8]

MASKS = {"blue": (215, 190, 150), "white": (225, 228, 228), "black": (38, 36, 36), "grey": (120, 118, 116), "pink": (170, 160, 215)}
GLASS = (34, 32, 30)
CHEEKS_AND_NOSE = (93, 123, 50, 36, 195, 266, 280, 352, 323)
LOWER_FACE = (*CHEEKS_AND_NOSE, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58)
UPPER_FACE = (21, 54, 103, 109, 338, 332, 284, 251, 356, 345, 349, 197, 120, 116, 127)
SKIN = (50, 280, 151, 9)


def masked(picture: Picture, mesh: Mesh, colour: tuple[int, int, int], opacity: float = 1.0) -> Picture:
    """A mask with four pleats, lit as the face under it is."""
    inside = _inside(picture, mesh, LOWER_FACE)
    light = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 0.12 * _width(mesh))
    lit = light / max(float(light[inside > 0.5].mean()), 1.0)
    pleats = 4 * np.sin(np.arange(picture.shape[0])[:, None] / (0.6 * _width(mesh)) * 8 * np.pi)
    level = min(1.1, max(0.4, float(light[inside > 0.5].mean()) / 140))
    return _laid_over(picture, np.array(colour, dtype=np.float32) * level * lit[:, :, None] + pleats[:, :, None], inside * opacity)


def hand_before_the_mouth(picture: Picture, mesh: Mesh, opacity: float = 1.0) -> Picture:
    return _laid_over(picture, _skin(picture, mesh), _inside(picture, mesh, LOWER_FACE) * opacity)


def hand_before_the_eyes(picture: Picture, mesh: Mesh, opacity: float = 1.0) -> Picture:
    return _laid_over(picture, _skin(picture, mesh), _inside(picture, mesh, UPPER_FACE) * opacity)


def in_dark_glasses(picture: Picture, mesh: Mesh, opacity: float = 1.0) -> Picture:
    """Two ovals and a bridge."""
    inside = np.zeros(picture.shape[:2], dtype=np.float32)
    points, apart = mesh.points[:, :2], float(np.linalg.norm(mesh.points[263, :2] - mesh.points[33, :2]))
    for outer, inner in ((33, 133), (362, 263)):
        centre = np.round((points[outer] + points[inner]) / 2).astype(int).tolist()
        cv2.ellipse(inside, centre, (round(apart * 0.29), round(apart * 0.2)), mesh.pose.tilt_deg, 0, 360, 1.0, -1, cv2.LINE_AA)
    bridge = [np.round(points[number]).astype(int).tolist() for number in (133, 362)]
    cv2.line(inside, bridge[0], bridge[1], 1.0, max(2, round(apart * 0.04)))
    return _laid_over(picture, np.broadcast_to(np.array(GLASS, dtype=np.float32), picture.shape), inside * opacity)


def rolled(picture: Picture, centre: tuple[float, float], degrees: float) -> Picture:
    """Clockwise in the picture."""
    matrix = cv2.getRotationMatrix2D(centre, -degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _width(mesh: Mesh) -> float:
    return float(np.linalg.norm(mesh.points[454, :2] - mesh.points[234, :2]))


def _inside(picture: Picture, mesh: Mesh, outline: tuple[int, ...]) -> NDArray[np.float32]:
    drawn = np.zeros(picture.shape[:2], dtype=np.float32)
    hull = cv2.convexHull(mesh.points[list(outline), :2].astype(np.int32))
    cv2.fillPoly(drawn, [hull], 1.0)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 1.0), dtype=np.float32)


def _skin(picture: Picture, mesh: Mesh) -> NDArray[np.float32]:
    """The colour of cheeks and forehead, with the grain of skin."""
    places = [mesh.points[number, :2].astype(int) for number in SKIN]
    samples = [picture[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].reshape(-1, 3).mean(axis=0) for x, y in places]
    grain = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 12, picture.shape[:2]).astype(np.float32), (0, 0), 2) * 2
    return np.asarray(np.median(samples, axis=0) + grain[:, :, None], dtype=np.float32)


def _laid_over(picture: Picture, cover: NDArray[np.floating], opacity: NDArray[np.floating]) -> Picture:
    mixed = picture * (1 - opacity[:, :, None]) + cover * opacity[:, :, None]
    return np.asarray(np.clip(mixed, 0, 255), dtype=np.uint8)

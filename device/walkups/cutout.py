"""Head and shoulders cut out of a photograph, at every size that a walk-up needs.

Promises soft edges and a small cost: pictures are halved in advance, so that showing one shrinks it by less
than half.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from device import pictures
from device.pictures import Pixels
from device.walkups import presentation
from device.walkups.script import Medium, Person, WalkUpRefused

Cover = NDArray[np.uint8]  # (height, width), 0 where the hall shows through, 255 where the person stands

# What belongs to a person, in heights of the face: above the face's top, below its bottom, to each side of
# its middle.
ABOVE, BELOW, BESIDE = 0.75, 4.5, 1.9
HEAD_HALF_WIDTH, HEAD_HALF_HEIGHT, HEAD_MIDDLE = 0.72, 0.95, 0.40  # an oval around the face with its hair
SHOULDER_HALF_WIDTH, SHOULDER_HALF_HEIGHT, SHOULDER_MIDDLE = 1.6, 1.05, 2.2
FEATHER = 0.10
SMALLEST_FACE_PX = 16.0


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The cut-out at one size; `centre` (x, y) and `face_height` say where the face is, in its pixels."""

    pixels: Pixels
    cover: Cover
    centre: tuple[float, float]
    face_height: float


def levels(person: Person, number: int, most: float) -> tuple[Level, ...]:
    """The cut-out, halved again and again, largest first; its face is at most `most` pixels high.

    Raises WalkUpRefused, naming the person by `number`.
    """
    try:
        photograph = pictures.read(person.photograph)
    except pictures.PictureError as error:
        raise WalkUpRefused(f"'person {number} photograph': {error}") from error
    x, y, width, height = person.face
    if x + width > photograph.shape[1] or y + height > photograph.shape[0]:
        across, down = photograph.shape[1], photograph.shape[0]
        raise WalkUpRefused(f"'person {number} face': it lies outside the photograph, {across} x {down} pixels")
    # Shrunk before it is cut: a face that fills a large photograph would otherwise get an immense body.
    scale = min(1.0, most / height)
    photograph = _resized(photograph, scale)
    face = (x * scale, y * scale, width * scale, height * scale)
    all_levels = [_cut_out(photograph, face, person.mirrored) if person.medium is Medium.LIVE else _held(photograph, face, person)]
    while all_levels[-1].face_height > SMALLEST_FACE_PX:
        all_levels.append(_halved(all_levels[-1]))
    return tuple(all_levels)


def _cut_out(photograph: Pixels, face: tuple[float, float, float, float], mirrored: bool) -> Level:
    """Where the photograph ends below, its last row goes on to the floor: people have legs."""
    x, y, width, height = face
    middle = x + width / 2
    left, right = round(middle - BESIDE * height), round(middle + BESIDE * height)
    left, right = max(0, left), min(photograph.shape[1], right)
    top, wanted = max(0, round(y - ABOVE * height)), round(y + height * (1 + BELOW))
    part = photograph[top:wanted, left:right]
    missing = wanted - top - part.shape[0]
    pixels = cv2.copyMakeBorder(part, 0, missing, 0, 0, cv2.BORDER_REPLICATE)
    cover = _silhouette((pixels.shape[0], pixels.shape[1]), (round(middle - left), y - top), height)
    across = middle - left
    if mirrored:
        across = pixels.shape[1] - 1 - across
        pixels, cover = cv2.flip(pixels, 1), np.ascontiguousarray(cover[:, ::-1])
    return Level(np.asarray(pixels, dtype=np.uint8), cover, (across, y + height / 2 - top), height)


def _held(photograph: Pixels, face: tuple[float, float, float, float], person: Person) -> Level:
    """A sheet or a screen with the person on it: a rectangle that hides the hall behind it."""
    pixels, (left, top) = presentation.held_up(photograph, face, person.medium)
    across = left + face[2] / 2
    if person.mirrored:
        across, pixels = pixels.shape[1] - 1 - across, np.asarray(cv2.flip(pixels, 1), dtype=np.uint8)
    cover = np.full(pixels.shape[:2], 255, dtype=np.uint8)
    return Level(pixels, cover, (across, top + face[3] / 2), face[3])


def _silhouette(shape: tuple[int, int], face_top: tuple[int, float], height: float) -> Cover:
    """An oval around the head and rounded shoulders, feathered, and fading at the photograph's top and sides.

    `face_top` is the middle of the upper edge of the face's box, `height` that box's height.
    """
    mask = np.zeros(shape, dtype=np.uint8)
    middle, y = face_top
    head = (middle, round(y + HEAD_MIDDLE * height))
    cv2.ellipse(mask, head, _axes(HEAD_HALF_WIDTH, HEAD_HALF_HEIGHT, height), 0, 0, 360, 255, cv2.FILLED)
    shoulders = (middle, round(y + SHOULDER_MIDDLE * height))
    axes = _axes(SHOULDER_HALF_WIDTH, SHOULDER_HALF_HEIGHT, height)
    cv2.ellipse(mask, shoulders, axes, 0, 180, 360, 255, cv2.FILLED)
    cv2.rectangle(mask, (middle - axes[0], shoulders[1]), (middle + axes[0], shape[0]), 255, cv2.FILLED)
    edge = max(1, round(FEATHER * height))
    mask[:edge] = mask[:, :edge] = mask[:, -edge:] = 0
    return np.asarray(cv2.blur(cv2.blur(mask, (edge, edge)), (edge, edge)), dtype=np.uint8)


def _axes(half_width: float, half_height: float, face_height: float) -> tuple[int, int]:
    return round(half_width * face_height), round(half_height * face_height)


def _resized(pixels: Pixels, scale: float) -> Pixels:
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _halved(level: Level) -> Level:
    height, width = level.cover.shape
    size = (max(1, round(width / 2)), max(1, round(height / 2)))
    pixels = np.asarray(cv2.resize(level.pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    cover = np.asarray(cv2.resize(level.cover, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    across, down = size[0] / width, size[1] / height
    return Level(pixels, cover, (level.centre[0] * across, level.centre[1] * down), level.face_height * down)

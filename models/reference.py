"""Whether the models answer what they have to answer to a face that nobody has: a release whose answers are others does not hold.

A digest says that a file is whole, not that what runs it, aligns a face for it or reads its numbers is right. The answers below are
those of the published weights to `drawn.picture()`, by OpenCV 5.0 and ONNX Runtime 1.32 on x86-64; an emulated Cortex-A72 gives the
same vector (cosine 0.99999) and the same mesh within a tenth of a pixel. Other weights want others.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import hypot
from typing import Protocol

import numpy as np

from models import align
from models.detect import Box, Detector, Face
from models.embed import Embedder
from models.errors import ModelError
from models.landmarks import Landmarker, drawn
from models.liveness import AntiSpoofing

# Other processors round otherwise, in drawing and blurring by one of 256 shades at most: a cosine of 0.9996 with noise as strong on
# the picture, of 0.9986 on the chip. Red and blue exchanged give 0.93, half the brightness 0.96, other weights next to nothing.
LEAST_COSINE = 0.99
LEAST_SCORE = 0.8  # it is found at 0.92
MOST_PX = 6.0  # of 256; with that noise the mesh moves by 4 at most
MESH = {33: (88.4, 113.1), 263: (168.9, 113.2), 1: (129.2, 148.0), 61: (105.0, 174.2), 291: (152.2, 174.3)}  # eyes, nose, mouth
LEAST_EXPRESSION = 0.05  # of 1: the strongest coefficient; which one it is hangs on single shades here, and so does what is live
# Thousandths of the vector of length 1
VECTOR = (
    *(33, -55, 113, -1, 82, 75, 120, -22, -3, 37, 64, 208, 114, -107, 65, -91, -39, -68, -70, 74, -61, -40, 58, -72, -190, 110),
    *(4, -62, -131, 131, 49, -174, 31, 96, 44, 36, 152, 93, 43, 43, 84, 159, 131, 84, -25, -150, -48, -1, 76, 12, 120, 81, -104),
    *(45, 39, 4, -43, -15, -219, -47, -10, 209, -36, -6, 76, -15, -123, -44, 27, -126, -20, -48, 125, 68, -41, -107, -34, -51),
    *(-212, -60, 167, 5, -1, -100, 87, -10, -5, -28, 32, -68, 53, 153, 64, 58, 38, -29, -17, 8, 30, -107, -23, 63, -39, -21, -40),
    *(-12, 41, 24, 33, -229, 160, -152, -91, -19, 2, -1, -108, -103, -127, 97, -80, -55, 73, -24, 156, -37, -92, -63),
)


class Models(Protocol):
    """What looks at a face; device.sight has all of it."""

    @property
    def photographs(self) -> Detector: ...
    @property
    def embedder(self) -> Embedder: ...
    @property
    def landmarker(self) -> Landmarker: ...
    @property
    def antispoofing(self) -> AntiSpoofing | None: ...


def compare(models: Models) -> None:
    """Raises ModelError, which says what is wrong, at the first answer that is another one. A fraction of a second."""
    for wrong in _wrong(models):
        raise ModelError(f"{wrong}; this software and these weights do not belong together")


def _wrong(models: Models) -> Iterator[str]:
    picture, face = drawn.picture(), drawn.face()
    found = models.photographs.faces(picture)  # not at the camera's size, which is a setting: a small one is right by more pixels
    if len(found) != 1 or found[0].score < LEAST_SCORE or _apart(found[0], face) > MOST_PX:
        yield "the detector does not find the drawn face where it is"
    expected = np.asarray(VECTOR, dtype=np.float64)
    cosine = float(models.embedder.embed(align.chip(picture, face.landmarks)) @ expected / np.linalg.norm(expected))
    if not cosine >= LEAST_COSINE:
        yield f"the embedder gives another vector for the drawn face (cosine {cosine:.2f}): it would know nobody again"
    mesh = models.landmarker.find(picture, face)
    if mesh is None or any(not hypot(*(mesh.points[one, :2] - place)) <= MOST_PX for one, place in MESH.items()):
        yield "the mesh does not lie on the drawn face"
    elif not LEAST_EXPRESSION <= float(mesh.blendshapes[1:].max()) <= 1:  # the first is the neutral face's
        yield "the mesh reads no expression in the drawn face"
    if models.antispoofing is not None and not 0 <= models.antispoofing.live(picture, face.box) <= 1:
        yield "the models of liveness give no number for the drawn face"


def _apart(one: Face, other: Face) -> float:
    """The longest way between the sides of two boxes, pixels."""
    return max(abs(a - b) for a, b in zip(_sides(one.box), _sides(other.box), strict=True))


def _sides(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.x + box.width, box.y + box.height

"""From a picture to a template's numbers, or to a refusal that says what to do. A picture is looked at once and kept nowhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device import pictures
from device.errors import DeviceError
from device.sight import Sight
from models import align, quality
from models.detect import Face
from models.quality import Reason

MIN_FACE_PX = 80  # height; SFace looks at 112x112, and below this it would mostly see interpolation
MOST_PHOTOGRAPHS = 10  # of one person at once

# A template serves for years: it has to be closer and sharper than a passing look, but a portrait may fill its picture.
LIMITS = quality.Limits(least_height_px=MIN_FACE_PX, most_height=2.0, least_margin=-0.1, most_turn=0.3)
REMEDIES = {
    Reason.TOO_FAR: "the face is too small; use a larger or closer one",
    Reason.TOO_NEAR: "the face is larger than the picture; use one with some room around the face",
    Reason.OUTSIDE: "the face is cut off by the picture's edge; use one that shows it whole",
    Reason.TOO_DARK: "the face is too dark; use one in better light",
    Reason.TOO_BRIGHT: "the face is too bright; use one without glare",
    Reason.TURNED_AWAY: "the face is turned away; use one from the front",
    Reason.BLURRED: "the face is blurred; use a sharper one",
    Reason.TILTED: "the head is tilted; use one in which it is upright",
    Reason.EYES_COVERED: "the eyes are covered; use one without dark glasses, and nothing before the face",
    Reason.MOUTH_COVERED: "the mouth is covered; use one without a mask or hand before the face",
}


class EnrolmentRefused(DeviceError):
    """No template was made; the message says why and what to do."""


def vector_of(sight: Sight, photograph: bytes) -> NDArray[np.float32]:
    """The numbers of the one face in a photograph (JPEG or PNG). Raises EnrolmentRefused."""
    try:
        pixels = pictures.decode(photograph)
    except pictures.PictureError as error:
        raise EnrolmentRefused(f"the photograph cannot be used: {error}") from error
    face = only_face(sight.faces_in_photograph(pixels))
    chip = align.chip(pixels, face.landmarks)
    shortfalls = quality.assess(pixels, face, chip, LIMITS)
    if not shortfalls and (mesh := sight.landmarker.find(pixels, face)) is not None:
        shortfalls = quality.assess_mesh(pixels, mesh, LIMITS)
    if shortfalls:
        raise EnrolmentRefused(f"the photograph cannot be used: {REMEDIES[shortfalls[0].reason]}")
    return sight.embedder.embed(chip)


def vectors_of(sight: Sight, photographs: tuple[bytes, ...]) -> tuple[NDArray[np.float32], ...]:
    """Of several photographs of one person, all of them good and all of the same face. Raises EnrolmentRefused."""
    if not 1 <= len(photographs) <= MOST_PHOTOGRAPHS:
        raise EnrolmentRefused(f"a person is enrolled from 1 to {MOST_PHOTOGRAPHS} photographs, not {len(photographs)}")
    found = []
    for number, photograph in enumerate(photographs, start=1):
        try:
            found.append(vector_of(sight, photograph))
        except EnrolmentRefused as error:
            raise EnrolmentRefused(str(error) if len(photographs) == 1 else f"photograph {number}: {error}") from error
        if float(found[0] @ found[-1]) < sight.one_to_one:
            raise EnrolmentRefused(f"photograph {number} does not show the face of the first; check whose they are")
    return tuple(found)


def only_face(faces: tuple[Face, ...]) -> Face:
    """The face of a photograph that shows one person. Raises EnrolmentRefused."""
    if not faces:
        raise EnrolmentRefused("no face found in the photograph; use one that shows the face from the front, well lit")
    if len(faces) > 1 and faces[1].box.height > faces[0].box.height / 2:
        raise EnrolmentRefused(f"{len(faces)} faces in the photograph; use one that shows only this person")
    if faces[0].box.height < MIN_FACE_PX:
        raise EnrolmentRefused(
            f"the face is {faces[0].box.height:.0f} pixels tall, {MIN_FACE_PX} are needed; use a larger or closer photograph"
        )
    return faces[0]

"""From a picture to a template's numbers, or to a refusal that says what to do. A picture is looked at once and kept nowhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device import pictures
from device.errors import DeviceError
from device.sentences import say
from device.sight import Sight
from models import align, quality
from models.detect import Face

MIN_FACE_PX = 80  # height; SFace looks at 112x112, and below this it would mostly see interpolation
MOST_PHOTOGRAPHS = 10  # of one person at once

# A template serves for years: it has to be closer and sharper than a passing look, but a portrait may fill its picture.
LIMITS = quality.Limits(least_height_px=MIN_FACE_PX, most_height=2.0, least_margin=-0.1, most_turn=0.3)


class EnrolmentRefused(DeviceError):
    """No template was made; the message says why and what to do."""


def vector_of(sight: Sight, photograph: bytes) -> NDArray[np.float32]:
    """The numbers of the one face in a photograph (JPEG or PNG). Raises EnrolmentRefused."""
    try:
        pixels = pictures.decode(photograph)
    except pictures.PictureError as error:
        raise EnrolmentRefused(say("enrol.unreadable", why=error)) from error
    face = only_face(sight.faces_in_photograph(pixels))
    chip = align.chip(pixels, face.landmarks)
    shortfalls = quality.assess(pixels, face, chip, LIMITS)
    if not shortfalls and (mesh := sight.landmarker.find(pixels, face)) is not None:
        shortfalls = quality.assess_mesh(pixels, mesh, LIMITS)
    if shortfalls:
        raise EnrolmentRefused(say(f"enrol.{shortfalls[0].reason}"))
    return sight.embedder.embed(chip)


def vectors_of(sight: Sight, photographs: tuple[bytes, ...]) -> tuple[NDArray[np.float32], ...]:
    """Of several photographs of one person, all of them good and all of the same face. Raises EnrolmentRefused."""
    if not 1 <= len(photographs) <= MOST_PHOTOGRAPHS:
        raise EnrolmentRefused(say("enrol.how_many", most=MOST_PHOTOGRAPHS, count=len(photographs)))
    found = []
    for number, photograph in enumerate(photographs, start=1):
        try:
            found.append(vector_of(sight, photograph))
        except EnrolmentRefused as error:
            raise EnrolmentRefused(
                str(error) if len(photographs) == 1 else say("enrol.one_of", number=number, why=error)
            ) from error
        if float(found[0] @ found[-1]) < sight.one_to_one:
            raise EnrolmentRefused(say("enrol.other_face", number=number))
    return tuple(found)


def only_face(faces: tuple[Face, ...]) -> Face:
    """The face of a photograph that shows one person. Raises EnrolmentRefused."""
    if not faces:
        raise EnrolmentRefused(say("enrol.no_face"))
    if len(faces) > 1 and faces[1].box.height > faces[0].box.height / 2:
        raise EnrolmentRefused(say("enrol.faces", count=len(faces)))
    if faces[0].box.height < MIN_FACE_PX:
        raise EnrolmentRefused(say("enrol.small", height=round(faces[0].box.height), needed=MIN_FACE_PX))
    return faces[0]

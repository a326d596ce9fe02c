"""From labelled photographs to vectors: every picture is looked at once, and one that gives none is counted with its reason.

Keeps vectors and counts, never a picture. The order of the pictures is that of the set.
"""

from __future__ import annotations

import enum
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models import align
from models.arrays import Pixels, Vector
from models.detect import Detector, Face
from models.embed import Embedder
from models.errors import BadInput
from models.evaluation.labelled import LabelledSet, Numbers

Read = Callable[[Path], Pixels | None]  # None: this file gives no picture
Progress = Callable[[int, int], None]  # pictures done, pictures in all


class Which(enum.StrEnum):
    """Whose face counts where a photograph shows several."""

    CENTRAL = "central"  # sets such as LFW are cut so that the named person is in the middle
    NEAREST = "nearest"  # the tallest, as at a kiosk
    ONLY = "only"  # nobody's: such a photograph is a failure to acquire


class Failure(enum.StrEnum):
    """Why a photograph gave no vector."""

    UNREADABLE = "unreadable"
    NO_FACE = "no face found"
    SEVERAL_FACES = "several faces"
    NOT_ALIGNED = "face not aligned"


@dataclass(frozen=True, slots=True)
class Instruments:
    """What looks at the photographs; `which` decides where there are several faces."""

    read: Read
    detector: Detector
    embedder: Embedder
    which: Which = Which.CENTRAL


@dataclass(frozen=True, slots=True, eq=False)
class Acquired:
    """`vectors` (n, 128) unit rows; `pictures` (n,) their numbers in the set; `persons` (n,) numbers of their people, ascending.

    `failures`: the reason for each picture without a vector, by its number. `several`: pictures with more than one face;
    `not_nearest`: those among them in which the face taken was not the tallest. `digest`: SHA-256 over the files, grouped by
    person and free of names, so that the same data can be recognised again.
    """

    vectors: NDArray[np.float32]
    pictures: Numbers
    persons: Numbers
    failures: dict[int, Failure]
    several: int
    not_nearest: int
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    vector: Vector | None
    failure: Failure | None
    faces: int = 0
    nearest: bool = True


def acquire(labelled: LabelledSet, instruments: Instruments, progress: Progress = lambda done, total: None) -> Acquired:
    """Looks at every picture of the set. Raises ModelError where a model fails; a bad picture is a counted failure."""
    looks: list[_Look] = []
    digests: list[list[bytes]] = [[] for _ in labelled.persons]
    for picture in labelled.pictures:
        digests[picture.person].append(_file_digest(picture.path))
        looks.append(_look(picture.path, instruments))
        progress(len(looks), len(labelled.pictures))
    found = [number for number, look in enumerate(looks) if look.vector is not None]
    vectors = [look.vector for look in looks if look.vector is not None]
    return Acquired(
        np.stack(vectors) if vectors else np.zeros((0, 128), dtype=np.float32),
        np.array(found, dtype=np.int32),
        np.array([labelled.pictures[number].person for number in found], dtype=np.int32),
        {number: look.failure for number, look in enumerate(looks) if look.failure is not None},
        sum(look.faces > 1 for look in looks),
        sum(not look.nearest for look in looks),
        _set_digest(digests),
    )


def counted(failures: dict[int, Failure]) -> dict[Failure, int]:
    """How often each reason occurred, every reason named."""
    counts = Counter(failures.values())
    return {reason: counts[reason] for reason in Failure}


def chosen(faces: tuple[Face, ...], shape: tuple[int, ...], which: Which) -> Face | None:
    """The face that counts among `faces`, tallest first, in a picture of `shape` (height, width, ...); None if none may."""
    if len(faces) == 1 or which is Which.NEAREST:
        return faces[0]
    if which is Which.ONLY:
        return None
    return min(faces, key=lambda face: _off_centre(face, shape))


def _off_centre(face: Face, shape: tuple[int, ...]) -> float:
    """Squared distance of the box's middle from the picture's, pixels."""
    across = face.box.x + face.box.width / 2 - shape[1] / 2
    down = face.box.y + face.box.height / 2 - shape[0] / 2
    return across**2 + down**2


def _look(path: Path, instruments: Instruments) -> _Look:
    pixels = instruments.read(path)
    if pixels is None:
        return _Look(None, Failure.UNREADABLE)
    faces = instruments.detector.faces(pixels)
    if not faces:
        return _Look(None, Failure.NO_FACE)
    face = chosen(faces, pixels.shape, instruments.which)
    if face is None:
        return _Look(None, Failure.SEVERAL_FACES, len(faces))
    try:
        chip = align.chip(pixels, face.landmarks)
    except BadInput:
        return _Look(None, Failure.NOT_ALIGNED, len(faces))
    return _Look(instruments.embedder.embed(chip), None, len(faces), face is faces[0])


def _file_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return b"unreadable"  # the picture itself is counted as such


def _set_digest(digests: list[list[bytes]]) -> str:
    by_person = sorted(hashlib.sha256(b"".join(sorted(files))).digest() for files in digests if files)
    return hashlib.sha256(b"".join(by_person)).hexdigest()

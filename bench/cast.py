"""Who walks up in a measurement: people with a photograph to be enrolled from and others to come with, and strangers.

From the samples of the manifest, or from a folder of labelled photographs (`--faces`), one folder a person.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device import pictures, walkups
from device.sight import Sight

SAMPLES = {  # who comes with which other photographs; the first is enrolled
    "obama": ("obama.jpg", "obama2.jpg", "obama3.jpg"),
    "person_a": ("person_a_1.jpg", "person_a_2.jpg"),
    "person_b": ("person_b_1.jpg", "person_b_2.jpg"),
}
STRANGERS = ("biden.jpg", "impostor_2.jpg")
LEAST_FACE_PX = 80  # as the desk asks of a photograph


@dataclass(frozen=True, slots=True)
class Photograph:
    """A file, and where in it the face is: x, y, width, height in its pixels."""

    path: Path
    face: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with a photograph for the office, and those they are seen with."""

    name: str
    enrolled: Photograph
    seen: tuple[Photograph, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody who may walk up."""

    members: tuple[Member, ...]
    strangers: tuple[Photograph, ...]


def gathered(weights: Path, faces: Path | None, sight: Sight, most: int = 40) -> Cast:
    """The samples, or up to `most` people of `faces` and as many strangers; photographs without one clear face are left out."""
    if faces is None:
        files = {name: [weights / file for file in names] for name, names in SAMPLES.items()}
        strangers = [weights / file for file in STRANGERS]
    else:
        folders = [sorted(folder.glob("*.jp*g")) for folder in sorted(faces.iterdir()) if folder.is_dir()]
        files = {found[0].parent.name: found for found in folders if len(found) > 1}
        strangers = [found[0] for found in folders if len(found) == 1]
    members = itertools.islice(_members(files, sight), most)
    found = itertools.islice((one for path in strangers if (one := usable(path, sight))), most)
    return Cast(tuple(members), tuple(found))


def _members(files: dict[str, list[Path]], sight: Sight) -> Iterator[Member]:
    for name, paths in files.items():
        found = [photograph for path in paths if (photograph := usable(path, sight))]
        if len(found) > 1:
            yield Member(name, found[0], tuple(found[1:]))


def usable(path: Path, sight: Sight) -> Photograph | None:
    """The photograph with its one face, or none where it shows several, or a small one."""
    faces = sight.faces_in_photograph(pictures.read(path))
    if not faces or faces[0].box.height < LEAST_FACE_PX or (len(faces) > 1 and faces[1].box.height > faces[0].box.height / 2):
        return None
    box = faces[0].box
    return Photograph(path, (box.x, box.y, box.width, box.height))


def person(photograph: Photograph, approach: tuple[float, float], across: float = 0.5, **more: Any) -> walkups.Person:
    """Somebody who comes straight on, `across` of the frame's width; `approach`: height of the face, parts of the frame's."""
    return walkups.Person(
        photograph=photograph.path, face=photograph.face, approach=approach, path=((across, 0.45), (across, 0.5)), **more
    )

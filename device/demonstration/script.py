"""Who walks up in the demonstration, in which order, how, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device import pictures, walkups
from device.sight import Sight

MIN_GAP_S = 20  # of the demonstration's policy, so that the whole of it takes less than a minute

ADA, BEA, STRANGER = "1001", "1002", "stranger"  # employee numbers; the photographs show public figures, who are not named here


@dataclass(frozen=True, slots=True)
class Employee:
    """Somebody who agrees and is enrolled from one photograph that no walk-up uses."""

    number: str
    name: str
    language: str
    photograph: str


EMPLOYEES = (
    Employee(ADA, "Employee 1001", "en", "obama.jpg"),
    Employee(BEA, "Employee 1002", "zh-CN", "person_b_1.jpg"),
)


@dataclass(frozen=True, slots=True)
class Role:
    """One person in one walk-up; sizes and places are fractions of the frame, light is a gain."""

    photograph: str
    approach: tuple[float, float] = (0.12, 0.5)
    path: tuple[tuple[float, float], tuple[float, float]] = ((0.5, 0.45), (0.5, 0.5))
    light: tuple[float, float] = (1.0, 1.0)
    blur_frames: float = 0.0
    medium: walkups.Medium = walkups.Medium.LIVE


@dataclass(frozen=True, slots=True)
class Scene:
    """One walk-up and its right outcome: `person` an employee number, or the stranger; `rests` waits for the repeat gap first."""

    title: str
    roles: tuple[Role, ...]
    person: str
    outcome: str
    why: str = ""
    direction: str = ""
    rests: bool = False
    seconds: float = 4.0


SCENES = (
    Scene("1001 walks up", (Role("obama2.jpg"),), ADA, "punched", direction="in"),
    Scene("1001 once more, at once", (Role("obama3.jpg"),), ADA, "refused", why="too_soon"),
    Scene(
        "1002 from the dark, left",
        (Role("person_b_2.jpg", path=((0.25, 0.45), (0.42, 0.5)), light=(0.45, 1.0)),),
        BEA,
        "punched",
        direction="in",
    ),
    Scene("a stranger", (Role("impostor_2.jpg"),), STRANGER, "refused", why="stranger", seconds=5.0),
    Scene(
        "a screen that shows 1001",
        (Role("obama2.jpg", approach=(0.12, 0.42), medium=walkups.Medium.SCREEN),),
        ADA,
        "refused",
        why="liveness_failed",
    ),
    Scene(
        "1001, some frames blurred",
        (Role("impostor_1.jpg", path=((0.7, 0.5), (0.55, 0.5)), blur_frames=0.33),),
        ADA,
        "punched",
        direction="out",
        rests=True,
    ),
    Scene(
        "1002, with 1001 behind",
        (
            Role("person_b_2.jpg", path=((0.35, 0.5), (0.35, 0.5))),
            Role("obama3.jpg", approach=(0.1, 0.22), path=((0.82, 0.4), (0.8, 0.4))),
        ),
        BEA,
        "punched",
        direction="out",
        rests=True,
    ),
)


def walk_up(scene: Scene, samples: Path, sight: Sight, seed: int) -> walkups.WalkUp:
    """The scene as the stage plays it; each photograph's face is found first, so that it can be placed in the frame."""
    people = tuple(_person(role, samples, sight) for role in scene.roles)
    return walkups.WalkUp(seconds=scene.seconds, seed=seed, person=people)


def _person(role: Role, samples: Path, sight: Sight) -> walkups.Person:
    path = samples / role.photograph
    return walkups.Person(
        photograph=path,
        face=_face_box(pictures.read(path), sight),
        approach=role.approach,
        path=role.path,
        light=role.light,
        blur_frames=role.blur_frames,
        medium=role.medium,
    )


def _face_box(pixels: NDArray[np.uint8], sight: Sight) -> tuple[float, float, float, float]:
    box = sight.faces_in_photograph(pixels)[0].box
    return (box.x, box.y, box.width, box.height)

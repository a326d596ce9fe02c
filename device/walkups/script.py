"""What a walk-up is, and its file: a few lines of TOML.

Promises that a walk-up that can be read can be rendered, but for its photographs. Its complaints name keys,
never paths.
"""

from __future__ import annotations

import enum
import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any

import pydantic
from pydantic import Field
from pydantic.dataclasses import dataclass

FACE_HEIGHT = Field(ge=0.02, le=1.5)
POSITION = Field(ge=-1.0, le=2.0)
GAIN = Field(ge=0.05, le=4.0)

Scale = Annotated[float, FACE_HEIGHT]
Point = tuple[Annotated[float, POSITION], Annotated[float, POSITION]]
Light = Annotated[float, GAIN]
Corner = Annotated[float, Field(ge=0, le=100_000)]
Side = Annotated[float, Field(ge=8, le=100_000)]

STRICT = pydantic.ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class WalkUpRefused(Exception):
    """This walk-up cannot be played.

    The text says which key and why, and holds no path: somebody has to write the file anew.
    """


class Medium(enum.StrEnum):
    """What stands before the camera: the person, or a picture of them that somebody holds up."""

    LIVE = "live"
    PRINT = "print"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True, config=STRICT)
class Person:
    """One person. Positions and sizes are fractions of the frame's width or height unless said otherwise."""

    photograph: Path
    """Absolute path of a JPEG or PNG."""
    face: tuple[Corner, Corner, Side, Side]
    """Where the face is in that photograph, upright as its EXIF says: x, y, width, height in its pixels."""
    approach: tuple[Scale, Scale] = (0.10, 0.45)
    """Height of the face, first and last, as a fraction of the frame's height."""
    path: tuple[Point, Point] = ((0.5, 0.45), (0.5, 0.5))
    """Centre of the face, first and last: (x of the frame's width, y of its height)."""
    light: tuple[Light, Light] = (1.0, 1.0)
    """Gain on the person's pixel values, first and last."""
    blur_frames: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Fraction of the frames in which this person is blurred by motion."""
    roll_deg: Annotated[float, Field(ge=-45, le=45)] = 0.0
    """How far the head is tilted, clockwise."""
    mirrored: bool = False
    """Left and right exchanged."""
    medium: Annotated[Medium, Field(strict=False)] = Medium.LIVE
    """`live`; `print` or `screen`: a picture of this person is held up instead."""

    @pydantic.field_validator("photograph")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        if not path.is_absolute():
            raise ValueError("write an absolute path")
        return path


@dataclass(frozen=True, slots=True, config=STRICT)
class WalkUp:
    """People who walk up together for `seconds`; `seed` decides noise, sway and which frames are blurred."""

    seconds: Annotated[float, Field(ge=0.5, le=120)]
    seed: Annotated[int, Field(ge=0, le=2**53 - 1)]
    person: Annotated[tuple[Person, ...], Field(min_length=1, max_length=12)]


_READER: pydantic.TypeAdapter[WalkUp] = pydantic.TypeAdapter(WalkUp)


def write(walkup: WalkUp, path: Path) -> None:
    """Put `walkup` at `path` in one step, so that no camera sees half a file."""
    head = f"seconds = {walkup.seconds}\nseed = {walkup.seed}\n"
    unfinished = path.with_name(f".{path.name}.unfinished")
    persons = "".join(_person_as_toml(person) for person in walkup.person)
    unfinished.write_text(head + persons, encoding="utf-8")
    os.replace(unfinished, path)


def read(path: Path) -> WalkUp:
    """The walk-up in the TOML file at `path`. Raises WalkUpRefused."""
    try:
        if path.stat().st_size > 65_536:
            raise WalkUpRefused("it is larger than 64 kB")
        return from_table(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise WalkUpRefused(f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WalkUpRefused("it is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise WalkUpRefused(f"it is not TOML: {error}") from error


def from_table(table: dict[str, Any]) -> WalkUp:
    """The walk-up in a parsed TOML table. Raises WalkUpRefused with the key that is wrong."""
    try:
        # By way of JSON, because pydantic is then strict about numbers and texts and still lets lists be
        # tuples and texts be paths.
        return _READER.validate_json(json.dumps(table, default=str))
    except pydantic.ValidationError as error:
        complaints = (_complaint(one) for one in error.errors(include_input=False)[:3])
        raise WalkUpRefused("; ".join(complaints)) from error


def _person_as_toml(person: Person) -> str:
    values = {
        "photograph": json.dumps(str(person.photograph), ensure_ascii=False),
        "face": list(person.face),
        "approach": list(person.approach),
        "path": [list(point) for point in person.path],
        "light": list(person.light),
        "blur_frames": person.blur_frames,
        "roll_deg": person.roll_deg,
        "mirrored": str(person.mirrored).lower(),
        "medium": json.dumps(str(person.medium)),
    }
    return "\n[[person]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items())


def _complaint(error: Any) -> str:
    """`'person 2 approach': ...`, without the value, which may be a path."""
    where = [str(part + 1) if isinstance(part, int) else str(part)[:40] for part in error["loc"]]
    return f"{' '.join(where)!r}: {error['msg']}"

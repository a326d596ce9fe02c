"""What one kiosk of a site tells another, as it lies in the file: who, under which consent, with which templates, and who ended.

A field may be added with a default, and none repurposed: the kiosks of a site are not all updated on one day.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.people import Agreement, PeopleError

FORMAT = "daka-site-1"
MOST_BYTES = 64 * 2**20
DIMENSIONS = 128


class SiteRefused(PeopleError):
    """A package that is not taken at all; nothing of it was."""


@dataclass(frozen=True, slots=True)
class PackedTemplate:
    """One template on its way, `vector` base64 of 128 little-endian float32."""

    embedder: str
    vector: str
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class PackedPerson:
    """A person with the consent that lets the templates travel; none, where the face was removed: those sent before go as well.

    `also`: under which ids the enterprise's roster knows whom the sender had under another one before.
    """

    person: str
    number: str
    name: str
    language: str
    group: str
    expires_at: str
    agreement: Agreement
    given_at: datetime
    templates: tuple[PackedTemplate, ...]
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """A consent that was taken back, or a person who was erased."""

    person: str
    act: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Package:
    """What one kiosk tells another; `look_alikes` are pairs of its people, by id, of whom neither is clocked in by a face alone."""

    people: tuple[PackedPerson, ...]
    ended: tuple[Ended, ...]
    look_alikes: tuple[tuple[str, str], ...] = ()


def envelope(text: str) -> dict[str, Any]:
    """The file's fields, all of them text; SiteRefused for anything else."""
    if len(text) > MOST_BYTES:
        raise SiteRefused(f"the file is larger than {MOST_BYTES // 2**20} MB; it is no package of a kiosk")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SiteRefused("the file is no package of a kiosk") from error
    names = {"format", "from", "to", "made_at", "sealed", "sig"}
    if not isinstance(body, dict) or set(body) != names or not all(isinstance(value, str) for value in body.values()):
        raise SiteRefused("the file is no package of a kiosk")
    if body["format"] != FORMAT:
        raise SiteRefused(f"the package is of another format than {FORMAT}; bring both kiosks to the same version")
    return body


def info(head: dict[str, Any]) -> bytes:
    """What the seal is bound to: a package for one kiosk, from one, at one time."""
    return "\0".join((FORMAT, head["from"], head["to"], head["made_at"])).encode("utf-8")


def vector(text: str) -> NDArray[np.float32]:
    """A template as it travelled: a unit vector, or PeopleError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PeopleError("a template is damaged") from error
    found = np.frombuffer(raw, dtype="<f4").astype(np.float32) if len(raw) == DIMENSIONS * 4 else np.zeros(0, np.float32)
    if len(found) != DIMENSIONS or not np.isfinite(found).all() or abs(float(np.linalg.norm(found)) - 1) > 1e-3:
        raise PeopleError("a template is damaged")
    return found

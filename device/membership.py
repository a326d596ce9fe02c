"""The enterprise that this kiosk has joined: one file of the kiosk daemon's that the uplink reads as well. Nothing in it is secret.

The file is replaced whole: there is the old membership or the new one, never half of one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from device import durable, messages
from device.errors import DeviceError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Kind = TypeVar("Kind", bound="DataclassInstance")

KINDS = {"key_set": dict, "port": int}  # every other field is a text
REMEDY = "a backup is restored with its keys, or it is joined again: daka join --replace, which destroys every template first"
READABLE = 0o644  # by the uplink's user
UNKNOWN = "unknown"
IDENTITY, CA = "uplink/identity.pem", "uplink/ca.pem"  # in the uplink's own state folder


class TrustError(DeviceError):
    """What is kept about the enterprise cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Membership:
    """The enterprise's root, its newest key set as signed, where to renew certificates and where the broker is.

    `ca` and `certificate` are PEM: the authority's certificate, and the one that it gave this kiosk when it joined.
    """

    root: str
    key_set: dict[str, Any]
    server: str
    joined_at: str
    host: str = ""
    port: int = 0
    ca: str = ""
    certificate: str = ""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Whom the uplink has to reach: the broker, and whoever renews certificates."""
        named = (self.host, host_of(self.server))
        return tuple(dict.fromkeys(host for host in named if host))


def host_of(url: str) -> str:
    """The host in an address, "" where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def made(kind: type[Kind], found: Any) -> Kind:
    """A dataclass from what is kept; fields that a newer version wrote are passed over, or no version could be gone back from."""
    return kind(**{field.name: found[field.name] for field in fields(kind) if field.name in found})


def read(path: Path) -> Membership | None:
    """The membership kept at `path`, or None; TrustError if the file is damaged: guessing whom to believe is no option."""
    try:
        found = made(Membership, json.loads(path.read_text(encoding="utf-8")))
        if any(type(value) is not KINDS.get(name, str) for name, value in asdict(found).items()):
            raise ValueError("a field of another kind")
        return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrustError(f"{path} cannot be read ({type(error).__name__}): nobody is believed until {REMEDY}") from error


def readable(path: Path) -> Membership | None:
    """As `read`, and None for a damaged file as well: for whoever has work that goes on without."""
    try:
        return read(path)
    except TrustError:
        return None


def whose(path: Path) -> tuple[str, str]:
    """The root of the enterprise that was joined, and when; "" for none, UNKNOWN where the file is damaged: somebody's kiosk."""
    try:
        member = read(path)
    except TrustError:
        return UNKNOWN, ""
    return (member.root, member.joined_at) if member else ("", "")


def write(path: Path, member: Membership) -> None:
    """Whole or not at all, durable when this returns; NotKept where the disk does not take it."""
    durable.keep(path, messages.canonical(asdict(member)), READABLE)


def settings(path: Path) -> dict[str, Any]:
    """What the membership says of the uplink, for settings that no file decides: name and value; nothing where none can be read."""
    member = readable(path)
    if member is None or not member.host:
        return {}
    return {
        "uplink.enabled": True,
        "uplink.host": member.host,
        "uplink.port": member.port,
        "uplink.ca": CA,
        "uplink.certificate": IDENTITY,
        "uplink.key": IDENTITY,
        "uplink.renew_url": member.server,
    }

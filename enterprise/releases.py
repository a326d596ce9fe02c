"""Releases: signed by the `update` key with TUF's Targets metadata, laid out by channel for kiosks."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.exceptions import LengthOrHashMismatchError, RepositoryError
from tuf.api.metadata import Metadata, Root, TargetFile, Targets

from enterprise import update_roots
from enterprise.errors import EnterpriseError

SUFFIX = ".targets.json"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.tar")
CHANNEL = re.compile(r"[a-z0-9-]{1,32}")


class ReleaseError(EnterpriseError):
    """The archive cannot be signed as a release; the message says why."""


def sign(
    archive: Path, key: Ed25519PrivateKey, now: datetime, days: int, floor: str = "", roots: Sequence[Metadata[Root]] = ()
) -> Path:
    """The metadata's path; `days` until kiosks with a trusted clock take the release no more.

    Once it holds on a kiosk, nothing older than `floor` runs there any more, not even by going back. `roots` travel beside the
    signature, outside of what it covers: each speaks for itself, and takes a kiosk that has missed some from its own to the newest.
    """
    if not update_roots.may_sign(roots, key.public_key()):
        raise ReleaseError("the newest root names another update key; sign one for this key: daka-enterprise keys update-root")
    version, python, arch = _described(archive)
    if floor and _number(floor) > _number(version):
        raise ReleaseError(f"{version} is older than {floor}: once it held, it could not run; name an older floor")
    file = TargetFile.from_file(archive.name, str(archive))
    file.unrecognized_fields["custom"] = {"version": version, "python": python, "arch": arch} | ({"floor": floor} if floor else {})
    targets = Targets(version=1, expires=(now + timedelta(days=days)).replace(microsecond=0), targets={archive.name: file})
    signed = Metadata(targets, unrecognized_fields={"roots": [one.to_dict() for one in roots]} if roots else {})
    signed.sign(CryptoSigner(key))
    written = archive.with_name(archive.name + SUFFIX)
    written.write_bytes(signed.to_bytes())
    return written


@dataclass(frozen=True, slots=True)
class Offer:
    """A release as kiosks hear of it in answer to an upgrade check."""

    version: str
    python: str
    arch: str
    channel: str
    archive: str
    length: int
    sha256: str


def offer(archive: Path, key: Ed25519PublicKey, folder: Path, channel: str, now: datetime) -> Offer:
    """Lay a signed release where the join service gives it out; ReleaseError for one that kiosks would refuse."""
    if not NAME.fullmatch(archive.name):
        raise ReleaseError(f"{archive.name} is no name for a release; it ends with .tar and has letters, digits, dots and hyphens")
    metadata = archive.with_name(archive.name + SUFFIX)
    found = _offer(metadata, channel, key)
    if (ended := _ended_at(metadata)) <= now:
        raise ReleaseError(f"its signature ended on {ended.date()}; sign it again: daka-enterprise release {archive.name}")
    try:
        with archive.open("rb") as opened:
            Metadata[Targets].from_bytes(metadata.read_bytes()).signed.targets[archive.name].verify_length_and_hashes(opened)
    except (OSError, RepositoryError, LengthOrHashMismatchError) as error:
        raise ReleaseError(f"{archive} is not what was signed; sign it again: daka-enterprise release {archive.name}") from error
    place = folder / channel
    place.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(archive, place / f".{archive.name}.new")
    (place / f".{archive.name}.new").replace(place / archive.name)
    shutil.copyfile(metadata, place / metadata.name)  # last: what has a signature is offered
    return found


def withdraw(folder: Path, channel: str, name: str) -> None:
    """Offer it no more; kiosks that run it go on."""
    place = folder / channel / name
    if not NAME.fullmatch(name) or not place.exists():
        raise ReleaseError(f"{name} is not offered in {channel}; see: daka-enterprise offer --to {folder}")
    place.with_name(name + SUFFIX).unlink(missing_ok=True)
    place.unlink()


def offered(folder: Path, now: datetime) -> tuple[Offer, ...]:
    """Everything that is offered, by channel and name. What cannot be read or is signed no more is left out: no kiosk takes it."""
    return tuple(one for one, ends_at in laid_out(folder) if ends_at > now)


def laid_out(folder: Path) -> list[tuple[Offer, datetime]]:
    """What lies in the folder, by channel and name, and when the signature of each ends."""
    found = []
    for metadata in sorted(folder.glob(f"*/*{SUFFIX}")):
        with suppress(ReleaseError):
            found.append((_offer(metadata, metadata.parent.name, None), _ended_at(metadata)))
    return found


def _ended_at(metadata: Path) -> datetime:
    return Metadata[Targets].from_bytes(metadata.read_bytes()).signed.expires.astimezone(UTC)


def _offer(metadata: Path, channel: str, key: Ed25519PublicKey | None) -> Offer:
    """What the metadata says of its archive; with `key`, only if that has signed it."""
    name = metadata.name.removesuffix(SUFFIX)
    try:
        read = Metadata[Targets].from_bytes(metadata.read_bytes())
        if key is not None:
            signer = SSlibKey.from_crypto(key)
            signer.verify_signature(read.signatures[signer.keyid], read.signed_bytes)
        file = read.signed.targets[name]
        said = file.unrecognized_fields["custom"]
        return Offer(said["version"], said["python"], said["arch"], channel, name, file.length, file.hashes["sha256"])
    except (OSError, KeyError, ValueError, RepositoryError, VerificationError, UnverifiedSignatureError) as error:
        raise ReleaseError(f"{metadata} does not sign {name} with our update key: daka-enterprise release {name}") from error


def _number(version: str) -> tuple[int, ...]:
    if not all(part.isdecimal() for part in version.split(".")):
        raise ReleaseError(f"{version!r} is no version; a release is named like 1.2.3")
    return tuple(int(part) for part in version.split("."))


def _described(archive: Path) -> tuple[str, str, str]:
    """What the bundle says of itself in VERSION."""
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                if member.name.endswith("/VERSION") and member.name.count("/") == 1 and (file := opened.extractfile(member)):
                    version, python, arch = file.read(200).decode("ascii").split()
                    return version, python, arch
    except (tarfile.TarError, OSError, ValueError) as error:
        raise ReleaseError(f"{archive} is no bundle that can be read ({error}); make one with make bundle") from error
    raise ReleaseError(f"{archive} holds no VERSION; make it with make bundle")

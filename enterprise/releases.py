"""Signing a release: TUF's Targets metadata beside the archive, by the `update` key. Kiosks unpack nothing without it."""

from __future__ import annotations

import tarfile
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, TargetFile, Targets

from enterprise.errors import EnterpriseError

SUFFIX = ".targets.json"


class ReleaseError(EnterpriseError):
    """The archive cannot be signed as a release; the message says why."""


def sign(archive: Path, key: Ed25519PrivateKey, now: datetime, days: int, floor: str = "") -> Path:
    """The metadata's path; `days` until kiosks with a trusted clock take the release no more.

    Once it holds on a kiosk, nothing older than `floor` runs there any more, not even by going back.
    """
    version, python, arch = _described(archive)
    if floor and _number(floor) > _number(version):
        raise ReleaseError(f"{version} is older than {floor}: once it held, it could not run; name an older floor")
    file = TargetFile.from_file(archive.name, str(archive))
    file.unrecognized_fields["custom"] = {"version": version, "python": python, "arch": arch} | ({"floor": floor} if floor else {})
    targets = Targets(version=1, expires=(now + timedelta(days=days)).replace(microsecond=0), targets={archive.name: file})
    signed = Metadata(targets)
    signed.sign(CryptoSigner(key))
    written = archive.with_name(archive.name + SUFFIX)
    written.write_bytes(signed.to_bytes())
    return written


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

"""The uplink's key and certificate: the key is made here, and no other daemon reads it.

A request leaves a key behind under its number; the membership that comes of it says which of them was certified. Every step may be
cut off and made again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from device import durable, membership
from device.membership import Membership
from device.tls_files import JoinRefused, check_certificate, private_pem, signing_request

NUMBER = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the uplink's files lie below its state folder."""

    root: Path

    @property
    def ca(self) -> Path:
        return self.root / membership.CA

    @property
    def identity(self) -> Path:
        """Our certificate with its key in one file."""
        return self.root / membership.IDENTITY

    @property
    def mark(self) -> Path:
        """Which membership the two are of; written last."""
        return self.identity.with_name("identity.of")

    def key(self, number: str) -> Path:
        return self.identity.with_name(f"asked-{number}.key")

    def asked(self) -> list[Path]:
        """Keys that were made for requests, whatever became of those."""
        return sorted(self.identity.parent.glob("asked-*.key"))


def ask(place: Place, number: str, device: str) -> str:
    """The certificate request (PEM) under this number: with a fresh key, or the one that was made for it before."""
    if not NUMBER.fullmatch(number):
        raise JoinRefused("the kiosk daemon names the request in a way that is none")
    path = place.key(number)
    if not path.exists():
        durable.keep(path, private_pem(ec.generate_private_key(ec.SECP256R1())))
    return signing_request(device, _key(path))


def settle(place: Place, member: Membership | None, device: str) -> None:
    """Key and certificate are those of this membership, or gone where there is none; JoinRefused if the key was never made here."""
    if member is None or not member.certificate:
        forget(place)
        return
    mark = hashlib.sha256(member.certificate.encode("ascii")).hexdigest()
    if place.mark.exists() and place.mark.read_text(encoding="ascii") == mark and place.identity.exists():
        return  # perhaps renewed since: then the file is newer than the membership
    key = _certified(place, member.certificate)
    check_certificate(member.certificate, member.ca, device, key)
    durable.keep(place.ca, member.ca.encode("ascii"))
    durable.keep(place.identity, member.certificate.encode("ascii") + private_pem(key))
    durable.keep(place.mark, mark.encode("ascii"))
    for path in place.asked():
        path.unlink()


def forget(place: Place) -> None:
    """Nobody knows this kiosk by a certificate any more; one that was laid here by hand stays, and keys of requests under way."""
    if not place.mark.exists():
        return
    for path in (place.identity, place.ca, place.mark):
        path.unlink(missing_ok=True)


def _certified(place: Place, certificate: str) -> ec.EllipticCurvePrivateKey:
    wanted = x509.load_pem_x509_certificate(certificate.encode("ascii")).public_key()
    for path in place.asked():
        if (key := _key(path)).public_key() == wanted:
            return key
    raise JoinRefused("the key of this kiosk's certificate does not lie here (a restored backup has none); join again: daka join")


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        found = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise JoinRefused(f"{path} cannot be read ({type(error).__name__}); begin again with: daka join INVITATION") from error
    assert isinstance(found, ec.EllipticCurvePrivateKey)
    return found

"""Ed25519 over a purpose, a device, an epoch and a digest: a signature for one thing is never valid for another.

Keys travel as text, `ed25519:` and the base64 of their 32 raw bytes, so that a configuration file can hold one.
"""

from __future__ import annotations

import base64
import binascii
import enum
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.messages.errors import MessageError, SignatureRefused

KEY_PREFIX = "ed25519:"


class Purpose(enum.StrEnum):
    """What a signature is for; part of what is signed."""

    RECORD = "daka/v1/record"
    HELLO = "daka/v1/hello"
    ACKNOWLEDGEMENT = "daka/v1/acknowledgement"
    DESIRED = "daka/v1/desired"
    KEY_SET = "daka/v1/key-set"
    JOIN = "daka/v1/join"
    JOIN_ANSWER = "daka/v1/join-answer"
    RENEWAL = "daka/v1/renewal"
    SITE = "daka/v1/site"  # in place of the epoch: the kiosk that it is for
    PERSON = "daka/v1/person-export"
    UNLOCK = "daka/v1/unlock"  # in place of the epoch: the request's nonce
    UNLOCK_ANSWER = "daka/v1/unlock-answer"  # likewise


def private_key_from_seed(seed: bytes) -> Ed25519PrivateKey:
    """The key whose 32-byte seed this is (RFC 8032 section 5.1.5)."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """The public half as configuration files and people pass it on."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return KEY_PREFIX + base64.b64encode(public.public_bytes_raw()).decode("ascii")


def public_key_from_text(text: str) -> Ed25519PublicKey:
    """The key that `public_key_text` wrote; MessageError says what is wrong with it."""
    if not text.startswith(KEY_PREFIX):
        raise MessageError(f"a public key begins with '{KEY_PREFIX}'; this one does not")
    try:
        return Ed25519PublicKey.from_public_bytes(_decoded(text[len(KEY_PREFIX) :]))
    except (ValueError, binascii.Error) as error:
        raise MessageError("a public key is 'ed25519:' and the base64 of 32 bytes; this one is damaged, copy it again") from error


def sign(key: Ed25519PrivateKey, purpose: Purpose, device: str, epoch: str, digest: bytes) -> str:
    """Base64 of the 64-byte signature; `digest` is 32 raw bytes."""
    return base64.b64encode(key.sign(_signed_bytes(purpose, device, epoch, digest))).decode("ascii")


def verify(key: Ed25519PublicKey, purpose: Purpose, device: str, epoch: str, digest: bytes, signature: str) -> None:
    """Returns if the signature holds; SignatureRefused otherwise, whatever is wrong with it."""
    try:
        key.verify(_decoded(signature), _signed_bytes(purpose, device, epoch, digest))
    except (InvalidSignature, ValueError, binascii.Error) as error:
        raise SignatureRefused(f"the {purpose} signature of {device} in epoch {epoch} does not hold") from error


def verify_any(keys: Iterable[Ed25519PublicKey], purpose: Purpose, device: str, epoch: str, digest: bytes, signature: str) -> None:
    """Returns if the signature holds under one of `keys`, such as the old and the new one while they are being changed."""
    refusal = SignatureRefused(f"no key is known that may make a {purpose} signature for {device}")
    for key in keys:
        try:
            return verify(key, purpose, device, epoch, digest, signature)
        except SignatureRefused as error:
            refusal = error
    raise refusal


def _signed_bytes(purpose: Purpose, device: str, epoch: str, digest: bytes) -> bytes:
    return b"\0".join((purpose.encode("ascii"), device.encode("utf-8"), epoch.encode("utf-8"), digest))


def _decoded(text: str) -> bytes:
    """ValueError unless `text` is the one base64 spelling of its bytes: b64decode ignores the last letter's unused bits."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode("ascii") != text:
        raise ValueError("not the canonical spelling")
    return raw

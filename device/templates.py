"""Templates at rest: AES-256-GCM under a key of that person's own, which the device's wrapping key keeps.

The person's id is part of what is authenticated, so a template cannot be moved to somebody else. A failure to open is an error,
never raw bytes.
"""

from __future__ import annotations

import secrets

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from device.errors import DeviceError
from device.sentences import say

DIMENSIONS = 128
NONCE_BYTES = 12  # NIST SP 800-38D section 8.2; random, and each key seals a handful of messages


class TemplateError(DeviceError):
    """A sealed key or template that does not open: damaged, somebody else's, or under another device key."""


class WrongDeviceKey(TemplateError):
    """None of the persons' keys opens: not damage, but another kiosk's wrapping key."""


class TemplatesLocked(TemplateError):
    """The key that the templates are sealed under is not here yet: the server's share has not come."""


def new_person_key(wrapping_key: bytes, person: str) -> bytes:
    """A fresh AES-256 key of that person's own, wrapped for storage."""
    return _seal(wrapping_key, secrets.token_bytes(32), f"daka/v1/person-key/{person}")


def seal(wrapping_key: bytes, wrapped: bytes, person: str, embedder: str, vector: NDArray[np.float32]) -> bytes:
    """A template, `vector`: (128,) float32 of unit norm, as it may be stored."""
    if vector.shape != (DIMENSIONS,) or vector.dtype != np.float32:
        raise TemplateError(f"a template is ({DIMENSIONS},) float32, not {vector.shape} {vector.dtype}")
    return _seal(_unwrap(wrapping_key, wrapped, person), vector.astype("<f4").tobytes(), _label(person, embedder))


def open_sealed(wrapping_key: bytes, wrapped: bytes, person: str, embedder: str, sealed: bytes) -> NDArray[np.float32]:
    """The template, (128,) float32; TemplateError if person, embedder, device key or any bit differs."""
    plain = _open(_unwrap(wrapping_key, wrapped, person), sealed, _label(person, embedder))
    if len(plain) != DIMENSIONS * 4:
        raise TemplateError("a sealed template has the wrong length")
    return np.frombuffer(plain, dtype="<f4").astype(np.float32)


def unwraps(wrapping_key: bytes, wrapped: bytes, person: str) -> bool:
    """Whether that person's key opens under this device key."""
    try:
        _unwrap(wrapping_key, wrapped, person)
    except TemplateError:
        return False
    return True


def rewrapped(before: bytes, after: bytes, wrapped: bytes, person: str) -> bytes:
    """That person's key under another wrapping key; the templates stay as they are."""
    return _seal(after, _unwrap(before, wrapped, person), f"daka/v1/person-key/{person}")


def _label(person: str, embedder: str) -> str:
    return f"daka/v1/template/{person}/{embedder}"


def _unwrap(wrapping_key: bytes, wrapped: bytes, person: str) -> bytes:
    return _open(wrapping_key, wrapped, f"daka/v1/person-key/{person}")


def _seal(key: bytes, plain: bytes, label: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, label.encode("ascii"))


def _open(key: bytes, sealed: bytes, label: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], label.encode("ascii"))
    except (InvalidTag, ValueError) as error:
        raise TemplateError(say("template.sealed")) from error

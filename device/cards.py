"""A template that its owner carries: sealed by this kiosk, shown as a QR code, and kept by the kiosk nowhere.

The code holds who, until when, and 128 numbers of one byte each, under AES-256-GCM with a key of this kiosk's. Whoever finds a card
learns nothing from it and cannot change it; whoever shows it must have the face. A revoked card opens no more.
"""

from __future__ import annotations

import base64
import secrets
import struct
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from device.errors import DeviceError

DIMENSIONS = 128
PREFIX = "DAKA1:"  # what a camera that reads any QR code tells ours by
PURPOSE = b"daka/v1/card"
NONCE_BYTES = 12
CARD_BYTES = 16
# Card, expiry in seconds since 1970, begin of the embedder's digest, scale of the numbers, length of the person's id
MOST_LETTERS = 1_000
HEAD = struct.Struct(f">{CARD_BYTES}sI8sfB")


class CardRefused(DeviceError):
    """Not a card of this kiosk's, or one that is damaged, too old or revoked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Card:
    """One opened card; `vector` is (128,) float32 of unit norm, `card` its number in hex."""

    card: str
    person: str
    expires_at: datetime
    vector: NDArray[np.float32]


def issue(key: bytes, person: str, embedder: str, vector: NDArray[np.float32], expires_at: datetime) -> tuple[str, str]:
    """The card's number and the text of its QR code. `key`: the device's wrapping key; `embedder`: digest of the weights, hex.

    One byte a number: against the vector itself the cosine stays above 0.9995 (a test measures it on real faces).
    """
    card, scale = secrets.token_bytes(CARD_BYTES), float(np.abs(vector).max()) / 127
    head = HEAD.pack(card, int(expires_at.timestamp()), bytes.fromhex(embedder)[:8], scale, len(person))
    numbers = np.round(vector / scale).astype(np.int8).tobytes()
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = AESGCM(_key(key)).encrypt(nonce, head + person.encode("ascii") + numbers, PURPOSE)
    return card.hex(), PREFIX + base64.b32encode(nonce + sealed).decode("ascii").rstrip("=")


def read(key: bytes, embedder: str, text: str, now: datetime) -> Card:
    """The card in `text`; CardRefused for anything else that a camera or a keyboard may bring."""
    plain = _opened(key, text)
    card, expires, digest, scale, letters = HEAD.unpack(plain[: HEAD.size])
    person, numbers = plain[HEAD.size : HEAD.size + letters], plain[HEAD.size + letters :]
    if len(numbers) != DIMENSIONS:
        raise CardRefused("this card was made by another version; have a new one made")
    if digest != bytes.fromhex(embedder)[:8]:
        raise CardRefused("this card was made for other face weights; have a new one made")
    expires_at = datetime.fromtimestamp(expires, UTC)
    if expires_at <= now:
        raise CardRefused("this card has expired; have a new one made")
    raw = np.frombuffer(numbers, dtype=np.int8).astype(np.float32) * np.float32(scale)
    return Card(card.hex(), person.decode("ascii"), expires_at, np.asarray(raw / np.linalg.norm(raw), dtype=np.float32))


def _opened(key: bytes, text: str) -> bytes:
    strange = CardRefused("this code is no face card of this kiosk; show your card, or use another way")
    if not text.startswith(PREFIX) or len(text) > MOST_LETTERS:
        raise strange
    try:
        sealed = _from_base32(text.removeprefix(PREFIX))
        plain = AESGCM(_key(key)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], PURPOSE)
    except (InvalidTag, ValueError) as error:
        raise strange from error
    if len(plain) < HEAD.size:
        raise strange
    return plain


def _key(key: bytes) -> bytes:
    """A key of its own for cards: nothing else that the device's key wraps can be shown as one."""
    return HKDF(hashes.SHA256(), 32, None, PURPOSE).derive(key)


def _from_base32(text: str) -> bytes:
    """Capitals and digits are what a QR code packs tightly (5.5 bits a letter); the padding is left out. ValueError."""
    return base64.b32decode(text + "=" * (-len(text) % 8))

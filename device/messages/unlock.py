"""The share that unlocks a kiosk's templates: asked for at each start, signed by the kiosk, answered sealed to a key of that start.

Whoever carries it or listens has nothing: the answer opens with the ephemeral key alone, which never leaves the daemon's memory.
Nor can they make one: anybody can seal to that key, so the server signs what it has sealed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.messages import desired, jcs, signing
from device.messages.errors import MessageError, SchemaRefused, SignatureRefused
from device.messages.signing import Purpose

SHARE_BYTES = 32
MOST_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class UnlockRequest:
    """Which kiosk asks, the key of this start that the answer is to be sealed to, and a number used once."""

    device: str
    key: str
    nonce: str


def write_request(device: str, key: X25519PrivateKey, journal: Ed25519PrivateKey) -> tuple[UnlockRequest, bytes]:
    """A fresh request and its signed bytes."""
    asked = UnlockRequest(device, desired.sealing_key_text(key), secrets.token_hex(16))
    plain: dict[str, Any] = {"device": asked.device, "key": asked.key, "nonce": asked.nonce}
    sig = signing.sign(journal, Purpose.UNLOCK, device, asked.nonce, jcs.digest(jcs.canonical(plain)))
    return asked, jcs.canonical(plain | {"sig": sig})


def read_request(payload: bytes) -> tuple[UnlockRequest, dict[str, Any]]:
    """The request and all that was signed of it; nothing is said yet about who signed it."""
    plain = jcs.parse(payload[:MOST_BYTES])
    if not isinstance(plain, dict) or not all(isinstance(plain.get(name), str) for name in ("device", "key", "nonce", "sig")):
        raise SchemaRefused("an unlock request has device, key, nonce and sig")
    return UnlockRequest(plain["device"], plain["key"], plain["nonce"]), plain


def verify_request(plain: dict[str, Any], journal: Ed25519PublicKey) -> None:
    """SignatureRefused unless this kiosk's journal key has signed it."""
    rest = {name: value for name, value in plain.items() if name != "sig"}
    signing.verify(journal, Purpose.UNLOCK, plain["device"], plain["nonce"], jcs.digest(jcs.canonical(rest)), plain["sig"])


def proof_bytes(payload: bytes) -> bytes:
    """What the certificate's key signs beside it: the very request."""
    return Purpose.UNLOCK.encode("ascii") + b"\0" + jcs.digest(payload)


def write_answer(share: bytes, asked: UnlockRequest, server: Ed25519PrivateKey) -> bytes:
    """The share for that request alone, signed by the server's acknowledgement key."""
    recipient = desired.sealing_key_from_text(asked.key)
    sealed = base64.b64encode(desired.SUITE.encrypt(share, recipient, info=_info(asked))).decode("ascii")
    sig = signing.sign(server, Purpose.UNLOCK_ANSWER, asked.device, asked.nonce, _digest(sealed))
    return jcs.canonical({"share": sealed, "sig": sig})


def open_answer(payload: bytes, asked: UnlockRequest, secret: X25519PrivateKey, servers: Iterable[Ed25519PublicKey]) -> bytes:
    """The share; MessageError for what one of `servers` has not signed, and for an answer to another request or start."""
    plain = jcs.parse(payload[:MOST_BYTES])
    if not isinstance(plain, dict) or not all(isinstance(plain.get(name), str) for name in ("share", "sig")):
        raise SchemaRefused("an unlock answer has share and sig")
    sealed = plain["share"]
    signing.verify_any(servers, Purpose.UNLOCK_ANSWER, asked.device, asked.nonce, _digest(sealed), plain["sig"])
    try:
        share = desired.SUITE.decrypt(base64.b64decode(sealed, validate=True), secret, info=_info(asked))
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise SignatureRefused("the answer was not sealed to this request") from error
    if len(share) != SHARE_BYTES:
        raise MessageError("the share has another length")
    return share


def _digest(sealed: str) -> bytes:
    return hashlib.sha256(sealed.encode("utf-8")).digest()


def _info(asked: UnlockRequest) -> bytes:
    return "\0".join((Purpose.UNLOCK, asked.device, asked.nonce)).encode("utf-8")

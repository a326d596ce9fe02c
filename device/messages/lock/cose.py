"""COSE_Sign1 with Ed25519 and nothing else of COSE: thirty lines that a lock's firmware can match byte for byte.

One algorithm, no unprotected header, the payload always inside, a context string as external_aad: a signature for one thing
is never valid for another. Only the deterministic spelling is read, so a paper has one set of bytes and one hash.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.messages.errors import SignatureRefused
from device.messages.lock import fields

PROTECTED = cbor2.dumps({1: -8})  # RFC 9053 section 2.2: alg is EdDSA; with a 32-byte key that is Ed25519
MOST_BYTES = 1_024  # of a signed paper: it must fit into a lock's message


class CoseRefused(SignatureRefused):
    """Not a COSE_Sign1 of this profile, or not by this key, or not for this purpose: never to be used."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The bytes as they travel, and what they say; only `read` and `write` make one."""

    data: bytes
    payload: bytes

    @property
    def hash(self) -> bytes:
        """SHA-256 of the bytes as they travel."""
        return hashlib.sha256(self.data).digest()


def write(key: Ed25519PrivateKey, context: bytes, payload: bytes) -> Signed:
    """`payload` signed for the purpose `context`."""
    signature = key.sign(_to_be_signed(context, payload))
    return Signed(fields.dumps([PROTECTED, {}, payload, signature]), payload)


def read(key: Ed25519PublicKey, context: bytes, data: bytes) -> Signed:
    """The paper whose signature by `key` for `context` holds; CoseRefused otherwise, whatever is wrong."""
    payload, signature = _parts(data)
    try:
        key.verify(signature, _to_be_signed(context, payload))
    except InvalidSignature as error:
        raise CoseRefused(f"the signature of a {_name(context)} does not hold; it is by another key, or was changed") from error
    return Signed(data, payload)


def peek(data: bytes) -> bytes:
    """The payload of a paper whose signature nobody has checked: for finding the key to check it with, and nothing else."""
    return _parts(data)[0]


def thumbprint(key: Ed25519PublicKey) -> bytes:
    """SHA-256 of the COSE_Key (RFC 9679): how a grant names the kiosk that may use it, 32 bytes."""
    return hashlib.sha256(fields.dumps({1: 1, -1: 6, -2: key.public_bytes_raw()})).digest()


def _parts(data: bytes) -> tuple[bytes, bytes]:
    if len(data) > MOST_BYTES:
        raise CoseRefused(f"a signed paper of {len(data)} bytes is over the limit of {MOST_BYTES}")
    try:
        whole: Any = fields.loads(data)
    except fields.ClaimsRefused as error:
        raise CoseRefused("not a signed paper: it is not deterministic CBOR") from error
    if not (isinstance(whole, list) and len(whole) == 4 and whole[0] == PROTECTED and whole[1] == {}):
        raise CoseRefused("not a COSE_Sign1 of this profile: EdDSA alone, and no unprotected header")
    payload, signature = whole[2], whole[3]
    if not (isinstance(payload, bytes) and isinstance(signature, bytes) and len(signature) == 64):
        raise CoseRefused("not a COSE_Sign1 of this profile: the payload stands inside, the signature has 64 bytes")
    return payload, signature


def _to_be_signed(context: bytes, payload: bytes) -> bytes:
    """Sig_structure of RFC 9052 section 4.4."""
    return fields.dumps(["Signature1", PROTECTED, context, payload])


def _name(context: bytes) -> str:
    return context.decode("ascii").rpartition("/")[2]

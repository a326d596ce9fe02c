"""How a kiosk becomes an enterprise's: an invitation, a request that proves every key, a code for a person, a sealed answer.

The invitation pins the enterprise's root; nothing that this root's key set does not vouch for is believed. The code is made of what
both sides hold, so that a request that was changed on its way shows another one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.messages import desired, jcs, schema, signing
from device.messages.errors import MessageError, SchemaRefused, SignatureRefused
from device.messages.key_set import KeySet, read_key_set
from device.messages.records import CODEC
from device.messages.signing import Purpose

INVITATION_PREFIX = "daka-join:"
CODE_LETTERS = 12  # of base32, 60 bits: to find another request with the same code takes years, an invitation lasts hours
ROOT_LETTERS = 12  # of base64, 72 bits: nobody makes a key that begins like another one's
MOST_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the installer carries to the kiosk. `ca`: SHA-256 (hex) of the authority's certificate; `url` empty: by files alone."""

    url: str
    root: str
    ca: str
    token: str
    device: str

    @property
    def root_begins(self) -> str:
        """How the root key begins, for a person to compare: AbCd EfGh IjKl."""
        letters = self.root.removeprefix(signing.KEY_PREFIX)[:ROOT_LETTERS]
        return " ".join(letters[start : start + 4] for start in range(0, ROOT_LETTERS, 4))

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the invitation, however it was written down."""
        return jcs.digest(jcs.canonical(CODEC.unstructure(self))).hex()


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """A kiosk and its keys; `csr` (PEM) is signed by the TLS key, the rest by the two keys that can sign."""

    device: str
    root: str
    token: str
    journal_key: str
    sealing_key: str
    grant_use_key: str
    csr: str


@dataclass(frozen=True, slots=True)
class JoinAnswer:
    """What makes a member; `request` is the hash (hex) of the request that it answers, certificates are PEM."""

    device: str
    request: str
    certificate: str
    ca: str
    host: str
    port: int
    url: str
    key_set: dict[str, Any]


def write_invitation(invitation: Invitation) -> str:
    """One line, for a QR code or a file."""
    text = base64.urlsafe_b64encode(jcs.canonical(CODEC.unstructure(invitation))).decode("ascii")
    return INVITATION_PREFIX + text.rstrip("=")


def read_invitation(text: str) -> Invitation:
    """The invitation that `write_invitation` wrote; MessageError for anything else."""
    text = text.strip()
    if not text.startswith(INVITATION_PREFIX) or len(text) > MOST_BYTES:
        raise MessageError(f"an invitation begins with {INVITATION_PREFIX}; this is none")
    coded = text[len(INVITATION_PREFIX) :]
    try:
        plain = jcs.parse(base64.b64decode(coded + "=" * (-len(coded) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, MessageError) as error:
        raise MessageError("the invitation is damaged; copy or scan it again") from error
    schema.check("join-invitation", plain, SchemaRefused)
    return CODEC.structure(plain, Invitation)


def write_join_request(request: JoinRequest, journal: Ed25519PrivateKey, grant_use: Ed25519PrivateKey) -> bytes:
    """The request, signed by both keys."""
    plain = CODEC.unstructure(request)
    digest = jcs.digest(jcs.canonical(plain))
    sigs = {
        "sig_journal": signing.sign(journal, Purpose.JOIN, request.device, "journal", digest),
        "sig_grant_use": signing.sign(grant_use, Purpose.JOIN, request.device, "grant_use", digest),
    }
    return jcs.canonical(plain | sigs)


def read_join_request(payload: bytes) -> JoinRequest:
    """A request whose keys are all proven but the TLS key's, which the CSR proves; MessageError otherwise."""
    if len(payload) > MOST_BYTES:
        raise MessageError("a request to join has at most 64 kB")
    data = jcs.parse(payload)
    schema.check("join-request", data, SchemaRefused)
    plain = {name: value for name, value in data.items() if not name.startswith("sig_")}
    request = CODEC.structure(plain, JoinRequest)
    digest = jcs.digest(jcs.canonical(plain))
    for role, text in (("journal", request.journal_key), ("grant_use", request.grant_use_key)):
        key = signing.public_key_from_text(text)
        signing.verify(key, Purpose.JOIN, request.device, role, digest, data[f"sig_{role}"])
    desired.sealing_key_from_text(request.sealing_key)
    return request


def request_hash(payload: bytes) -> str:
    """What the answer names, lowercase hex."""
    return hashlib.sha256(payload).hexdigest()


def join_code(payload: bytes) -> str:
    """The code that the kiosk shows and the console shows: ABCD-EFGH-IJKL."""
    letters = base64.b32encode(hashlib.sha256(b"daka/v1/join-code\0" + payload).digest()).decode("ascii")[:CODE_LETTERS]
    return "-".join(letters[start : start + 4] for start in range(0, CODE_LETTERS, 4))


def write_join_answer(answer: JoinAnswer, policy: Ed25519PrivateKey, recipient: str) -> bytes:
    """Signed by a policy key, sealed to the kiosk that asked: only who holds the sealing key can open it."""
    plain = CODEC.unstructure(answer)
    digest = jcs.digest(jcs.canonical(plain))
    signed = plain | {"sig": signing.sign(policy, Purpose.JOIN_ANSWER, answer.device, answer.request, digest)}
    schema.check("join-answer", signed, SchemaRefused)
    sealed = desired.SUITE.encrypt(
        jcs.canonical(signed), desired.sealing_key_from_text(recipient), info=_info(answer.device, answer.request)
    )
    return json.dumps({"device": answer.device, "sealed": base64.b64encode(sealed).decode("ascii")}).encode("ascii")


def read_join_answer(payload: bytes, request: bytes, root: str, secret: X25519PrivateKey) -> tuple[JoinAnswer, KeySet]:
    """The answer to `request`, and the enterprise's keys; MessageError unless it is for us and from the root that was pinned."""
    asked = read_join_request(request)
    try:
        outer = jcs.parse(payload)
        sealed = base64.b64decode(outer["sealed"], validate=True)
        text = desired.SUITE.decrypt(sealed, secret, info=_info(asked.device, request_hash(request)))
    except (InvalidTag, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise SignatureRefused("the answer does not open: it is for another kiosk, or for another request of this one") from error
    data = jcs.parse(text)
    schema.check("join-answer", data, SchemaRefused)
    keys = read_key_set(data["key_set"], root)
    rest = {name: value for name, value in data.items() if name != "sig"}
    digest = jcs.digest(jcs.canonical(rest))
    signing.verify_any(keys.keys("policy"), Purpose.JOIN_ANSWER, asked.device, request_hash(request), digest, data["sig"])
    return CODEC.structure(rest, JoinAnswer), keys


def _info(device: str, request: str) -> bytes:
    return "\0".join((Purpose.JOIN_ANSWER, device, request)).encode("utf-8")


def renewal_bytes(device: str, csr: str) -> bytes:
    """What the TLS key that ends signs for the one that follows."""
    return b"\0".join((Purpose.RENEWAL.encode("ascii"), device.encode("utf-8"), hashlib.sha256(csr.encode("utf-8")).digest()))

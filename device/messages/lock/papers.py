"""The papers of a stamp: who may (Grant), which kiosk and lock know each other (Enrolment), what time it is (Statement), and
that the person was verified just now (Use).

Numbers of claims are those of CWT (RFC 8392) where it has them, private ones below -70000. Times are seconds since 1970, UTC.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.messages.lock import cose, fields
from device.messages.lock.cose import Signed
from device.messages.lock.fields import HASH, IDENTIFIER, LOCK_ID, SECONDS, Flag, Number, Words, claim

MOST_OFFLINE_S = 8 * 3600  # a grant that lives longer is never used without the server's word
MOST_STAMPS = 1_000
PERSON = Words(34, r"p-[0-9a-f]{32}")
EPOCH = Number(2**32 - 1)


class Factor(enum.IntFlag):
    """How the person must be established; each is named by whoever has checked it: the kiosk, the kiosk, the lock."""

    FACE = 1  # face with active liveness, at the kiosk
    PIN = 2  # the person's PIN, at the kiosk
    AT_LOCK = 4  # fingerprint or code on the lock itself


EVERY_FACTOR = int(Factor.FACE | Factor.PIN | Factor.AT_LOCK)


class Paper:
    """Something that is signed for one purpose."""

    CONTEXT: ClassVar[bytes]

    def signed(self, key: Ed25519PrivateKey) -> Signed:
        """This paper with a signature; ClaimsRefused for a value that no reader would take."""
        return cose.write(key, self.CONTEXT, fields.write(self))

    def check(self) -> None:
        """ClaimsRefused for a value that no reader would take."""
        fields.write(self)

    @classmethod
    def opened(cls, data: bytes, key: Ed25519PublicKey) -> Self:
        """The paper, if its signature by `key` holds and it says what was agreed; CoseRefused or ClaimsRefused otherwise."""
        return fields.read(cose.read(key, cls.CONTEXT, data).payload, cls)

    @classmethod
    def unproven(cls, data: bytes) -> Self:
        """What the paper says before anybody has checked its signature: to find its key, or to show it to a person."""
        return fields.read(cose.peek(data), cls)


@dataclass(frozen=True, slots=True)
class Grant(Paper):
    """One approval: this person, this lock, this kiosk, this document, so many stamps, from when to when. By the enterprise.

    `kiosk` is the thumbprint of the kiosk's grant-use key; `epoch` voids the grant once the lock's floor is higher; `factors` is a
    Factor set. `dual_control` is reserved: a lock of this version refuses a grant that has it.
    """

    CONTEXT: ClassVar[bytes] = b"daka/lock/1/grant"

    person: str = claim(2, PERSON)
    lock: str = claim(3, LOCK_ID)
    expires_at: int = claim(4, SECONDS)
    not_before: int = claim(5, SECONDS)
    issued_at: int = claim(6, SECONDS)
    id: bytes = claim(7, IDENTIFIER)
    kiosk: bytes = claim(-70001, HASH)
    document: bytes = claim(-70002, HASH)
    stamps: int = claim(-70003, Number(MOST_STAMPS, least=1))
    factors: int = claim(-70004, Number(EVERY_FACTOR, least=1))
    epoch: int = claim(-70005, EPOCH)
    label: str = claim(-70006, Words(96), default="")
    dual_control: bool = claim(-70007, Flag(), default=False)


@dataclass(frozen=True, slots=True)
class Enrolment(Paper):
    """This kiosk and this lock may talk to each other: each pins the other's key by it. By the enterprise.

    `log_number` and `log_hash` say how far the enterprise has the lock's log, so that a new kiosk goes on from there.
    """

    CONTEXT: ClassVar[bytes] = b"daka/lock/1/enrolment"

    lock: str = claim(3, LOCK_ID)
    lock_key: bytes = claim(-70011, HASH)
    kiosk_key: bytes = claim(-70012, HASH)
    epoch: int = claim(-70005, EPOCH)
    expires_at: int = claim(4, SECONDS)
    log_number: int = claim(-70013, Number(2**32 - 1), default=0)
    log_hash: bytes = claim(-70014, HASH, default=bytes(32))


@dataclass(frozen=True, slots=True)
class Statement(Paper):
    """The server's word to one session of one lock: the time, the epoch below which nothing counts, how far it has the log.

    `challenge` is the lock's own, of this session, so an old statement says nothing. `clear_tamper` takes tampering and falls back,
    up to event `clear_upto` of the lock's log, the newest that was known to whoever decided it; what has happened since stands.
    """

    CONTEXT: ClassVar[bytes] = b"daka/lock/1/statement"

    lock: str = claim(3, LOCK_ID)
    challenge: bytes = claim(10, HASH)
    at: int = claim(6, SECONDS)
    epoch: int = claim(-70005, EPOCH)
    seen: int = claim(-70021, Number(2**32 - 1))
    clear_tamper: bool = claim(-70022, Flag(), default=False)
    clear_upto: int = claim(-70023, Number(2**32 - 1), default=0)


@dataclass(frozen=True, slots=True)
class Use(Paper):
    """The person was verified for this grant just now. By the kiosk's grant-use key, for one session and one command.

    `record` is the hash of the kiosk's journal record of the verification.
    """

    CONTEXT: ClassVar[bytes] = b"daka/lock/1/use"

    grant: bytes = claim(7, IDENTIFIER)
    person: str = claim(2, PERSON)
    document: bytes = claim(-70002, HASH)
    challenge: bytes = claim(10, HASH)
    command: bytes = claim(-70031, IDENTIFIER)
    factors: int = claim(-70004, Number(EVERY_FACTOR))
    record: bytes = claim(-70032, HASH)


def factors_text(factors: int) -> str:
    """`face+pin`, for people and records."""
    return "+".join(factor.name.lower() for factor in Factor if factor.name and factors & factor) or "none"


def public_key(raw: bytes) -> Ed25519PublicKey:
    """The key whose 32 raw bytes these are; CoseRefused if there is none."""
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise cose.CoseRefused("not an Ed25519 public key") from error

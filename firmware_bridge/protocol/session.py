"""A channel between two keys that the enterprise has enrolled with each other: SIGMA-I over X25519, Ed25519 and ChaCha20-Poly1305.

    1  kiosk -> lock   01 | version | X                              X, Y: ephemeral X25519 keys
    2  lock  -> kiosk  02 | Y | seal(K2, lock id | signature)        over "daka/lock/1/lock"  0 TH2
    3  kiosk -> lock   03 | seal(K3, signature | enrolment)          over "daka/lock/1/kiosk" 0 TH3
    *  both            04 | seal(traffic key, message)               a counter for each direction is the nonce

    TH1 = SHA-256(m1 | Y)     PRK = HKDF-Extract(salt TH1, X25519(x, Y))
    TH2 = SHA-256(TH1 | lock id | lock key)       T2  = SHA-256(TH1 | seal of m2)
    TH3 = SHA-256(T2 | kiosk key | enrolment)
    K2 = HKDF-Expand(PRK, "daka/lock/1/k2" | TH1)  K3 = HKDF-Expand(PRK, "daka/lock/1/k3" | T2)
    traffic keys, challenge = HKDF-Expand(PRK, "daka/lock/1/traffic" | SHA-256(TH3 | seal of m3), 96)

The identity of either end is never visible to a listener. The challenge is the same 32 bytes at both ends, new in each session.
Bluetooth's own pairing is not trusted for any of it: bonds go stale, and another program on the kiosk may use one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from device.messages import MessageError
from device.messages import lock as papers
from device.messages.lock.papers import public_key
from device.sentences import say
from firmware_bridge.protocol.errors import SessionRefused

VERSION = 1
HELLO, ANSWER, FINISH, SEALED, OVER = 0x01, 0x02, 0x03, 0x04, 0x7F
KEY_BYTES, SIGNATURE_BYTES = 32, 64
LOCK_SIGNS, KIOSK_SIGNS = b"daka/lock/1/lock\0", b"daka/lock/1/kiosk\0"
MOST_MESSAGES = 2**32  # of one direction in one session; no session comes near it


@dataclass(slots=True)
class Channel:
    """Both directions of an open session. What does not open ends it: nothing is ever skipped or taken twice."""

    send_key: bytes
    receive_key: bytes
    challenge: bytes
    _sent: int = 0
    _received: int = 0

    def seal(self, message: bytes) -> bytes:
        """`message` as it travels."""
        sealed = ChaCha20Poly1305(self.send_key).encrypt(_nonce(self._sent), message, bytes([SEALED]))
        self._sent += 1
        return bytes([SEALED]) + sealed

    def open(self, data: bytes) -> bytes:
        """What the other end sealed, in its order; SessionRefused for anything else."""
        if data[:1] != bytes([SEALED]):
            raise SessionRefused(say("session.ended" if data[:1] == bytes([OVER]) else "session.not_sealed"))
        try:
            message = ChaCha20Poly1305(self.receive_key).decrypt(_nonce(self._received), data[1:], bytes([SEALED]))
        except InvalidTag as error:
            raise SessionRefused(say("session.changed")) from error
        self._received += 1
        return message


@dataclass(slots=True)
class Initiator:
    """The kiosk's end. It holds no long-lived key: whoever does is handed the 32 bytes to sign."""

    ephemeral: X25519PrivateKey
    _first: bytes = b""
    _secret: bytes = b""
    _heard: bytes = b""  # TH1, then T2

    def hello(self) -> bytes:
        """Message 1."""
        self._first = bytes([HELLO, VERSION]) + self.ephemeral.public_key().public_bytes_raw()
        return self._first

    def hear(self, answer: bytes, lock_id: str, lock_key: Ed25519PublicKey) -> None:
        """Message 2, if it is from the lock that was asked for; SessionRefused if it is anybody else's."""
        if answer[:1] != bytes([ANSWER]):
            raise SessionRefused(say("session.no_greeting"))
        theirs, sealed = answer[1 : 1 + KEY_BYTES], answer[1 + KEY_BYTES :]
        keys = _hash(self._first, theirs)
        self._secret, self._heard = _extract(keys, _shared(self.ephemeral, theirs)), _hash(keys, sealed)
        plain = _once_open(_expand(self._secret, b"daka/lock/1/k2" + keys), sealed)
        name, signature = plain[:-SIGNATURE_BYTES], plain[-SIGNATURE_BYTES:]
        said = LOCK_SIGNS + _hash(keys, lock_id.encode(), lock_key.public_bytes_raw())
        if name != lock_id.encode() or not _holds(lock_key, signature, said):
            raise SessionRefused(say("session.other_lock", lock=lock_id))

    def to_sign(self, kiosk_key: bytes, enrolment: bytes) -> bytes:
        """TH3: what the kiosk's grant-use key has to sign, after KIOSK_SIGNS."""
        return _hash(self._heard, kiosk_key, enrolment)

    def finish(self, signature: bytes, kiosk_key: bytes, enrolment: bytes) -> tuple[bytes, Channel]:
        """Message 3, and the channel, which is proven once the lock's first sealed message opens."""
        key = _expand(self._secret, b"daka/lock/1/k3" + self._heard)
        sealed = _once_sealed(key, signature + enrolment)
        sends, receives, challenge = _traffic(self._secret, self.to_sign(kiosk_key, enrolment), sealed)
        return bytes([FINISH]) + sealed, Channel(sends, receives, challenge)


@dataclass(slots=True)
class Responder:
    """The lock's end."""

    lock_id: str
    key: Ed25519PrivateKey
    grant_key: Ed25519PublicKey
    new_ephemeral: Callable[[], X25519PrivateKey]
    _secret: bytes = field(default=b"", repr=False)
    _heard: bytes = b""  # T2

    def answer(self, hello: bytes) -> bytes:
        """Message 2."""
        if len(hello) != 2 + KEY_BYTES or hello[:2] != bytes([HELLO, VERSION]):
            raise SessionRefused("a greeting of another version, or none")
        ephemeral = self.new_ephemeral()
        ours = ephemeral.public_key().public_bytes_raw()
        keys = _hash(hello, ours)
        self._secret = _extract(keys, _shared(ephemeral, hello[2:]))
        name = self.lock_id.encode()
        said = LOCK_SIGNS + _hash(keys, name, self.key.public_key().public_bytes_raw())
        sealed = _once_sealed(_expand(self._secret, b"daka/lock/1/k2" + keys), name + self.key.sign(said))
        self._heard = _hash(keys, sealed)
        return bytes([ANSWER]) + ours + sealed

    def accept(self, finish: bytes) -> tuple[papers.Enrolment, Channel]:
        """Message 3: who the kiosk is, proven; SessionRefused otherwise. The enrolment's expiry is for whoever knows the time."""
        if finish[:1] != bytes([FINISH]):
            raise SessionRefused("not the message that finishes a greeting")
        sealed = finish[1:]
        plain = _once_open(_expand(self._secret, b"daka/lock/1/k3" + self._heard), sealed)
        signature, paper = plain[:SIGNATURE_BYTES], plain[SIGNATURE_BYTES:]
        try:
            enrolment = papers.Enrolment.opened(paper, self.grant_key)
        except MessageError as error:
            raise SessionRefused(f"the kiosk's enrolment does not hold: {error}") from error
        if enrolment.lock != self.lock_id or enrolment.lock_key != self.key.public_key().public_bytes_raw():
            raise SessionRefused("the kiosk's enrolment is for another lock")
        transcript = _hash(self._heard, enrolment.kiosk_key, paper)
        if not _holds(public_key(enrolment.kiosk_key), signature, KIOSK_SIGNS + transcript):
            raise SessionRefused("the kiosk cannot prove the key that it is enrolled with")
        receives, sends, challenge = _traffic(self._secret, transcript, sealed)
        return enrolment, Channel(sends, receives, challenge)


def _traffic(secret: bytes, transcript: bytes, sealed: bytes) -> tuple[bytes, bytes, bytes]:
    """Kiosk's key, lock's key, challenge."""
    found = _expand(secret, b"daka/lock/1/traffic" + _hash(transcript, sealed), 96)
    return found[:32], found[32:64], found[64:]


def _shared(ours: X25519PrivateKey, theirs: bytes) -> bytes:
    try:
        return ours.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError as error:  # 31 bytes, or a point whose product is zero (RFC 7748 section 6.1)
        raise SessionRefused(say("session.no_key")) from error


def _extract(salt: bytes, secret: bytes) -> bytes:
    """HKDF-Extract, RFC 5869 section 2.2."""
    mac = hmac.HMAC(salt, hashes.SHA256())
    mac.update(secret)
    return mac.finalize()


def _expand(secret: bytes, info: bytes, length: int = KEY_BYTES) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def _hash(*parts: bytes) -> bytes:
    """SHA-256 over parts of which one at most has no fixed length: nothing can be moved from one into the next."""
    return hashlib.sha256(b"".join(parts)).digest()


def _nonce(counter: int) -> bytes:
    if counter >= MOST_MESSAGES:
        raise SessionRefused(say("session.used_up"))
    return struct.pack("<IQ", 0, counter)


def _once_sealed(key: bytes, plain: bytes) -> bytes:
    """Under a key that is used for this one message, so its nonce is zero."""
    return ChaCha20Poly1305(key).encrypt(bytes(12), plain, None)


def _once_open(key: bytes, sealed: bytes) -> bytes:
    try:
        plain = ChaCha20Poly1305(key).decrypt(bytes(12), sealed, None)
    except InvalidTag as error:
        raise SessionRefused(say("session.greeting_changed")) from error
    if len(plain) < SIGNATURE_BYTES:
        raise SessionRefused(say("session.no_signature"))
    return plain


def _holds(key: Ed25519PublicKey, signature: bytes, said: bytes) -> bool:
    try:
        key.verify(signature, said)
    except InvalidSignature:
        return False
    return True

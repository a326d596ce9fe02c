"""The lock's own log: numbered from 1, each event naming its predecessor's hash and signed by the lock.

An event alone proves what happened; its number and `prev` prove what else there must be. A head says, for a nonce, how long the log
is now: without one, a tail that was cut off would not be missed.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.messages.errors import SignatureRefused
from device.messages.lock.cose import Signed
from device.messages.lock.fields import HASH, IDENTIFIER, LOCK_ID, SECONDS, Number, Octets, Words, claim
from device.messages.lock.papers import PERSON, Paper

GENESIS = bytes(32)  # `prev` of the first event


class LogBroken(SignatureRefused):
    """Events that are no unbroken, signed log; the message says at which number and how."""


class EventKind(enum.IntEnum):
    """What happened at the lock. Numbers are for ever."""

    BOOT = 1
    ARMED = 2  # a grant was accepted; waiting for the press
    STAMP = 3  # counted, before anything moved
    STAMPED = 4  # the movement is over
    UNFINISHED = 5  # counted, and power failed before the movement was known to be over
    CLOSED = 6  # armed, but not pressed: ended, timed out or the link was lost; not counted
    REFUSED = 7
    SESSION_REFUSED = 8  # the other end could not prove what it is
    TAMPER = 9
    TAMPER_CLEARED = 10
    DROP = 11
    BATTERY_LOW = 12
    PAIRED = 13
    FORGOTTEN = 14  # a bond was removed
    RENAMED = 15
    EPOCH = 16  # the floor was raised: older grants are void
    NO_FACTOR = 17  # pressed without the factor that the grant asks for at the lock; not counted


@dataclass(frozen=True, slots=True)
class Event(Paper):
    """One event. `at` is the lock's best time (0: it has none), `uptime_ms` counts since boot number `boot`.

    `count` is the how-manieth stamp of the grant for STAMP, STAMPED and UNFINISHED, percent for BATTERY_LOW, the floor for EPOCH,
    and how many there were for SESSION_REFUSED.
    """

    CONTEXT: ClassVar[bytes] = b"daka/lock/1/event"

    lock: str = claim(3, LOCK_ID)
    number: int = claim(1, Number(2**32 - 1, least=1))
    prev: bytes = claim(2, HASH)
    kind: int = claim(4, Number(max(EventKind), least=1))
    boot: int = claim(5, Number(2**32 - 1))
    uptime_ms: int = claim(6, Number(2**53 - 1))
    at: int = claim(7, SECONDS, default=0)
    grant: bytes = claim(8, Octets(0, 16), default=b"")
    person: str = claim(9, Words(PERSON.most, f"({PERSON.pattern})?"), default="")
    document: bytes = claim(10, Octets(0, 32), default=b"")
    count: int = claim(11, Number(2**32 - 1), default=0)
    why: str = claim(12, Words(32, "[a-z_]*"), default="")
    command: bytes = claim(13, Octets(0, IDENTIFIER.most), default=b"")
    record: bytes = claim(14, Octets(0, 32), default=b"")


@dataclass(frozen=True, slots=True)
class Head(Paper):
    """How long the log is at this moment, in answer to a nonce."""

    CONTEXT: ClassVar[bytes] = b"daka/lock/1/head"

    lock: str = claim(3, LOCK_ID)
    number: int = claim(1, Number(2**32 - 1))
    hash: bytes = claim(2, HASH)
    nonce: bytes = claim(10, HASH)


def follow(data: bytes, key: Ed25519PublicKey, after: int, prev: bytes) -> tuple[Event, bytes]:
    """The event, if it is the one after number `after` whose hash is `prev`, and its own hash; LogBroken or CoseRefused if not."""
    event = Event.opened(data, key)
    if event.number != after + 1:
        raise LogBroken(f"event {after + 1} is missing; number {event.number} stands in its place")
    if event.prev != prev:
        raise LogBroken(f"event {event.number} does not follow the one before it: something was taken out, put in or changed")
    return event, Signed(data, b"").hash


def verify_log(
    events: Iterable[bytes], head: bytes, key: Ed25519PublicKey, nonce: bytes, after: int = 0, prev: bytes = GENESIS
) -> tuple[Event, ...]:
    """All events after number `after`, if they are a whole log up to the head that answers `nonce`; LogBroken says what is not."""
    found = []
    for data in events:
        event, prev = follow(data, key, after, prev)
        after = event.number
        found.append(event)
    end = Head.opened(head, key)
    if end.nonce != nonce:
        raise LogBroken("the head answers another question than ours: it may be an old one")
    if end.number != after or end.hash != prev:
        raise LogBroken(f"the lock's log ends at event {end.number}, what was read ends at {after}: its tail is cut off")
    return tuple(found)

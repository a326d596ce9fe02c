"""The lock's log as it is written: what happened, numbered, chained and signed, together with whatever changes by it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.messages import lock as papers
from device.messages.lock import EventKind
from firmware_bridge.protocol.memory import Change, Counted, Kept, Memory

RESERVE = 32  # events; kept free for stamps under way, tampering and boots when the log is nearly full
# While the log is nearly full these are not written: they say nothing that must not be lost.
LESSER = frozenset({EventKind.REFUSED, EventKind.SESSION_REFUSED, EventKind.NO_FACTOR, EventKind.ARMED, EventKind.CLOSED})


@dataclass(frozen=True, slots=True)
class Identity:
    """What was put into the lock when it was made or commissioned."""

    lock: str
    key: Ed25519PrivateKey
    grant_key: Ed25519PublicKey  # signs grants and enrolments; kept off the server that the broker reaches
    time_key: Ed25519PublicKey  # signs statements: the time, the floor, how far the log was seen
    model: str = "reference"
    firmware: str = "1"
    most_events: int = 4_096


@dataclass(frozen=True, slots=True)
class Happened:
    """An event before it has a number; the fields are those of papers.Event."""

    kind: EventKind
    grant: bytes = b""
    person: str = ""
    document: bytes = b""
    count: int = 0
    why: str = ""
    command: bytes = b""
    record: bytes = b""


def of_stamp(kind: EventKind, counted: Counted, record: bytes = b"") -> Happened:
    """What happened to a stamp that was counted."""
    return Happened(kind, counted.grant, counted.person, counted.document, counted.used, "", counted.command, record)


class Diary:
    """Writes into one lock's memory."""

    def __init__(self, identity: Identity, memory: Memory) -> None:
        self._identity, self._memory = identity, memory

    def has_room(self) -> bool:
        """Whether another stamp's events can be kept until the server has them."""
        kept = self._memory.kept()
        return kept.last - kept.seen < self._identity.most_events - RESERVE

    def write(
        self,
        *happened: Happened,
        now_ms: int,
        at: int,
        kept: Kept | None = None,
        counted: tuple[Counted, ...] = (),
    ) -> None:
        """All of it durable, or none; `at` is the lock's best time, 0 for none."""
        before = self._memory.kept()
        kept, full = kept or before, not self.has_room()
        signed = []
        for what in happened:
            if full and what.kind in LESSER:
                continue
            kept, data = self._chained(what, kept, now_ms, at)
            signed.append((kept.last, data))
        if signed or counted or kept != before:
            self._memory.commit(Change(kept, tuple(signed), counted))

    def head(self, nonce: bytes) -> bytes:
        """How long the log is now, signed for whoever sent the nonce."""
        kept = self._memory.kept()
        return papers.Head(self._identity.lock, kept.last, kept.head, nonce).signed(self._identity.key).data

    def _chained(self, what: Happened, kept: Kept, now_ms: int, at: int) -> tuple[Kept, bytes]:
        event = papers.Event(
            lock=self._identity.lock,
            number=kept.last + 1,
            prev=kept.head,
            boot=kept.boot,
            uptime_ms=now_ms,
            at=at,
            **{field.name: getattr(what, field.name) for field in dataclasses.fields(what)},
        )
        signed = event.signed(self._identity.key)
        return replace(kept, last=event.number, head=signed.hash), signed.data

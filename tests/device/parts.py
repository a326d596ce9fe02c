"""Moments, records and a server that signs, for the tests of the kiosk's side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import clock, journal, messages
from device.messages import Purpose

REPO = Path(__file__).resolve().parents[2]
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BOOT_ID = "0b7c6b1e-3f0e-4a57-9d6e-0c1f6f1f2a3b"
OTHER_BOOT_ID = "11111111-2222-4333-8444-555555555555"
DEVICE = "kiosk-1"
SOFTWARE = "daka test"
ADA, BOB = "p-" + "ab" * 16, "p-" + "cd" * 16
MODELS = messages.Models("1" * 64, "2" * 64)


def moment(seconds: float = 0.0, *, wall_step_s: float = 0.0, boot_id: str = BOOT_ID) -> clock.Moment:
    """`seconds` after the start by the monotonic clock; the wall clock is wrong by `wall_step_s`."""
    at = START + timedelta(seconds=seconds + wall_step_s)
    return clock.Moment(at, round(seconds * 1_000_000), boot_id, clock.Quality.SYNCED)


@dataclass
class Clock:
    """A clock that stands until a test moves it."""

    seconds: float = 0.0

    def now(self) -> clock.Moment:
        return moment(self.seconds)


def punch(person: str = ADA, direction: messages.Direction = messages.Direction.IN, site: str = "gate") -> messages.PunchBody:
    return messages.PunchBody(
        person,
        messages.Method.FACE,
        direction.door,
        60,
        3,
        messages.Liveness.NOT_ASSESSED,
        messages.Capture.CAMERA,
        MODELS,
        site,
        START,
        pause=direction.pause,
    )


BODIES: tuple[messages.Body, ...] = (
    messages.Genesis("first_start", SOFTWARE, "ed25519:" + "A" * 43 + "="),
    messages.Boot(SOFTWARE),
    messages.PersonAnnounced(ADA, "kiosk"),
    messages.Consent(ADA, messages.ConsentAct.GIVEN, "face_recognition", "1", "zh-TW", "0" * 64, "consent", "cli:hr"),
    messages.Audit("person_added", "cli:hr", ADA),
    punch(),
    messages.Void(3, "a" * 64, "a colleague's badge", "web:li"),
    messages.Correction(ADA, messages.Direction.OUT, "", 3, "gate", "wrong button", "kiosk"),
    messages.Dispute(3, "a" * 64, "not me", "kiosk"),
    messages.DesiredDone(
        100,
        1,
        "partly",
        (messages.SectionDone("roster", "hr:li", 2),),
        (messages.Problem("policy", "attend.min_gap_s", "not a number"),),
        (messages.Alias(ADA, BOB),),
    ),
    messages.LockBody(messages.LockAct.EVENT, "LOCK-0001", ADA, "a" * 32, "b" * 64, number=4, event="stamped", paper="aGk="),
    messages.Erasure(ADA, messages.ErasureReason.ASKED, "cli:hr", 2, 9, 14, 0),
    messages.TimeBody(BOOT_ID, 5_000_000, START, messages.Source.SERVER, 20_000, START),
)
"""One example of every body there is; a test holds this against `messages.BODIES`."""


def signing_key(number: int = 1) -> Ed25519PrivateKey:
    return messages.private_key_from_seed(bytes([number]) * 32)


def open_journal(folder: Path, key: Ed25519PrivateKey | None = None, device: str = DEVICE) -> journal.Journal:
    return journal.open_journal(folder / "journal.db", device, key or signing_key(), SOFTWARE, moment())


def fill(opened: journal.Journal, count: int, body: Callable[[int], messages.Body] | None = None) -> None:
    for number in range(count):
        opened.append(body(number) if body else messages.Boot(f"{SOFTWARE} {number}"), moment(number))


@dataclass
class Server:
    """The enterprise's acknowledgement key and what it says."""

    key: Ed25519PrivateKey = field(default_factory=lambda: signing_key(9))

    def acknowledgement(
        self,
        epoch: str,
        upto: int,
        head: str,
        *,
        nonce: str = "",
        window: int = 4,
        retry_after_ms: int = 0,
        device: str = DEVICE,
        purpose: Purpose = Purpose.ACKNOWLEDGEMENT,
        extra: dict[str, Any] | None = None,
    ) -> bytes:
        now = messages.write_time(START)
        plain = messages.CODEC.unstructure(messages.Acknowledgement(epoch, upto, head, window, retry_after_ms, now, nonce)) | (
            extra or {}
        )
        sig = messages.sign(self.key, purpose, device, epoch, messages.digest(messages.canonical(plain)))
        return messages.seal_envelope("acknowledgement", device, f"{epoch}/{upto}", now, plain | {"sig": sig})

    def state(self, online: bool = True, spread_s: int = 0) -> bytes:
        now = messages.write_time(START)
        return messages.seal_envelope("server-state", "server", "state/1", now, {"online": online, "spread_s": spread_s})


def acknowledge_all(opened: journal.Journal) -> None:
    """The server has signed for every record: what is old may go."""
    head, server = opened.head(), Server()
    opened.acknowledge(server.acknowledgement(head.epoch, head.seq, head.hash), server.key.public_key(), "")


def hash_of(opened: journal.Journal, seq: int) -> str:
    stretch = opened.stretch(seq - 1, 1)
    assert stretch is not None
    return messages.digest(stretch.texts[0]).hex()

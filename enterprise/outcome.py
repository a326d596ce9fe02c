"""What comes in, and what became of it: the values that the ingester's parts pass to each other."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from device import messages

NO_EPOCH = ""


class Kind(enum.StrEnum):
    """What a kiosk has sent, by the topic that it came on."""

    RECORDS = "records"
    HELLO = "hello"


class Verdict(enum.StrEnum):
    """What became of a message."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    GREETED = "greeted"
    HOLE = "hole"
    FORK = "fork"
    WRONG_GENESIS = "wrong_genesis"
    BAD_SIGNATURE = "bad_signature"
    MALFORMED = "malformed"
    UNTRUSTED = "untrusted"
    UNSTORABLE = "unstorable"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came; `encoding` is its content-encoding, empty for none."""

    kind: Kind
    device: str
    payload: bytes
    encoding: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A message whose chain and signature hold under `key`, the one that is trusted for the device."""

    device: str
    key: str
    content: messages.Batch | messages.Hello


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that is not used, and why."""

    device: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done, all of it committed; `answer` is the signed acknowledgement to publish, or None."""

    verdict: Verdict
    device: str
    epoch: str = NO_EPOCH
    upto: int = 0
    stored: int = 0
    parked: int = 0
    duplicates: int = 0
    detail: str = ""
    answer: bytes | None = None

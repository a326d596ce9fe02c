"""What comes in, and what became of it: the values that the ingester's parts pass to each other."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from device import messages

NO_EPOCH = ""


@dataclass(frozen=True, slots=True)
class Pressure:
    """What an answer asks of its kiosk: at most `window` batches under way, and `retry_after_ms` of patience before the next."""

    window: int = messages.MAX_IN_FLIGHT
    retry_after_ms: int = 0


MANY_WAIT = 16  # messages; some kiosks then have more than one batch here
A_COMMIT_WAITS = 32  # messages: as many as the next commit takes
SLOW_COMMIT_S = 1.0
MOST_PATIENCE_MS = 10_000


def pressure(waiting: int, commit_s: float) -> Pressure:
    """How hard kiosks may press while `waiting` messages wait here and the last commit took `commit_s` seconds.

    Otherwise what they send would wait in the broker's memory, and with many kiosks fill it.
    """
    if waiting >= A_COMMIT_WAITS:
        slow = commit_s >= SLOW_COMMIT_S
        return Pressure(1, min(round(commit_s * 1_000), MOST_PATIENCE_MS) if slow else 0)
    return Pressure(2 if waiting >= MANY_WAIT else messages.MAX_IN_FLIGHT)


class Kind(enum.StrEnum):
    """What a kiosk has sent, by the topic that it came on."""

    RECORDS = "records"
    HELLO = "hello"
    STATE = "state"


class Verdict(enum.StrEnum):
    """What became of a message."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    GREETED = "greeted"
    HEARD = "heard"
    HOLE = "hole"
    FORK = "fork"
    WRONG_GENESIS = "wrong_genesis"
    BAD_SIGNATURE = "bad_signature"
    MALFORMED = "malformed"
    UNTRUSTED = "untrusted"
    FLOODING = "flooding"
    UNSTORABLE = "unstorable"
    UNFORESEEN = "unforeseen"


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
class Said:
    """How a kiosk says that it is; nobody signs it, the broker's topic rights vouch for whose it is."""

    device: str
    content: messages.Online | messages.DeviceState


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

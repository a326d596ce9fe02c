"""What kiosk and lock say to each other inside a session: each message is `[number, map]` in deterministic CBOR.

The kiosk asks, the lock answers each question once, in order; `Outcome` also comes unasked when an armed lock was pressed, or when
its waiting ended. What changes anything carries an id, so that asking again never does it twice.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from device.messages import MessageError
from device.messages.lock import fields
from device.messages.lock.cose import MOST_BYTES
from device.messages.lock.fields import HASH, IDENTIFIER, SECONDS, Flag, ManyOctets, Number, Octets, Words, claim
from firmware_bridge.protocol.errors import CommandRefused

PAPER = Octets(1, MOST_BYTES)
COUNT = Number(2**32 - 1)
NAME = Words(48)
MOST_EVENTS = 8  # in one answer: with the longest events it stays within a message


class Result(enum.IntEnum):
    """What became of a stamp's command."""

    UNKNOWN = 0  # the lock has never heard of it
    ARMED = 1  # waiting for the press
    MOVING = 2  # counted; the barrel moves
    STAMPED = 3
    UNFINISHED = 4  # counted; power failed while it moved
    NOT_PRESSED = 5  # not counted: time is up
    ENDED = 6  # not counted: ended by the kiosk, or the link was lost


class Time(enum.IntEnum):
    """Whose word the lock's time is."""

    NONE = 0
    COUNTED = 1  # the server's, earlier, counted on by the lock's own clock since
    STATED = 2  # the server's, in this session


@dataclass(frozen=True, slots=True)
class AskStanding:
    """How are you?"""


@dataclass(frozen=True, slots=True)
class Tell:
    """The server's word, bound to this session's challenge."""

    statement: bytes = claim(1, PAPER)


@dataclass(frozen=True, slots=True)
class Arm:
    """Wait for one press under this grant. The same command again only says what became of it."""

    command: bytes = claim(1, IDENTIFIER)
    grant: bytes = claim(2, PAPER)
    use: bytes = claim(3, PAPER)


@dataclass(frozen=True, slots=True)
class AskOutcome:
    """What became of this command?"""

    command: bytes = claim(1, IDENTIFIER)


@dataclass(frozen=True, slots=True)
class End:
    """Stop waiting for the press."""


@dataclass(frozen=True, slots=True)
class ReadLog:
    """Events after number `after`, and the head signed for `nonce`."""

    after: int = claim(1, COUNT)
    nonce: bytes = claim(2, HASH)
    most: int = claim(3, Number(MOST_EVENTS, least=1))


@dataclass(frozen=True, slots=True)
class Rename:
    """Be called this from now on."""

    name: str = claim(1, NAME)


@dataclass(frozen=True, slots=True)
class Identify:
    """Light up, so that a person sees which lock this is. Nothing moves."""


@dataclass(frozen=True, slots=True)
class Forget:
    """Drop this kiosk's Bluetooth bond when the link ends."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the lock is. `first` is the oldest event that it still keeps, `last` the newest; `at` its time, 0 for none."""

    name: str = claim(1, NAME)
    model: str = claim(2, Words(32))
    firmware: str = claim(3, Words(32))
    battery: int = claim(4, Number(100))
    tampered: bool = claim(5, Flag())
    armed: bool = claim(6, Flag())
    first: int = claim(7, COUNT)
    last: int = claim(8, COUNT)
    epoch: int = claim(9, COUNT)
    time: int = claim(10, Number(max(Time)))
    at: int = claim(11, SECONDS, default=0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command; `used` of `stamps` are gone, `seconds` are left for the press while it is armed.

    `factor` says that the press must come with the factor at the lock.
    """

    command: bytes = claim(1, IDENTIFIER)
    result: int = claim(2, Number(max(Result)))
    used: int = claim(3, COUNT, default=0)
    stamps: int = claim(4, COUNT, default=0)
    seconds: int = claim(5, Number(255), default=0)
    factor: bool = claim(6, Flag(), default=False)


@dataclass(frozen=True, slots=True)
class Events:
    """Events in order, each as it was signed, and the head for the nonce."""

    events: tuple[bytes, ...] = claim(1, ManyOctets(MOST_EVENTS))
    head: bytes = claim(2, PAPER)


@dataclass(frozen=True, slots=True)
class Done:
    """It is done, and was durable before this was said."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No; `why` is a word of the profile's list."""

    why: str = claim(1, Words(32, "[a-z_]+"))


Question = AskStanding | Tell | Arm | AskOutcome | End | ReadLog | Rename | Identify | Forget
Answer = Standing | Outcome | Events | Done | Refused

QUESTIONS: dict[int, type[Question]] = {
    1: AskStanding, 2: Tell, 3: Arm, 4: AskOutcome, 5: End, 6: ReadLog, 7: Rename, 8: Identify, 9: Forget,
}  # fmt: skip
ANSWERS: dict[int, type[Answer]] = {65: Standing, 66: Outcome, 67: Events, 68: Done, 69: Refused}
NUMBERS: dict[type[Any], int] = {kind: number for number, kind in (QUESTIONS | ANSWERS).items()}

WHY = frozenset(  # the words of a no; `device.sentences` has the sentences, as lock.no.WORD
    {
        "busy",
        "command",
        "count",
        "document",
        "dual_control",
        "epoch",
        "expired",
        "kiosk",
        "lock",
        "log_full",
        "not_armed",
        "not_yet",
        "offline",
        "person",
        "signature",
        "statement",
        "tampered",
        "time_unknown",
        "use",
    }
)


def write(message: Question | Answer) -> bytes:
    """The message as it is sealed."""
    return fields.dumps([NUMBERS[type(message)], fields.plain(message)])


def read_question(data: bytes) -> Question:
    """What the kiosk asks; CommandRefused if this version does not know it."""
    question: Question = _read(data, QUESTIONS)
    return question


def read_answer(data: bytes) -> Answer:
    """What the lock says; CommandRefused if this version does not know it."""
    answer: Answer = _read(data, ANSWERS)
    return answer


def _read(data: bytes, known: dict[int, Any]) -> Any:
    try:
        whole = fields.loads(data)
        if not (isinstance(whole, list) and len(whole) == 2 and isinstance(whole[0], int) and whole[0] in known):
            raise CommandRefused("not a message of this version")
        return fields.build(whole[1], known[whole[0]])
    except MessageError as error:
        raise CommandRefused(str(error)) from error

"""What a journal says about itself, and what can go wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from device.errors import DeviceError
from device.sentences import say


class JournalError(DeviceError):
    """The journal cannot do what was asked."""


class WrongKey(JournalError):
    """The signing key at hand is not the one that this journal was begun with."""


class ChainBroken(JournalError):
    """A record is not what its hash, its predecessor or its signature says; `seq` names the first such record."""

    def __init__(self, seq: int, sentence: str) -> None:
        super().__init__(say("chain.broken", seq=seq, why=sentence))
        self.seq = seq


class SignedForAnother(ChainBroken):
    """The server has signed for a record that this journal lacks, or holds otherwise: there are two histories of one epoch."""


class JournalForked(JournalError):
    """The server's answer to this very hello proves that; it is kept, and the next start begins a new epoch."""


class AcknowledgementRefused(JournalError):
    """An acknowledgement that cannot be for this journal: unsigned, of another epoch, or of records that are not here."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof for the screen that a record is on the disk: its number and its hash (lowercase hex)."""

    seq: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Times:
    """Punches whose time is corrected, and punches whose time nobody knows for sure."""

    corrected: int
    to_review: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands; `kept_from` is the oldest record that is still here."""

    epoch: str
    kept_from: int
    seq: int
    hash: str
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Brief:
    """What the register keeps of a punch, or of a record that says how one is to be read.

    `about`: the number of the punch that it speaks of; `by`: who says so.
    """

    seq: int
    kind: str
    at: str
    boot_id: str
    monotonic_us: int
    time_quality: str
    person: str
    direction: str
    method: str
    punched_at: str
    about: int
    by: str


@dataclass(frozen=True, slots=True)
class Mention:
    """What the chronicle keeps of a record that is no punch: what was done, by whom, about whom, at which lock; "" for none."""

    seq: int
    kind: str
    what: str
    by: str
    person: str
    lock: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive records as canonical bytes, with the signature of the last."""

    epoch: str
    first: int
    texts: list[bytes]
    sig: str

    @property
    def last(self) -> int:
        return self.first + len(self.texts) - 1


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of the chain, which the next record continues; `seq` 0 and 64 zeros before the first."""

    epoch: str
    seq: int
    hash: str

"""What a lock must not forget, and how it is asked to remember it: one atomic, durable change at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from device.messages import lock as papers


@dataclass(frozen=True, slots=True)
class Kept:
    """The lock's small things. `seen` is the event up to which the server has the log, `epoch` the floor for grants.

    `tampered` is the newest event TAMPER or DROP that was not cleared, 0 for none.
    `forgotten` is the latest expiry of a grant whose counts were forgotten: it is only ever raised, and no grant that expires then
    or earlier is taken.
    """

    name: str
    boot: int = 0
    epoch: int = 0
    first: int = 1
    last: int = 0
    head: bytes = papers.GENESIS
    seen: int = 0
    tampered: int = 0
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class Counted:
    """A command that has cost a stamp: `used` was the how-manieth of `stamps`; `result` is a commands.Result."""

    command: bytes
    grant: bytes
    person: str
    document: bytes
    expires_at: int
    result: int
    used: int
    stamps: int


@dataclass(frozen=True, slots=True)
class Change:
    """What has to be durable before anything moves or anybody is told: all of it, or nothing.

    Events numbered below `kept.first` may go; so may commands whose grant expired at `kept.forgotten` or earlier.
    """

    kept: Kept
    events: tuple[tuple[int, bytes], ...] = ()
    counted: tuple[Counted, ...] = ()


class Memory(Protocol):
    """Where a lock keeps what it must not forget. Whoever implements it syncs before `commit` returns."""

    def kept(self) -> Kept: ...
    def command(self, command: bytes) -> Counted | None: ...
    def used(self, grant: bytes) -> int: ...
    def expired(self, before: int) -> int:
        """The latest expiry of a counted command's grant that lies before then; 0 for none."""

    def unfinished(self) -> tuple[Counted, ...]: ...
    def events(self, after: int, most: int) -> tuple[bytes, ...]: ...
    def commit(self, change: Change) -> None: ...

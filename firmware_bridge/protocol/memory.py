"""What a lock must not forget, and how it is asked to remember it: one atomic, durable change at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from device.messages import lock as papers


@dataclass(frozen=True, slots=True)
class Kept:
    """The lock's small things. `seen` is the event up to which the server has the log, `epoch` the floor for grants."""

    name: str
    boot: int = 0
    epoch: int = 0
    first: int = 1
    last: int = 0
    head: bytes = papers.GENESIS
    seen: int = 0
    tampered: bool = False


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

    Events numbered below `kept.first` may go; so may commands whose grant expired before `forget_before` (0: none).
    """

    kept: Kept
    events: tuple[tuple[int, bytes], ...] = ()
    counted: tuple[Counted, ...] = ()
    forget_before: int = 0


class Memory(Protocol):
    """Where a lock keeps what it must not forget. Whoever implements it syncs before `commit` returns."""

    def kept(self) -> Kept: ...
    def command(self, command: bytes) -> Counted | None: ...
    def used(self, grant: bytes) -> int: ...
    def unfinished(self) -> tuple[Counted, ...]: ...
    def events(self, after: int, most: int) -> tuple[bytes, ...]: ...
    def commit(self, change: Change) -> None: ...

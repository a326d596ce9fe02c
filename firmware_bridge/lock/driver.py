"""What every kind of lock can be asked. A vendor's own protocol is a package with an entry point in the group below.

    [project.entry-points."daka.lock_drivers"]
    acme = "acme_seal.daka:Driver"

The class is called without arguments. A driver knows its lock's bytes and radio; grants, verification, the log's place and the
administrator's sentences are not its business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

from device.sentences import say
from firmware_bridge.link.radio import Heard
from firmware_bridge.lock.errors import DriverUnknown
from firmware_bridge.protocol import commands

GROUP = "daka.lock_drivers"
OURS = "daka"

Compare = Callable[[int], Awaitable[bool]]
Sign = Callable[[bytes], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to this lock and who it must be; `sign` has the kiosk daemon sign a session's transcript."""

    lock: str
    lock_key: bytes
    kiosk_key: bytes
    enrolment: bytes
    sign: Sign


class Visit(Protocol):
    """An open session with one lock. Errors are of firmware_bridge.link.errors or firmware_bridge.lock.errors."""

    @property
    def challenge(self) -> bytes:
        """32 bytes of this session, which the server's and the kiosk's words must name."""

    async def standing(self) -> commands.Standing:
        """How the lock is."""

    async def tell(self, statement: bytes) -> None:
        """The server's word."""

    async def arm(self, command: bytes, grant: bytes, use: bytes) -> commands.Outcome:
        """Wait for the press. The same command is never carried out twice."""

    async def pressed(self, command: bytes, seconds: float) -> commands.Outcome:
        """What became of the press, once it is known, or how it stands after `seconds`."""

    async def outcome(self, command: bytes) -> commands.Outcome:
        """What became of a command."""

    async def end(self) -> None:
        """Stop waiting for the press."""

    async def events(self, after: int, nonce: bytes) -> commands.Events:
        """Some events after number `after`, and the head for the nonce."""

    async def rename(self, name: str) -> None:
        """Be called this."""

    async def identify(self) -> None:
        """Light up."""

    async def forget(self) -> None:
        """Drop this kiosk's bond when the link ends."""


class Driver(Protocol):
    """One kind of lock."""

    async def trouble(self) -> str:
        """What is wrong with the radio, in a sentence; empty for nothing."""

    async def hear(self) -> tuple[Heard, ...]:
        """Locks of this kind that advertise nearby."""

    async def pair(self, address: str, compare: Compare) -> bool:
        """Make a bond, False if there was one before; PairingRefused where people say that the numbers differ."""

    async def unpair(self, address: str) -> None:
        """Forget the bond at this end."""

    def visit(self, address: str, credentials: Credentials) -> AbstractAsyncContextManager[Visit]:
        """Connect and open a session."""


def find(name: str) -> Driver:
    """The driver of that name; DriverUnknown says which there are."""
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted(found)) or "none; install this package anew"
        raise DriverUnknown(say("lock.driver_unknown", name=name, known=known))
    made: Driver = found[name].load()()
    return made

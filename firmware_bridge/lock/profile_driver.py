"""The driver for locks that speak Daka's own profile."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.messages.lock.papers import public_key
from device.sentences import say
from firmware_bridge.link import errors as link
from firmware_bridge.link.radio import Heard, Radio, Wire
from firmware_bridge.lock.driver import Compare, Credentials
from firmware_bridge.lock.errors import LockRefused, NotThisLock, NotUnderstood, SessionBroken
from firmware_bridge.protocol import commands
from firmware_bridge.protocol.commands import Result
from firmware_bridge.protocol.errors import CommandRefused, SessionRefused
from firmware_bridge.protocol.kiosk import Talk
from firmware_bridge.protocol.session import Initiator

NOT_SETTLED = (Result.ARMED, Result.MOVING)
Answer = TypeVar("Answer", commands.Standing, commands.Outcome, commands.Events, commands.Done)


class ProfileVisit:
    """firmware_bridge.lock.driver.Visit over one wire."""

    def __init__(self, wire: Wire, talk: Talk, standing: commands.Standing) -> None:
        self._wire, self._talk, self.greeting = wire, talk, standing
        self._unasked: list[commands.Outcome] = []

    @property
    def challenge(self) -> bytes:
        return self._talk.challenge

    async def standing(self) -> commands.Standing:
        return self.greeting

    async def tell(self, statement: bytes) -> None:
        await self._ask(commands.Tell(statement), commands.Done)

    async def arm(self, command: bytes, grant: bytes, use: bytes) -> commands.Outcome:
        self._unasked.clear()
        return await self._ask(commands.Arm(command, grant, use), commands.Outcome)

    async def pressed(self, command: bytes, seconds: float) -> commands.Outcome:
        """The lock says it unasked; a message that was lost is asked for once the time is up."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                outcome = self._unasked.pop(0) if self._unasked else await self._heard(left_s)
            except link.LockSilent:
                break
            if outcome.command == command and outcome.result not in NOT_SETTLED:
                return outcome
        return await self.outcome(command)

    async def outcome(self, command: bytes) -> commands.Outcome:
        """Messages that the lock sent unasked may stand before the answer."""
        await self._wire.send(self._talk.ask(commands.AskOutcome(command)))
        return await self._heard(None)

    async def end(self) -> None:
        await self._ask(commands.End(), commands.Done)

    async def events(self, after: int, nonce: bytes) -> commands.Events:
        return await self._ask(commands.ReadLog(after, nonce, commands.MOST_EVENTS), commands.Events)

    async def rename(self, name: str) -> None:
        await self._ask(commands.Rename(name), commands.Done)

    async def identify(self) -> None:
        await self._ask(commands.Identify(), commands.Done)

    async def forget(self) -> None:
        await self._ask(commands.Forget(), commands.Done)

    async def _ask(self, question: commands.Question, kind: type[Answer]) -> Answer:
        await self._wire.send(self._talk.ask(question))
        while True:
            answer = read(self._talk, await self._wire.hear())
            if isinstance(answer, kind):
                return answer
            if not isinstance(answer, commands.Outcome):  # an outcome that was not asked for comes when it comes
                raise NotUnderstood(say("lock.another_answer"))
            self._unasked.append(answer)

    async def _heard(self, seconds: float | None) -> commands.Outcome:
        answer = read(self._talk, await self._wire.hear(seconds))
        if not isinstance(answer, commands.Outcome):
            raise NotUnderstood(say("lock.unasked"))
        return answer


class ProfileDriver:
    """firmware_bridge.lock.driver.Driver."""

    def __init__(
        self, radio: Radio | None = None, new_ephemeral: Callable[[], X25519PrivateKey] = X25519PrivateKey.generate
    ) -> None:
        self._radio, self._new_ephemeral = radio or Radio(), new_ephemeral

    async def trouble(self) -> str:
        found = await self._radio.state()
        return str(found) if found else ""

    async def hear(self) -> tuple[Heard, ...]:
        return await self._radio.hear()

    async def pair(self, address: str, compare: Compare) -> bool:
        return await self._radio.pair(address, compare)

    async def unpair(self, address: str) -> None:
        await self._radio.remove(address)

    @asynccontextmanager
    async def visit(self, address: str, credentials: Credentials) -> AsyncIterator[ProfileVisit]:
        async with self._radio.connected(address) as wire:
            talk, standing = await greet(wire, credentials, self._new_ephemeral())
            yield ProfileVisit(wire, talk, standing)


async def greet(wire: Wire, credentials: Credentials, ephemeral: X25519PrivateKey) -> tuple[Talk, commands.Standing]:
    """A session, proven at both ends; NotThisLock where it is not."""
    initiator = Initiator(ephemeral)
    try:
        initiator.hear(await wire.ask(initiator.hello()), credentials.lock, public_key(credentials.lock_key))
        transcript = initiator.to_sign(credentials.kiosk_key, credentials.enrolment)
        signature = await credentials.sign(transcript)
        finish, channel = initiator.finish(signature, credentials.kiosk_key, credentials.enrolment)
        talk = Talk(channel)
        standing = heard(talk, await wire.ask(finish))
    except SessionRefused as error:
        raise NotThisLock(say("lock.no_session", lock=credentials.lock, why=error)) from error
    if not isinstance(standing, commands.Standing):
        raise NotUnderstood(say("lock.no_standing"))
    return talk, standing


def read(talk: Talk, message: bytes) -> commands.Answer:
    """What the lock said after it was greeted; SessionBroken where that does not open, for who it is was settled then."""
    try:
        return heard(talk, message)
    except SessionRefused as error:
        raise SessionBroken(say("lock.session_over", why=error)) from error


def heard(talk: Talk, message: bytes) -> commands.Answer:
    """What the lock said; a no of its own is LockRefused with the profile's sentence."""
    try:
        answer = talk.hear(message)
    except CommandRefused as error:
        raise NotUnderstood(say("lock.not_understood")) from error
    if isinstance(answer, commands.Refused):
        raise LockRefused(answer.why, why_not(answer.why))
    return answer


def why_not(word: str) -> str:
    """The profile's word for a no, as a sentence."""
    return say(f"lock.no.{word}") if word in commands.WHY else say("lock.no.other", why=word)

"""What can be done at a lock: each work is a few questions in an open visit, and always ends with the lock's log on record."""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from device import api
from device.api.bridge import KioskForBridge, LockPapers
from device.messages import lock as lock_papers
from device.sentences import say
from firmware_bridge.link import errors as link
from firmware_bridge.lock.driver import Credentials, Driver, Visit
from firmware_bridge.lock.errors import LockError, LockRefused, NotStamped, SessionBroken
from firmware_bridge.lock.jobs import Jobs
from firmware_bridge.lock.register import Entry
from firmware_bridge.protocol import commands
from firmware_bridge.protocol.commands import Result

log = logging.getLogger(__name__)

TRIES = 4  # of one stamp, over new connections, with the same command id
APART_S = 0.25  # faster, and some locks stop advertising until their battery is pulled
PRESS_MARGIN_S = 2.0
COUNTED = (Result.MOVING, Result.STAMPED, Result.UNFINISHED)
RESULTS = {
    Result.STAMPED: "lock.stamped",
    Result.MOVING: "lock.moving",
    Result.UNFINISHED: "lock.unfinished",
    Result.NOT_PRESSED: "lock.not_pressed",
    Result.ENDED: "lock.unpressed_end",
}
IN_THE_MIDDLE = (link.LinkLost, link.LockSilent, SessionBroken)  # connecting is tried again by the radio itself
AFTER_END_S = 5.0
WHATEVER = (asyncio.CancelledError, Exception)  # once a stamp may have been made, no failure is a reason to say that none was
Value = TypeVar("Value")


@dataclass(slots=True)
class Stamp:
    """One command on its way. `is_open`: the lock may wait for its press, or have had it, and has not said so.

    `outcome`: what became of it, once that is known. `is_called_off`: its person has ended it.
    """

    ticket: str
    command: bytes
    is_open: bool = False
    is_called_off: bool = False
    outcome: commands.Outcome | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """One job's tools."""

    job: str
    entry: Entry
    driver: Driver
    kiosk: KioskForBridge
    jobs: Jobs
    seen: Callable[[str, commands.Standing], None]

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[tuple[Visit, LockPapers]]:
        """A session in which the server's word was told, if there was one."""
        papers = await threaded(self.kiosk.papers, self.entry.lock)
        self.jobs.tell(self.job, stage="connecting")
        async with self.driver.visit(self.entry.address, self._credentials(papers)) as visit:
            self.seen(self.entry.lock, await visit.standing())
            yield visit, papers

    def _credentials(self, papers: LockPapers) -> Credentials:
        async def sign(transcript: bytes) -> bytes:
            return unb64((await threaded(self.kiosk.sign_session, papers.lock, b64(transcript))).text)

        return Credentials(papers.lock, unb64(papers.lock_key), unb64(papers.kiosk_key), unb64(papers.enrolment), sign)

    async def told(self, visit: Visit) -> None:
        """The server's word, where it can be had; the lock decides what may be done without."""
        self.jobs.tell(self.job, stage="asking_server")
        said = (await threaded(self.kiosk.statement, self.entry.lock, b64(visit.challenge))).text
        if said:
            await visit.tell(unb64(said))

    async def relay(self, visit: Visit, papers: LockPapers) -> int:
        """The lock's log onto the kiosk's record, a few events at a time; its length."""
        self.jobs.tell(self.job, stage="reading_log")
        after, nonce = papers.after, unb64(papers.nonce)
        while True:
            found = await visit.events(after, nonce)
            events = tuple(b64(event) for event in found.events)
            upto = (await threaded(self.kiosk.keep, self.entry.lock, events, b64(found.head), papers.nonce)).upto
            if upto >= lock_papers.Head.unproven(found.head).number or not events:
                return upto
            after = upto

    # ---- the works

    async def test(self) -> str:
        """Reach it, prove it, tell it the time, read its log: everything but a stamp."""
        async with self.visit() as (visit, papers):
            await self.told(visit)
            upto = await self.relay(visit, papers)
            standing = await visit.standing()
        battery = f"{standing.battery} %"
        return say("lock.answers", name=standing.name, firmware=standing.firmware, battery=battery, events=upto)

    async def read_log(self) -> str:
        async with self.visit() as (visit, papers):
            return say("lock.log_kept", events=await self.relay(visit, papers))

    async def identify(self) -> str:
        async with self.visit() as (visit, _):
            await visit.identify()
        return say("lock.lit")

    async def rename(self, name: str) -> str:
        async with self.visit() as (visit, papers):
            await visit.rename(name)
            await self.relay(visit, papers)
        return say("lock.renamed", name=name)

    async def stamp(self, ticket: str) -> str:
        """One press under the grant that the ticket stands for. A lost answer is asked for again, never stamped again.

        From the moment when the lock may be armed, whatever fails ends in what became of it, or in "unknown".
        """
        stamp = Stamp(ticket, secrets.token_bytes(16))
        try:
            await self._tried(stamp)
        except WHATEVER as error:
            if not stamp.is_open and stamp.outcome is None:
                raise
            log.warning("a stamp at %s, once it was armed: %r", self.entry.lock, error)
        if stamp.is_open:
            await self._ask_anew(stamp)
        return _said(stamp)

    async def _tried(self, stamp: Stamp) -> None:
        for number in range(1, TRIES + 1):
            try:
                await self._stamp_once(stamp, again=number > 1)
                return
            except IN_THE_MIDDLE as error:
                if number == TRIES or stamp.is_called_off or stamp.outcome is not None:
                    raise
                log.info("stamp, try %d of %d: %s", number, TRIES, error)
                await asyncio.sleep(APART_S * number)

    async def _ask_anew(self, stamp: Stamp) -> None:
        """Nothing is armed again, but the button may have been quicker than what went wrong."""
        try:
            await asyncio.sleep(APART_S)
            async with self.visit() as (visit, papers):
                self._learnt(stamp, await visit.outcome(stamp.command))
                await self.relay(visit, papers)
        except WHATEVER as error:
            log.warning("what became of a stamp at %s: %r", self.entry.lock, error)

    async def _stamp_once(self, stamp: Stamp, *, again: bool) -> None:
        async with self.visit() as (visit, papers):
            if not (again and await self._was_made(visit, stamp)):
                upto = await self.relay(visit, papers)  # a lock whose memory was put back is found out before it stamps
                papers = replace(papers, after=upto)
                try:
                    await self._armed_and_pressed(visit, stamp)
                except LockRefused:
                    await self.relay(visit, papers)  # that it refused, and why, belongs on record, too
                    raise
            await self.relay(visit, papers)

    async def _was_made(self, visit: Visit, stamp: Stamp) -> bool:
        """Whether the try before has cost a stamp; else the lock has let go of it with the link."""
        outcome = await visit.outcome(stamp.command)
        if outcome.result in COUNTED:
            self._learnt(stamp, outcome)
        stamp.is_open = False
        return stamp.outcome is not None

    async def _armed_and_pressed(self, visit: Visit, stamp: Stamp) -> None:
        await self.told(visit)
        lock, challenge = self.entry.lock, b64(visit.challenge)
        papers = await threaded(self.kiosk.use, stamp.ticket, lock, challenge, b64(stamp.command))
        stamp.is_open = True
        try:
            outcome = await visit.arm(stamp.command, unb64(papers.grant), unb64(papers.use))
        except LockRefused:
            stamp.is_open = False
            raise
        if outcome.result == Result.ARMED:
            shown = {"used": outcome.used, "stamps": outcome.stamps, "factor": outcome.factor}
            self.jobs.tell(self.job, stage="press", seconds=outcome.seconds, **shown)
            outcome = await _pressed(visit, stamp, outcome.seconds + PRESS_MARGIN_S)
        self._learnt(stamp, outcome)

    def _learnt(self, stamp: Stamp, outcome: commands.Outcome) -> None:
        """Whoever watches is told at once: nothing that comes after takes it back. A lock that waits still knows nothing yet."""
        if outcome.result == Result.ARMED:
            return
        stamp.outcome, stamp.is_open = outcome, False
        result = Result(outcome.result).name.lower()
        self.jobs.tell(self.job, result=result, used=outcome.used, stamps=outcome.stamps)

    async def forget(self) -> None:
        """The lock drops its bond, if it can be reached; this end forgets it in any case."""
        try:
            async with self.visit() as (visit, papers):
                await visit.forget()
                await self.relay(visit, papers)
        except (link.LinkError, LockError, api.KioskError) as error:
            log.warning("%s keeps its bond until somebody resets it: %s", self.entry.lock, error)


async def _pressed(visit: Visit, stamp: Stamp, seconds: float) -> commands.Outcome:
    """What became of the press; an end by its person that the lock has obeyed is a CancelledError, with nothing open."""
    try:
        return await visit.pressed(stamp.command, seconds)
    except asyncio.CancelledError:
        stamp.is_called_off = True
        if await _ended(visit):
            stamp.is_open = False
            raise
        return await visit.pressed(stamp.command, AFTER_END_S)


def _said(stamp: Stamp) -> str:
    """The sentence for a stamp that was made; NotStamped for any other, or where nobody knows."""
    result = Result(stamp.outcome.result) if stamp.outcome else Result.UNKNOWN
    if result not in COUNTED:
        raise NotStamped(result.name.lower(), say(RESULTS.get(result, "lock.unknown_end")))
    return say(RESULTS[result])


async def _ended(visit: Visit) -> bool:
    """Whether the lock let go; it does not once the button was pressed."""
    try:
        await visit.end()
    except LockRefused:
        return False
    return True


async def threaded(call: Callable[..., Value], *given: object) -> Value:
    """A question to the kiosk daemon; it blocks, so it is asked from a thread."""
    return await asyncio.to_thread(call, *given)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)

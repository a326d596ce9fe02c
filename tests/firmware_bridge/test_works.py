"""A stamp as the bridge works it off, beside the radio: what the lock is asked after the person has ended it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from device.api.bridge import Text
from device.locks.errors import LogRefused
from device.messages import lock as papers
from device.messages.lock import EventKind
from firmware_bridge.link import errors as link
from firmware_bridge.lock.errors import NotStamped
from firmware_bridge.lock.jobs import Jobs
from firmware_bridge.lock.register import Entry
from firmware_bridge.lock.works import Work
from firmware_bridge.protocol import commands
from firmware_bridge.protocol.commands import Result
from tests.device.test_locks import Scene
from tests.firmware_bridge.kiosk_of_world import KioskOfWorld
from tests.firmware_bridge.parts import LOCK_ID, Visit, World


@dataclass
class Near:
    """A session with the world's lock, without a radio; notes what it was asked."""

    hand: Hand
    session: Visit

    @property
    def challenge(self) -> bytes:
        return self.session.talk.challenge

    async def standing(self) -> commands.Standing:
        return cast(commands.Standing, self.session.standing)

    async def tell(self, statement: bytes) -> None:
        self.session.ask(commands.Tell(statement))

    async def arm(self, command: bytes, grant: bytes, use: bytes) -> commands.Outcome:
        self.hand.said.append("arm")
        self.hand.command = command
        return cast(commands.Outcome, self.session.ask(commands.Arm(command, grant, use)))

    async def pressed(self, command: bytes, seconds: float) -> commands.Outcome:
        self.hand.waits.set()
        await asyncio.sleep(3600 if self.hand.is_patient else 0)
        return await self.outcome(command)

    async def outcome(self, command: bytes) -> commands.Outcome:
        self.hand.said.append("outcome")
        return cast(commands.Outcome, self.session.ask(commands.AskOutcome(command)))

    async def end(self) -> None:
        self.hand.said.append("end")
        self.hand.at_end(self.session)
        self.hand.world.lock.link_down(self.hand.world.now_ms)
        raise link.LinkLost("the link broke off")

    async def events(self, after: int, nonce: bytes) -> commands.Events:
        found = cast(commands.Events, self.session.ask(commands.ReadLog(after, nonce, commands.MOST_EVENTS)))
        return found if self.hand.is_open else commands.Events((), found.head)


@dataclass
class Hand:
    """The driver, and whoever stands at the lock."""

    world: World = field(default_factory=World)
    at_end: Callable[[Visit], object] = lambda session: None
    is_near: Callable[[int], bool] = lambda visit: True
    is_patient: bool = True
    is_open: bool = True  # about its events
    said: list[str] = field(default_factory=list)
    command: bytes = b""
    visits: int = 0

    def __post_init__(self) -> None:
        self.waits = asyncio.Event()
        self.kiosk = KioskOfWorld(self.world)
        self.grant = self.world.grant()
        self.kiosk.grants["ticket"] = self.grant

    @asynccontextmanager
    async def visit(self, address: str, credentials: object) -> AsyncIterator[Near]:
        self.visits += 1
        if not self.is_near(self.visits):
            raise link.LockOutOfReach("not heard")
        yield Near(self, self.world.visit())

    def work(self, kiosk: object) -> Work:
        jobs, driver = Jobs(), SimpleNamespace(visit=self.visit)
        job = jobs.new(LOCK_ID, "stamp").id
        return Work(job, Entry(LOCK_ID, "address"), cast(Any, driver), cast(Any, kiosk), jobs, lambda lock, standing: None)

    async def ended_by_its_person(self) -> str:
        stamping = asyncio.create_task(self.work(self.kiosk).stamp("ticket"))
        await asyncio.wait_for(self.waits.wait(), 20)
        stamping.cancel()
        return await asyncio.wait_for(stamping, 20)


def test_an_end_that_loses_the_link_arms_nothing_again() -> None:
    async def ended() -> Hand:
        hand = Hand()
        with pytest.raises(NotStamped) as error:
            await hand.ended_by_its_person()
        assert error.value.why == "ended"
        return hand

    hand = asyncio.run(ended())
    assert hand.said == ["arm", "end", "outcome"]
    assert hand.world.memory.used(hand.grant.id) == 0
    assert not hand.world.lock.press(hand.world.now_ms).move


def test_a_button_that_was_quicker_than_the_end_is_told_though_the_link_was_lost() -> None:
    async def ended() -> Hand:
        hand = Hand(at_end=lambda session: session.press())
        assert await hand.ended_by_its_person() == "stamped"
        return hand

    hand = asyncio.run(ended())
    assert hand.said == ["arm", "end", "outcome"]
    assert [kind.name for kind in hand.kiosk.kinds][-2:] == ["STAMP", "STAMPED"]


def test_where_the_lock_cannot_be_asked_any_more_nobody_claims_that_nothing_was_stamped() -> None:
    async def ended() -> None:
        hand = Hand(is_near=lambda visit: visit == 1)
        with pytest.raises(NotStamped) as error:
            await hand.ended_by_its_person()
        assert (error.value.why, hand.said) == ("unknown", ["arm", "end"])

    asyncio.run(ended())


def test_an_end_that_reaches_the_lock_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end(near: Near) -> None:
        near.hand.said.append("end")
        near.session.ask(commands.End())

    monkeypatch.setattr(Near, "end", end)

    async def ended() -> Hand:
        hand = Hand()
        with pytest.raises(asyncio.CancelledError):
            await hand.ended_by_its_person()
        return hand

    hand = asyncio.run(ended())
    assert hand.said == ["arm", "end"]
    closed = papers.Event.unproven(hand.world.memory.log[-1])
    assert (closed.kind, closed.why) == (EventKind.CLOSED, "ended")
    assert not hand.world.lock.press(hand.world.now_ms).move
    answer = hand.world.visit().ask(commands.AskOutcome(hand.command))
    assert isinstance(answer, commands.Outcome)
    assert answer.result == Result.ENDED


@pytest.mark.parametrize(("is_open", "said"), [(False, []), (True, ["arm", "outcome", "outcome"])], ids=["kept back", "shown"])
def test_a_lock_is_armed_once_its_whole_log_is_on_the_kiosks_record(tmp_path: Path, is_open: bool, said: list[str]) -> None:
    """More events than one answer holds; the kiosk's desk, ledger and journal are the real ones. Nobody presses."""
    scene = Scene(tmp_path)
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen())
    before = scene.world.visit()
    for number in range(20):
        before.ask(commands.Rename(f"seal {number}"))
    before.tell()
    desk = scene.desk
    kiosk = SimpleNamespace(papers=desk.papers, use=desk.use, keep=desk.keep, statement=lambda lock, challenge: Text(""))

    async def stamped() -> Hand:
        hand = Hand(scene.world, is_patient=False, is_open=is_open)
        with pytest.raises(NotStamped if is_open else LogRefused):
            await hand.work(kiosk).stamp(ticket)
        return hand

    hand = asyncio.run(stamped())
    assert hand.said == said
    acts = [str(record.act) for record in scene.records()]
    assert acts[1:23] == (["event"] * 21 + ["head"] if is_open else ["head"])

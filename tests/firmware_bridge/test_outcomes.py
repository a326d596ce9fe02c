"""What is said of a stamp when something goes wrong once the lock was armed: what became of it, or that nobody knows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from device import api
from firmware_bridge.link import errors as link
from firmware_bridge.lock.errors import NotStamped, NotUnderstood
from firmware_bridge.lock.works import Work
from firmware_bridge.protocol import commands
from tests.firmware_bridge.test_works import Hand, Near

LOST = [
    link.LinkLost("it broke off"),
    api.KioskRefused("StorageError", "the disk is full"),
    NotUnderstood("?"),
    KeyError("unforeseen"),
]
names = lambda error: type(error).__name__  # noqa: E731


class Wrong(Near):
    """A lock whose button is pressed as soon as it is armed; `trouble` comes where `place` says."""

    trouble: BaseException
    place: str
    was_pressed = False
    seen: list[str]
    work: Work

    async def arm(self, command: bytes, grant: bytes, use: bytes) -> commands.Outcome:
        outcome = await super().arm(command, grant, use)
        if self.place == "arm":
            self.session.press()
            await self.fails()
        return outcome

    async def pressed(self, command: bytes, seconds: float) -> commands.Outcome:
        if self.place == "unpressed":
            await self.fails()
        self.session.press()
        if self.place == "pressed":
            await self.fails()
        type(self).was_pressed = True
        return await self.outcome(command)

    async def events(self, after: int, nonce: bytes) -> commands.Events:
        if self.place == "log" and self.was_pressed:
            type(self).seen.append(self.work.jobs.get(self.work.job).result)
            await self.fails()
        return await super().events(after, nonce)

    async def fails(self) -> None:
        self.hand.waits.set()
        if isinstance(self.trouble, asyncio.CancelledError):
            await asyncio.sleep(3600)
        raise self.trouble


def story(monkeypatch: pytest.MonkeyPatch, place: str, trouble: BaseException, **hand: object) -> tuple[Hand, Work, str]:
    """One stamp, called off where the trouble is a CancelledError; the hand, the work, and what was said, or why not stamped."""

    async def played() -> tuple[Hand, Work, str]:
        made = Hand(**hand)  # type: ignore[arg-type]
        work = made.work(made.kiosk)
        wrong = cast(type[Wrong], type("Wrong", (Wrong,), {"place": place, "trouble": trouble, "seen": [], "work": work}))
        monkeypatch.setattr("tests.firmware_bridge.test_works.Near", wrong)
        stamping = asyncio.create_task(work.stamp("ticket"))
        if isinstance(trouble, asyncio.CancelledError):
            await asyncio.wait_for(made.waits.wait(), 20)
            stamping.cancel()
        try:
            said = str(await asyncio.wait_for(cast(Awaitable[str], stamping), 30))
        except NotStamped as error:
            said = error.why
        assert wrong.seen in ([], ["stamped"]), "the result is told before the log is read"
        return made, work, said

    return asyncio.run(played())


@pytest.mark.parametrize("trouble", [*LOST, asyncio.CancelledError()], ids=names)
def test_a_stamp_that_was_made_is_told_whatever_becomes_of_the_log(monkeypatch: pytest.MonkeyPatch, trouble: BaseException) -> None:
    hand, work, said = story(monkeypatch, "log", trouble)
    assert said == "stamped"
    shown = work.jobs.get(work.job)
    assert (shown.result, shown.used, shown.stamps) == ("stamped", 1, 2)
    assert hand.said.count("arm") == hand.world.memory.used(hand.grant.id) == 1


@pytest.mark.parametrize("place", ["arm", "pressed"])
@pytest.mark.parametrize("trouble", [*LOST, asyncio.CancelledError()], ids=names)
def test_a_lock_that_may_have_stamped_is_asked_before_anything_is_said(
    monkeypatch: pytest.MonkeyPatch, place: str, trouble: BaseException
) -> None:
    hand, _, said = story(monkeypatch, place, trouble)
    assert said == "stamped"
    assert hand.said.count("arm") == hand.world.memory.used(hand.grant.id) == 1


@pytest.mark.parametrize("place", ["arm", "unpressed", "pressed"])
@pytest.mark.parametrize("trouble", LOST, ids=names)
def test_of_a_lock_that_cannot_be_asked_any_more_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch, place: str, trouble: BaseException
) -> None:
    once: Callable[[int], bool] = lambda visit: visit == 1  # noqa: E731
    _, work, said = story(monkeypatch, place, trouble, is_near=once)
    assert said == "unknown"
    assert work.jobs.get(work.job).result == ""


def test_a_lock_that_still_waits_when_the_time_is_up_lets_go_before_anything_is_said() -> None:
    async def played() -> Hand:
        hand = Hand(is_patient=False)
        with pytest.raises(NotStamped) as error:
            await hand.work(hand.kiosk).stamp("ticket")
        assert error.value.why == "ended"
        return hand

    hand = asyncio.run(played())
    assert not hand.world.lock.press(hand.world.now_ms).move

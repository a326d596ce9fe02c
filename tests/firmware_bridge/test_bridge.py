"""The bridge's daemon at work: its jobs, over bleak, D-Bus and a virtual link, at the reference lock."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bumble.keys import MemoryKeyStore

from device import api
from device.api.bridge import DONE, FAILED, STILL, LockJob, UsePapers
from device.messages import lock as papers
from device.messages.lock import EventKind
from firmware_bridge.bridge import Bridge
from firmware_bridge.demonstration.air import device_on
from firmware_bridge.link import errors as link
from firmware_bridge.link.radio import Radio
from firmware_bridge.lock import driver
from firmware_bridge.lock.errors import DriverUnknown, LockBusy, LockError, LockUnknown, MemoryBroken
from firmware_bridge.lock.profile_driver import ProfileDriver
from firmware_bridge.lock.register import Entry, Register
from firmware_bridge.reference.peripheral import Peripheral
from tests.firmware_bridge import rig as rigs
from tests.firmware_bridge.kiosk_of_world import KioskOfWorld
from tests.firmware_bridge.parts import LOCK_ID, NOON, World, key
from tests.firmware_bridge.rig import ADDRESS, Rig

OTHER_ADDRESS = "F0:F1:F2:F3:F4:F6"


@pytest.fixture(scope="module")
def bus() -> Iterator[str]:
    with rigs.private_bus() as address:
        yield address


@dataclass
class Scene:
    """A rig, a bridge beside it, and the kiosk that the bridge asks."""

    rig: Rig
    bridge: Bridge
    kiosk: KioskOfWorld

    async def do(self, call: Callable[..., object], *given: object) -> object:
        """A question as the kiosk asks it: from a thread."""
        return await asyncio.to_thread(call, *given)

    async def begin(self, work: str, argument: str = "") -> LockJob:
        job = await self.do(self.bridge.begin, LOCK_ID, work, argument)
        assert isinstance(job, LockJob)
        return job

    async def until(self, job: LockJob, stage: str = "") -> LockJob:
        """The job at that stage, or at its end."""
        shown = job
        for _ in range(200):
            shown = await asyncio.to_thread(self.bridge.jobs.get, job.id, shown.change, 5.0)
            if shown.state != STILL or shown.stage == stage:
                return shown
        raise AssertionError(f"{job.work} hangs at {shown.stage}")

    async def pair(self, *, same: bool = True) -> LockJob:
        job = await self.do(self.bridge.pair, LOCK_ID, ADDRESS)
        assert isinstance(job, LockJob)
        shown = await self.until(job, "compare")
        if shown.state == STILL:
            assert shown.number == f"{self.rig.at_lock[-1]:06d}"
            await self.do(self.bridge.compare, job.id, same)
        shown = await self.until(job)
        await self.rest()
        return shown

    async def rest(self) -> None:
        """Until the lock may be spoken to again."""
        while any(lock.busy for lock in (await asyncio.to_thread(self.bridge.status)).locks) or self.bridge._running:
            await asyncio.sleep(0.02)

    def grant(self, **changed: object) -> str:
        """A grant that the kiosk has a verified person for; the ticket."""
        grant = self.kiosk.world.grant(**changed)
        self.kiosk.grants[grant.id.hex()] = grant
        return grant.id.hex()

    async def stamp(self, ticket: str, press: Callable[[], object] | None = None) -> LockJob:
        job = await self.begin("stamp", ticket)
        shown = await self.until(job, "press")
        if shown.stage == "press":
            await (press() if press else self.rig.lock.press())  # type: ignore[misc]
        shown = await self.until(job)
        await self.rest()
        return shown


@asynccontextmanager
async def scene(bus: str, folder: Path) -> AsyncIterator[Scene]:
    async with rigs.rig(bus) as rig:
        kiosk = KioskOfWorld(rig.world)
        found = ProfileDriver(Radio(rigs.QUICK), rig.world.ephemeral)
        bridge = Bridge(Register(folder / "locks.json"), kiosk, lambda: datetime(2027, 1, 15, tzinfo=UTC), lambda _: found)  # type: ignore[arg-type]
        radio = threading.Thread(target=bridge.run)
        radio.start()
        try:
            yield Scene(rig, bridge, kiosk)
        finally:
            bridge.stop()
            await asyncio.to_thread(radio.join)


@pytest.fixture
def play(bus: str, tmp_path: Path) -> Callable[[Callable[[Scene], object]], None]:
    def run(story: Callable[[Scene], object]) -> None:
        async def whole() -> None:
            async with scene(bus, tmp_path) as made:
                await story(made)  # type: ignore[misc]

        asyncio.run(asyncio.wait_for(whole(), rigs.LONGEST_S))

    return run


Play = Callable[[Callable[[Scene], object]], None]


def test_a_lock_is_paired_tested_stamped_with_and_its_log_is_on_record(play: Play) -> None:
    async def story(scene: Scene) -> None:
        paired = await scene.pair()
        assert (paired.state, paired.why) == (DONE, "")
        stamped = await scene.stamp(scene.grant())
        assert (stamped.state, stamped.result, stamped.used, stamped.stamps) == (DONE, "stamped", 1, 2)
        assert scene.kiosk.kinds[-3:] == [EventKind.ARMED, EventKind.STAMP, EventKind.STAMPED]
        (shown,) = (await asyncio.to_thread(scene.bridge.status)).locks
        assert (shown.lock, shown.address, shown.name, shown.battery) == (LOCK_ID, ADDRESS, "Finance seal", 100)
        (heard,) = await asyncio.to_thread(scene.bridge.heard)
        assert heard.lock == LOCK_ID

    play(story)


def test_numbers_that_differ_leave_no_lock_here(play: Play) -> None:
    async def story(scene: Scene) -> None:
        failed = await scene.pair(same=False)
        assert (failed.state, failed.why) == (FAILED, "PairingRefused")
        with pytest.raises(LockUnknown):
            await scene.begin("test")

    play(story)


def test_an_impostor_with_the_right_name_is_not_kept_although_the_numbers_agreed(play: Play) -> None:
    async def story(scene: Scene) -> None:
        scene.rig.world.lock_key = key("impostor")
        scene.rig.lock.lock = scene.rig.world.boot()
        failed = await scene.pair()
        assert (failed.state, failed.why) == (FAILED, "NotThisLock")
        assert not await scene.rig.radio.is_paired(ADDRESS)
        assert not (await asyncio.to_thread(scene.bridge.status)).locks

    play(story)


def test_the_address_of_another_lock_is_refused_and_its_bond_stays(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        with pytest.raises(LockError, match=f"another lock has that address: {LOCK_ID}"):
            await scene.do(scene.bridge.pair, "LOCK-0002", ADDRESS)
        assert await scene.rig.radio.is_paired(ADDRESS)
        assert (await scene.stamp(scene.grant())).result == "stamped"

    play(story)


def test_a_bond_that_was_there_before_outlives_a_pairing_that_comes_to_nothing(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        papers, scene.kiosk.papers = scene.kiosk.papers, offline_after(1, scene.kiosk.papers)  # type: ignore[method-assign, assignment]
        assert (await scene.pair()).state == FAILED
        scene.kiosk.papers = papers  # type: ignore[method-assign]
        assert await scene.rig.radio.is_paired(ADDRESS)
        assert (await scene.stamp(scene.grant())).result == "stamped"

    play(story)


def offline_after(times: int, papers: Callable[[str], Any]) -> Callable[[str], Any]:
    """The kiosk's daemon answers so many times, and then it is being restarted."""
    left = itertools.count(times, -1)

    def asked(lock: str) -> Any:
        if next(left) <= 0:
            raise api.KioskAway("the kiosk's daemon does not answer")
        return papers(lock)

    return asked


def test_a_lock_that_is_not_enrolled_here_is_not_even_paired(play: Play) -> None:
    async def story(scene: Scene) -> None:
        job = await scene.do(scene.bridge.pair, "LOCK-0002", ADDRESS)
        assert isinstance(job, LockJob)
        failed = await scene.until(job)
        assert (failed.why, scene.rig.at_lock) == ("LockNotEnrolled", [])

    play(story)


def test_a_lost_answer_is_asked_for_again_and_the_stamp_is_made_once(play: Play) -> None:
    """The link breaks between the press and the answer; the second visit only asks what became of it."""

    async def story(scene: Scene) -> None:
        await scene.pair()

        async def press_and_break() -> None:
            peripheral = scene.rig.lock
            pressed = peripheral.lock.press(peripheral.now_ms())
            assert pressed.move
            await peripheral._connection.disconnect()  # type: ignore[union-attr]
            peripheral.lock.moved(peripheral.now_ms())

        ticket = scene.grant(stamps=1)
        stamped = await scene.stamp(ticket, press_and_break)
        assert (stamped.state, stamped.result) == (DONE, "stamped")
        assert scene.kiosk.kinds.count(EventKind.STAMP) == 1
        again = await scene.stamp(ticket)
        assert (again.state, again.why) == (FAILED, "count")

    play(story)


def test_a_refusal_of_the_lock_is_a_sentence(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        refused = await scene.stamp(scene.grant(expires_at=NOON - 1, not_before=1))
        assert (refused.state, refused.why, refused.sentence) == (FAILED, "expired", "the approval has expired")
        assert scene.kiosk.kinds[-1] is not EventKind.ARMED

    play(story)


def test_one_thing_at_a_time_and_a_press_that_is_waited_for_can_be_called_off(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        job = await scene.begin("stamp", scene.grant())
        await scene.until(job, "press")
        with pytest.raises(LockBusy):
            await scene.begin("test")
        ended = await scene.do(scene.bridge.end, job.id)
        assert isinstance(ended, LockJob)
        assert (await scene.until(job)).why == "ended"
        assert not await scene.rig.lock.press()
        await scene.rest()
        assert (await scene.until(await scene.begin("log"))).state == DONE
        assert scene.kiosk.kinds[-1] is EventKind.CLOSED

    play(story)


def test_without_the_server_the_press_needs_the_finger(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        scene.kiosk.online = False
        job = await scene.begin("stamp", scene.grant())
        shown = await scene.until(job, "press")
        assert shown.factor
        assert not await scene.rig.lock.press()
        assert await scene.rig.lock.press(factor=True)
        assert (await scene.until(job)).result == "stamped"

    play(story)


def test_a_lock_is_named_lit_and_removed_at_both_ends(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        assert (await scene.until(await scene.begin("rename", "法务章"))).state == DONE
        await scene.rest()
        assert (await scene.until(await scene.begin("identify"))).state == DONE
        assert scene.rig.world.lock.lit_until_ms > 0
        assert scene.rig.world.lock.name == "法务章"
        await scene.rest()
        assert (await scene.until(await scene.begin("remove"))).state == DONE
        assert not scene.rig.keys.all_keys
        assert not await scene.rig.radio.is_paired(ADDRESS)
        assert not (await asyncio.to_thread(scene.bridge.status)).locks

    play(story)


def test_ten_visits_in_a_row_leave_the_lock_and_the_bridge_well(play: Play) -> None:
    """Each with a connection and a session of its own."""

    async def story(scene: Scene) -> None:
        await scene.pair()
        for _ in range(10):
            assert (await scene.until(await scene.begin("log"))).state == DONE
            await scene.rest()
        assert scene.rig.world.lock.state == "alone"

    play(story)


def test_another_program_that_uses_the_bond_disturbs_nobody_for_long(play: Play) -> None:
    """It speaks to the lock through the same BlueZ; without the kiosk's key it is refused, and the log says so."""

    async def story(scene: Scene) -> None:
        await scene.pair()
        async with Radio(rigs.QUICK).connected(ADDRESS) as wire:
            assert (await wire.ask(b"\x04" + bytes(40)))[0] == 0x7F
        assert (await scene.stamp(scene.grant())).result == "stamped"
        assert EventKind.SESSION_REFUSED in scene.kiosk.kinds

    play(story)


class Two:
    """A kiosk with two locks: each question goes to the one that it names."""

    def __init__(self, *kiosks: KioskOfWorld) -> None:
        self._kiosks = {kiosk.world.lock_id: kiosk for kiosk in kiosks}

    def use(self, ticket: str, lock: str, challenge: str, command: str) -> UsePapers:
        return self._kiosks[lock].use(ticket, lock, challenge, command)

    def __getattr__(self, name: str) -> Callable[..., object]:
        return lambda lock, *rest: getattr(self._kiosks[lock], name)(lock, *rest)


def test_two_locks_are_used_at_the_same_time_and_neither_hears_of_the_other(play: Play) -> None:
    async def story(scene: Scene) -> None:
        other, keys = World(lock_id="LOCK-0002"), MemoryKeyStore()
        peripheral = Peripheral(device_on(scene.rig.air, "other", OTHER_ADDRESS), other.lock, scene.rig.compare_at_lock, keys)
        await peripheral.start()
        second = KioskOfWorld(other)
        scene.bridge._kiosk = Two(scene.kiosk, second)  # type: ignore[assignment]
        await scene.pair()
        await scene.rig.radio.pair(OTHER_ADDRESS, scene.rig.compare_at_kiosk)
        scene.bridge._register.put(Entry("LOCK-0002", OTHER_ADDRESS))
        grants = {LOCK_ID: scene.grant(), "LOCK-0002": "other"}
        second.grants["other"] = other.grant()
        jobs = {lock: await asyncio.to_thread(scene.bridge.begin, lock, "stamp", ticket) for lock, ticket in grants.items()}
        for lock, pressed in ((LOCK_ID, scene.rig.lock), ("LOCK-0002", peripheral)):
            assert (await scene.until(jobs[lock], "press")).stage == "press"
            assert await pressed.press()
        assert [(await scene.until(job)).result for job in jobs.values()] == ["stamped", "stamped"]
        assert [kiosk.kinds.count(EventKind.STAMP) for kiosk in (scene.kiosk, second)] == [1, 1]
        await peripheral.stop()

    play(story)


def test_a_name_that_no_lock_can_have_and_work_that_none_can_do_are_refused(play: Play) -> None:
    async def story(scene: Scene) -> None:
        await scene.pair()
        assert (await scene.until(await scene.begin("rename", "x" * 49))).why == "LockError"
        await scene.rest()
        with pytest.raises(LockError, match="cannot be done"):
            await scene.begin("dance")

    play(story)


def test_drivers_are_found_by_their_entry_point() -> None:
    assert isinstance(driver.find(driver.OURS), ProfileDriver)
    with pytest.raises(DriverUnknown, match="there is: daka"):
        driver.find("acme")


def test_the_register_survives_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "locks.json"
    Register(path).put(Entry(LOCK_ID, ADDRESS))
    assert Register(path).get(LOCK_ID) == Entry(LOCK_ID, ADDRESS)
    path.write_text("[{", encoding="utf-8")
    with pytest.raises(MemoryBroken, match="pair the locks again"):
        Register(path)


def test_every_failure_of_the_link_has_a_sentence_that_says_what_to_do() -> None:
    assert set(link.SENTENCES) == set(link.LinkError.__subclasses__())
    assert all(":" in str(link.said(kind)) for kind in link.SENTENCES)
    assert papers.MOST_OFFLINE_S == 8 * 3600

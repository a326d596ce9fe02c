"""Pairing, connecting and talking over the real stack but the radio: bleak unmodified, D-Bus, ATT, GATT, SMP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakError

from firmware_bridge import profile
from firmware_bridge.link import errors
from firmware_bridge.link.radio import Radio, Wire
from firmware_bridge.protocol import session
from tests.firmware_bridge.rig import ADDRESS, Rig, play, private_bus

Scenario = Callable[[Rig], Awaitable[None]]


@pytest.fixture(scope="module")
def bus() -> Iterator[str]:
    with private_bus() as address:
        yield address


async def greet(rig: Rig) -> bytes:
    """The first two messages of a session; the lock's answer."""
    async with rig.radio.connected(ADDRESS) as wire:
        return await wire.ask(session.Initiator(rig.world.ephemeral()).hello())


def test_a_lock_is_heard_by_its_service_and_pairs_when_the_numbers_agree(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        (heard,) = await rig.radio.hear(0.5)
        assert (heard.address, heard.name) == (ADDRESS, "Finance ")
        await rig.pair()
        assert rig.at_kiosk == rig.at_lock
        assert len(rig.at_kiosk) == 1
        assert [member for member, *_ in rig.bluez.asked] == ["RequestConfirmation"]
        assert await rig.radio.is_paired(ADDRESS)
        assert (await greet(rig))[0] == session.ANSWER

    play(bus, scenario)


def test_a_bond_is_used_again_and_nobody_is_asked(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.pair()
        for _ in range(2):
            assert (await greet(rig))[0] == session.ANSWER
        assert len(rig.at_kiosk) == 1

    play(bus, scenario)


def test_a_slow_link_leaves_the_bond_at_both_ends_and_every_visit_is_answered(bus: str) -> None:
    """A link that ends too early leaves a bond at one end; an answer that nobody takes must not hold up the next visit's."""

    async def scenario(rig: Rig) -> None:
        await rig.pair()
        assert rig.keys.all_keys
        for _ in range(3):
            assert (await greet(rig))[0] == session.ANSWER

    play(bus, scenario, delay_s=0.03)


@pytest.mark.parametrize("who", ["kiosk", "lock"])
def test_numbers_that_differ_for_either_person_are_no_pairing(bus: str, who: str) -> None:
    """A man in the middle pairs with each end by himself, and cannot make the two numbers equal."""

    async def scenario(rig: Rig) -> None:
        setattr(rig, f"{who}_agrees", False)
        with pytest.raises(errors.PairingRefused):
            await rig.pair()
        assert not await rig.radio.is_paired(ADDRESS)
        assert not rig.keys.all_keys
        with pytest.raises(errors.LinkError):
            await greet(rig)

    play(bus, scenario)


@pytest.mark.parametrize("ends", ["refused", "called off"])
def test_a_pairing_that_came_to_nothing_leaves_no_link_and_the_next_one_begins_at_once(bus: str, ends: str) -> None:
    """A lock that is connected is not heard by anybody."""

    async def scenario(rig: Rig) -> None:
        asked = asyncio.Event()

        async def compare(number: int) -> bool:
            asked.set()
            await asyncio.sleep(0 if ends == "refused" else 100)
            return False

        pairing = asyncio.create_task(rig.radio.pair(ADDRESS, compare))
        await asyncio.wait_for(asked.wait(), 10)
        if ends == "called off":
            pairing.cancel()
        with pytest.raises((errors.PairingRefused, asyncio.CancelledError)):
            await pairing
        await rig.pair()
        assert (await greet(rig))[0] == session.ANSWER

    play(bus, scenario)


def test_a_bond_that_did_not_come_about_whole_is_not_kept(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next pairing would find it, and ask nobody for numbers."""

    async def breaks_off(*given: object) -> bytearray:
        raise BleakError("the link has ended")

    async def scenario(rig: Rig) -> None:
        monkeypatch.setattr(BleakClient, "read_gatt_char", breaks_off)
        with pytest.raises(errors.PairingRefused):
            await rig.pair()
        assert not await rig.radio.is_paired(ADDRESS)

    play(bus, scenario)


def test_whether_a_bond_is_new_is_said(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        assert await rig.radio.pair(ADDRESS, rig.compare_at_kiosk)
        assert not await rig.radio.pair(ADDRESS, rig.compare_at_kiosk), "it was there before"

    play(bus, scenario)


def test_pairing_without_numbers_is_refused_by_the_lock(bus: str) -> None:
    """Just Works: no agent on the kiosk, so nobody could compare anything."""

    async def scenario(rig: Rig) -> None:
        device = await BleakScanner.find_device_by_address(ADDRESS, timeout=rig.radio.patience.scan)
        assert device is not None
        async with BleakClient(device) as client:
            with pytest.raises(Exception, match="AuthenticationFailed"):
                await client.pair()
        assert not rig.keys.all_keys

    play(bus, scenario)


def test_pairing_without_numbers_is_refused_by_the_kiosk(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        rig.lock._agreement.io_capability = rig.lock._agreement.NO_OUTPUT_NO_INPUT
        with pytest.raises(errors.PairingRefused):
            await rig.pair()
        assert rig.at_kiosk == []

    play(bus, scenario)


def test_what_is_written_without_a_vouched_for_link_reaches_nothing(bus: str) -> None:
    """BlueZ made of bumble says at once that it may not; the real one tries to pair without an agent, and never answers."""

    async def scenario(rig: Rig) -> None:
        device = await BleakScanner.find_device_by_address(ADDRESS, timeout=rig.radio.patience.scan)
        assert device is not None
        async with BleakClient(device) as client:
            with pytest.raises(errors.LinkError):
                await Wire(client, rig.radio.patience).ask(session.Initiator(rig.world.ephemeral()).hello())
        assert rig.world.lock.state == "alone"
        assert not rig.keys.all_keys

    play(bus, scenario)


def test_without_a_bond_the_kiosk_does_not_even_connect(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        with pytest.raises(errors.NotPaired):
            await greet(rig)
        assert rig.air.packets == 0

    play(bus, scenario)


def test_a_lock_that_forgot_its_bond_is_told_apart_and_only_removal_mends_it(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.pair()
        await rig.keys.delete_all()
        with pytest.raises(errors.BondStale, match="remove it here and pair it again"):
            await greet(rig)
        assert await rig.radio.is_paired(ADDRESS)  # BlueZ still says so
        with pytest.raises(errors.BondStale):
            await greet(rig)
        await rig.radio.remove(ADDRESS)
        await rig.pair()
        assert (await greet(rig))[0] == session.ANSWER

    play(bus, scenario)


def test_a_search_for_a_lock_that_is_away_keeps_nobody_from_finding_another(bus: str) -> None:
    """BlueZ answers a client's second StartDiscovery with InProgress."""

    async def scenario(rig: Rig) -> None:
        await rig.pair()
        away = asyncio.create_task(rig.radio.pair("F0:F1:F2:F3:F4:00", rig.compare_at_kiosk))
        await asyncio.sleep(0.2)
        assert (await greet(rig))[0] == session.ANSWER
        assert [heard.address for heard in await rig.radio.hear(0.05)] == [ADDRESS]
        assert not away.done()
        with pytest.raises(errors.LockNotSeen):
            await away
        assert [heard.address for heard in await rig.radio.hear(0.2)] == [ADDRESS]

    play(bus, scenario)


def test_a_lock_that_is_not_there_is_said_within_the_scan_window(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.lock._device.stop_advertising()
        began = time.monotonic()
        with pytest.raises(errors.LockNotSeen, match="wake it"):
            await greet(rig)
        assert time.monotonic() - began < rig.radio.patience.scan + 3

    play(bus, scenario)


def test_silence_after_a_write_ends_within_the_time_for_one_operation(bus: str) -> None:
    """BlueZ alone would wait for 30 seconds."""

    async def scenario(rig: Rig) -> None:
        await rig.pair()
        async with rig.radio.connected(ADDRESS) as wire:
            rig.air.silent = True
            began = time.monotonic()
            with pytest.raises(errors.LockSilent):
                await wire.ask(b"\x01anything")
            assert time.monotonic() - began < rig.radio.patience.operation + 2
            rig.air.silent = False

    play(bus, scenario)


def test_a_lock_that_takes_everything_and_says_nothing_is_noticed(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.pair()
        rig.lock.deaf = True
        with pytest.raises(errors.LockSilent):
            await greet(rig)

    play(bus, scenario)


def test_a_link_that_breaks_while_we_listen_is_said_at_once(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.pair()
        async with rig.radio.connected(ADDRESS) as wire:
            listening = asyncio.create_task(wire.hear(10))
            await asyncio.sleep(0.1)
            assert rig.lock._connection is not None
            await rig.lock._connection.disconnect()
            with pytest.raises(errors.LinkLost):
                await listening

    play(bus, scenario)


def test_an_adapter_that_is_off_or_missing_is_named_and_comes_back(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        assert await rig.radio.state() is None
        await rig.bluez.power(False)
        assert isinstance(await rig.radio.state(), errors.BluetoothOff)
        with pytest.raises(errors.BluetoothOff):
            await rig.radio.hear(0.2)
        await rig.bluez.power(True)
        assert await rig.radio.state() is None
        await rig.bluez.unplug()
        assert isinstance(await rig.radio.state(), errors.BluetoothAway)
        with pytest.raises(errors.BluetoothAway):
            await rig.radio.hear(0.2)

    play(bus, scenario)


def test_bluetoothd_that_restarts_is_noticed_and_the_bond_still_holds(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        await rig.pair()
        restarting = asyncio.create_task(rig.bluez.restart(away_s=1.0))
        await asyncio.sleep(0.1)
        assert isinstance(await rig.radio.state(), errors.BluetoothAway)
        with pytest.raises(errors.BluetoothAway):
            await rig.radio.hear(0.1)
        await restarting
        assert await rig.radio.state() is None
        assert (await greet(rig))[0] == session.ANSWER

    play(bus, scenario)


def test_without_any_system_bus_bluetooth_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        radio = Radio()
        assert isinstance(await radio.state(), errors.BluetoothAway)
        with pytest.raises(errors.BluetoothAway):
            await radio.hear(0.1)

    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
    asyncio.run(scenario())


def test_the_information_that_anybody_can_read_names_no_lock(bus: str) -> None:
    async def scenario(rig: Rig) -> None:
        device = await BleakScanner.find_device_by_address(ADDRESS, timeout=rig.radio.patience.scan)
        assert device is not None
        async with BleakClient(device) as client:
            about = bytes(await client.read_gatt_char(profile.INFORMATION))
        assert about[0] == session.VERSION
        assert b"LOCK" not in about

    play(bus, scenario)

"""Scanning, connecting and pairing through bleak; its errors, and BlueZ's, become ours here and nowhere else."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
)
from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.constants import BusType

from firmware_bridge import profile
from firmware_bridge.link import errors
from firmware_bridge.link.agent import Compare, PairingAgent
from firmware_bridge.link.discovery import Discovery
from firmware_bridge.protocol import frames
from firmware_bridge.protocol.errors import FrameRefused

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait for what; seconds, and tries."""

    scan: float = 10.0
    connect: float = 20.0  # of all tries together
    operation: float = 5.0  # one write, one answer; BlueZ alone would wait 30
    pair: float = 40.0  # two people compare numbers
    pause: float = 0.3  # between two tries, at the most, times the number of the try
    tries: int = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """A lock that advertises; `signal_dbm` as the adapter measured it."""

    address: str
    name: str
    signal_dbm: int


class Wire:
    """An open connection: whole messages out, whole messages in."""

    def __init__(self, client: BleakClient, patience: Patience) -> None:
        self._client, self._patience = client, patience
        self._assembler = frames.Assembler()
        self._heard: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def open(self) -> None:
        """Listen for answers."""
        with translated():
            async with asyncio.timeout(self._patience.operation):
                await self._client.start_notify(profile.FROM_LOCK, self._take)

    async def send(self, message: bytes) -> None:
        """One message; the last piece is confirmed, and with it those before: the link keeps their order."""
        with translated():
            characteristic = self._client.services.get_characteristic(profile.TO_LOCK)
            if characteristic is None:
                raise errors.said(errors.LinkLost)
            most = min(characteristic.max_write_without_response_size, profile.MOST_FRAME_BYTES)
            *first, last = frames.split(message, most)
            async with asyncio.timeout(self._patience.operation):
                for piece in first:
                    await self._client.write_gatt_char(characteristic, piece, response=False)
                await self._client.write_gatt_char(characteristic, last, response=True)

    async def hear(self, seconds: float | None = None) -> bytes:
        """The next message; LockSilent after `seconds` (the patience for one operation), LinkLost when the link ends."""
        try:
            message = await asyncio.wait_for(self._heard.get(), seconds or self._patience.operation)
        except TimeoutError as error:
            raise errors.said(errors.LockSilent) from error
        if message is None:
            raise errors.said(errors.LinkLost)
        return message

    async def ask(self, message: bytes) -> bytes:
        """Send, and hear the answer."""
        await self.send(message)
        return await self.hear()

    def lost(self) -> None:
        """The link has ended; whoever listens is told."""
        self._heard.put_nowait(None)

    def _take(self, _: BleakGATTCharacteristic, piece: bytearray) -> None:
        try:
            message = self._assembler.feed(bytes(piece))
        except FrameRefused as error:
            log.warning("a piece of the lock's answer was refused: %s", error)
            return
        if message is not None:
            self._heard.put_nowait(message)


class Radio:
    """The adapter. One connection at a time to each lock is for whoever calls."""

    def __init__(self, patience: Patience | None = None) -> None:
        self.patience = patience or Patience()
        self._discovery = Discovery()

    async def hear(self, seconds: float | None = None) -> tuple[Heard, ...]:
        """Every lock that advertises within the scan window."""
        found: dict[str, Heard] = {}

        def listen(device: BLEDevice, advertised: AdvertisementData) -> None:
            found[device.address] = Heard(device.address, advertised.local_name or "", advertised.rssi)

        with translated():
            async with self._discovery.heard_by(listen):
                await asyncio.sleep(seconds or self.patience.scan)
        return tuple(found.values())

    @asynccontextmanager
    async def connected(self, address: str) -> AsyncIterator[Wire]:
        """A wire to a paired lock, until the block ends."""
        deadline = time.monotonic() + self.patience.scan + self.patience.connect
        client, wire = await self._persistently(address, deadline)
        try:
            await wire.open()
            yield wire
        finally:
            await self._let_go(client)

    async def _let_go(self, client: BleakClient) -> None:
        """A lock that stays connected is heard by nobody."""
        with suppress(BleakError, OSError, EOFError, TimeoutError):
            async with asyncio.timeout(self.patience.operation):
                await client.disconnect()

    async def _persistently(self, address: str, deadline: float) -> tuple[BleakClient, Wire]:
        """At most so many tries within the time, a little apart, and only where trying again can help."""
        for number in range(1, self.patience.tries + 1):
            try:
                device = await self._find(address, min(self.patience.scan, max(0.5, deadline - time.monotonic())))
                if not device.details["props"].get("Paired"):
                    raise errors.said(errors.NotPaired)  # BlueZ would pair by itself, with any agent, and not answer
                return await self._connect(device)
            except errors.LinkError as error:
                last = number == self.patience.tries or isinstance(error, errors.LockNotSeen)
                if last or not error.worth_retrying or time.monotonic() >= deadline:
                    raise
                log.info("try %d of %d: %s", number, self.patience.tries, error)
                await asyncio.sleep(self.patience.pause * number * random.uniform(0.5, 1.0))
        raise AssertionError("the last try returns or raises")

    async def _find(self, address: str, seconds: float) -> BLEDevice:
        found: asyncio.Future[BLEDevice] = asyncio.get_running_loop().create_future()

        def listen(device: BLEDevice, _: AdvertisementData) -> None:
            if device.address == address and not found.done():
                found.set_result(device)

        with translated():
            async with self._discovery.heard_by(listen):
                await asyncio.wait([found], timeout=seconds)
        if not found.done():
            raise errors.said(errors.LockNotSeen)
        return found.result()

    async def _connect(self, device: BLEDevice) -> tuple[BleakClient, Wire]:
        wires: list[Wire] = []

        def lost(_: BleakClient) -> None:
            wires[0].lost()

        client = BleakClient(device, disconnected_callback=lost, timeout=self.patience.connect)
        wires.append(Wire(client, self.patience))
        with translated(connecting=True):
            async with asyncio.timeout(self.patience.connect):
                await client.connect()
        return client, wires[0]

    async def pair(self, address: str, compare: Compare) -> bool:
        """Make a bond, with `compare` asked whether both displays show the same number; False if there was one before.

        PairingRefused if they do not. However it ends, no link is left; nor a new bond, unless it came about whole.
        """
        device = await self._find(address, self.patience.scan)
        is_new = not device.details["props"].get("Paired")
        agent = PairingAgent(device.details["path"], compare)
        try:
            await agent.register()
            client, _ = await self._connect(device)
            try:
                await self._bond(client)
            finally:
                await self._let_go(client)
        except BaseException:
            with suppress(errors.LinkError):
                if is_new and await self.is_paired(address):
                    await self.remove(address)
            raise
        finally:
            await agent.release()
        return is_new

    async def _bond(self, client: BleakClient) -> None:
        with translated(pairing=True):
            async with asyncio.timeout(self.patience.pair):
                await client.pair()
                # an answer comes after the last key was handed over: a link dropped before that leaves a bond at one end only
                await client.read_gatt_char(profile.INFORMATION)

    async def remove(self, address: str) -> None:
        """Forget the bond here; a lock that was never paired is forgotten already."""
        for path, adapter in await _devices(address):
            await _call(adapter, "org.bluez.Adapter1", "RemoveDevice", "o", [path])

    async def state(self) -> errors.LinkError | None:
        """What is wrong with the adapter; None if nothing is."""
        try:
            powered = [found["Powered"].value for _, found in await _objects("org.bluez.Adapter1")]
        except errors.LinkError as error:
            return error
        if not powered:
            return errors.said(errors.BluetoothAway)
        return None if any(powered) else errors.said(errors.BluetoothOff)

    async def is_paired(self, address: str) -> bool:
        """Whether this kiosk remembers a bond."""
        return any(found["Paired"].value for _, found in await _objects("org.bluez.Device1") if found["Address"].value == address)


async def _devices(address: str) -> list[tuple[str, str]]:
    found = await _objects("org.bluez.Device1")
    return [(path, about["Adapter"].value) for path, about in found if about["Address"].value == address]


async def _objects(interface: str) -> list[tuple[str, dict[str, Any]]]:
    everything = await _call("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    return [(path, found[interface]) for path, found in everything[0].items() if interface in found]


async def _call(path: str, interface: str, member: str, signature: str = "", body: list[Any] | None = None) -> list[Any]:
    try:
        bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    except (OSError, EOFError, DBusError) as error:
        raise errors.said(errors.BluetoothAway) from error
    try:
        call = Message("org.bluez", path, interface, member, signature=signature, body=body or [])
        reply = await asyncio.wait_for(bus.call(call), 5.0)
    except (TimeoutError, EOFError) as error:
        raise errors.said(errors.BluetoothAway) from error
    finally:
        bus.disconnect()
    if reply is None or reply.message_type == MessageType.ERROR:
        raise errors.said(errors.BluetoothAway)
    return list(reply.body)


@contextmanager
def translated(*, connecting: bool = False, pairing: bool = False) -> Iterator[None]:
    """bleak's and BlueZ's errors as ours."""
    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        off = error.reason is BleakBluetoothNotAvailableReason.POWERED_OFF
        raise errors.said(errors.BluetoothOff if off else errors.BluetoothAway) from error
    except BleakDeviceNotFoundError as error:
        raise errors.said(errors.LockNotSeen) from error
    except BleakDBusError as error:
        raise errors.said(_by_name(error, connecting=connecting, pairing=pairing)) from error
    except TimeoutError as error:
        raise errors.said(_otherwise(errors.LockSilent, connecting=connecting, pairing=pairing)) from error
    except BleakCharacteristicNotFoundError as error:
        raise errors.said(errors.LockOutOfReach) from error  # another device with that address, or a link that ended at once
    except (EOFError, OSError) as error:  # the bus itself is gone
        raise errors.said(errors.BluetoothAway) from error
    except BleakError as error:
        raise errors.said(_otherwise(errors.LinkLost, connecting=connecting, pairing=pairing)) from error


AWAY = frozenset({"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
                  "org.freedesktop.DBus.Error.NoReply"})  # fmt: skip
OFF = frozenset({"org.bluez.Error.NotReady"})
UNPAIRED = frozenset({"org.bluez.Error.NotPermitted", "org.bluez.Error.NotAuthorized"})
STALE = "br-connection-canceled"  # BlueZ 5.82 for a bond that the other end has lost, while Paired stays true


def _by_name(error: BleakDBusError, *, connecting: bool, pairing: bool) -> type[errors.LinkError]:
    name, details = error.dbus_error, error.dbus_error_details or ""
    if name in AWAY:
        return errors.BluetoothAway
    if name in OFF:
        return errors.BluetoothOff
    if STALE in details:
        return errors.BondStale
    if name in UNPAIRED and not pairing:
        return errors.NotPaired
    return _otherwise(errors.LinkLost, connecting=connecting, pairing=pairing)


def _otherwise(kind: type[errors.LinkError], *, connecting: bool, pairing: bool) -> type[errors.LinkError]:
    """What an error without a name of its own means while pairing or connecting, else `kind`."""
    return errors.PairingRefused if pairing else errors.LockOutOfReach if connecting else kind

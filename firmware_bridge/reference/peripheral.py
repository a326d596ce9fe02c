"""The reference lock as a Bluetooth peripheral on bumble: GATT, LE Secure Connections with numbers compared, never Just Works."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bumble import att
from bumble.core import UUID, AdvertisingData
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.keys import JsonKeyStore, KeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate

from firmware_bridge import profile
from firmware_bridge.protocol import frames, session
from firmware_bridge.protocol.errors import FrameRefused
from firmware_bridge.protocol.lock import Lock

log = logging.getLogger(__name__)

MOVE_S = 0.0  # the reference lock has no barrel; a real one takes about a second
TICK_S = 0.25
COMPARE_S = 30.0  # SMP gives up then
P, C = Characteristic.Permissions, Characteristic.Properties
VOUCHED = P.WRITE_REQUIRES_ENCRYPTION | P.WRITE_REQUIRES_AUTHENTICATION

Compare = Callable[[int], Awaitable[bool]]


class Agreement(PairingDelegate):
    """Shows a number on the lock's display and asks the person there; refuses every pairing without one."""

    def __init__(self, compare: Compare) -> None:
        super().__init__(PairingDelegate.DISPLAY_OUTPUT_AND_YES_NO_INPUT)
        self._compare = compare

    async def confirm(self, auto: bool = False) -> bool:
        """Just Works: nobody could tell who is at the other end."""
        return False

    async def compare_numbers(self, number: int, digits: int) -> bool:
        """Whether the person at the lock sees the same number on the kiosk."""
        try:
            return await asyncio.wait_for(self._compare(number), COMPARE_S)
        except TimeoutError:
            return False


class Peripheral:
    """One lock on one Bluetooth device; `started` is its uptime's zero."""

    def __init__(self, device: Device, lock: Lock, compare: Compare, keystore: KeyStore, move_s: float = MOVE_S) -> None:
        self._device, self.lock, self._move_s = device, lock, move_s
        self._started = time.monotonic()
        self._assembler = frames.Assembler()
        self._connection: Connection | None = None
        self._said_at = 0
        self._to_send: asyncio.Queue[bytes] = asyncio.Queue()
        self._sender: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._detached_tasks: set[asyncio.Future[None]] = set()
        self._agreement = Agreement(compare)
        self._keystore = keystore
        self.deaf = False  # for tests: takes what is written and never answers
        self._from_lock: Characteristic[bytes] = Characteristic(profile.FROM_LOCK, C.NOTIFY, P(0), b"")
        self._add_service()

    def now_ms(self) -> int:
        """Uptime."""
        return int((time.monotonic() - self._started) * 1000)

    async def start(self) -> None:
        """On the air."""
        self._device.pairing_config_factory = lambda _: PairingConfig(sc=True, mitm=True, bonding=True, delegate=self._agreement)
        await self._device.power_on()
        self._device.keystore = self._keystore
        await self._device.start_advertising(auto_restart=True, advertising_interval_min=20, advertising_interval_max=20)
        self._tasks = [asyncio.create_task(self._tick())]

    async def stop(self) -> None:
        """Off the air."""
        for task in self._tasks:
            task.cancel()
        await self._device.power_off()

    async def press(self, *, factor: bool = False) -> bool:
        """Somebody presses the button; True if it stamped."""
        pressed = self.lock.press(self.now_ms(), factor=factor)
        self._queue(pressed.messages)
        if pressed.move:
            await asyncio.sleep(self._move_s)
            self._queue(self.lock.moved(self.now_ms()))
        return pressed.move

    def _add_service(self) -> None:
        about: Characteristic[bytes] = Characteristic(
            profile.INFORMATION, C.READ, P.READABLE, bytes([session.VERSION]) + b"Daka reference"
        )
        to_lock: Characteristic[bytes] = Characteristic(
            profile.TO_LOCK, C.WRITE | C.WRITE_WITHOUT_RESPONSE, P.WRITEABLE | VOUCHED, CharacteristicValue(write=self._written)
        )
        self._device.add_service(Service(profile.SERVICE, [about, to_lock, self._from_lock]))
        name = self.lock.name.encode("utf-8")[: profile.ADVERTISED_NAME_BYTES].decode("utf-8", "ignore")
        # all of it in the advertisement itself: bumble emulates no scan responses, and passive scanners see none
        self._device.advertising_data = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.FLAGS, bytes([0x06])),
                    (AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, UUID(profile.SERVICE).to_bytes()),
                    (AdvertisingData.COMPLETE_LOCAL_NAME, name.encode("utf-8")),
                ]
            )
        )
        self._device.on("connection", self._connected)

    def _connected(self, connection: Connection) -> None:
        if not self.lock.link_up():
            self._detached(connection.disconnect())
            return
        self._connection, self._said_at = connection, self.now_ms()
        self._assembler, self._to_send = frames.Assembler(), asyncio.Queue()
        self._sender = asyncio.create_task(self._send(connection, self._to_send))
        connection.on("disconnection", lambda _: self._disconnected(connection))
        connection.on("pairing", self._paired)

    def _paired(self, _: PairingKeys) -> None:
        self.lock.paired(self.now_ms())

    def _disconnected(self, connection: Connection) -> None:
        if self._connection is not connection:
            return
        self._connection = None
        if self._sender is not None:
            self._sender.cancel()
        self.lock.link_down(self.now_ms())
        if self.lock.forgetting:
            self.lock.forgetting = False
            self._detached(self._keystore.delete(str(connection.peer_address)))

    async def _written(self, connection: Connection, value: bytes) -> None:
        if not await self._is_vouched_for(connection):
            raise att.ATT_Error(att.ErrorCode.INSUFFICIENT_AUTHENTICATION)
        self._said_at = self.now_ms()
        if self.deaf:
            return
        try:
            message = self._assembler.feed(value)
        except FrameRefused as error:
            log.info("a piece was refused: %s", error)
            message = b""  # breaks the session, as anything else does that the rules do not allow
        if message is not None:
            self._queue(self.lock.receive(message, self.now_ms()))

    async def _is_vouched_for(self, connection: Connection) -> bool:
        """bumble calls every encrypted link authenticated, Just Works too; the key itself says how it was made."""
        keys = await self._keystore.get(str(connection.peer_address))
        return bool(connection.encryption and keys and keys.ltk and keys.ltk.authenticated)

    def _queue(self, messages: tuple[bytes, ...]) -> None:
        for message in messages:
            self._to_send.put_nowait(message)

    async def _send(self, connection: Connection, queue: asyncio.Queue[bytes]) -> None:
        """Answers in order, for as long as this link lasts."""
        while True:
            await self._notify(connection, await queue.get())

    async def _notify(self, connection: Connection, message: bytes) -> None:
        most = min(connection.att_mtu - 3, profile.MOST_FRAME_BYTES)
        try:
            for piece in frames.split(message, most):
                await self._device.notify_subscriber(connection, self._from_lock, piece)
        except Exception as error:  # noqa: BLE001  whatever the stack raises when a link goes: the message is lost, no more
            log.info("an answer was lost: %s", error)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self._queue(self.lock.tick(self.now_ms()))
            idle_ms = self.now_ms() - self._said_at
            if self._connection is not None and idle_ms > profile.IDLE.total_seconds() * 1000:
                self._said_at = self.now_ms()
                self._detached(self._connection.disconnect())

    def _detached(self, work: Awaitable[object]) -> None:
        task = asyncio.ensure_future(_quietly(work))
        self._detached_tasks.add(task)
        task.add_done_callback(self._detached_tasks.discard)


async def _quietly(work: Awaitable[object]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001  the link is gone already, or the bond is
        log.info("not done: %s", error)


def bonds(path: str) -> KeyStore:
    """Bonds that survive a restart."""
    return JsonKeyStore("daka-lock", path)

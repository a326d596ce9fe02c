"""The kernel's Bluetooth and a real bluetoothd over a virtual controller, in the place of BlueZ made of bumble; needs /dev/vhci.

The controller is bumble's, on the same air as the reference lock; the host above it is Linux. Each has an address of its own, under
which bluetoothd keeps its bonds: nothing of one scenario is there in the next, and nothing has to be deleted.
"""

from __future__ import annotations

import asyncio
import secrets
import shlex
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from bumble import hci
from bumble.controller import Controller
from bumble.transport import open_transport
from bumble.transport.common import Transport
from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from firmware_bridge.demonstration.air import Air

ADAPTER, AGENT = "org.bluez.Adapter1", "org.bluez.Agent1"
PROPERTIES, OBJECTS = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"
# bumble's controller announces them and does not do all that the kernel then asks (bumble issue 841)
UNDONE = hci.LeFeatureMask.LL_PRIVACY | hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
READY_S, ENDS_S, STEP_S = 60.0, 10.0, 0.1


class Plugged(Controller):
    """bumble's link calls the sender of data by its random address, whichever it connected with: this has but one."""

    @property
    def random_address(self) -> hci.Address:
        return self.public_address

    @random_address.setter
    def random_address(self, address: hci.Address | str) -> None:
        """The kernel makes one up for each scan; no data is sent under it."""


class Bluetoothd:
    """One adapter and one daemon, until the block ends. `asked` is what was asked of agents, overheard on the bus."""

    path = "/org/bluez/hci0"

    def __init__(self, command: str, air: Air, bus_address: str) -> None:
        self._command, self._air, self._bus_address = shlex.split(command), air, bus_address
        self.asked: list[tuple[Any, ...]] = []
        self._transport: Transport | None = None

    async def __aenter__(self) -> Self:
        self._bus = await MessageBus(bus_address=self._bus_address).connect()
        self._listener = await self._overhear()
        await self._plug_in()
        await self._start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._end()
        await self.unplug()
        for bus in (self._listener, self._bus):
            bus.disconnect()

    async def power(self, on: bool) -> None:
        """Switch the adapter on or off, and wait until it is."""
        await self._until(lambda found: ADAPTER in found.get(self.path, {}), "no adapter came")
        await self._call(self.path, PROPERTIES, "Set", "ssv", [ADAPTER, "Powered", Variant("b", on)])
        await self._until(lambda found: found[self.path][ADAPTER]["Powered"].value is on, "the adapter did not switch")

    async def unplug(self) -> None:
        """Take the controller away; the kernel notices, and tells bluetoothd."""
        if self._transport is None:
            return
        await self._transport.close()
        self._transport = None
        self._air.remove_controller(self._controller)
        if self._daemon.returncode is None:
            await self._until(lambda found: self.path not in found, "the adapter stayed")

    async def restart(self, away_s: float = 0.0) -> None:
        """End bluetoothd as systemd does, and start it again after so long."""
        await self._end()
        await asyncio.sleep(away_s)
        await self._start()

    async def _plug_in(self) -> None:
        self._transport = await open_transport("vhci")
        address = ":".join(f"{byte:02X}" for byte in b"\x00" + secrets.token_bytes(5))
        source, sink = self._transport.source, self._transport.sink
        self._controller = Plugged("kiosk", host_source=source, host_sink=sink, link=self._air, public_address=address)
        self._controller.le_features &= ~UNDONE

    async def _start(self) -> None:
        self._daemon = await asyncio.create_subprocess_exec(*self._command)
        await self.power(True)

    async def _end(self) -> None:
        if self._daemon.returncode is None:
            self._daemon.terminate()
        await asyncio.wait_for(self._daemon.wait(), ENDS_S)

    async def _until(self, holds: Callable[[dict[str, Any]], bool], otherwise: str) -> None:
        """Until it holds of BlueZ's objects; TimeoutError if it never does."""
        for _ in range(int(READY_S / STEP_S)):
            reply = await self._call("/", OBJECTS, "GetManagedObjects")
            if reply is not None and holds(reply[0]):
                return
            await asyncio.sleep(STEP_S)
        raise TimeoutError(f"{otherwise} within {READY_S:.0f} s")

    async def _call(
        self, path: str, interface: str, member: str, signature: str = "", body: list[Any] | None = None
    ) -> list[Any] | None:
        """What BlueZ answers; None for an error, as while it starts."""
        call = Message("org.bluez", path, interface, member, signature=signature, body=body or [])
        reply = await self._bus.call(call)
        return None if reply is None or reply.message_type is MessageType.ERROR else list(reply.body)

    async def _overhear(self) -> MessageBus:
        listener = await MessageBus(bus_address=self._bus_address).connect()
        rules = [f"type='method_call',interface='{AGENT}'"]
        becoming = Message("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus.Monitoring", "BecomeMonitor",
                           signature="asu", body=[rules, 0])  # fmt: skip
        await listener.call(becoming)
        listener.add_message_handler(self._overheard)
        return listener

    def _overheard(self, message: Message) -> bool:
        """True: a monitor answers nothing."""
        if message.interface == AGENT and message.member != "Release":
            self.asked.append((message.member, *message.body[1:]))
        return True

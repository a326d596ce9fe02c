"""org.bluez.Agent1: BlueZ asks us what a person must answer while pairing. bleak registers none, and without one all is Just Works.

Numbers are compared by a person, or there is no pairing. The agent answers only for the pairing that we have begun: what any other
device or program asks is refused. (No `from __future__ import annotations` here: dbus-fast reads the annotations as signatures.)
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusObjectPath, DBusStr, DBusUInt32
from dbus_fast.constants import BusType
from dbus_fast.service import ServiceInterface, dbus_method

from firmware_bridge.link import errors

log = logging.getLogger(__name__)

PATH = "/daka/bridge/agent"
CAPABILITY = "DisplayYesNo"
AGENTS = "org.bluez.AgentManager1"
REJECTED = "org.bluez.Error.Rejected"
ANSWER_S = 28.0  # SMP gives up after 30; our own refusal is clearer than its silence

Compare = Callable[[int], Awaitable[bool]]


class PairingAgent(ServiceInterface):
    """One agent for one pairing; `registered` before pair() is called, `release` after it."""

    def __init__(self, device_path: str, compare: Compare) -> None:
        super().__init__("org.bluez.Agent1")
        self._device_path, self._compare = device_path, compare
        self._bus: MessageBus | None = None

    async def register(self) -> None:
        """Become the system's default agent for as long as this takes."""
        try:
            self._bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
        except (OSError, EOFError) as error:
            raise errors.said(errors.BluetoothAway) from error
        self._bus.export(PATH, self)
        await self._call("RegisterAgent", "os", [PATH, CAPABILITY])
        await self._call("RequestDefaultAgent", "o", [PATH])

    async def release(self) -> None:
        """Give the place back."""
        if self._bus is None:
            return
        with suppress(errors.LinkError, OSError, EOFError):
            await self._call("UnregisterAgent", "o", [PATH])
        self._bus.disconnect()

    async def _call(self, member: str, signature: str, body: list[str]) -> None:
        assert self._bus is not None
        call = Message("org.bluez", "/org/bluez", AGENTS, member, signature=signature, body=body)
        reply = await self._bus.call(call)
        if reply is None or reply.message_type == MessageType.ERROR:
            raise errors.said(errors.BluetoothAway)

    @dbus_method()
    async def RequestConfirmation(self, device: DBusObjectPath, passkey: DBusUInt32) -> None:
        """The same number stands on both displays, says a person; else an error, which BlueZ takes for a no."""
        if device != self._device_path:
            raise DBusError(REJECTED, "no pairing with that device was begun here")
        try:
            same = await asyncio.wait_for(self._compare(int(passkey)), ANSWER_S)
        except TimeoutError:
            same = False
        if not same:
            raise DBusError(REJECTED, "the numbers were not confirmed")

    @dbus_method()
    def RequestAuthorization(self, device: DBusObjectPath) -> None:
        """Just Works."""
        raise DBusError(REJECTED, "pairing without numbers is not allowed")

    @dbus_method()
    def RequestPasskey(self, device: DBusObjectPath) -> DBusUInt32:
        """A lock that shows a passkey of its own: not in this profile."""
        raise DBusError(REJECTED, "this profile compares numbers")

    @dbus_method()
    def AuthorizeService(self, device: DBusObjectPath, uuid: DBusStr) -> None:
        """Somebody else's device wants something of this kiosk."""
        raise DBusError(REJECTED, "this kiosk offers nothing")

    @dbus_method()
    def Release(self) -> None:
        """BlueZ has let go of us."""

    @dbus_method()
    def Cancel(self) -> None:
        """The pairing is over, one way or another; pair() says which."""

"""The GATT part of `org.bluez` on bumble: services, characteristics and descriptors as D-Bus objects."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from bumble.att import ErrorCode
from bumble.core import UUID, ProtocolError
from bumble.device import Connection, Peer
from dbus_fast import Message, Variant

from firmware_bridge.demonstration.objects import BluezError, Told, Tree

SERVICE, CHARACTERISTIC, DESCRIPTOR = "org.bluez.GattService1", "org.bluez.GattCharacteristic1", "org.bluez.GattDescriptor1"
FLAGS = (("broadcast", 1), ("read", 2), ("write-without-response", 4), ("write", 8), ("notify", 16), ("indicate", 32))
WANTS_SECURITY = (ErrorCode.INSUFFICIENT_AUTHENTICATION, ErrorCode.INSUFFICIENT_ENCRYPTION)
REFUSALS = {
    ErrorCode.READ_NOT_PERMITTED: ("NotPermitted", "Read not permitted"),
    ErrorCode.WRITE_NOT_PERMITTED: ("NotPermitted", "Write not permitted"),
    ErrorCode.INSUFFICIENT_AUTHORIZATION: ("NotAuthorized", "Operation Not Authorized"),
    ErrorCode.INSUFFICIENT_AUTHENTICATION: ("NotPermitted", "Not paired"),
    ErrorCode.INSUFFICIENT_ENCRYPTION: ("NotPermitted", "Not paired"),
}


def uuid_text(value: UUID) -> str:
    """As BlueZ writes it."""
    return str(uuid.UUID(bytes=value.to_bytes(force_128=True)[::-1]))


class Gatt:
    """Attributes by object path, for every connected device."""

    def __init__(self, tree: Tree, raise_security: Callable[[str], Awaitable[bool]]) -> None:
        self._tree, self._raise_security = tree, raise_security
        self._attributes: dict[str, Any] = {}
        self._cache: dict[str, list[Any]] = {}
        self._subscribed: dict[str, Callable[[bytes], None]] = {}

    async def resolve(self, device: str, connection: Connection, *, bonded: bool) -> None:
        """Everything that the other end offers, as objects; of a bonded device as it was, like BlueZ with its default cache."""
        peer = Peer(connection)
        await peer.request_mtu(517)
        for service in await self._services(device, peer, bonded=bonded):
            path = f"{device}/service{service.handle:04x}"
            told: Told = {
                "UUID": ("s", uuid_text(service.uuid)),
                "Primary": ("b", True),
                "Device": ("o", device),
                "Includes": ("ao", []),
            }
            self._tree.set(path, SERVICE, told)
            for characteristic in service.characteristics:
                self._tell(path, characteristic, connection.att_mtu)

    async def _services(self, device: str, peer: Peer, *, bonded: bool) -> list[Any]:
        if not (bonded and device in self._cache):
            await peer.discover_all()  # type: ignore[no-untyped-call]
            self._cache[device] = list(peer.services)
        for service in self._cache[device]:
            for characteristic in service.characteristics:
                for attribute in (characteristic, *characteristic.descriptors):
                    attribute.client = peer.gatt_client
        return self._cache[device]

    def _tell(self, service: str, characteristic: Any, mtu: int) -> None:
        path = f"{service}/char{characteristic.handle - 1:04x}"
        self._attributes[path] = characteristic
        flags = [name for name, bit in FLAGS if characteristic.properties & bit]
        told: Told = {"UUID": ("s", uuid_text(characteristic.uuid)), "Service": ("o", service), "Value": ("ay", b"")}
        told |= {"Flags": ("as", flags), "MTU": ("q", mtu)}
        if {"notify", "indicate"} & set(flags):
            told |= {"Notifying": ("b", False)}
        self._tree.set(path, CHARACTERISTIC, told)
        for descriptor in characteristic.descriptors:
            below = f"{path}/desc{descriptor.handle:04x}"
            self._attributes[below] = descriptor
            about: Told = {"UUID": ("s", uuid_text(descriptor.type)), "Characteristic": ("o", path), "Value": ("ay", b"")}
            self._tree.set(below, DESCRIPTOR, about)

    def gone(self, device: str) -> None:
        """The link to this device is gone."""
        for path in [one for one in self._attributes if one.startswith(f"{device}/")]:
            self._attributes.pop(path)
            self._subscribed.pop(path, None)
        for path in [one for one in self._tree.objects if one.startswith(f"{device}/")]:
            if path in self._tree.objects:
                self._tree.remove(path)

    async def GattCharacteristic1_ReadValue(self, message: Message, options: dict[str, Variant]) -> tuple[str, list[Any]]:
        path = message.path or ""
        value = bytes(await self._done(path, lambda: self._attributes[path].read_value()))
        self._tree.set(path, CHARACTERISTIC, {"Value": ("ay", value)})
        return "ay", [value]

    async def GattCharacteristic1_WriteValue(self, message: Message, value: bytes, options: dict[str, Variant]) -> None:
        path, kind = message.path or "", options.get("type", Variant("s", "request")).value
        await self._done(path, lambda: self._attributes[path].write_value(bytes(value), with_response=kind != "command"))

    async def GattCharacteristic1_StartNotify(self, message: Message) -> None:
        path = message.path or ""
        if path in self._subscribed:
            return

        def heard(value: bytes) -> None:
            self._tree.set(path, CHARACTERISTIC, {"Value": ("ay", bytes(value))})

        await self._done(path, lambda: self._attributes[path].subscribe(heard, prefer_notify=False))
        self._subscribed[path] = heard
        self._tree.set(path, CHARACTERISTIC, {"Notifying": ("b", True)})

    async def GattCharacteristic1_StopNotify(self, message: Message) -> None:
        path = message.path or ""
        await self._attributes[path].unsubscribe(self._subscribed.pop(path))
        self._tree.set(path, CHARACTERISTIC, {"Notifying": ("b", False)})

    async def _done(self, path: str, operation: Callable[[], Awaitable[Any]]) -> Any:
        """The operation's value. Where the attribute wants more security it is raised once, as BlueZ does (src/shared/att.c)."""
        for attempt in (0, 1):
            try:
                return await operation()
            except KeyError as error:
                raise BluezError("NotConnected", "Not connected") from error
            except ProtocolError as error:
                device, code = "/".join(path.split("/")[:5]), error.error_code or 0
                if attempt == 0 and code in WANTS_SECURITY and await self._raise_security(device):
                    continue
                named = REFUSALS.get(ErrorCode(code), ("Failed", f"ATT error: 0x{code:02x}"))
                raise BluezError(*named) from error
        raise AssertionError("a loop of two attempts returns or raises")

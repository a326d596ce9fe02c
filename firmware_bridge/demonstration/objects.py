"""A tree of D-Bus objects with properties: enough of org.freedesktop.DBus for a service that looks like BlueZ."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

MANAGER, PROPERTIES = "org.freedesktop.DBus.ObjectManager", "org.freedesktop.DBus.Properties"
ALWAYS_TOLD = ("RSSI", "Value", "ManufacturerData")  # BlueZ tells these also when they have not changed

Told = dict[str, tuple[str, Any]]  # property name: D-Bus signature and value
Method = Callable[..., Awaitable[tuple[str, list[Any]] | None]]


class BluezError(Exception):
    """An error as BlueZ names it."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(name, text)
        self.name, self.text = f"org.bluez.Error.{name}", text


class Tree:
    """Objects by path, each with interfaces and their properties; changes are signalled, calls are handed to `find`."""

    def __init__(self, bus: MessageBus, service: str, find: Callable[[str, str], Method | None]) -> None:
        self._bus, self._service, self._find = bus, service, find
        self.objects: dict[str, dict[str, dict[str, Variant]]] = {}
        self.calls: list[tuple[str, str]] = []
        self._running: set[asyncio.Future[None]] = set()
        bus.add_message_handler(self._handle)

    def value(self, path: str, interface: str, name: str) -> Any:
        """One property's value."""
        return self.objects[path][interface][name].value

    def set(self, path: str, interface: str, told: Told) -> None:
        """Add the interface, or change its properties."""
        properties = {name: Variant(*typed) for name, typed in told.items()}
        interfaces = self.objects.setdefault(path, {})
        if interface not in interfaces:
            interfaces[interface] = properties
            self._signal("/", MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, {interface: properties}])
            return
        known = interfaces[interface]
        changed = {name: value for name, value in properties.items() if known.get(name) != value or name in ALWAYS_TOLD}
        known.update(properties)
        if changed:
            self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, []])

    def remove(self, path: str) -> None:
        """The object and everything below it."""
        below = [one for one in self.objects if one == path or one.startswith(f"{path}/")]
        for one in sorted(below, reverse=True):
            self._signal("/", MANAGER, "InterfacesRemoved", "oas", [one, list(self.objects.pop(one))])

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        if self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))

    def _handle(self, message: Message) -> Message | bool | None:
        if message.message_type != MessageType.METHOD_CALL or message.destination not in (self._service, self._bus.unique_name):
            return None
        if message.interface == MANAGER and message.member == "GetManagedObjects":
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [self.objects])
        if message.interface == PROPERTIES and message.path in self.objects:
            return self._properties(message)
        if message.interface not in self.objects.get(message.path or "", {}):
            text = f'Method "{message.member}" on interface "{message.interface}" does not exist'
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", text)
        method = self._find(message.interface or "", message.member or "")
        if method is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", message.member or "")
        task = asyncio.ensure_future(self._answer(method, message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    def _properties(self, message: Message) -> Message | None:
        found = self.objects[message.path or ""]
        match message.member:
            case "GetAll":
                return Message.new_method_return(message, "a{sv}", [found.get(message.body[0], {})])
            case "Get":
                return Message.new_method_return(message, "v", [found[message.body[0]][message.body[1]]])
            case "Set":
                interface, name, value = message.body
                self.set(message.path or "", interface, {name: (value.signature, value.value)})
                return Message.new_method_return(message)
        return None

    async def _answer(self, method: Method, message: Message) -> None:
        self.calls.append((message.path or "", message.member or ""))
        try:
            answer = await method(message, *message.body)
            reply = Message.new_method_return(message, *(answer or ()))
        except BluezError as error:
            reply = Message.new_error(message, error.name, error.text)
        except Exception as error:
            log.exception("a call could not be answered")
            reply = Message.new_error(message, "org.bluez.Error.Failed", repr(error))
        if self._bus.connected:
            self._bus.send(reply)

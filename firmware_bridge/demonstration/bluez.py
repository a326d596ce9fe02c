"""`org.bluez` (adapter, devices, agents) on bumble, on a private bus: what bleak's own BlueZ backend and our agent use of it.

Real are the D-Bus messages, ATT, GATT, SMP with LE Secure Connections, and the bonds. Not real: kernel, bluetoothd, radio. Where it
matters it answers as BlueZ 5.82 did on a 6.12 kernel: a lock that forgot its bond gives `br-connection-canceled`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Any, Self

from bumble.core import AdvertisingData as Ad
from bumble.device import Advertisement, Connection, Device
from bumble.keys import KeyStore, MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate
from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from firmware_bridge.demonstration.air import Air, device_on
from firmware_bridge.demonstration.gatt import Gatt, uuid_text
from firmware_bridge.demonstration.objects import BluezError, Method, Told, Tree

log = logging.getLogger(__name__)

ADAPTER, DEVICE, AGENTS, AGENT = "org.bluez.Adapter1", "org.bluez.Device1", "org.bluez.AgentManager1", "org.bluez.Agent1"
NONE = PairingDelegate.NO_OUTPUT_NO_INPUT
CAPABILITIES = {
    "DisplayOnly": PairingDelegate.DISPLAY_OUTPUT_ONLY,
    "DisplayYesNo": PairingDelegate.DISPLAY_OUTPUT_AND_YES_NO_INPUT,
    "KeyboardOnly": PairingDelegate.KEYBOARD_INPUT_ONLY,
    "NoInputNoOutput": NONE,
    "KeyboardDisplay": PairingDelegate.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT,
    "": PairingDelegate.DISPLAY_OUTPUT_AND_KEYBOARD_INPUT,
}
AGENT_ERRORS = {"Rejected": "AuthenticationRejected", "Canceled": "AuthenticationCanceled"}
CONNECT_S, PAIR_S = 20.0, 30.0
SERVICE_LISTS = (
    Ad.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    Ad.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS,
    Ad.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
    Ad.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS,
)
NEW_DEVICE: Told = {
    "UUIDs": ("as", []), "Paired": ("b", False), "Bonded": ("b", False), "Trusted": ("b", False), "Blocked": ("b", False),
    "Connected": ("b", False), "ServicesResolved": ("b", False), "LegacyPairing": ("b", False),
}  # fmt: skip


class AgentDelegate(PairingDelegate):
    """SMP's questions become calls to the client that registered the agent."""

    def __init__(self, bluez: Bluez, device: str) -> None:
        super().__init__(CAPABILITIES[bluez.agent[2]] if bluez.agent else NONE)
        self._bluez, self._device, self.failure = bluez, device, ""

    async def compare_numbers(self, number: int, digits: int) -> bool:
        return await self._ask("RequestConfirmation", "ou", number)

    async def confirm(self, auto: bool = False) -> bool:
        return await self._ask("RequestAuthorization", "o") if self._bluez.agent else True

    async def _ask(self, member: str, signature: str, *more: Any) -> bool:
        assert self._bluez.agent is not None
        owner, path, _ = self._bluez.agent
        body = [self._device, *more]
        call = Message(destination=owner, path=path, interface=AGENT, member=member, signature=signature, body=body)
        reply = await self._bluez.bus.call(call)
        self._bluez.asked.append((member, *more))
        if reply is None or reply.message_type == MessageType.ERROR:
            self.failure = (reply.error_name or "").rsplit(".", 1)[-1] if reply else "Canceled"
            return False
        return True


class Bluez:
    """One adapter, until the block ends. `present` and `powered` can be changed while it runs, `restart` is bluetoothd's."""

    def __init__(self, air: Air, bus_address: str, address: str = "C0:C1:C2:C3:C4:C5", *, present: bool = True) -> None:
        self._air, self._bus_address, self._address = air, bus_address, address
        self.path = "/org/bluez/hci0"
        self._present = present
        self._keys: KeyStore = MemoryKeyStore()
        self._addresses: dict[str, Any] = {}
        self._delegates: dict[str, AgentDelegate] = {}
        self._forget_all()

    def _forget_all(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._scanning: set[str] = set()
        self._controller = asyncio.Lock()
        self.agent: tuple[str, str, str] | None = None
        self._agents: dict[str, tuple[str, str, str]] = {}
        self.asked: list[tuple[Any, ...]] = []

    async def __aenter__(self) -> Self:
        self._device: Device = device_on(self._air, "kiosk", self._address)
        self._device.pairing_config_factory = self._pairing
        await self._device.power_on()
        self._device.keystore = self._keys
        self._device.on("advertisement", self._advertised)
        await self._serve()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._hang_up()
        await self._device.power_off()
        self.bus.disconnect()

    async def restart(self, away_s: float = 0.0) -> None:
        """As when bluetoothd ends and is started again: clients, connections and agents are forgotten, bonds are not."""
        bonded = [path for path in self.tree.objects if self._device_property(path, "Paired")]
        await self._hang_up()
        self.bus.disconnect()
        await asyncio.sleep(away_s)
        self._forget_all()
        await self._serve()
        for path in bonded:
            self._tell_device(path, None)
            self.tree.set(path, DEVICE, {"Paired": ("b", True), "Bonded": ("b", True)})

    async def _serve(self) -> None:
        self.bus = await MessageBus(bus_address=self._bus_address, negotiate_unix_fd=True).connect()
        self.tree = Tree(self.bus, "org.bluez", self._method)
        self.gatt = Gatt(self.tree, self._raise_security)
        self.tree.set("/org/bluez", AGENTS, {})
        if self._present:
            self._tell_adapter()
        await self.bus.request_name("org.bluez")

    async def _hang_up(self) -> None:
        for connection in list(self._connections.values()):
            with contextlib.suppress(Exception):
                await connection.disconnect()

    @property
    def powered(self) -> bool:
        """Whether the adapter is switched on; as `bluetoothctl power` does."""
        return bool(self.tree.value(self.path, ADAPTER, "Powered"))

    @powered.setter
    def powered(self, value: bool) -> None:
        self.tree.set(self.path, ADAPTER, {"Powered": ("b", value)})

    def _tell_adapter(self) -> None:
        told: Told = {
            "Address": ("s", self._address), "AddressType": ("s", "random"), "Name": ("s", "kiosk"), "Alias": ("s", "kiosk"),
            "Powered": ("b", True), "Discovering": ("b", False), "Pairable": ("b", True), "Discoverable": ("b", False),
            "UUIDs": ("as", []), "Roles": ("as", ["central"]),
        }  # fmt: skip
        self.tree.set(self.path, ADAPTER, told)

    def _method(self, interface: str, member: str) -> Method | None:
        room = self.gatt if interface.startswith("org.bluez.Gatt") else self
        found: Method | None = getattr(room, f"{interface.rpartition('.')[2]}_{member}", None)
        return found

    # ---- Adapter1

    async def Adapter1_SetDiscoveryFilter(self, message: Message, wanted: dict[str, Any]) -> None:
        """Everything is shown anyway; bleak filters again."""

    async def Adapter1_StartDiscovery(self, message: Message) -> None:
        if not self.powered:
            raise BluezError("NotReady", "Resource Not Ready")
        if message.sender in self._scanning:
            raise BluezError("InProgress", "Operation already in progress")
        self._scanning.add(message.sender or "")
        await self._scan()

    async def Adapter1_StopDiscovery(self, message: Message) -> None:
        if message.sender not in self._scanning:
            raise BluezError("Failed", "No discovery started")
        self._scanning.discard(message.sender or "")
        await self._scan()

    async def _scan(self) -> None:
        """On while somebody wants it; a start during a stop would find it still on, and leave it off."""
        async with self._controller:
            wanted = bool(self._scanning)
            if wanted and not self._device.is_scanning:
                await self._device.start_scanning(active=True, filter_duplicates=False)
            elif not wanted and self._device.is_scanning:
                await self._device.stop_scanning()
            self.tree.set(self.path, ADAPTER, {"Discovering": ("b", wanted)})

    async def Adapter1_RemoveDevice(self, message: Message, path: str) -> None:
        if path not in self.tree.objects:
            raise BluezError("DoesNotExist", "Does Not Exist")
        if path in self._connections:
            await self._connections[path].disconnect()
        await self._keys.delete(str(self._addresses[path]))
        self.tree.remove(path)

    def _advertised(self, advertisement: Advertisement) -> None:
        if not self._scanning:
            return
        path = f"{self.path}/dev_{str(advertisement.address).partition('/')[0].replace(':', '_')}"
        self._addresses[path] = advertisement.address
        self._tell_device(path, advertisement)

    def _tell_device(self, path: str, advertisement: Advertisement | None) -> None:
        address = str(self._addresses[path]).partition("/")[0]
        told: Told = {"Address": ("s", address), "AddressType": ("s", "random"), "Adapter": ("o", self.path)}
        if advertisement is not None:
            name = advertisement.data.get(Ad.COMPLETE_LOCAL_NAME)
            lists: list[Any] = [found for kind in SERVICE_LISTS for found in advertisement.data.get_all(kind)]
            services = [uuid_text(one) for found in lists for one in found]
            told |= {"RSSI": ("n", advertisement.rssi), "UUIDs": ("as", services), "Alias": ("s", str(name or address))}
            told |= {"Name": ("s", str(name))} if name else {}
        if path not in self.tree.objects:
            told = NEW_DEVICE | {"Alias": ("s", address)} | told
        self.tree.set(path, DEVICE, told)

    # ---- AgentManager1

    async def AgentManager1_RegisterAgent(self, message: Message, path: str, capability: str) -> None:
        sender = message.sender or ""
        if sender in self._agents:
            raise BluezError("AlreadyExists", "Already Exists")
        if capability not in CAPABILITIES:
            raise BluezError("InvalidArguments", "Invalid arguments in method call")
        self._agents[sender] = (sender, path, capability)
        self.agent = self.agent or self._agents[sender]

    async def AgentManager1_RequestDefaultAgent(self, message: Message, path: str) -> None:
        self.agent = self._agents[message.sender or ""]

    async def AgentManager1_UnregisterAgent(self, message: Message, path: str) -> None:
        gone = self._agents.pop(message.sender or "", None)
        if gone is None:
            raise BluezError("DoesNotExist", "Does Not Exist")
        if self.agent == gone:
            self.agent = next(iter(self._agents.values()), None)

    # ---- Device1

    async def Device1_Connect(self, message: Message) -> None:
        path = message.path or ""
        if path not in self._connections:
            await self._link(path)
            await self.gatt.resolve(path, self._connections[path], bonded=self._device_property(path, "Paired"))
            self.tree.set(path, DEVICE, {"ServicesResolved": ("b", True)})

    async def Device1_Disconnect(self, message: Message) -> None:
        connection = self._connections.get(message.path or "")
        if connection is None:
            raise BluezError("NotConnected", "Not Connected")
        await connection.disconnect()

    async def Device1_Pair(self, message: Message) -> None:
        path = message.path or ""
        if self._device_property(path, "Paired"):
            raise BluezError("AlreadyExists", "Already Exists")
        fresh = path not in self._connections
        connection = await self._link(path)
        await self._pair(path, connection)
        if fresh:
            await self.gatt.resolve(path, connection, bonded=False)
            self.tree.set(path, DEVICE, {"ServicesResolved": ("b", True)})

    async def Device1_CancelPairing(self, message: Message) -> None:
        raise BluezError("DoesNotExist", "Does Not Exist")

    async def _link(self, path: str) -> Connection:
        if not self.powered:
            raise BluezError("NotReady", "Resource Not Ready")
        if path in self._connections:
            return self._connections[path]
        try:
            async with self._controller:  # it makes one connection at a time, and bumble scans to resolve the other's address
                connection = await asyncio.wait_for(self._device.connect(self._addresses[path]), CONNECT_S)
        except (TimeoutError, KeyError) as error:
            raise BluezError("Failed", "le-connection-abort-by-local") from error
        self._connections[path] = connection
        connection.on("disconnection", lambda _: self._gone(path))
        self.tree.set(path, DEVICE, {"Connected": ("b", True)})
        if await self._keys.get(str(connection.peer_address)):
            try:
                await asyncio.wait_for(connection.encrypt(), CONNECT_S)
            except Exception as error:  # the other end has lost its bond; the text is BlueZ 5.82's
                with contextlib.suppress(Exception):
                    await connection.disconnect()
                raise BluezError("Failed", "br-connection-canceled") from error
        return connection

    def _gone(self, path: str) -> None:
        self._connections.pop(path, None)
        self.gatt.gone(path)
        if path in self.tree.objects:
            self.tree.set(path, DEVICE, {"ServicesResolved": ("b", False), "Connected": ("b", False)})

    async def _pair(self, path: str, connection: Connection) -> None:
        try:
            await asyncio.wait_for(connection.pair(), PAIR_S)
        except TimeoutError as error:
            raise BluezError("AuthenticationTimeout", "Authentication Timeout") from error
        except Exception as error:
            failure = self._delegates[path].failure if path in self._delegates else ""
            raise BluezError(AGENT_ERRORS.get(failure, "AuthenticationFailed"), "Authentication Failed") from error
        self.tree.set(path, DEVICE, {"Paired": ("b", True), "Bonded": ("b", True)})

    def _pairing(self, connection: Connection) -> PairingConfig:
        path = next((one for one, address in self._addresses.items() if address == connection.peer_address), "/")
        delegate = self._delegates[path] = AgentDelegate(self, path)
        return PairingConfig(sc=True, mitm=delegate.io_capability != NONE, bonding=True, delegate=delegate)

    async def _raise_security(self, path: str) -> bool:
        """As real BlueZ does on an attribute that wants it: pairs by itself."""
        if self._device_property(path, "Paired"):
            return False
        try:
            await self._pair(path, self._connections[path])
        except BluezError:
            return False
        return True

    def _device_property(self, path: str, name: str) -> bool:
        return DEVICE in self.tree.objects.get(path, {}) and bool(self.tree.value(path, DEVICE, name))

"""The whole way without a radio: bleak's own BlueZ backend, a private D-Bus, BlueZ made of bumble, and the reference lock.

Where DAKA_BLUETOOTHD gives a command, as in the machine of `make vm-bluetooth`, the kernel and that bluetoothd take BlueZ's part.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import bleak.backends.bluezdbus.manager as bleak_manager
from bumble.keys import MemoryKeyStore

from firmware_bridge.demonstration.air import Air, device_on
from firmware_bridge.demonstration.bluez import Bluez
from firmware_bridge.demonstration.bus import PrivateBus
from firmware_bridge.link.radio import Patience, Radio
from firmware_bridge.reference.peripheral import Peripheral
from tests.firmware_bridge.parts import World
from tests.vm.bluetoothd import Bluetoothd

ADDRESS = "F0:F1:F2:F3:F4:F5"
REAL = os.environ.get("DAKA_BLUETOOTHD", "")
# an emulated processor is some twenty times slower: there, the product's own limits
QUICK = Patience() if REAL else Patience(scan=2.0, connect=6.0, operation=1.0, pair=10.0, pause=0.05)
LONGEST_S = 300 if REAL else 60  # one scenario


class Imitated(Bluez):
    """BlueZ made of bumble, switched as the real one is."""

    async def power(self, on: bool) -> None:
        self.powered = on

    async def unplug(self) -> None:
        self.tree.remove(self.path)


@contextmanager
def private_bus(folder: Path | None = None) -> Iterator[str]:
    """A bus, and this process believing that it is the system's."""
    with PrivateBus(folder) as bus:
        before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
        try:
            yield bus.address
        finally:
            os.environ.pop("DBUS_SYSTEM_BUS_ADDRESS")
            if before is not None:
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before


@dataclass
class Rig:
    """A kiosk's adapter, a lock on the air, and what two people see on the two displays."""

    air: Air
    bluez: Imitated | Bluetoothd
    world: World
    lock: Peripheral
    radio: Radio
    keys: MemoryKeyStore
    at_lock: list[int] = field(default_factory=list)
    at_kiosk: list[int] = field(default_factory=list)
    lock_agrees: bool = True
    kiosk_agrees: bool = True

    async def compare_at_lock(self, number: int) -> bool:
        self.at_lock.append(number)
        return self.lock_agrees

    async def compare_at_kiosk(self, number: int) -> bool:
        self.at_kiosk.append(number)
        return self.kiosk_agrees

    async def pair(self) -> None:
        await self.radio.pair(ADDRESS, self.compare_at_kiosk)


@asynccontextmanager
async def rig(bus: str, *, delay_s: float = 0.0, patience: Patience = QUICK) -> AsyncIterator[Rig]:
    """Everything on one virtual link, until the block ends."""
    air, world, keys = Air(delay_s), World(), MemoryKeyStore()

    async def compare(number: int) -> bool:
        return await made.compare_at_lock(number)

    lock = Peripheral(device_on(air, "lock", ADDRESS), world.lock, compare, keys)
    async with Bluetoothd(REAL, air, bus) if REAL else Imitated(air, bus) as bluez:
        made = Rig(air, bluez, world, lock, Radio(patience), keys)
        await lock.start()
        try:
            yield made
        finally:
            await lock.stop()
            hang_up_bleak()


def hang_up_bleak() -> None:
    """bleak keeps one D-Bus connection for each event loop for ever."""
    for manager in bleak_manager._global_instances.values():
        if manager._bus is not None:
            manager._bus.disconnect()
    bleak_manager._global_instances.clear()


def play(bus: str, scenario, **options) -> None:  # type: ignore[no-untyped-def]
    """Run a scenario in a loop of its own."""

    async def whole() -> None:
        async with rig(bus, **options) as made:
            await scenario(made)

    asyncio.run(asyncio.wait_for(whole(), LONGEST_S))

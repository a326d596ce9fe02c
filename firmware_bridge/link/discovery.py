"""One discovery for everybody who listens: BlueZ runs one for each client and answers a second with InProgress."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from firmware_bridge import profile

Listener = Callable[[BLEDevice, AdvertisementData], None]


class Discovery:
    """Runs while somebody listens; a lock that is away keeps nobody from finding another one. For one event loop."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._scanner: BleakScanner | None = None
        self._turn = asyncio.Lock()  # starting and stopping are two calls each, and BlueZ refuses a start between them

    @asynccontextmanager
    async def heard_by(self, listener: Listener) -> AsyncIterator[None]:
        """Tell `listener` of every lock that advertises, and of those that this discovery has heard already. bleak's errors."""
        self._listeners.append(listener)
        try:
            await self._run()
            yield
        finally:
            self._listeners.remove(listener)
            await self._rest()

    async def _run(self) -> None:
        async with self._turn:
            if self._scanner is None:
                scanner = BleakScanner(self._tell, service_uuids=[profile.SERVICE])
                await scanner.start()
                self._scanner = scanner
                return
        for device, advertised in self._scanner.discovered_devices_and_advertisement_data.values():
            self._tell(device, advertised)

    async def _rest(self) -> None:
        async with self._turn:
            if not self._listeners and self._scanner is not None:
                scanner, self._scanner = self._scanner, None
                await scanner.stop()

    def _tell(self, device: BLEDevice, advertised: AdvertisementData) -> None:
        if profile.SERVICE in advertised.service_uuids:
            for listener in tuple(self._listeners):
                listener(device, advertised)

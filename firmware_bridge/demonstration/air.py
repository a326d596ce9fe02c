"""The virtual link: bumble's, with a delay for each packet, and silence on demand."""

from __future__ import annotations

import asyncio
from typing import Any

from bumble.controller import Controller
from bumble.device import Device
from bumble.hci import Address
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport.common import AsyncPipeSink


class Air(LocalLink):
    """`delay_s` for each data packet; `silent` swallows them all."""

    def __init__(self, delay_s: float = 0.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.delay_s, self.silent, self.packets = delay_s, False, 0

    def send_acl_data(self, sender: Controller, destination: Address, *rest: Any) -> None:
        self.packets += 1
        if not self.silent:
            link = _link(sender, destination)
            asyncio.get_running_loop().call_later(self.delay_s, self._deliver, link, sender, destination, *rest)

    def _deliver(self, link: Any, sender: Controller, destination: Address, *rest: Any) -> None:
        """What is still on the air when a connection ends is lost; it never reaches the next one."""
        if _link(sender, destination) is link:
            super().send_acl_data(sender, destination, *rest)


def _link(controller: Controller, peer: Address) -> Any:
    """The connection object that leads to this peer now, None for none."""
    return next((found for found in controller.le_connections.values() if found.peer_address == peer), None)


def device_on(air: Air, name: str, address: str) -> Device:
    """A Bluetooth device with a controller of its own on this link."""
    controller = Controller(name, link=air)
    return Device(name=name, address=Address(address), host=Host(controller, AsyncPipeSink(controller)))

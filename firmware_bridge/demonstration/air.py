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

    def send_acl_data(self, *packet: Any) -> None:
        self.packets += 1
        if not self.silent:
            asyncio.get_running_loop().call_later(self.delay_s, lambda: LocalLink.send_acl_data(self, *packet))


def device_on(air: Air, name: str, address: str) -> Device:
    """A Bluetooth device with a controller of its own on this link."""
    controller = Controller(name, link=air)
    return Device(name=name, address=Address(address), host=Host(controller, AsyncPipeSink(controller)))

"""What the uplink needs of the settings, checked by a child that ends.

The library that checks settings, and the settings of everything else, would stay 9 MB of a daemon that lives on 60.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device import mqtt
from device.errors import DeviceError


class CarryingError(DeviceError):
    """The settings cannot be used; the message is the one of whoever checked them."""


@dataclass(frozen=True, slots=True)
class Carrying:
    """Who this is, whom it reaches, and by which files; the paths are relative to the state folder."""

    device: str
    enabled: bool
    host: str
    port: int
    ca: str
    certificate: str
    key: str
    renew_url: str
    keepalive_s: int

    def broker(self, root: Path) -> mqtt.Broker:
        """Where to connect. Raises CarryingError where nobody is named."""
        if not self.host:
            raise CarryingError("uplink.host must be set before records can be sent; `daka join` sets it, and the rest")
        ca, certificate, key = (str(root / name) if name else "" for name in (self.ca, self.certificate, self.key))
        return mqtt.Broker(self.host, self.port, ca, certificate, key, self.keepalive_s)


def read(config: Path, layer: Path | None = None, joined: Path | None = None) -> Carrying:
    """From the same files as `device.config.read`, for a program that has no threads yet. Raises CarryingError."""
    return Carrying(**_apart(lambda: asdict(_checked(config, layer, joined))))


def _checked(path: Path, layer: Path | None, joined: Path | None) -> Carrying:
    from device import config

    found = config.read(path, layer, joined)
    to = found.uplink
    files = (to.ca, to.certificate, to.key)
    return Carrying(found.device.id, to.enabled, to.host, to.port, *files, to.renew_url, to.keepalive_s)


def _apart(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` returns, computed by a child of this process. Raises CarryingError with what it said when it failed."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _answer_and_end(work, writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    if not said:
        raise CarryingError("the settings could not be read: the process that reads them ended without a word; see the lines above")
    answer = json.loads(said)
    if "failed" in answer:
        raise CarryingError(answer["failed"])
    found: dict[str, Any] = answer["found"]
    return found


def _answer_and_end(work: Callable[[], dict[str, Any]], writing: int) -> None:
    """The child's whole life: nothing of what the parent would do at its own end may happen here."""
    try:
        try:
            answer: dict[str, Any] = {"found": work()}
        except DeviceError as error:
            answer = {"failed": str(error)}
        with open(writing, "wb") as pipe:
            pipe.write(json.dumps(answer).encode())
    finally:
        kind, unexpected, trace = sys.exc_info()
        if kind is not None and unexpected is not None:
            sys.excepthook(kind, unexpected, trace)
        os._exit(0)

"""A building's kiosks after a restart of the broker: how many come back in the busiest tenth of a second."""

from __future__ import annotations

import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.carriers import trial
from device import messages, mqtt
from tests.broker import ADDRESS, Broker

SPREAD_S = 4
AWAY_S = 2.0
COME_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Return:
    """Of `clients`, `busiest` came back within one tenth of a second; all within `seconds` of the first."""

    clients: int
    back: int
    busiest: int
    seconds: float

    @property
    def share(self) -> float:
        return self.busiest / self.clients


def of(moments: list[float], clients: int) -> Return:
    """`moments` in seconds; each tenth of a second from the first on is a bucket."""
    first = min(moments)
    buckets = Counter(int((moment - first) * 10) for moment in moments)
    return Return(clients, len(moments), max(buckets.values()), max(moments) - first)


class Counted(mqtt.PahoPipe):
    """The uplink's own pipe, which tells when its connection is open: what the broker feels, not what 500 threads do."""

    def __init__(self, broker: mqtt.Broker, device: str, opened: Callable[[float], None]) -> None:
        super().__init__(broker, device, (messages.topics(device).acknowledgement,), None)
        self._opened = opened

    def _new_client(self, life: Any, context: ssl.SSLContext) -> paho.Client:
        client = super()._new_client(life, context)
        client.on_socket_open = lambda *_: self._opened(time.monotonic())
        return client


def ours(folder: Path, clients: int) -> Return:
    """The uplink's own pipes, each with a certificate of its own."""
    names = [f"kiosk-{number}" for number in range(clients)]
    broker = prepared(folder, names)
    moments: list[float] = []
    pipes = [Counted(settings(broker, name), name, moments.append) for name in names]
    for one in pipes:
        one.spread(SPREAD_S)
        one.start()
        time.sleep(0.02)
    found = restart(broker, moments, clients)
    for one in pipes:
        one._stop.set()
    broker.kill()
    return found


def settings(broker: Broker, name: str) -> mqtt.Broker:
    own = broker.certificate_of(name)
    return mqtt.Broker(ADDRESS, broker.port, str(broker.root), str(own.certificate), str(own.key), 60)


def peer(folder: Path, clients: int) -> Return:
    """paho-mqtt as its documents use it: loop_start, and it reconnects by itself."""
    names = [f"kiosk-{number}" for number in range(clients)]
    broker = prepared(folder, names)
    moments: list[float] = []
    made = [plain(broker, name, moments.append) for name in names]
    found = restart(broker, moments, clients)
    for client in made:
        client.disconnect()
        client.loop_stop()
    broker.kill()
    return found


def plain(broker: Broker, name: str, came: Callable[[float], None]) -> paho.Client:
    own = broker.certificate_of(name)
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
    client.tls_set(str(broker.root), str(own.certificate), str(own.key))
    client.on_socket_open = lambda *_: came(time.monotonic())
    client.connect(ADDRESS, broker.port)
    client.loop_start()
    return client


def prepared(folder: Path, names: list[str]) -> Broker:
    folder.mkdir(parents=True)
    broker = Broker(folder)
    broker.prepare(names)
    broker.start()
    return broker


def restart(broker: Broker, moments: list[float], clients: int) -> Return:
    """Once all are there the broker dies, is away for a moment, and comes back."""
    trial.wait_for(lambda: len(moments) >= clients, COME_WITHIN_S)
    time.sleep(1)
    moments.clear()
    broker.kill()
    time.sleep(AWAY_S)
    broker.start()
    trial.wait_for(lambda: len(moments) >= clients, COME_WITHIN_S)
    return of(list(moments), clients)

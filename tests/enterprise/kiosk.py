"""A kiosk as the server sees it: real records in a real chain, signed with a real key, and an MQTT client of its own."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from queue import Empty, Queue
from typing import Any

import paho.mqtt.client as paho
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device import messages
from device.messages import Purpose
from tests.broker import ADDRESS, Broker

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BOOT_ID = "0b7c6b1e-3f0e-4a57-9d6e-0c1f6f1f2a3b"
PERSON = "p-" + "ab" * 16


@dataclass
class Kiosk:
    """Its journal is a list of canonical texts; whoever wants a broken one changes the list."""

    name: str = "kiosk-1"
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    epoch: str = field(default_factory=lambda: secrets.token_hex(16))
    texts: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.texts:
            self.write(messages.Genesis("first_start", "test", messages.public_key_text(self.key)))

    @property
    def public_key(self) -> str:
        return messages.public_key_text(self.key)

    @property
    def last(self) -> int:
        return len(self.texts)

    def hash_of(self, seq: int) -> bytes:
        return messages.digest(self.texts[seq - 1]) if seq else bytes(32)

    def stamp(self) -> messages.Stamp:
        return messages.Stamp(START + timedelta(seconds=self.last), BOOT_ID, self.last * 1_000_000, "synced")

    def write(self, body: messages.Body) -> None:
        prev = self.hash_of(self.last).hex()
        self.texts.append(messages.write_record(self.name, self.epoch, self.last + 1, prev, self.stamp(), body).text)

    def write_raw(self, **changes: Any) -> bytes:
        """A record that the schema may refuse, in its right place in the chain."""
        plain = messages.parse(self.texts[-1]) | {"seq": self.last + 1, "prev": self.hash_of(self.last).hex()} | changes
        self.texts.append(messages.canonical(plain))
        return self.texts[-1]

    def punch(self, times: int = 1, person: str = PERSON) -> None:
        for _ in range(times):
            self.write(punch_body(person))

    def batch(self, first: int, last: int, sig: str = "") -> bytes:
        signature = sig or messages.sign(self.key, Purpose.RECORD, self.name, self.epoch, self.hash_of(last))
        return messages.write_batch(
            self.name, self.epoch, self.texts[first - 1 : last], first, signature, messages.write_time(START)
        )

    def hello(self, *, first_kept: int = 1, acknowledged: int = 0, nonce: str = "0" * 32) -> bytes:
        said = messages.Hello(
            self.epoch, first_kept, self.last, self.hash_of(self.last).hex(), acknowledged, nonce, "test", ("gzip",)
        )
        data = messages.signed(said, self.key, Purpose.HELLO, self.name)
        return messages.seal_envelope("hello", self.name, f"hello/{nonce}", messages.write_time(START), data)

    def twin(self, keep: int) -> Kiosk:
        """The same kiosk with only the first `keep` records: a cloned card, or a journal whose tail was cut."""
        return Kiosk(self.name, self.key, self.epoch, self.texts[:keep])


def punch_body(person: str) -> messages.PunchBody:
    models = messages.Models("ab" * 32, "cd" * 32)
    return messages.PunchBody(
        person,
        messages.Method.FACE,
        messages.Direction.IN,
        60,
        3,
        messages.Liveness.NOT_ASSESSED,
        messages.Capture.SIMULATED,
        models,
        "Main gate, Building 4",
        START,
    )


ANSWERS_WITHIN_S = 30.0  # the broker, on a busy machine


class Client:
    """An MQTT 5 client with the certificate of `name`; what it receives waits in `received` as (topic, payload)."""

    def __init__(self, broker: Broker, name: str, subscribe: tuple[str, ...] = ()) -> None:
        self.received: Queue[tuple[str, bytes]] = Queue()
        self.reasons: Queue[str] = Queue()
        self.ready: Queue[str] = Queue()
        issued = broker.certificate_of(name)
        context = ssl.create_default_context(cafile=str(broker.root))
        context.load_cert_chain(issued.certificate, issued.key)
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=paho.MQTTv5)
        self._client.tls_set_context(context)
        self._client.on_connect = lambda client, *_: self._subscribe(client, subscribe)
        self._client.on_subscribe = lambda *_: self.ready.put("subscribed")
        self._client.on_message = lambda _client, _data, message: self.received.put((message.topic, bytes(message.payload)))
        self._client.on_publish = lambda _client, _data, _mid, reason, _properties: self.reasons.put(str(reason))
        self._client.connect(ADDRESS, broker.port)
        self._client.loop_start()
        self.ready.get(timeout=ANSWERS_WITHIN_S)

    def _subscribe(self, client: paho.Client, topics: tuple[str, ...]) -> None:
        if topics:
            client.subscribe([(topic, 1) for topic in topics])
        else:
            self.ready.put("connected")

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> str:
        """The broker's reason code; large payloads travel compressed."""
        payload, encoding = messages.compress(payload)
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if encoding:
            properties.UserProperty = ("content-encoding", encoding)
        self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        return self.reasons.get(timeout=ANSWERS_WITHIN_S)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def wait_for(client: Client, wanted: Callable[[str, bytes], bool], within_s: float = 30.0) -> bytes:
    """The first message that is `wanted`; fails after `within_s`."""
    deadline = time.monotonic() + within_s
    while (left := deadline - time.monotonic()) > 0:
        try:
            topic, payload = client.received.get(timeout=left)
        except Empty:
            break
        if wanted(topic, payload):
            return payload
    raise AssertionError(f"nothing of what was waited for came within {within_s} s")

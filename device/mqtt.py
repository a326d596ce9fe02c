"""paho-mqtt as a dumb pipe: MQTT 5 over mutual TLS, bytes in and out, and every event into one queue.

A fresh client for each connection, so that nothing of the library's own queue survives one: the kiosk's journal is the only outbox.
Callbacks only enqueue, because an exception in one would end the library's thread while it goes on claiming to be connected.
"""

from __future__ import annotations

import logging
import random
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from device import tls_files
from device.errors import DeviceError
from device.sentences import say

log = logging.getLogger(__name__)

FIRST_DELAY_S = 4.0  # the first return is spread over this long until the server names a window: 500 kiosks do not come at once
LEAST_DELAY_S = 0.1
MOST_DELAY_S = 60.0
CONNECT_TIMEOUT_S = 10.0
GOODBYE_S = 2.0
CONTENT_ENCODING = "content-encoding"


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has accepted the connection and the subscriptions."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """There is no connection; the pipe tries again by itself. `reason` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """One message from the broker; `encoding` is its content-encoding, empty for none."""

    topic: str
    payload: bytes
    encoding: str = ""


Event = Connected | Disconnected | Received


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how this device proves who it is; the three are files (PEM)."""

    host: str
    port: int
    ca: str
    certificate: str
    key: str
    keepalive_s: int


class BrokerConfigError(DeviceError):
    """The certificates at hand cannot make a connection; the message names the file."""


class Pipe(Protocol):
    """A connection that comes back by itself."""

    events: Queue[Event]

    def start(self) -> None: ...
    def publish(self, topic: str, payload: bytes, *, encoding: str = "", retain: bool = False) -> None: ...
    def reconnect(self) -> None: ...
    def spread(self, seconds: float) -> None: ...
    def stop(self) -> None: ...


class PahoPipe:
    """The real pipe. `will`, (topic, payload), is said by us when we stop and by the broker when we are gone without a word."""

    def __init__(self, broker: Broker, device: str, subscriptions: tuple[str, ...], will: tuple[str, bytes] | None) -> None:
        self._broker, self._device, self._subscriptions, self._will = broker, device, subscriptions, will
        tls_context(broker)  # what cannot make a connection is said at once
        self._client: paho.Client | None = None
        self._first_delay_s = FIRST_DELAY_S
        self._stop = threading.Event()
        self._may_connect = threading.Event()
        self._may_connect.set()
        self.unforeseen = 0  # exceptions that nobody expected, each logged
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self.events: Queue[Event] = Queue()

    def start(self) -> None:
        """Begin connecting, in a thread of its own."""
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, encoding: str = "", retain: bool = False) -> None:
        """Hand one message over at QoS 1; without a connection it is dropped, since the journal still has it."""
        client = self._client
        if client is None:
            return
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho types all but this
        properties.ContentType = "application/cloudevents+json"
        if encoding:
            properties.UserProperty = (CONTENT_ENCODING, encoding)
        client.publish(topic, payload, qos=1, retain=retain, properties=properties)

    def reconnect(self) -> None:
        """Drop this connection and make another."""
        if self._client is not None:
            self._client.disconnect()

    def spread(self, seconds: float) -> None:
        """Come back within so many seconds of a lost connection, at a moment that chance decides."""
        self._first_delay_s = seconds

    @contextmanager
    def away(self) -> Iterator[None]:
        """No connection meanwhile: another one bears this device's name, and a broker ends the older of two."""
        self._may_connect.clear()
        self.reconnect()
        try:
            yield
        finally:
            self._may_connect.set()

    def stop(self) -> None:
        """Say goodbye where there is a connection, and end."""
        self._stop.set()
        self._may_connect.set()
        client = self._client
        if client is not None and client.is_connected():
            self._say_goodbye(client)
            client.disconnect()
        if self._thread.is_alive():
            self._thread.join(GOODBYE_S)

    def _say_goodbye(self, client: paho.Client) -> None:
        if self._will is not None:
            with suppress(RuntimeError, ValueError):  # the connection ended meanwhile: the broker says it for us
                client.publish(*self._will, qos=1, retain=True).wait_for_publish(GOODBYE_S)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            self._may_connect.wait()
            try:
                connected = self._live()
            except Exception:  # whatever the library does to us, the pipe comes back
                self.unforeseen += 1
                log.exception("the connection to the broker ended in an unforeseen way")
                self.events.put(Disconnected("the connection ended in an unforeseen way"))
                connected = False
            failures = 0 if connected else failures + 1
            self._stop.wait(pause_s(self._first_delay_s, failures))

    def _live(self) -> bool:
        """One connection from its first byte to its last; whether it ever stood."""
        life = _Life(self.events, self._subscriptions)
        try:
            # a context anew each time: the clock may have been set meanwhile
            client = tls_files.once_more(lambda context: self._connected(life, context), tls_context(self._broker))
            self._client = client
            if not self._may_connect.is_set():  # asked to keep away while it was connecting
                client.disconnect()
            _carry(client)
            reason = life.reason or "the connection was closed"
        except (OSError, ValueError) as error:
            reason = sentence(error, self._broker)
        except BrokerConfigError as error:  # it did at the start: a file that is being replaced is there again at the next try
            reason = str(error)
        finally:
            self._client = None
        self.events.put(Disconnected(reason))
        return life.stood

    def _connected(self, life: _Life, context: ssl.SSLContext) -> paho.Client:
        client = self._new_client(life, context)
        client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s, clean_start=True)
        return client

    def _new_client(self, life: _Life, context: ssl.SSLContext) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self._device, protocol=paho.MQTTv5, reconnect_on_failure=False, userdata=life
        )
        client.tls_set_context(context)
        client.connect_timeout = CONNECT_TIMEOUT_S
        if self._will is not None:
            client.will_set(*self._will, qos=1, retain=True)
        client.on_socket_open = _without_delay
        client.on_socket_register_write = _left_to_the_loop
        client.on_connect = _on_connect
        client.on_subscribe = _on_subscribe
        client.on_disconnect = _on_disconnect
        client.on_message = _on_message
        return client


def pause_s(first_delay_s: float, failures: int) -> float:
    """How long to wait before the next try: anywhere in a window that doubles with each failure."""
    first = max(first_delay_s, LEAST_DELAY_S)
    return random.uniform(LEAST_DELAY_S, min(first * 2 ** min(failures, 10), max(first, MOST_DELAY_S)))


class _Life:
    """What the callbacks of one connection know."""

    def __init__(self, events: Queue[Event], subscriptions: tuple[str, ...]) -> None:
        self.events, self.subscriptions = events, subscriptions
        self.stood = False
        self.reason = ""


def _without_delay(_client: paho.Client, _life: Any, sock: Any) -> None:
    """Nagle's algorithm costs a factor of four here: 40 s against 9 s for 100,000 records."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _left_to_the_loop(_client: paho.Client, _life: Any, _sock: Any) -> None:
    """Whoever publishes only queues: else paho writes at once, in that thread too, and TLS bears no second one."""


def _carry(client: paho.Client) -> None:
    """Until the connection ends. `loop` is woken by whoever publishes, `loop_forever` by `loop_start` alone.

    Woken by a pair of ours: paho makes its own over 127.0.0.1, where the uplink's sandbox lets nothing through, and waits for ever.
    """
    client._sockpairR, client._sockpairW = socket.socketpair()
    for end in (client._sockpairR, client._sockpairW):
        end.setblocking(False)
    while client.loop() == paho.MQTT_ERR_SUCCESS:
        pass


def _on_connect(client: paho.Client, life: _Life, _flags: Any, reason: Any, _properties: Any) -> None:
    if reason.is_failure:
        life.reason = f"the broker refuses this device: {reason}; check its certificate and the broker's access list"
        return
    client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in life.subscriptions])


def _on_subscribe(client: paho.Client, life: _Life, _mid: int, reasons: Any, _properties: Any) -> None:
    if any(reason.is_failure for reason in reasons):
        life.reason = "the broker does not let this device read its own topics; check its access list"
        client.disconnect()
        return
    life.stood = True
    life.events.put(Connected())


def _on_disconnect(_client: paho.Client, life: _Life, _flags: Any, reason: Any, _properties: Any) -> None:
    life.reason = life.reason or f"the connection ended: {reason}"


def _on_message(_client: paho.Client, life: _Life, message: paho.MQTTMessage) -> None:
    pairs = getattr(message.properties, "UserProperty", ())
    encoding = next((value for name, value in pairs if name == CONTENT_ENCODING), "")
    life.events.put(Received(message.topic, bytes(message.payload), encoding))


def tls_context(broker: Broker, now: datetime | None = None) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's name checked, our certificate shown; BrokerConfigError names the file that does not do.

    A clock that stands before the day on which our own certificate was made is wrong for sure (it was never set): dates are not
    judged by it, or a kiosk without a battery would never hear from the server what time it is. Name, chain and signatures are.
    """
    try:
        context = ssl.create_default_context(cafile=broker.ca)
    except (OSError, ssl.SSLError) as error:
        raise BrokerConfigError(say("broker.ca", path=broker.ca) if broker.ca else say("broker.ca_none")) from error
    try:
        context.load_cert_chain(broker.certificate, broker.key)
    except (OSError, ssl.SSLError) as error:
        raise BrokerConfigError(say("broker.pair", certificate=broker.certificate or "–", key=broker.key or "–")) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls_files.is_behind(Path(broker.certificate), now or datetime.now(UTC)):
        log.warning("the clock stands before our own certificate's beginning; the broker's dates are not judged by it")
        context.verify_flags |= tls_files.NO_CHECK_TIME
    return context


def sentence(error: Exception, broker: Broker) -> str:
    """What went wrong with a connection, and what to do about it."""
    where = f"{broker.host}:{broker.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return say("broker.not_vouched", where=where, why=error.verify_message)
    if isinstance(error, ssl.SSLError):
        return say("broker.no_tls", where=where, why=error.reason)
    if isinstance(error, socket.gaierror):
        return say("broker.name", host=broker.host)
    if isinstance(error, ConnectionRefusedError):
        return say("broker.nobody", where=where)
    if isinstance(error, TimeoutError):
        return say("broker.silent", where=where)
    return say("broker.unreachable", where=where, why=error)

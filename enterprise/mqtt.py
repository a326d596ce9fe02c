"""paho-mqtt as a dumb pipe: MQTT 5 over mutual TLS, bytes in and out, and every event into one queue.

Callbacks only enqueue, because an exception in one would end the library's thread while it goes on claiming to be connected. Each
connection is a fresh client with a clean start: the kiosks' journals are the outbox, so the broker need not remember us, and what a
killed ingester had not committed is sent again by its kiosk. A message is acknowledged to the broker by hand, after its commit: no
proof of anything, but with the Receive Maximum it keeps the rest at the broker while the database is slow. Mosquitto 2.0.11 exceeds
that after the first acknowledgement, so what comes beyond MOST_HELD is let go unread; it is no more than a kiosk sends again.
"""

from __future__ import annotations

import logging
import random
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from device.messages import wire
from enterprise.errors import EnterpriseError
from enterprise.expiry import Life

log = logging.getLogger(__name__)

RECEIVE_MAXIMUM = 64  # messages that the broker may hand over before we acknowledge one: 64 x 256 kB at most
MOST_HELD = 1_024  # messages that wait here
SOONEST_S = 0.2
LATEST_S = 15.0  # the longest pause between two tries
CONNECT_TIMEOUT_S = 10.0
GOODBYE_S = 2.0
CONTENT_ENCODING = "content-encoding"
REFUSED = "Not authorized"


class BrokerAccessError(EnterpriseError):
    """The certificates at hand cannot make a connection; the message names the file."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how we prove who we are; the three files are PEM. `name` is the certificate's common name."""

    host: str
    port: int
    ca: Path
    certificate: Path
    key: Path
    name: str
    keepalive_s: int = 20


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker has accepted the connection and the subscriptions; `certificate`: how long the one that it has shown is good."""

    certificate: Life | None = None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """There is no connection; the link tries again by itself. `reason` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Received:
    """One message, still unacknowledged; `encoding` is its content-encoding, empty for none."""

    topic: str
    payload: bytes
    encoding: str
    client: paho.Client
    mid: int

    def acknowledge(self) -> None:
        """Tell the broker that it may forget this one."""
        self.client.ack(self.mid, 1)


Event = Connected | Disconnected | Received


@dataclass(frozen=True, slots=True)
class Words:
    """A retained message: its topic, and what it says when we are there and when we are gone."""

    topic: str
    here: bytes
    gone: bytes


class Link:
    """A connection that comes back by itself, with jitter."""

    def __init__(self, broker: Broker, subscriptions: tuple[str, ...], presence: Words) -> None:
        self._broker, self._subscriptions, self._presence = broker, subscriptions, presence
        self._context = tls_context(broker)
        self._client: paho.Client | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self.events: Queue[Event] = Queue()

    def start(self) -> None:
        """Begin connecting, in a thread of its own."""
        self._thread.start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = True) -> bool:
        """One message at QoS 1; False without a connection: it is dropped then, and a kiosk's next hello asks again."""
        client = self._client
        if client is None or not client.is_connected():
            return False
        return client.publish(topic, payload, qos=1, retain=retain, properties=_json()).rc == paho.MQTT_ERR_SUCCESS

    def announce(self, here: bool) -> None:
        """Tell the kiosks whether anybody answers them now; without a connection the broker has said that nobody does."""
        client = self._client
        if client is not None and client.is_connected():
            words = self._presence.here if here else self._presence.gone
            client.publish(self._presence.topic, words, qos=1, retain=True, properties=_json())

    def stop(self) -> None:
        """Say goodbye where there is a connection, and end."""
        self._stop.set()
        client = self._client
        if client is not None and client.is_connected():
            with suppress(RuntimeError, ValueError):  # the connection ended meanwhile: the broker says it for us
                goodbye = client.publish(self._presence.topic, self._presence.gone, qos=1, retain=True, properties=_json())
                goodbye.wait_for_publish(GOODBYE_S)
            client.disconnect()
        self._thread.join(GOODBYE_S)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                stood = self._live()
            except Exception:  # whatever the library does to us, the link comes back
                log.exception("the connection to the broker ended in an unforeseen way")
                stood = False
            failures = 0 if stood else failures + 1
            self._stop.wait(pause_s(failures))

    def _live(self) -> bool:
        """One connection from its first byte to its last; whether it ever stood."""
        life = _Life(self.events, self._subscriptions, self._presence, self._broker.name)
        client = self._new_client(life)
        try:
            client.connect(self._broker.host, self._broker.port, self._broker.keepalive_s, clean_start=True, properties=_limits())
            self._client = client
            _carry(client)
        except (OSError, ValueError) as error:
            life.reason = sentence(error, self._broker)
        finally:
            self._client = None
        self.events.put(Disconnected(life.reason or "the connection was closed"))
        return life.stood

    def _new_client(self, life: _Life) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._broker.name,
            protocol=paho.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
            userdata=life,
        )
        client.tls_set_context(self._context)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.will_set(self._presence.topic, self._presence.gone, qos=1, retain=True)
        client.on_socket_open = _without_delay
        client.on_socket_register_write = _left_to_the_loop
        client.on_connect = _on_connect
        client.on_subscribe = _on_subscribe
        client.on_disconnect = _on_disconnect
        client.on_message = _on_message
        client.on_publish = _on_publish
        return client


def pause_s(failures: int) -> float:
    """How long to wait after so many failures in a row. The exponent is bounded: no float holds 2**1024."""
    return random.uniform(SOONEST_S, min(2.0 ** min(failures, 10), LATEST_S))


@dataclass(slots=True)
class _Life:
    """What the callbacks of one connection know."""

    events: Queue[Event]
    subscriptions: tuple[str, ...]
    presence: Words
    name: str
    stood: bool = False
    reason: str = ""


def _limits() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho types all but this
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = wire.MAX_MESSAGE_BYTES
    return properties


def _json() -> Properties:
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/cloudevents+json"
    return properties


def _without_delay(_client: paho.Client, _life: Any, sock: Any) -> None:
    """Nagle's algorithm would hold our small answers back, and with them every kiosk's window."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _left_to_the_loop(_client: paho.Client, _life: Any, _sock: Any) -> None:
    """Whoever publishes or acknowledges only queues: else paho writes at once, in that thread too, and TLS bears no second one."""


def _carry(client: paho.Client) -> None:
    """Until the connection ends. `loop` is woken by whoever publishes, `loop_forever` by `loop_start` alone."""
    while client.loop() == paho.MQTT_ERR_SUCCESS:
        pass


def _on_connect(client: paho.Client, life: _Life, _flags: Any, reason: Any, _properties: Any) -> None:
    if reason.is_failure:
        life.reason = f"the broker refuses us: {reason}; check the certificate's name and the broker's access list"
        return
    client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in life.subscriptions])


def _on_subscribe(client: paho.Client, life: _Life, _mid: int, reasons: Any, _properties: Any) -> None:
    if any(reason.is_failure for reason in reasons):
        life.reason = "the broker does not let us read the kiosks' topics; check its access list"
        client.disconnect()
        return
    life.stood = True
    client.publish(life.presence.topic, life.presence.here, qos=1, retain=True, properties=_json())
    life.events.put(Connected(_life_of_broker(client)))


def _life_of_broker(client: paho.Client) -> Life | None:
    """Of the certificate that the broker has shown."""
    shown: Any = client.socket()
    said = shown.getpeercert() if isinstance(shown, ssl.SSLSocket) else None
    if not said:
        return None
    begins, ends = (datetime.fromtimestamp(ssl.cert_time_to_seconds(str(said[name])), UTC) for name in ("notBefore", "notAfter"))
    return Life(begins, ends)


def _on_disconnect(_client: paho.Client, life: _Life, _flags: Any, reason: Any, _properties: Any) -> None:
    life.reason = life.reason or f"the connection ended: {reason}"


def _on_publish(client: paho.Client, life: _Life, _mid: int, reason: Any, _properties: Any) -> None:
    """Subscriptions are granted to whoever may read nothing; only a word of ours shows it, and the broker ends the connection."""
    if reason == REFUSED:
        life.stood = False
        life.reason = (
            f"the broker gives {life.name} no rights; write its access list anew and restart it: "
            "daka-enterprise authority mosquitto"
        )
        client.disconnect()


def _on_message(client: paho.Client, life: _Life, message: paho.MQTTMessage) -> None:
    if message.qos == 0:  # from no kiosk of ours: no Receive Maximum bounds it, and acknowledging it would end the connection
        return
    if life.events.qsize() >= MOST_HELD:
        client.ack(message.mid, message.qos)
        return
    pairs = getattr(message.properties, "UserProperty", ())
    encoding = next((value for name, value in pairs if name == CONTENT_ENCODING), "")
    life.events.put(Received(message.topic, bytes(message.payload), encoding, client, message.mid))


def tls_context(broker: Broker) -> ssl.SSLContext:
    """TLS 1.2 or newer, the broker's name checked, our certificate shown; BrokerAccessError names the file that does not do."""
    try:
        context = ssl.create_default_context(cafile=str(broker.ca))
    except (OSError, ssl.SSLError) as error:
        raise BrokerAccessError(f"--ca: {broker.ca} is not a readable certificate (PEM)") from error
    try:
        context.load_cert_chain(broker.certificate, broker.key)
    except (OSError, ssl.SSLError) as error:
        raise BrokerAccessError(f"--cert, --key: {broker.certificate} and {broker.key} are not a readable pair (PEM)") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def sentence(error: Exception, broker: Broker) -> str:
    """What went wrong with a connection, and what to do about it."""
    where = f"{broker.host}:{broker.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker at {where} shows a certificate that {broker.ca} does not vouch for: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {where} ({error.reason}); is this the broker's TLS port, and is our certificate from its authority?"
    if isinstance(error, socket.gaierror):
        return f"the name {broker.host} is not known; check --broker and the name service"
    if isinstance(error, ConnectionRefusedError):
        return f"nobody listens at {where}; is the broker running?"
    if isinstance(error, TimeoutError):
        return f"{where} does not answer; check network and firewall"
    return f"{where} is not to be reached: {error}"

"""The way from this kiosk to the server's signature, step by step; the first step that fails is the last one tried, and named.

Name, connection, TLS: one handshake, closed again. Authorisation, topic rights, acknowledgement: a connection as this kiosk, which
the broker gives the place of the uplink's own for those seconds, and a hello that the server has to answer.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Protocol

import paho.mqtt.client as paho
from cryptography import x509
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from device import api, messages, mqtt, tls_files
from device.findings import Finding, Verdict
from device.sentences import say

STEP_S = 8.0
SOON_DAYS = 30
WRONG_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)


class Kiosk(Protocol):
    """The kiosk daemon's side of a conversation with the server; its uplink socket is one."""

    def hello(self) -> tuple[str, bytes]: ...
    def acknowledge(self, payload: bytes) -> api.Cursor: ...


@dataclass(frozen=True, slots=True)
class Way:
    """What is tested: the broker, our name there, and what the clock says; `sure`: somebody disciplines it."""

    broker: mqtt.Broker
    device: str
    now: datetime
    sure: bool


def reach(way: Way) -> Iterator[Finding]:
    """As far as TLS; disturbs nothing."""
    for step in (_certificate, _name, _connection, _tls):
        found = step(way)
        yield found
        if found.verdict is Verdict.BAD:
            return


def whole(way: Way, kiosk: Kiosk) -> Iterator[Finding]:
    """All the way; the uplink's own connection is taken over for some seconds."""
    for found in reach(way):
        yield found
        if found.verdict is Verdict.BAD:
            return
    yield from _conversation(way, kiosk)


def _certificate(way: Way) -> Finding:
    """Our own, against a clock that may be wrong."""
    path = Path(way.broker.certificate)
    try:
        mqtt.tls_context(way.broker, way.now)
        own = x509.load_pem_x509_certificate(path.read_bytes())
    except (mqtt.BrokerConfigError, OSError, ValueError) as error:
        return Finding("certificate", Verdict.BAD, unusable(error), say("remedy.join_or_copy"))
    begins, ends = own.not_valid_before_utc, own.not_valid_after_utc
    if way.now < begins:
        sentence = say("test.not_good_before", day=f"{begins:%Y-%m-%d}", clock=_clock(way))
        return Finding("certificate", Verdict.NOTE, sentence, say("remedy.clock_or_server"))
    if way.now > ends:
        remedy = say("remedy.join") if way.sure else say("remedy.clock_or_join")
        return Finding("certificate", Verdict.BAD, say("test.ran_out", day=f"{ends:%Y-%m-%d}", clock=_clock(way)), remedy)
    days = (ends - way.now).days
    soon = Finding("certificate", Verdict.NOTE, say("test.good_for", days=days), say("remedy.renewed"))
    return soon if days <= SOON_DAYS else Finding("certificate", Verdict.GOOD, say("test.good_for", days=days))


def unusable(error: Exception) -> str:
    """What is wrong with our own files, by the kind where nobody has a sentence for it."""
    return str(error) if isinstance(error, mqtt.BrokerConfigError) else say("test.certificate_unusable", why=type(error).__name__)


def _name(way: Way) -> Finding:
    host = way.broker.host
    try:
        found = sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, way.broker.port, type=socket.SOCK_STREAM)})
    except OSError as error:
        remedy = say("remedy.host")
        return Finding("name resolution", Verdict.BAD, say("test.name_unknown", host=host, why=error.strerror or error), remedy)
    return Finding("name resolution", Verdict.GOOD, say("test.name_is", host=host, addresses=", ".join(found)))


def _connection(way: Way) -> Finding:
    try:
        with socket.create_connection((way.broker.host, way.broker.port), STEP_S):
            return Finding("TCP", Verdict.GOOD, say("test.port_answers", port=way.broker.port))
    except OSError as error:
        return Finding("TCP", Verdict.BAD, mqtt.sentence(error, way.broker), say("remedy.cable"))


def _tls(way: Way) -> Finding:
    host = way.broker.host

    def version(context: ssl.SSLContext) -> str | None:
        with (
            socket.create_connection((host, way.broker.port), STEP_S) as raw,
            context.wrap_socket(raw, server_hostname=host) as secured,
        ):
            return secured.version()

    try:
        found = tls_files.once_more(version, mqtt.tls_context(way.broker, way.now), lambda: way.sure)
        return Finding("TLS", Verdict.GOOD, say("test.tls_good", version=found))
    except ssl.SSLCertVerificationError as error:
        return _unverified(way, error)
    except OSError as error:
        return Finding("TLS", Verdict.BAD, mqtt.sentence(error, way.broker), say("remedy.tls_port"))


def _unverified(way: Way, error: ssl.SSLCertVerificationError) -> Finding:
    """A date that does not fit is the clock's fault more often than the broker's."""
    if error.verify_code in (tls_files.NOT_YET_VALID, tls_files.EXPIRED):
        name = "test.broker_not_yet" if error.verify_code == tls_files.NOT_YET_VALID else "test.broker_ran_out"
        remedy = say("remedy.broker_renewal") if way.sure else say("remedy.clock_or_renewal")
        return Finding("certificate dates", Verdict.BAD, say(name, clock=_clock(way)), remedy)
    if error.verify_code in WRONG_NAME:
        remedy = say("remedy.broker_name")
        return Finding("TLS", Verdict.BAD, say("test.broker_name", host=way.broker.host), remedy)
    remedy = say("remedy.authority")
    return Finding("TLS", Verdict.BAD, say("test.broker_authority", why=error.verify_message), remedy)


def _clock(way: Way) -> str:
    if way.now < EARLIEST:
        return say("test.clock_never_set", day=f"{way.now:%Y-%m-%d}")
    return say("test.clock_sure" if way.sure else "test.clock_unsure", day=f"{way.now:%Y-%m-%d}")


@dataclass(frozen=True, slots=True)
class Heard:
    """An event of the probing connection: `what` is connect, subscribe, publish, message or end."""

    what: str
    good: bool
    detail: Any = ""


def _conversation(way: Way, kiosk: Kiosk) -> Iterator[Finding]:
    events: Queue[Heard] = Queue()
    client: paho.Client | None = None
    try:
        client = tls_files.once_more(
            lambda context: _connected(way, events, context), mqtt.tls_context(way.broker, way.now), lambda: way.sure
        )
        client.loop_start()
        for step in (_authorisation, _topics, _acknowledgement):
            found = step(way, kiosk, client, events)
            yield found
            if found.verdict is Verdict.BAD:
                return
    except OSError as error:
        yield Finding("authorisation", Verdict.BAD, mqtt.sentence(error, way.broker), say("remedy.again"))
    finally:
        if client is not None:
            client.disconnect()
            client.loop_stop()


def _connected(way: Way, events: Queue[Heard], context: ssl.SSLContext) -> paho.Client:
    client = _client(way, events, context)
    client.connect(way.broker.host, way.broker.port, keepalive=20, clean_start=True)
    return client


def _client(way: Way, events: Queue[Heard], context: ssl.SSLContext) -> paho.Client:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=way.device, protocol=paho.MQTTv5, reconnect_on_failure=False)
    client.tls_set_context(context)
    client.connect_timeout = STEP_S
    client.on_connect = lambda _c, _u, _f, reason, _p: events.put(Heard("connect", not reason.is_failure, str(reason)))
    client.on_subscribe = lambda _c, _u, _m, reasons, _p: events.put(
        Heard("subscribe", not any(reason.is_failure for reason in reasons), ", ".join(map(str, reasons)))
    )
    client.on_publish = lambda _c, _u, _m, reason, _p: events.put(Heard("publish", not reason.is_failure, str(reason)))
    client.on_message = lambda _c, _u, message: events.put(Heard("message", True, bytes(message.payload)))
    client.on_disconnect = lambda _c, _u, _f, reason, _p: events.put(Heard("end", False, str(reason)))
    return client


def _await(events: Queue[Heard], what: str) -> Heard:
    """The next event of that kind, or the end of the connection, or of our patience."""
    deadline = time.monotonic() + STEP_S
    while (left := deadline - time.monotonic()) > 0:
        try:
            heard = events.get(timeout=left)
        except Empty:
            break
        if heard.what in (what, "end"):
            return heard
    return Heard("silence", False, say("test.no_answer_within", seconds=f"{STEP_S:.0f}"))


def _authorisation(way: Way, _kiosk: Kiosk, _client: paho.Client, events: Queue[Heard]) -> Finding:
    heard = _await(events, "connect")
    if heard.good:
        return Finding("authorisation", Verdict.GOOD, say("test.known", device=way.device))
    remedy = say("remedy.revoked")
    return Finding("authorisation", Verdict.BAD, say("test.not_let_in", device=way.device, why=heard.detail), remedy)


def _topics(way: Way, kiosk: Kiosk, client: paho.Client, events: Queue[Heard]) -> Finding:
    """Reading its own acknowledgements and desired states, and writing its own hello."""
    own = messages.topics(way.device)
    wanted = [own.acknowledgement, f"{own.desired}/#", messages.SERVER_STATE_TOPIC]
    client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in wanted])
    heard = _await(events, "subscribe")
    if heard.good:
        client.publish(own.hello, kiosk.hello()[1], qos=1)
        heard = _await(events, "publish")
    if heard.good:
        return Finding("topic rights", Verdict.GOOD, say("test.rights_good"))
    remedy = say("remedy.access")
    return Finding("topic rights", Verdict.BAD, say("test.rights_refused", why=heard.detail), remedy)


def _acknowledgement(way: Way, kiosk: Kiosk, _client: paho.Client, events: Queue[Heard]) -> Finding:
    """The server's signed answer to that hello; older ones that the broker retains do not count."""
    refusal = ""
    for _ in range(8):
        heard = _await(events, "message")
        if not heard.good:
            break
        try:
            cursor = kiosk.acknowledge(heard.detail)
        except api.KioskRefused as error:
            refusal = str(error)
            continue
        if cursor.answers_hello:
            return Finding("acknowledgement", Verdict.GOOD, say("test.signed", seq=cursor.upto))
    if refusal:
        remedy = say("remedy.server_key")
        return Finding("acknowledgement", Verdict.BAD, say("test.not_believed", why=refusal), remedy)
    remedy = say("remedy.ingester")
    return Finding("acknowledgement", Verdict.BAD, say("test.silent"), remedy)

"""What crosses the broker: CloudEvents 1.0 envelopes in plain JSON, gzip above 2 kB, and the topics of design `att/v1`.

A batch needs only its last record's signature, because each record names its predecessor. A PUBACK proves nothing; only the
server's signed, cumulative acknowledgement does.
"""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.messages import jcs, schema, signing
from device.messages.errors import MessageError, NotCanonical, SchemaRefused, SignatureRefused, TooLarge
from device.messages.records import CODEC, GENESIS_PREV
from device.messages.signing import Purpose

MAX_BATCH_RECORDS = 200
MAX_BATCH_BYTES = 262_144  # before compression
MAX_IN_FLIGHT = 4
COMPRESS_ABOVE_BYTES = 2_048
MAX_MESSAGE_BYTES = 2 * MAX_BATCH_BYTES  # after decompression; a gzip bomb ends here

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Hello:
    """What the kiosk says at each connection; signed by the journal's key. `head` is the hash of record `last`.

    `sealing_key` is what a desired state for it is sealed to, and the place of the last one that it took follows (0, 0: none).
    """

    epoch: str
    first_kept: int
    last: int
    head: str
    acknowledged: int
    nonce: str
    software: str
    capabilities: tuple[str, ...]
    sealing_key: str = ""
    desired_generation: int = 0
    desired_version: int = 0


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The server has committed every record up to `upto`, whose hash is `head`. `nonce` repeats the hello's, or is empty."""

    epoch: str
    upto: int
    head: str
    window: int
    retry_after_ms: int
    server_time: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for the server's signature."""

    records: int
    oldest_age_s: int


@dataclass(frozen=True, slots=True)
class Clock:
    """The kiosk's clock as it sees it itself: whose time it follows, and by how much two trusted ones disagree (0: they do not)."""

    at: str
    quality: str
    source: str = "none"
    uncertainty_us: int = 0
    disagrees_by_us: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that goes on and that a person should look at, by its name; docs/operations.md lists them."""

    name: str
    first_at: str
    last_at: str


@dataclass(frozen=True, slots=True)
class Health:
    """How the machine is; 0 or `unknown` for what it does not say.

    `throttled`, `under_voltage`: no, now, earlier (since its start). `certificate_days`: until the first certificate ends, -1
    where none is known. `attempt_*_ms`: from the first frame that showed a face to the
    record on the disk. `restarts`: ends of daemons since the machine's start that nobody asked for. `update`: what came of the
    last release that was tried: none, trying, holds, went_back or refused.
    """

    temperature_c: int = 0
    throttled: str = "unknown"
    under_voltage: str = "unknown"
    memory_available_bytes: int = 0
    frames_per_minute: int = 0
    attempt_median_ms: int = 0
    attempt_p95_ms: int = 0
    camera: str = "unknown"
    radio: str = "unknown"
    signal_dbm: int = 0
    certificate_days: int = -1
    restarts: int = 0
    alarms: tuple[Alarm, ...] = ()
    update: str = "none"
    update_version: str = ""
    update_why: str = ""


@dataclass(frozen=True, slots=True)
class Online:
    """The retained state of a kiosk that is there; of the machine: model, system, version, network kind and health."""

    session: str
    backlog: Backlog
    clock: Clock
    disk_free_bytes: int
    software: str
    system: str
    machine: str
    network: str
    health: Health = Health()
    online: bool = True


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The least that can be said of a kiosk, and its last will."""

    session: str
    online: bool


@dataclass(frozen=True, slots=True)
class ServerState:
    """Liveness of the ingest; kiosks spread their reconnections over `spread_s` seconds."""

    online: bool
    spread_s: int


@dataclass(frozen=True, slots=True)
class LockQuestion:
    """A contract lock in session wants the server's word; `challenge` is base64 of its 32 bytes."""

    lock: str
    challenge: str


@dataclass(frozen=True, slots=True)
class LockAnswer:
    """The server's word for that session: base64 of the statement that the lock checks."""

    lock: str
    challenge: str
    statement: str


TYPES: Mapping[type[Any], str] = {
    Hello: "hello",
    Acknowledgement: "acknowledgement",
    Online: "state",
    DeviceState: "state",
    ServerState: "server-state",
    LockQuestion: "lock-question",
    LockAnswer: "lock-answer",
}


@dataclass(frozen=True, slots=True)
class Link:
    """One record of a batch as the chain sees it, before anybody asks whether its content makes sense."""

    seq: int
    prev: str
    plain: dict[str, Any]
    text: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one epoch and the signature of the last."""

    device: str
    epoch: str
    links: tuple[Link, ...]
    sig: str

    @property
    def first(self) -> int:
        return self.links[0].seq

    @property
    def last(self) -> int:
        return self.links[-1].seq


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device (or `+` for all)."""

    records: str
    hello: str
    state: str
    acknowledgement: str
    desired: str
    lock_question: str
    lock_answer: str

    def desired_page(self, page: int) -> str:
        """The first page of a desired state stands on the topic itself, the others below it."""
        return self.desired if page == 1 else f"{self.desired}/{page}"


SERVER_STATE_TOPIC = "att/v1/server/state"


def topics(device: str) -> Topics:
    """MQTT topic names of `device`."""
    base = f"att/v1/{device}"
    up, down = f"{base}/up", f"{base}/down"
    return Topics(f"{up}/rec", f"{up}/hello", f"{base}/state", f"{down}/ack", f"{down}/desired", f"{up}/lock", f"{down}/lock")


def device_of(topic: str) -> str:
    """The device that a topic of ours belongs to; MessageError for a topic that is not ours."""
    parts = topic.split("/")
    if len(parts) < 4 or parts[:2] != ["att", "v1"]:
        raise MessageError("not a topic of att/v1")
    return parts[2]


def seal_envelope(kind: str, source: str, event_id: str, time: str, data: dict[str, Any]) -> bytes:
    """One CloudEvents 1.0 structured envelope, canonical bytes."""
    return jcs.canonical(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": f"/att/v1/{source}",
            "type": f"daka.{kind}.v1",
            "time": time,
            "datacontenttype": "application/json",
            "dataschema": f"urn:daka:schema:v1:{kind}",
            "data": data,
        }
    )


def open_envelope(payload: bytes, kind: str, source: str) -> dict[str, Any]:
    """The data inside, checked against envelope and data schema; SchemaRefused if it is of another kind or from somebody else."""
    envelope = jcs.parse(payload)
    schema.check("envelope", envelope, SchemaRefused)
    if envelope["type"] != f"daka.{kind}.v1":
        raise SchemaRefused(f"expected daka.{kind}.v1, got another type")
    if envelope["source"] != f"/att/v1/{source}":
        raise SchemaRefused("the envelope's source is not the topic's device")
    schema.check(kind, envelope["data"], SchemaRefused)
    data = envelope["data"]
    assert isinstance(data, dict)
    return data


def signed(message: Hello | Acknowledgement, key: Ed25519PrivateKey, purpose: Purpose, device: str) -> dict[str, Any]:
    """The message as plain JSON with `sig` over everything else in it."""
    plain: dict[str, Any] = CODEC.unstructure(message)
    return plain | {"sig": signing.sign(key, purpose, device, message.epoch, jcs.digest(jcs.canonical(plain)))}


def verify_signed(data: dict[str, Any], key: Ed25519PublicKey, purpose: Purpose, device: str) -> None:
    """SignatureRefused unless `sig` holds over everything else in `data`, unknown fields included."""
    rest = {name: value for name, value in data.items() if name != "sig"}
    signing.verify(key, purpose, device, data["epoch"], jcs.digest(jcs.canonical(rest)), data["sig"])


def read_message(data: dict[str, Any], message: type[Message]) -> Message:
    """The typed message; fields that this version does not know are left out."""
    return CODEC.structure(data, message)


def write_batch(device: str, epoch: str, texts: list[bytes], first: int, sig: str, time: str) -> bytes:
    """The envelope around records that are canonical bytes already: spliced, not parsed again, for a backlog is 100,000 of them."""
    last = first + len(texts) - 1
    data = {"epoch": epoch, "from": first, "to": last, "sig": sig, "records": []}
    empty = seal_envelope("records", device, f"{epoch}/{first}-{last}", time, data)
    return empty.replace(b'"records":[]', b'"records":[' + b",".join(texts) + b"]", 1)


def read_batch(payload: bytes, device: str) -> Batch:
    """A batch whose records stand in one unbroken chain; nothing is said yet about who signed it.

    Raises SchemaRefused for a malformed batch, SignatureRefused where sequence, epoch, device or `prev` do not follow on.
    """
    data = open_envelope(payload, "records", device)
    links = tuple(_link(plain) for plain in data["records"])
    batch = Batch(device, data["epoch"], links, data["sig"])
    if (batch.first, batch.last) != (data["from"], data["to"]):
        raise SchemaRefused("records: from and to do not match the records inside")
    for link in links:
        if link.plain.get("device") != device or link.plain.get("epoch") != batch.epoch:
            raise SignatureRefused(f"record {link.seq} belongs to another device or epoch than its batch")
    if batch.first == 1 and links[0].prev != GENESIS_PREV:
        raise SignatureRefused("record 1 names a predecessor")
    for before, link in itertools.pairwise(links):
        if link.seq != before.seq + 1 or link.prev != before.hash.hex():
            raise SignatureRefused(f"record {link.seq} does not follow record {before.seq}")
    return batch


def verify_batch(batch: Batch, key: Ed25519PublicKey) -> None:
    """SignatureRefused unless the last record's signature holds, and with it, through `prev`, all before it."""
    signing.verify(key, Purpose.RECORD, batch.device, batch.epoch, batch.links[-1].hash, batch.sig)


def _link(plain: dict[str, Any]) -> Link:
    text = jcs.spelled(plain)
    return Link(plain["seq"], plain["prev"], plain, text, jcs.digest(text))


def compress(payload: bytes) -> tuple[bytes, str]:
    """The payload as it travels and its `content-encoding` (empty: as it is)."""
    if len(payload) <= COMPRESS_ABOVE_BYTES:
        return payload, ""
    return gzip.compress(payload, compresslevel=1, mtime=0), "gzip"


def decompress(payload: bytes, encoding: str) -> bytes:
    """The payload as it was; TooLarge for one that would unfold beyond the limit, NotCanonical for a damaged one."""
    if encoding == "":
        plain, rest = payload[: MAX_MESSAGE_BYTES + 1], b""
    elif encoding == "gzip":
        plain, rest = _gunzip(payload)
    else:
        raise NotCanonical("content-encoding is neither absent nor gzip")
    if len(plain) > MAX_MESSAGE_BYTES or rest:
        raise TooLarge(f"a message unfolds to more than {MAX_MESSAGE_BYTES} bytes")
    return plain


def _gunzip(payload: bytes) -> tuple[bytes, bytes]:
    inflate = zlib.decompressobj(wbits=31)  # 31: gzip header and trailer are checked
    try:
        plain = inflate.decompress(payload, MAX_MESSAGE_BYTES + 1)
    except zlib.error as error:
        raise NotCanonical("the compressed message is damaged") from error
    if not inflate.eof and not inflate.unconsumed_tail:
        raise NotCanonical("the compressed message is cut short")
    return plain, inflate.unconsumed_tail + inflate.unused_data

"""A record: what happened, when by which clocks, and the hash of the record before it.

The chain holds opaque person ids, never a name, a number, a picture or a template. Fields that this version does not know are kept:
they are under the hash.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import cattrs

from device.messages import jcs, schema
from device.messages.direction import Direction, of
from device.messages.errors import SchemaRefused, TooLarge

GENESIS_PREV = "0" * 64
MAX_RECORD_BYTES = 16_384  # canonical bytes; keeps a batch of one within every broker's default packet size


class Method(enum.StrEnum):
    """How a person was established."""

    FACE = "face"
    FACE_AND_PIN = "face+pin"
    FACE_AND_NUMBER = "face+number"
    FACE_AND_BADGE = "face+badge"
    FACE_AND_QR = "face+qr"
    PIN = "pin"
    QR = "qr"
    BADGE = "badge"
    QR_AND_PIN = "qr+pin"
    BADGE_AND_PIN = "badge+pin"
    SUPERVISOR = "supervisor"


class Liveness(enum.StrEnum):
    """What is known about a living person having stood there; `not_assessed` is an answer, not a pass."""

    NOT_ASSESSED = "not_assessed"
    PASSED = "passed"
    FAILED = "failed"


class Capture(enum.StrEnum):
    """Where the pictures came from; a production server refuses simulated ones."""

    CAMERA = "camera"
    SIMULATED = "simulated"
    NONE = "none"  # nobody looked: a PIN, a badge, a code or a colleague said who it was


class Reason(enum.StrEnum):
    """Why a supervisor vouched for a punch; words of its own, so that no free text about anybody enters the chain."""

    NONE = ""
    FORGOTTEN = "forgotten"  # badge, phone or PIN is at home
    NOT_RECOGNISED = "not_recognised"
    UNABLE = "unable"  # hands full, hurt, or not able to use the other ways
    NEW = "new"  # has no way of their own yet
    DEVICE = "device"  # a reader or the camera does not work


class ConsentAct(enum.StrEnum):
    """What the person did."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


class Source(enum.StrEnum):
    """Who said what time it is; a server's answer ranks above NTP, and NTP above a person."""

    SERVER = "server"
    NTP = "ntp"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a record was made, by all the clocks there are."""

    at: datetime
    boot_id: str
    monotonic_us: int
    time_quality: str


@dataclass(frozen=True, slots=True)
class Models:
    """SHA-256 (hex) of the weights that looked; empty where none did."""

    detector: str
    embedder: str


@dataclass(frozen=True, slots=True)
class Genesis:
    """First record of an epoch: why there is a new journal, and the key that signs it."""

    reason: str
    software: str
    key: str


@dataclass(frozen=True, slots=True)
class Boot:
    """The kiosk daemon came up."""

    software: str


@dataclass(frozen=True, slots=True)
class PersonAnnounced:
    """An opaque person id that this kiosk made."""

    person: str
    origin: str


@dataclass(frozen=True, slots=True)
class Consent:
    """Which text a person agreed to, or took back, and on what legal basis (`reference`: which law or contract).

    `kiosks` are the other kiosks of the site that the text named, with commas.
    """

    person: str
    act: ConsentAct
    purpose: str
    text_version: str
    language: str
    text_sha256: str
    basis: str
    by: str
    kiosks: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Audit:
    """Somebody with rights did something; `before` and `after` say what it was and became, never with a name or a secret."""

    action: str
    by: str
    person: str = ""
    before: str = ""
    after: str = ""


class ErasureReason(enum.StrEnum):
    """Why everything about a person was erased."""

    ASKED = "asked"  # by the person
    LEFT = "left"  # the employment has ended
    RETENTION = "retention"  # the time that was set has passed
    TOMBSTONE = "tombstone"  # the enterprise erased them everywhere
    CAME_BACK = "came_back"  # a restored file held somebody who had been erased


@dataclass(frozen=True, slots=True)
class Erasure:
    """Everything about a person was erased: rows and keys, `templates` of them, write-ahead log and free pages.

    Then `files` were searched for `traces` pieces of what had been there, and `remains` of the files held one. 0 files: the search
    could not be made, because the kiosk was interrupted in between.
    """

    person: str
    reason: ErasureReason
    by: str
    templates: int
    traces: int
    files: int
    remains: int


@dataclass(frozen=True, slots=True)
class PunchBody:
    """One punch. `score_band` is the lower edge of the score's band of 0.05, in hundredths; never the score itself.

    Where no face was compared, votes and band are 0, the capture is `none` and the models are empty. `assisted_by` is the
    supervisor who vouched, `reason` why. `direction` is in or out, and `pause` says that it was to or from a break.
    """

    person: str
    method: Method
    direction: Direction
    score_band: int
    votes: int
    liveness: Liveness
    capture: Capture
    models: Models
    site: str
    first_attempt_at: datetime
    assisted_by: str = ""
    reason: Reason = Reason.NONE
    pause: bool = False

    @property
    def way(self) -> Direction:
        """In, out, to a break or back from one."""
        return of(self.direction, self.pause)


@dataclass(frozen=True, slots=True)
class TimeBody:
    """Trusted time has come: at `monotonic_us` of boot `boot_id` it was `utc`, give or take `uncertainty_us`.

    `wall` is what the wall clock said at the moment of this record's own stamp.
    """

    boot_id: str
    monotonic_us: int
    utc: datetime
    source: Source
    uncertainty_us: int
    wall: datetime


@dataclass(frozen=True, slots=True)
class SectionDone:
    """One section of a desired state: who had asked for it, and how many things changed here."""

    section: str
    by: str
    changed: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing of a desired state that could not be done; `item` is an opaque id or a setting's name."""

    section: str
    item: str
    why: str


@dataclass(frozen=True, slots=True)
class Alias:
    """The roster's `person` was known here already, under the id `here`, which stays."""

    person: str
    here: str


@dataclass(frozen=True, slots=True)
class DesiredDone:
    """A desired state was applied, wholly or in part."""

    generation: int
    version: int
    outcome: str
    sections: tuple[SectionDone, ...]
    problems: tuple[Problem, ...]
    aliases: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class Void:
    """The punch (or correction) with this number and hash counts no more; it stays where it is."""

    punch: int
    hash: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A punch as it should have been: in place of record `replaces`, or (0) one that was forgotten.

    `punched_at` is empty where the time of the replaced one is right; `direction` and `pause` are a punch's.
    """

    person: str
    direction: Direction
    punched_at: str
    replaces: int
    site: str
    reason: str
    by: str
    pause: bool = False

    @property
    def way(self) -> Direction:
        """In, out, to a break or back from one."""
        return of(self.direction, self.pause)


@dataclass(frozen=True, slots=True)
class Dispute:
    """Somebody says that this punch is not theirs; it counts until a person has looked at it."""

    punch: int
    hash: str
    reason: str
    by: str


class LockAct(enum.StrEnum):
    """What is on record about a contract lock."""

    VERIFIED = "verified"  # the person of a grant was verified at the kiosk
    EVENT = "event"  # an event of the lock's log, signed by the lock
    HEAD = "head"  # how long the lock's log was, signed by the lock
    BROKEN = "broken"  # the lock's log is no continuation of what was known: cut, forked or forged


@dataclass(frozen=True, slots=True)
class LockBody:
    """Something about a contract lock; `paper` is base64 of the bytes that the lock signed, `number` and `event` what they say.

    `grant` is the grant's id in hex; `factors`, `method`, `liveness` and `capture` say how the person was verified.
    """

    act: LockAct
    lock: str
    person: str = ""
    grant: str = ""
    document: str = ""
    factors: str = ""
    method: str = ""
    liveness: str = ""
    capture: str = ""
    number: int = 0
    event: str = ""
    paper: str = ""


Body = (
    Genesis
    | Boot
    | PersonAnnounced
    | Consent
    | Audit
    | PunchBody
    | TimeBody
    | DesiredDone
    | Erasure
    | Void
    | Correction
    | Dispute
    | LockBody
)

BODIES: dict[str, type[Body]] = {
    "genesis": Genesis,
    "boot": Boot,
    "person": PersonAnnounced,
    "consent": Consent,
    "audit": Audit,
    "punch": PunchBody,
    "erasure": Erasure,
    "time": TimeBody,
    "desired": DesiredDone,
    "void": Void,
    "correction": Correction,
    "dispute": Dispute,
    "lock": LockBody,
}
FRAME = {"device": str, "epoch": str, "seq": int, "prev": str, "kind": str, "at": str, "boot_id": str, "monotonic_us": int,
         "time_quality": str, "body": dict}  # fmt: skip
KNOWN_QUALITIES = ("synced", "corrected", "unsynced")
KIND_OF = {body: kind for kind, body in BODIES.items()}


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it stands in the chain; `body` is the plain JSON object, unknown fields and all."""

    device: str
    epoch: str
    seq: int
    prev: str
    kind: str
    stamp: Stamp
    body: dict[str, Any]
    text: bytes
    hash: bytes
    newer: bool = False  # of a version to come: its kind, or a value in it, has no meaning here


def write_record(device: str, epoch: str, seq: int, prev: str, stamp: Stamp, body: Body) -> Record:
    """The record as it goes into the chain; SchemaRefused or TooLarge before anything is written."""
    plain = CODEC.unstructure(stamp) | {"device": device, "epoch": epoch, "seq": seq, "prev": prev, "kind": KIND_OF[type(body)]}
    plain["body"] = CODEC.unstructure(body)
    schema.check("record", plain, SchemaRefused)
    return _record(plain, jcs.canonical(plain), stamp)


def read_record(plain: dict[str, Any]) -> Record:
    """A record that came from elsewhere, with its hash computed afresh; SchemaRefused if the published schema refuses it."""
    text = jcs.canonical(plain)
    schema.check("record", plain, SchemaRefused)
    return _record(plain, text, Stamp(read_time(plain["at"]), plain["boot_id"], plain["monotonic_us"], plain["time_quality"]))


def read_kept(plain: dict[str, Any]) -> Record:
    """A record of this kiosk's own chain, which holds what a newer version signed before it was gone back from.

    One that the schema of this version refuses is `newer`; SchemaRefused where it lacks what every record has.
    """
    try:
        return read_record(plain)
    except (SchemaRefused, TooLarge):
        if not all(isinstance(plain.get(name), kind) for name, kind in FRAME.items()):
            raise
    quality = plain["time_quality"] if plain["time_quality"] in KNOWN_QUALITIES else "unsynced"
    stamp, text = Stamp(read_time(plain["at"]), plain["boot_id"], plain["monotonic_us"], quality), jcs.canonical(plain)
    where = plain["device"], plain["epoch"], plain["seq"], plain["prev"], plain["kind"]
    return Record(*where, stamp, plain["body"], text, jcs.digest(text), newer=True)


def read_body(record: Record) -> Body:
    """The typed body; what this version does not know stays in `record.body`. SchemaRefused for a date that no calendar has."""
    return read_typed(record.kind, record.body)


def read_typed(kind: str, body: dict[str, Any]) -> Body:
    """The same, of a plain body that the schema accepts."""
    try:
        return CODEC.structure(body, BODIES[kind])
    except cattrs.BaseValidationError as error:
        raise SchemaRefused(f"{kind}: a value cannot be read; a time must exist in the calendar") from error


def _record(plain: dict[str, Any], text: bytes, stamp: Stamp) -> Record:
    if len(text) > MAX_RECORD_BYTES:
        raise TooLarge(f"a record of {len(text)} bytes is over the limit of {MAX_RECORD_BYTES}; shorten its texts")
    return Record(
        plain["device"], plain["epoch"], plain["seq"], plain["prev"], plain["kind"], stamp, plain["body"], text, jcs.digest(text)
    )


def write_time(at: datetime) -> str:
    """RFC 3339, UTC, always six digits of microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"  # in place of +00:00


def read_time(text: str) -> datetime:
    """The aware UTC time that `write_time` wrote; SchemaRefused otherwise."""
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise SchemaRefused("a time must exist in the calendar") from error
    if at.tzinfo is not UTC or write_time(at) != text:  # ISO 8601 has many spellings of one moment
        raise SchemaRefused("a time is written 2026-11-23T09:00:00.000000Z")
    return at


def _codec() -> cattrs.Converter:
    """Dataclasses to plain JSON and back, by their annotations alone: no field can be forgotten by hand."""
    converter = cattrs.Converter()
    converter.register_unstructure_hook(datetime, write_time)
    converter.register_structure_hook(datetime, lambda text, _: read_time(text))
    return converter


CODEC = _codec()


def fields_of(message: type[Any]) -> frozenset[str]:
    """Names of a message's fields, for the tests that hold code and schema against each other."""
    return frozenset(field.name for field in dataclasses.fields(message))

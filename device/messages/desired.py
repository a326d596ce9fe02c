"""What the enterprise wants of one kiosk: signed with its policy key, sealed to the kiosk's own key (HPKE, RFC 9180), in pages.

A place {generation, version} only ever grows. A server that was put back from a backup opens a new generation; generations are
seconds since 1970, so that the new one lies beyond every earlier one. The broker sees lengths, and no name.
"""

from __future__ import annotations

import base64
import binascii
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cattrs
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from device.messages import jcs, schema, signing, wire
from device.messages.errors import MessageError, SchemaRefused, SignatureRefused, TooLarge
from device.messages.records import CODEC
from device.messages.signing import Purpose

SEALING_PREFIX = "x25519:"
MAX_PAGES = 64
MAX_PAGE_BYTES = 262_144  # of content, before sealing and base64
MOST_A_PAGE = {"people": 500, "notices": 200, "tombstones": 2_000, "rewinds": 20, "grants": 500}  # the schema's maxItems
SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class TombstoneAct(enum.StrEnum):
    """What ended: the consent, or everything about the person."""

    WITHDRAWN = "withdrawn"
    ERASED = "erased"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Which state this is; a kiosk takes only what lies beyond the last one that it took."""

    generation: int
    version: int


@dataclass(frozen=True, slots=True)
class RosterPerson:
    """An employee as the enterprise knows them. `expires_at`, `pin` (Argon2id), `qr`: empty where there is none.

    `expires_at` is a moment, or a last day (2026-12-31) that ends by the clock of the place where the kiosk is.

    `codes`: badges and QR code are the enterprise's business, so that an empty one takes them away; else they are left alone.
    """

    person: str
    number: str
    name: str
    language: str
    group: str = ""
    expires_at: str = ""
    pin: str = ""
    badges: tuple[str, ...] = ()
    qr: str = ""
    codes: bool = False
    supervisor: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody who belongs here; who was in an earlier one and is in this one no more leaves. `by` empty: there is no roster."""

    by: str = ""
    people: tuple[RosterPerson, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings that the enterprise decides: name to TOML value, both as text. `by` empty: it decides none."""

    by: str = ""
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long which class of data is kept, days."""

    by: str = ""
    days: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to one person, or (`person` empty) to all, shown from `begins_at` until `ends_at`."""

    id: str
    person: str
    text: str
    begins_at: str
    ends_at: str
    by: str


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A withdrawal or an erasure that every kiosk has to follow, and never to undo. `at`: when it was; empty where nobody says."""

    id: str
    person: str
    number: str
    act: TombstoneAct
    by: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Rewind:
    """Send the records of `epoch` after `after` again; done once for each `id`."""

    id: str
    epoch: str
    after: int
    by: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant for a contract lock, base64 of its COSE bytes: this kiosk passes it on and does not judge it."""

    id: str
    cose: str
    by: str


@dataclass(frozen=True, slots=True)
class Content:
    """A whole desired state, or one page of it: lists go on from page to page, everything else stands in one page."""

    roster: Roster = Roster()
    policy: Policy = Policy()
    retention: Retention = Retention()
    notices: tuple[Notice, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    rewinds: tuple[Rewind, ...] = ()
    grants: tuple[Grant, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """One page as it travels; `sealed` is base64 of HPKE's encapsulated key and ciphertext."""

    generation: int
    version: int
    page: int
    pages: int
    sealed: str

    @property
    def place(self) -> Place:
        return Place(self.generation, self.version)


def sealing_key_text(key: X25519PublicKey | X25519PrivateKey) -> str:
    """The public half as it travels in a hello."""
    public = key.public_key() if isinstance(key, X25519PrivateKey) else key
    return SEALING_PREFIX + base64.b64encode(public.public_bytes_raw()).decode("ascii")


def sealing_key_from_text(text: str) -> X25519PublicKey:
    """The key that `sealing_key_text` wrote; MessageError for anything else."""
    try:
        if not text.startswith(SEALING_PREFIX):
            raise ValueError("another prefix")
        key = X25519PublicKey.from_public_bytes(base64.b64decode(text[len(SEALING_PREFIX) :], validate=True))
        X25519PrivateKey.generate().exchange(key)  # all zeros, and a few others: nothing can be sealed to them
        return key
    except (ValueError, binascii.Error) as error:
        raise MessageError(f"a sealing key is '{SEALING_PREFIX}' and the base64 of 32 bytes; this one is damaged") from error


@dataclass(slots=True)
class _Draft:
    """A page that is being filled; `left`: bytes that it may still take."""

    left: int
    people: list[RosterPerson] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    tombstones: list[Tombstone] = field(default_factory=list)
    rewinds: list[Rewind] = field(default_factory=list)
    grants: list[Grant] = field(default_factory=list)


def split(content: Content) -> list[Content]:
    """The pages of a state: policy and retention on the first, each list where there is room. TooLarge beyond MAX_PAGES."""
    head = Content(Roster(content.roster.by), content.policy, content.retention)
    empty = Content(Roster(content.roster.by))
    drafts = [_Draft(MAX_PAGE_BYTES - len(write_content(head)))]
    for kind, most in MOST_A_PAGE.items():
        at = 0
        for one in content.roster.people if kind == "people" else getattr(content, kind):
            size = len(jcs.canonical(CODEC.unstructure(one))) + 1  # and its comma
            while drafts[at].left < size or len(getattr(drafts[at], kind)) == most:
                at += 1
                if at == len(drafts):
                    drafts.append(_Draft(MAX_PAGE_BYTES - len(write_content(empty))))
                if at == MAX_PAGES:
                    raise TooLarge(f"this state takes over {MAX_PAGES} pages; one kiosk serves fewer people, messages, grants")
            getattr(drafts[at], kind).append(one)
            drafts[at].left -= size
    return [_page(draft, head if number == 0 else empty) for number, draft in enumerate(drafts)]


def _page(draft: _Draft, rest: Content) -> Content:
    lists = (tuple(draft.notices), tuple(draft.tombstones), tuple(draft.rewinds), tuple(draft.grants))
    return Content(Roster(rest.roster.by, tuple(draft.people)), rest.policy, rest.retention, *lists)


def joined(pages: Iterable[Content]) -> Content:
    """The state that `split` took apart."""
    found = list(pages)
    return Content(
        Roster(found[0].roster.by, tuple(person for page in found for person in page.roster.people)),
        found[0].policy,
        found[0].retention,
        tuple(notice for page in found for notice in page.notices),
        tuple(tombstone for page in found for tombstone in page.tombstones),
        tuple(rewind for page in found for rewind in page.rewinds),
        tuple(grant for page in found for grant in page.grants),
    )


def write_pages(
    device: str, place: Place, content: Content, recipient: X25519PublicKey, key: Ed25519PrivateKey, time: str, key_set: Any = None
) -> list[bytes]:
    """The envelopes of one state; `key_set`, a signed key set, travels with each in the clear."""
    contents = split(content)
    pages = []
    for number, part in enumerate(contents, start=1):
        sealed = _seal(part, recipient, _info(device, place, number, len(contents)))
        said = CODEC.unstructure(Desired(place.generation, place.version, number, len(contents), sealed))
        if key_set is not None:
            said["key_set"] = key_set
        said["sig"] = signing.sign(key, Purpose.DESIRED, device, str(place.generation), jcs.digest(jcs.canonical(said)))
        event = f"desired/{place.generation}/{place.version}/{number}"
        pages.append(wire.seal_envelope("desired", device, event, time, said))
    return pages


def check_content(content: Content) -> None:
    """MessageError unless this state could be written and a kiosk would read it."""
    for part in split(content):
        _page_text(part)


def _page_text(part: Content) -> bytes:
    plain = CODEC.unstructure(part)
    schema.check("desired-content", plain, SchemaRefused)
    text = jcs.canonical(plain)
    if len(text) > MAX_PAGE_BYTES:
        raise TooLarge(f"a page of {len(text)} bytes is over the limit of {MAX_PAGE_BYTES}; fewer or shorter messages and grants")
    return text


def _seal(part: Content, recipient: X25519PublicKey, info: bytes) -> str:
    text = _page_text(part)
    return base64.b64encode(SUITE.encrypt(text, recipient, info=info)).decode("ascii")


def read_page(payload: bytes, device: str) -> tuple[Desired, dict[str, Any]]:
    """A page and all that was signed of it; nothing is said yet about who signed it."""
    data = wire.open_envelope(payload, "desired", device)
    page = wire.read_message(data, Desired)
    if page.page > page.pages:
        raise SchemaRefused(f"desired: page {page.page} of {page.pages}")
    return page, data


def verify_page(data: dict[str, Any], keys: Sequence[Ed25519PublicKey], device: str) -> None:
    """SignatureRefused unless one of `keys`, the enterprise's policy keys, has signed it for this device."""
    rest = {name: value for name, value in data.items() if name != "sig"}
    digest = jcs.digest(jcs.canonical(rest))
    signing.verify_any(keys, Purpose.DESIRED, device, str(data["generation"]), digest, data["sig"])


def open_page(page: Desired, device: str, secret: X25519PrivateKey) -> Content:
    """What is in it; SignatureRefused if it was sealed to another key, place or page."""
    try:
        text = SUITE.decrypt(base64.b64decode(page.sealed), secret, info=_info(device, page.place, page.page, page.pages))
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise SignatureRefused("the desired state does not open with this kiosk's sealing key") from error
    return read_content(text)


def read_content(text: bytes) -> Content:
    """The page that these canonical bytes are; SchemaRefused otherwise."""
    plain = jcs.parse(text)
    schema.check("desired-content", plain, SchemaRefused)
    return _structured(plain)


def read_whole(text: bytes) -> Content:
    """A state that was read page by page, joined and written here: its lists may be longer than those of a page."""
    return _structured(jcs.parse(text))


def _structured(plain: Any) -> Content:
    try:
        return CODEC.structure(plain, Content)
    except cattrs.BaseValidationError as error:
        raise SchemaRefused("desired-content: a value cannot be read") from error


def write_content(content: Content) -> bytes:
    """The canonical bytes of a content."""
    return jcs.canonical(CODEC.unstructure(content))


def _info(device: str, place: Place, page: int, pages: int) -> bytes:
    """What the seal is bound to, beside the key."""
    return "\0".join((Purpose.DESIRED, device, str(place.generation), str(place.version), str(page), str(pages))).encode("utf-8")

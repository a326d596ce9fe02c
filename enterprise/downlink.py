"""What the enterprise wants of its kiosks: kept as wishes, made into one signed and sealed state for each kiosk, and sent.

The policy key signs on the administrator's side (`daka-enterprise desired`); the ingester only sends what lies here signed, again
whenever a kiosk's hello shows that it stands behind. It can neither read nor make one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import ColumnElement, Connection, Select, select

from device import messages
from device.messages import Content, Place
from device.messages import lock as papers
from enterprise import tables
from enterprise.errors import EnterpriseError
from enterprise.store import Store, Transaction

EVERY = ""  # in place of a kiosk's name: all of them
LAST_GENERATION = 253_402_300_799  # a generation is about the second at which it was begun; this is the last one of the year 9999
LISTS: Mapping[str, type[Any]] = {
    "notices": messages.Notice,
    "tombstones": messages.Tombstone,
    "rewinds": messages.Rewind,
    "grants": messages.Grant,
}


class DesiredError(EnterpriseError):
    """A desired state cannot be made or sent as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page on its way to the broker; an empty payload takes a page of an earlier, longer state away."""

    device: str
    page: int
    payload: bytes

    @property
    def topic(self) -> str:
        return messages.topics(self.device).desired_page(self.page)


@dataclass(frozen=True, slots=True)
class Signed:
    """A state that was made for a kiosk and waits for the ingester."""

    device: str
    place: Place
    pages: int


def wish(transaction: Transaction, device: str, section: str, item: str, content: Mapping[str, Any], by: str, at: datetime) -> None:
    """Want this of `device`, in place of an earlier wish for the same thing."""
    text = messages.canonical(dict(content)).decode("utf-8")
    row = {"device": device, "section": section, "item": item, "content": text}
    transaction.put(tables.wish, row | {"asked_by": by, "asked_at": messages.write_time(at)})


def drop(transaction: Transaction, device: str, section: str, items: Iterable[str]) -> int:
    """Want these no more; how many there were."""
    column = tables.wish.c
    statement = tables.wish.delete().where(column.device == device, column.section == section, column.item.in_(list(items)))
    return transaction.connection.execute(statement).rowcount


def end(transaction: Transaction, at: datetime) -> None:
    """What has ended is wanted no more: messages that are over, papers that nobody may use any more, rewinds that were done.

    Before new wishes are made: every rewind that is here then stands in the state that was signed last for its kiosk.
    """
    column = tables.wish.c
    rows = transaction.connection.execute(select(tables.wish).where(column.section.in_(("notices", "grants", "rewinds")))).all()
    followed = {one.device for one in standing(transaction.connection) if one.taken >= one.signed} if rows else set()
    for row in rows:
        if row.device in followed if row.section == "rewinds" else _is_over(row.section, json.loads(row.content), at):
            drop(transaction, row.device, row.section, [row.item])


def _is_over(section: str, content: Mapping[str, Any], at: datetime) -> bool:
    if section == "notices":
        return messages.read_time(content["ends_at"]) <= at
    cose = base64.b64decode(content["cose"])
    for kind in (papers.Grant, papers.Enrolment):
        try:
            return kind.unproven(cose).expires_at <= at.timestamp()
        except messages.MessageError:
            continue
    return False  # of a kind that this version does not know


def forget(transaction: Transaction, person: str) -> None:
    """Nothing is kept about the person but the stone: no line of a roster, no message, no number, for whichever kiosk."""
    transaction.connection.execute(tables.leaver.delete().where(tables.leaver.c.person == person))
    column = tables.wish.c
    theirs = [
        (row.device, row.section, row.item)
        for row in transaction.connection.execute(select(tables.wish).where(column.section.in_(("roster", "notices"))))
        if json.loads(row.content).get("person") == person
    ]
    for device, section, item in theirs:
        drop(transaction, device, section, [item])


def wishes(connection: Connection, device: str, section: str) -> dict[str, tuple[dict[str, Any], str]]:
    """Content and asker of each thing that is wanted of exactly `device` in `section`, by item."""
    column = tables.wish.c
    query = select(column.item, column.content, column.asked_by).where(column.device == device, column.section == section)
    return {row.item: (json.loads(row.content), row.asked_by) for row in connection.execute(query.order_by(column.item))}


def is_on_a_roster(connection: Connection, person: str) -> bool:
    """Whether any kiosk's roster, or everybody's, has them."""
    column = tables.wish.c
    query = select(column.item).where(column.section == "roster", column.item == person)
    return connection.execute(query.limit(1)).first() is not None


def is_wanted(connection: Connection, device: str) -> bool:
    """Whether anything is wanted of this kiosk, alone or with all others."""
    column = tables.wish.c
    return connection.execute(select(column.item).where(column.device.in_((EVERY, device))).limit(1)).first() is not None


def content_for(connection: Connection, device: str) -> Content:
    """Everything that is wanted of this kiosk; what is wanted of it alone counts before what is wanted of all."""
    found = {
        section: wishes(connection, EVERY, section) | wishes(connection, device, section)
        for section in ("roster", "policy", "retention", *LISTS)
    }
    lists = {
        section: tuple(messages.CODEC.structure(content | {"by": by}, kind) for content, by in found[section].values())
        for section, kind in LISTS.items()
    }
    return Content(
        _roster(found["roster"]),
        messages.Policy(_asker(found["policy"]), {item: content["value"] for item, (content, _) in found["policy"].items()}),
        messages.Retention(
            _asker(found["retention"]), {item: content["days"] for item, (content, _) in found["retention"].items()}
        ),
        **lists,
    )


def _roster(found: Mapping[str, tuple[dict[str, Any], str]]) -> messages.Roster:
    """The row without a name says that there is a roster at all, be it empty, and who gave it last."""
    if EVERY not in found:
        return messages.Roster()
    people = [messages.CODEC.structure(content, messages.RosterPerson) for item, (content, _) in found.items() if item != EVERY]
    return messages.Roster(found[EVERY][1], tuple(people))


def _asker(found: Mapping[str, tuple[dict[str, Any], str]]) -> str:
    return ", ".join(sorted({by for _, by in found.values()}))[:64]


def sign(transaction: Transaction, device: str, key: Ed25519PrivateKey, key_set: Any, at: datetime) -> Signed:
    """Make the kiosk's next state from its wishes, for the ingester to send. DesiredError for a kiosk that was never heard."""
    transaction.alone()
    connection = transaction.connection
    side = connection.execute(select(tables.kiosk_side).where(tables.kiosk_side.c.device == device)).first()
    if side is None or not side.sealing_key:
        raise DesiredError(f"{device} has not said hello yet, so nothing can be sealed to it; connect it first, then sign again")
    place = _next_place(connection, device, Place(side.generation, side.version), at)
    recipient = messages.sealing_key_from_text(side.sealing_key)
    now = messages.write_time(at)
    pages = messages.write_pages(device, place, content_for(connection, device), recipient, key, now, key_set)
    for page in _pages(connection, device, pages):
        transaction.put(
            tables.desired_page, {"device": device, "page": page.page, "payload": page.payload.decode("utf-8"), "sent": 0}
        )
    row = {"device": device, "generation": place.generation, "version": place.version, "sealing_key": side.sealing_key}
    transaction.put(tables.desired, row | {"signed_at": now})
    return Signed(device, place, len(pages))


def _pages(connection: Connection, device: str, payloads: list[bytes]) -> list[Page]:
    """The pages of a state, and an empty one for each that an earlier, longer state has at the broker."""
    column = tables.desired_page.c
    earlier = connection.execute(select(column.page).where(column.device == device, column.page > len(payloads))).scalars()
    return [Page(device, page, payload) for page, payload in enumerate(payloads, start=1)] + [
        Page(device, page, b"") for page in earlier
    ]


def _next_place(connection: Connection, device: str, heard: Place, at: datetime) -> Place:
    """The version after our last; a new generation where there is none, or where the kiosk knows of more than this database."""
    row = connection.execute(select(tables.desired).where(tables.desired.c.device == device)).first()
    ours = Place(row.generation, row.version) if row is not None else Place(0, 0)
    if row is not None and ours >= heard:
        return Place(ours.generation, ours.version + 1)
    return Place(max(int(at.timestamp()), ours.generation + 1, heard.generation + 1), 1)


def heard(transaction: Transaction, device: str, hello: messages.Hello, at: datetime) -> list[tuple[str, str]]:
    """Note what a signed hello says, and have the state sent again if the kiosk stands behind; alarms: kind and sentence."""
    if not hello.sealing_key:
        return []
    if complaint := _impossible(hello):
        return [("desired_impossible", f"{complaint}: nothing of it was noted; ask what was done to that kiosk")]
    place = Place(hello.desired_generation, hello.desired_version)
    row = {"device": device, "sealing_key": hello.sealing_key, "generation": place.generation, "version": place.version}
    transaction.put(tables.kiosk_side, row | {"said_at": messages.write_time(at)})
    made = transaction.connection.execute(select(tables.desired).where(tables.desired.c.device == device)).first()
    ours = Place(made.generation, made.version) if made is not None else Place(0, 0)
    if place > ours:
        return [("desired_ahead", "the kiosk has taken a later desired state than this database knows: an older backup? sign anew")]
    if made is None and is_wanted(transaction.connection, device):
        return [("desired_missing", "what is wanted of every kiosk was never signed for this one: daka-enterprise desired sign")]
    if place == ours or made is None:
        return []
    column = tables.desired_page.c
    transaction.connection.execute(tables.desired_page.update().where(column.device == device).values(sent=0))
    if made.sealing_key != hello.sealing_key:
        return [("desired_unreadable", "the kiosk has another sealing key than its desired state was sealed to; sign anew")]
    return []


def _impossible(hello: messages.Hello) -> str:
    """Why nothing could ever be signed or sealed for a kiosk that is as the hello says; empty if it could."""
    if hello.desired_generation > LAST_GENERATION:
        return "the kiosk says that it has taken a desired state of a generation that nobody has ever made"
    try:
        messages.sealing_key_from_text(hello.sealing_key)
    except messages.MessageError as error:
        return str(error)
    return ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a kiosk has followed: the place that was signed last, and the one that it has taken, by its hello or its records."""

    device: str
    signed: Place
    taken: Place
    signed_at: str


def standing(connection: Connection) -> list[Standing]:
    """Every kiosk that something was signed for."""
    made, side = tables.desired.c, tables.kiosk_side.c
    said = (side.generation.label("said_generation"), side.version.label("said_version"))
    joined = tables.desired.join(tables.kiosk_side, made.device == side.device)
    query = select(made.device, made.generation, made.version, made.signed_at, *said).select_from(joined).order_by(made.device)
    return [
        Standing(
            row.device,
            Place(row.generation, row.version),
            max(Place(row.said_generation, row.said_version), _recorded(connection, row.device)),
            row.signed_at,
        )
        for row in connection.execute(query).all()
    ]


def unsigned(connection: Connection) -> list[str]:
    """Kiosks that were heard, and for which nothing was signed."""
    side, made = tables.kiosk_side.c, tables.desired.c
    query = select(side.device).where(side.sealing_key != "", side.device.not_in(select(made.device))).order_by(side.device)
    return list(connection.execute(query).scalars())


def _recorded(connection: Connection, device: str) -> Place:
    """The place of the latest state that the kiosk has put on record."""
    column = tables.record.c
    query = select(column.body).where(column.device == device, tables.of_rare_kinds("desired"))
    body = connection.execute(query.order_by(column.received_at.desc(), column.seq.desc()).limit(1)).scalar()
    if body is None:
        return Place(0, 0)
    done = messages.parse(body.encode("utf-8"))["body"]
    return Place(done["generation"], done["version"])


def abandon(transaction: Transaction, device: str) -> None:
    """Nothing is sealed to this kiosk any more, and what the broker retains for it is taken away."""
    connection, page = transaction.connection, tables.desired_page.c
    for table in (tables.kiosk_side, tables.desired):
        connection.execute(table.delete().where(table.c.device == device))
    connection.execute(tables.desired_page.update().where(page.device == device).values(payload="", sent=0))


def results(most: int) -> Select[Any]:
    """The records in which kiosks say what they did, newest first."""
    column = tables.record.c
    return (
        select(column.device, column.at, column.body)
        .where(tables.of_rare_kinds("desired"))
        .order_by(column.received_at.desc())
        .limit(most)
    )


def unsent(store: Store, most: int = 64) -> list[Page]:
    """Pages that wait to be sent."""
    column = tables.desired_page.c
    query = select(column.device, column.page, column.payload).where(column.sent == 0).order_by(column.device, column.page)
    with store.reading() as connection:
        return [Page(row.device, row.page, row.payload.encode("utf-8")) for row in connection.execute(query.limit(most))]


def sent(store: Store, pages: Iterable[Page]) -> None:
    """These were handed to the broker. An emptied page is forgotten.

    A page that is another by now waits, also if it had been sent: of two workers one may have published the old after the other
    had published the new, and the broker keeps whichever came last.
    """
    with store.transaction() as transaction:
        for page in pages:
            if not _noted(transaction.connection, page):
                _wait_again(transaction, page)


def _noted(connection: Connection, page: Page) -> bool:
    table = tables.desired_page
    same = _place_of(page) & (table.c.payload == page.payload.decode("utf-8"))
    noting = table.update().where(same).values(sent=1) if page.payload else table.delete().where(same)
    return bool(connection.execute(noting).rowcount)


def _wait_again(transaction: Transaction, page: Page) -> None:
    table = tables.desired_page
    waits = transaction.connection.execute(table.update().where(_place_of(page)).values(sent=0)).rowcount
    if not waits and page.payload:  # taken away meanwhile, and the broker has it
        transaction.put_first(table, {"device": page.device, "page": page.page, "payload": "", "sent": 0})


def _place_of(page: Page) -> ColumnElement[bool]:
    column = tables.desired_page.c
    return (column.device == page.device) & (column.page == page.page)

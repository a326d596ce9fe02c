"""When things really happened: the tables of boots and trusted times, kept while records are stored, and the one correction.

What a record says is never changed; `device.messages.timeline` reads it, as the kiosk and the exports do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from device import messages
from device.messages import Anchor, Corrected, Source, Stamp, timeline
from device.messages.wire import Link
from enterprise import tables
from enterprise.store import EpochState, Transaction, of_epoch

KNOWN_BOOT = select(tables.boot).where(of_epoch(tables.boot), tables.boot.c.boot_id == bindparam("of_boot"))


@dataclass(frozen=True, slots=True)
class Review:
    """A boot that never heard the time: its punches lie between two bounds (None: nobody knows), and a person must look at them."""

    device: str
    epoch: str
    boot_id: str
    first_seq: int
    punches: int
    estimate: Corrected


def check(plain: dict[str, Any]) -> None:
    """SchemaRefused unless every time in a record that the schema accepts is one that the calendar has."""
    kind, body = plain["kind"], plain["body"]
    messages.read_time(plain["at"])
    if kind == "punch":  # nearly all there is: what else stands in it the schema has read
        messages.read_time(body["first_attempt_at"])
        return
    messages.read_typed(kind, body)
    if kind == "correction" and body["punched_at"]:
        messages.read_time(body["punched_at"])


def remember(transaction: Transaction, state: EpochState, links: Sequence[Link]) -> None:
    """The boots and the trusted times of usable records that are being stored."""
    for boot in _boots(links):
        before = _known_boot(transaction.connection, state, boot.boot_id)
        merged = timeline.merged(before, boot) if before else boot
        if merged != before:
            transaction.put(tables.boot, _boot_row(state, merged))
    for link in links:
        if link.plain["kind"] == "time":
            transaction.put(tables.anchor, _anchor_row(state, link))


def _boots(links: Sequence[Link]) -> Iterator[timeline.Boot]:
    """Each boot once, from its first and its last record here; the links stand in order."""
    first: dict[str, Link] = {}
    last: dict[str, Link] = {}
    for link in links:
        first.setdefault(link.plain["boot_id"], link)
        last[link.plain["boot_id"]] = link
    for boot_id, link in first.items():
        yield timeline.merged(_seen(link), _seen(last[boot_id]))


def _seen(link: Link) -> timeline.Boot:
    return timeline.begun(link.seq, stamp(link.plain))


def stamp(plain: dict[str, Any]) -> Stamp:
    """The clocks of a record that the schema has accepted."""
    return Stamp(messages.read_time(plain["at"]), plain["boot_id"], plain["monotonic_us"], plain["time_quality"])


def _known_boot(connection: Connection, state: EpochState, boot_id: str) -> timeline.Boot | None:
    found = connection.execute(KNOWN_BOOT, {"of_device": state.device, "of_epoch": state.epoch, "of_boot": boot_id}).first()
    return _boot(found) if found is not None else None


def _boot(row: Any) -> timeline.Boot:
    at_us = timeline.microseconds(messages.read_time(row.first_at))
    return timeline.Boot(row.boot_id, row.first_seq, at_us, row.first_monotonic_us, row.first_quality, row.last_monotonic_us)


def _boot_row(state: EpochState, boot: timeline.Boot) -> dict[str, Any]:
    return {
        "device": state.device,
        "epoch": state.epoch,
        "boot_id": boot.boot_id,
        "first_seq": boot.first_seq,
        "first_at": messages.write_time(timeline.moment(boot.first_at_us)),
        "first_monotonic_us": boot.first_monotonic_us,
        "first_quality": boot.first_quality,
        "last_monotonic_us": boot.last_monotonic_us,
    }


def _anchor_row(state: EpochState, link: Link) -> dict[str, Any]:
    body = link.plain["body"]
    copied = {name: body[name] for name in ("boot_id", "monotonic_us", "utc", "source", "uncertainty_us")}
    return copied | {"device": state.device, "epoch": state.epoch, "seq": link.seq}


def of(connection: Connection, device: str, epoch: str) -> timeline.Timeline:
    """What is known about the times of one journal."""
    known = kept(connection, device, epoch)
    return timeline.of(known.boots.values(), known.anchors.values())


@dataclass(frozen=True, slots=True)
class Known:
    """Boots by their id and anchors by their record: as the tables keep them, or as the records themselves say."""

    boots: dict[str, timeline.Boot] = field(default_factory=dict)
    anchors: dict[int, Anchor] = field(default_factory=dict)

    def note(self, seq: int, plain: dict[str, Any]) -> None:
        """One more record, usable and in its place."""
        boot = timeline.begun(seq, stamp(plain))
        before = self.boots.get(boot.boot_id)
        self.boots[boot.boot_id] = timeline.merged(before, boot) if before else boot
        if plain["kind"] == "time":
            body = plain["body"]
            utc_us = timeline.microseconds(messages.read_time(body["utc"]))
            said = (body["boot_id"], body["monotonic_us"], utc_us, Source(body["source"]), body["uncertainty_us"])
            self.anchors[seq] = Anchor(*said)


def kept(connection: Connection, device: str, epoch: str) -> Known:
    """What the two tables keep of one journal; a trusted time that no calendar has, of an earlier version, is none."""
    boots = connection.execute(select(tables.boot).where(tables.boot.c.device == device, tables.boot.c.epoch == epoch))
    anchors = connection.execute(select(tables.anchor).where(tables.anchor.c.device == device, tables.anchor.c.epoch == epoch))
    read = ((row.seq, _anchor(row)) for row in anchors)
    return Known({row.boot_id: _boot(row) for row in boots}, {seq: anchor for seq, anchor in read if anchor is not None})


def _anchor(row: Any) -> Anchor | None:
    try:
        utc_us = timeline.microseconds(messages.read_time(row.utc))
    except messages.SchemaRefused:
        return None
    return Anchor(row.boot_id, row.monotonic_us, utc_us, Source(row.source), row.uncertainty_us)


def reviews(connection: Connection) -> Iterator[Review]:
    """Every boot whose times nobody knows for sure and in which somebody punched, device by device."""
    column = tables.boot.c
    journals = connection.execute(select(column.device, column.epoch).distinct().order_by(column.device, column.epoch)).all()
    for device, epoch in journals:
        line = of(connection, device, epoch)
        here = select(tables.boot).where(column.device == device, column.epoch == epoch)
        boots = connection.execute(here.order_by(column.first_seq)).all()
        ends = [*(boot.first_seq for boot in boots[1:]), None]
        for boot, end in zip(boots, ends, strict=True):
            said = Stamp(messages.read_time(boot.first_at), boot.boot_id, boot.first_monotonic_us, boot.first_quality)
            found = line.correct(said)
            if found.review and (punches := _punches(connection, device, epoch, boot.first_seq, end)):
                yield Review(device, epoch, boot.boot_id, boot.first_seq, punches, found)


def _punches(connection: Connection, device: str, epoch: str, first: int, end: int | None) -> int:
    column = tables.record.c
    query = select(func.count()).where(column.device == device, column.epoch == epoch, column.kind == "punch", column.seq >= first)
    return connection.execute(query if end is None else query.where(column.seq < end)).scalar_one()

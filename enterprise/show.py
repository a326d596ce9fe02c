"""Tables for people: devices, punches, gaps, parked records, alarms and unsure times as they stand in the database."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.table import Column, Table
from sqlalchemy import Connection, Select, func, select

from device import messages
from enterprise import alarms as alarm_book
from enterprise import attendance, tables, times

Query = Select[Any]
PUNCH_HEADINGS = (
    "device", "seq", "person", "direction", "method", "time", "quality", "review", "liveness", "capture", "site", "counts",
)  # fmt: skip


def devices() -> Query:
    """Each journal of each trusted device, and how far it is signed for."""
    device, epoch = tables.device.c, tables.epoch.c
    return (
        select(device.name.label("device"), device.trusted_at, epoch.epoch, epoch.upto, epoch.duplicates, epoch.last_seen)
        .select_from(tables.device.outerjoin(tables.epoch, device.name == epoch.device))
        .order_by(device.name, epoch.first_seen)
    )


def states() -> Query:
    """How each kiosk says that it is, the silent ones included."""
    device, state = tables.device.c, tables.device_state.c
    said = [column for column in state if column.name not in ("device", "session")]
    joined = tables.device.outerjoin(tables.device_state, device.name == state.device)
    return select(device.name.label("device"), *said).select_from(joined).order_by(device.name)


HEALTH_HEADINGS = (
    "device", "°C", "throttled", "power", "frames/min", "face to record", "camera", "signal", "certificate", "restarts",
    "alarms", "update", "heard at",
)  # fmt: skip


def health(connection: Connection) -> Iterator[tuple[str, ...]]:
    """What each kiosk said of its machine last; alarms with the time at which they began."""
    for row in connection.execute(select(tables.device_health).order_by(tables.device_health.c.device)):
        try:
            said = messages.CODEC.structure(messages.parse(row.health.encode("utf-8")), messages.Health)
        except messages.MessageError:  # an earlier version kept the first 500 characters alone
            yield (row.device, *[""] * 9, "what it said cannot be read", "", row.heard_at[:16])
            continue
        waits = f"{said.attempt_median_ms / 1000:.1f} s / {said.attempt_p95_ms / 1000:.1f} s" if said.attempt_median_ms else ""
        alarms = "\n".join(f"{one.name} since {one.first_at[:16]}Z" for one in said.alarms)
        update = f"{said.update} {said.update_version} {said.update_why}".strip() if said.update != "none" else ""
        numbers = (
            str(said.temperature_c or ""),
            said.throttled,
            said.under_voltage,
            str(said.frames_per_minute),
            waits,
            said.camera,
        )
        days = f"{said.certificate_days} days" if said.certificate_days >= 0 else ""
        signal = f"{said.signal_dbm} dBm" if said.signal_dbm else ""
        yield (row.device, *numbers, signal, days, str(said.restarts), alarms, update, row.heard_at[:16])


def parked(most: int) -> Query:
    """Records that this server could not use, newest first."""
    row = tables.parked.c
    size = func.length(row.body).label("characters")
    return select(row.device, row.epoch, row.seq, row.reason, size, row.received_at).order_by(row.received_at.desc()).limit(most)


def gaps(most: int) -> Query:
    """Stretches that no longer exist anywhere, latest first; `filled` counts records of them that turned up after all."""
    gap, record = tables.gap.c, tables.record.c
    inside = (record.device == gap.device, record.epoch == gap.epoch, record.seq.between(gap.first, gap.last))
    filled = select(func.count()).where(*inside).scalar_subquery().label("filled")
    return select(tables.gap, filled).order_by(gap.declared_at.desc()).limit(most)


def alarms(most: int, *, every: bool = False) -> Query:
    """What a person must look at, latest first; `every`: also what somebody has settled, by whom and why."""
    alarm, settled = tables.alarm.c, tables.settlement.c
    if not every:
        return select(tables.alarm).where(alarm_book.is_open()).order_by(alarm.last_at.desc()).limit(most)
    same = (settled.device == alarm.device) & (settled.epoch == alarm.epoch) & (settled.kind == alarm.kind)
    joined = tables.alarm.outerjoin(tables.settlement, same & (settled.seq == alarm.seq))
    query = select(tables.alarm, settled.settled_by, settled.settled_at, settled.note).select_from(joined)
    return query.order_by(alarm.last_at.desc()).limit(most)


def record(device: str, seq: int, epoch: str) -> Query:
    """The exact text of one record, usable or parked, in each journal of the device (or in the one named)."""
    halves = []
    for table in (tables.record, tables.parked):
        column = table.c
        here = select(column.epoch, column.hash, column.body).where(column.device == device, column.seq == seq)
        halves.append(here.where(column.epoch == epoch) if epoch else here)
    first, second = halves
    return first.union_all(second)  # type: ignore[return-value]


def punches(connection: Connection, most: int) -> list[tuple[Any, ...]]:
    """What came last of punches and of those that the office put right or added, newest first; see PUNCH_HEADINGS.

    Each has the time at which it really happened, and whether it counts.
    """
    column = tables.record.c
    query = select(column.device, column.epoch, column.seq, column.body).where(column.kind.in_(("punch", "correction")))
    rows = connection.execute(query.order_by(column.received_at.desc(), column.seq.desc()).limit(most)).all()
    journals = {place: attendance.journal_of(connection, *place) for place in {(row.device, row.epoch) for row in rows}}
    return [_punch(row, journals[row.device, row.epoch]) for row in rows]


def _punch(row: Any, journal: attendance.Journal) -> tuple[Any, ...]:
    plain = messages.parse(row.body.encode("utf-8", "surrogateescape"))
    body, amended = plain["body"], journal.amended_at(row.seq)
    at = amended.at if amended else None
    if at is None and plain["kind"] == "punch":
        at = journal.line.correct(times.stamp(plain))
    when = (messages.write_time(at.at), at.quality, "yes" if at.review else "") if at else ("", "", "")
    said = (body["person"], messages.direction_of(body), body.get("method", plain["kind"]))
    counts = _counts(amended) if amended else "yes" if at else "no: its time is not known"
    return row.device, row.seq, *said, *when, body.get("liveness", ""), body.get("capture", ""), body["site"], counts


def _counts(punch: messages.Counted) -> str:
    """Whether, and who put it right; a dispute is for a person to look at."""
    if punch.voided_by:
        return f"no: voided by record {punch.voided_by}"
    if punch.by:
        return f"yes: in place of record {punch.replaces}, {punch.by}" if punch.replaces else f"yes: added, {punch.by}"
    return "yes, disputed" if punch.disputed else "yes"


def reviews(connection: Connection) -> list[tuple[Any, ...]]:
    """Boots that never heard the time, with the bounds of their first record."""
    return [
        (one.device, one.epoch, one.boot_id, one.first_seq, one.punches, *(_bound(at) for at in _bounds(one.estimate)))
        for one in times.reviews(connection)
    ]


REVIEW_HEADINGS = ("device", "epoch", "boot", "from record", "punches", "earliest", "estimate", "latest")


def _bounds(estimate: messages.Corrected) -> tuple[Any, Any, Any]:
    return estimate.earliest, estimate.at, estimate.latest


def _bound(at: Any) -> str:
    return messages.write_time(at) if at is not None else "unknown"


def table(connection: Connection, title: str, query: Query) -> Table:
    """The rows of `query`, ready to print."""
    found = connection.execute(query)
    return drawn(title, list(found.keys()), found)


def drawn(title: str, headings: Sequence[str], rows: Iterable[Iterable[Any]]) -> Table:
    """Rows under their headings, ready to print. What has no room in a line goes on in the next: ids are copied, so none is cut."""
    shown = Table(*(Column(heading, overflow="fold") for heading in headings), title=title)
    for row in rows:
        shown.add_row(*("" if value is None else _plain(str(value)) for value in row))
    return shown


def _plain(text: str) -> str:
    """What came from outside tells a terminal nothing: control characters, and those that turn a line round, are spelt out."""
    return "".join(one if one == "\n" or not unicodedata.category(one).startswith("C") else ascii(one)[1:-1] for one in text)

"""Attendance as it stands in the database: what counts of every kiosk's punches, at corrected times, paired into working days."""

from __future__ import annotations

import csv
import json
import tomllib
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any

from sqlalchemy import Connection, select

from device import messages
from device.messages import Calendar, Counted, Record, timeline
from device.messages.attendance import AMENDMENTS
from enterprise import downlink, pairing, tables
from enterprise.errors import EnterpriseError
from enterprise.pairing import Day, Rules

AMOUNTS = ("worked_minutes", "break_minutes", "late_minutes", "early_minutes")
COLUMNS = ("number", "name", "person", "day", "shift", "came", "went", *AMOUNTS, "kiosks", "marks")
AMENDMENT_COLUMNS = ("kiosk", "record", "kind", "punch", "person", "direction", "punched at", "reason", "by", "at")
MINUTE = timedelta(minutes=1)


class AttendanceError(EnterpriseError):
    """Working days cannot be made as asked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known here of the person behind an id; of whoever has left, no name."""

    number: str
    name: str
    group: str


@dataclass(frozen=True, slots=True)
class Row:
    """A working day with the person's number and name, where the roster has them."""

    day: Day
    number: str
    name: str


def calendar(connection: Connection, zone: str, shifts: str, holidays: str) -> Calendar:
    """The place's; shifts and holidays that are not given are those of the policy that kiosks follow, if it has any."""
    policy = {name: _text(content["value"]) for name, (content, _) in downlink.wishes(connection, downlink.EVERY, "policy").items()}
    try:
        return Calendar(
            zoneinfo.ZoneInfo(zone),
            messages.read_shifts(shifts or policy.get("attend.shifts", "")),
            messages.read_holidays(holidays or policy.get("attend.holidays", "")),
        )
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:  # "Asia" is a folder
        raise AttendanceError(f"{zone!r} is no time zone; write one such as Asia/Shanghai") from error


def rows(connection: Connection, place: Calendar, since: date, until: date, rules: Rules) -> list[Row]:
    """The working days from `since` up to and including `until`, by number or id and day.

    Every punch is paired first, whatever is asked for: whether one is a coming or a going hangs on those before it.
    """
    people = _people(connection)
    groups = {person: known.group for person, known in people.items()}
    days = pairing.days(pairing.stays(counted(connection), rules, aliases(connection)), place, groups)
    found = [_row(day, people.get(day.person)) for day in days if since <= day.day <= until]
    return sorted(found, key=lambda row: (row.number, row.day.person, row.day.day, row.day.shift))


def counted(connection: Connection) -> Iterator[Counted]:
    """Every punch that counts, of every journal."""
    column = tables.epoch.c
    for device, epoch in connection.execute(select(column.device, column.epoch).order_by(column.device, column.first_seen)).all():
        yield from messages.counted(_records(connection, device, epoch), timeline.read(_records(connection, device, epoch)))


def _records(connection: Connection, device: str, epoch: str) -> Iterator[Record]:
    column = tables.record.c
    after = 0
    while True:
        query = select(column.seq, column.body).where(column.device == device, column.epoch == epoch, column.seq > after)
        page = connection.execute(query.order_by(column.seq).limit(2_000)).all()
        if not page:
            return
        yield from (messages.read_record(messages.parse(row.body.encode("utf-8"))) for row in page)
        after = page[-1].seq


def amendments(connection: Connection, most: int) -> list[tuple[str, ...]]:
    """What was said about punches, newest first: who voided, corrected, added or disputed which, and why."""
    column = tables.record.c
    query = select(column.device, column.seq, column.kind, column.at, column.body).where(tables.of_rare_kinds(*AMENDMENTS))
    found = connection.execute(query.order_by(column.received_at.desc(), column.seq.desc()).limit(most)).all()
    return [_amendment(row.device, row.seq, row.kind, row.at, messages.parse(row.body.encode("utf-8"))["body"]) for row in found]


def _amendment(device: str, seq: int, kind: str, at: str, body: dict[str, Any]) -> tuple[str, ...]:
    punch = body.get("punch") or body.get("replaces") or ""
    said = (body.get("person", ""), messages.direction_of(body) if "direction" in body else "", body.get("punched_at", ""))
    return (device, str(seq), kind, str(punch), *said, body["reason"], body["by"], at)


def _people(connection: Connection) -> dict[str, Known]:
    """Whoever has left, is on a kiosk's own roster, or on everybody's: the last of these counts."""
    gone, wish = tables.leaver.c, tables.wish.c
    left = connection.execute(select(gone.person, gone.number, gone.group))
    found = {row.person: Known(row.number, "", row.group) for row in left}
    listed = select(wish.item, wish.content).where(wish.section == "roster", wish.item != downlink.EVERY)
    for item, content in connection.execute(listed.order_by(wish.device.desc())):  # everybody's has no kiosk's name: it comes last
        person = messages.CODEC.structure(json.loads(content), messages.RosterPerson)
        found[item] = Known(person.number, person.name, person.group)
    return found


def aliases(connection: Connection) -> dict[str, str]:
    """A kiosk's own id for somebody whom the roster names otherwise, from what kiosks said when they applied it."""
    column = tables.record.c
    bodies = connection.execute(select(column.body).where(tables.of_rare_kinds("desired"))).scalars()
    said = (messages.parse(body.encode("utf-8"))["body"]["aliases"] for body in bodies)
    return {alias["here"]: alias["person"] for learnt in said for alias in learnt}


def _row(day: Day, known: Known | None) -> Row:
    return Row(day, known.number if known else "", known.name if known else "")


def _text(value: str) -> str:
    """A policy's value is TOML: a quoted text."""
    try:
        found = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return ""
    return found if isinstance(found, str) else ""


def cells(row: Row, place: Calendar) -> tuple[str, ...]:
    """A row as people and spreadsheets read it: local times with their offset, minutes rounded down."""
    day = row.day
    amounts = (str(amount // MINUTE) for amount in (day.worked, day.breaks, day.late, day.early))
    ends = (_local(at, place) for at in (day.came, day.went))
    return (row.number, row.name, day.person, str(day.day), day.shift, *ends, *amounts, " ".join(day.kiosks), " ".join(day.marks))


def write_csv(found: Iterable[Row], place: Calendar, file: IO[str]) -> int:
    """The rows as CSV; how many. A cell that a spreadsheet would take for a formula is quoted away."""
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for row in found:
        writer.writerow(["'" + cell if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell for cell in cells(row, place)])
        count += 1
    return count


def _local(at: datetime | None, place: Calendar) -> str:
    return at.astimezone(place.zone).isoformat(timespec="seconds") if at else ""

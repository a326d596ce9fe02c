"""Attendance as it stands in the database: what counts of every kiosk's punches, at corrected times, paired into working days."""

from __future__ import annotations

import csv
import json
import tomllib
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import IO, Any

from sqlalchemy import ColumnElement, Connection, select

from device import messages
from device.messages import Calendar, Counted, Record
from device.messages.attendance import AMENDMENTS
from device.messages.timeline import Timeline
from enterprise import downlink, pairing, tables, times
from enterprise.errors import EnterpriseError
from enterprise.pairing import Day, Rules

AMOUNTS = ("worked_minutes", "break_minutes", "late_minutes", "early_minutes")
COLUMNS = ("number", "name", "person", "day", "shift", "came", "went", *AMOUNTS, "kiosks", "marks")
AMENDMENT_COLUMNS = ("kiosk", "record", "kind", "punch", "person", "direction", "punched at", "reason", "by", "at")
NEAR_DAYS = 7
MINUTE = timedelta(minutes=1)
SOME_ALIAS = '"aliases":[{'  # as the canonical form has it


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
    groups, shared = {person: known.group for person, known in people.items()}, aliases(connection)
    found: list[Row] = []
    for theirs in _by_person(connection, shared):
        near = [stay for stay in pairing.stays(theirs, rules, shared) if _is_near(place.day_of(stay.first), since, until)]
        days = pairing.days(near, place, groups)
        found += [_row(day, people.get(day.person)) for day in days if since <= day.day <= until]
    return sorted(found, key=lambda row: (row.number, row.day.person, row.day.day, row.day.shift))


def _is_near(day: date, since: date, until: date) -> bool:
    """Whether a stay of that day can have to do with the days that are asked for: by a night, or a shift that goes on."""
    return since.toordinal() - NEAR_DAYS <= day.toordinal() <= until.toordinal() + NEAR_DAYS


def counted(connection: Connection) -> Iterator[Counted]:
    """Every punch that counts, of every journal, person by person."""
    for theirs in _by_person(connection, {}):
        yield from (one for one in theirs if not one.voided_by)


@dataclass(frozen=True, slots=True)
class Journal:
    """What has to be known of a journal before one person's punches in it can be read; amendments are rare.

    `touched`: the amendments and what they speak of; `amended`: these punches, voided ones too, by person.
    """

    line: Timeline
    touched: frozenset[int]
    amended: dict[str, list[Counted]]

    def amended_at(self, seq: int) -> Counted | None:
        """How that record counts, if an amendment speaks of it or is it."""
        if seq not in self.touched:
            return None
        return next((one for theirs in self.amended.values() for one in theirs if one.seq == seq), None)


def _by_person(connection: Connection, shared: Mapping[str, str]) -> Iterator[list[Counted]]:
    """The punches of one person after the other, voided ones too, under whatever ids.

    Years of everybody's punches are more than memory may hold.
    """
    journals = {place: journal_of(connection, *place) for place in _journals(connection)}
    column = tables.record.c
    ids: dict[str, list[str]] = {}
    for person in connection.execute(select(column.person).distinct().order_by(column.person)).scalars().all():
        ids.setdefault(shared.get(person, person), []).append(person)
    for theirs in ids.values():
        yield [one for person in theirs for one in _recorded_of(connection, person, journals)]


def _recorded_of(connection: Connection, person: str, journals: Mapping[tuple[str, str], Journal]) -> Iterator[Counted]:
    for journal in journals.values():
        yield from journal.amended.get(person, ())
    column = tables.record.c
    query = select(column.device, column.epoch, column.seq, column.body).where(column.person == person, column.kind == "punch")
    by_journal: dict[tuple[str, str], list[Record]] = {}
    for device, epoch, seq, body in connection.execute(query):
        if seq not in journals[device, epoch].touched:
            by_journal.setdefault((device, epoch), []).append(_read(body))
    for place, records in by_journal.items():
        yield from messages.recorded(records, journals[place].line)


def _journals(connection: Connection) -> list[tuple[str, str]]:
    column = tables.epoch.c
    return [(row.device, row.epoch) for row in connection.execute(select(column.device, column.epoch)).all()]


def journal_of(connection: Connection, device: str, epoch: str) -> Journal:
    """What its amendments, and the punches that they speak of, say of it."""
    said = {record.seq: record for record in _records(connection, device, epoch, tables.of_rare_kinds(*AMENDMENTS))}
    line = times.of(connection, device, epoch)
    spoken_of = {record.body.get("punch") or record.body.get("replaces") or 0 for record in said.values()} - {0}
    for seq in spoken_of - said.keys():
        said.update((record.seq, record) for record in _records(connection, device, epoch, tables.record.c.seq == seq))
    amended: dict[str, list[Counted]] = {}
    for one in messages.recorded((said[seq] for seq in sorted(said)), line):
        amended.setdefault(one.person, []).append(one)
    return Journal(line, frozenset(said), amended)


def _records(connection: Connection, device: str, epoch: str, which: ColumnElement[bool]) -> Iterator[Record]:
    """Those of a journal, in their order."""
    column = tables.record.c
    query = select(column.body).where(column.device == device, column.epoch == epoch, which)
    yield from map(_read, connection.execute(query.order_by(column.seq)).scalars())


def _read(body: str) -> Record:
    return messages.read_record(messages.parse(body.encode("utf-8")))


def unreadable(connection: Connection) -> list[str]:
    """Records that an earlier version took though a time in them cannot be; nothing is read from them, and a person is told."""
    column = tables.record.c
    query = select(column.device, column.seq, column.kind, column.body).where(tables.of_rare_kinds("correction", "time"))
    found = []
    for device, seq, kind, body in connection.execute(query.order_by(column.device, column.seq)):
        try:
            times.check(messages.parse(body.encode("utf-8")))
        except messages.MessageError as error:
            found.append(f"record {seq} of {device} ({kind}) is left out: {error}")
    return found


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
    learnt_one = column.body.contains(SOME_ALIAS)  # most have learnt none, and each of years would be parsed
    bodies = connection.execute(select(column.body).where(tables.of_rare_kinds("desired"), learnt_one)).scalars()
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
    return place.local(at).isoformat(timespec="seconds") if at else ""

"""A table of people and photographs, for enrolling many at once. Each person whole or not at all; a refusal stops nobody else."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from device import api
from device.errors import DeviceError

COLUMNS = ("number", "photograph")
MOST_ROWS = 100_000


class ListRefused(DeviceError):
    """The table cannot be used; the message names the line."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One person and the photographs of them, in the table's order."""

    number: str
    photographs: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one person: `templates` they have now, or why nothing was made."""

    number: str
    photographs: int
    templates: int
    why: str = ""


class Desk(Protocol):
    """Makes templates; device.desk has the real one, and the daemon's client is another."""

    def enrol_several(self, number: str, photographs: tuple[bytes, ...], by: str, look_alike_of: str = "") -> api.Enrolled: ...


def read(table: Path, folder: Path) -> tuple[Entry, ...]:
    """The people of the table. A photograph must lie in `folder`; ListRefused before anybody is enrolled."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not rows.fieldnames or not set(COLUMNS) <= set(rows.fieldnames):
                raise ListRefused(f"{table.name} needs the columns {' and '.join(COLUMNS)} in its first line")
            return _people(rows, folder)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ListRefused(f"{table} cannot be read ({error}); save it as CSV in UTF-8") from error


def _people(rows: csv.DictReader[str], folder: Path) -> tuple[Entry, ...]:
    found: dict[str, list[Path]] = {}
    for row in rows:
        number, name = ((row[column] or "").strip() for column in COLUMNS)
        if not number or not name:
            raise ListRefused(f"line {rows.line_num}: both number and photograph are needed")
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise ListRefused(f"line {rows.line_num}: {name} does not lie in {folder}")
        if path in found.setdefault(number, []):
            raise ListRefused(f"line {rows.line_num}: {name} stands there twice for {number}")
        found[number].append(path)
        if rows.line_num > MOST_ROWS:
            raise ListRefused(f"more than {MOST_ROWS} lines; split the table")
    if not found:
        raise ListRefused("the table names nobody")
    return tuple(Entry(number, tuple(paths)) for number, paths in found.items())


def enrol(people: tuple[Entry, ...], desk: Desk, by: str) -> Iterator[Outcome]:
    """One after the other; what came of each as soon as it is known. A kiosk that goes away ends it with its own error."""
    for person in people:
        try:
            photographs = tuple(path.read_bytes() for path in person.photographs)
            done = desk.enrol_several(person.number, photographs, by)
        except api.KioskAway:
            raise
        except OSError as error:
            yield Outcome(person.number, len(person.photographs), 0, f"a photograph cannot be read ({error.strerror})")
        except DeviceError as error:
            yield Outcome(person.number, len(person.photographs), 0, str(error))
        else:
            yield Outcome(person.number, len(person.photographs), done.templates)

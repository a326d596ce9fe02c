"""The roster: a list of employees in CSV, read as a whole, compared with what stands, and only then taken over as a whole.

Each number gets an opaque id once and keeps it. Whoever comes back after having left gets a new one, unless whoever brings the list
says that it is the same person: a number may have been given to somebody else, and of leavers no name is kept.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import argon2

from device import messages
from device.messages import RosterPerson, pins, schema
from enterprise.errors import EnterpriseError

COLUMNS = ("number", "name", "language", "group", "expires", "pin", "badge", "qr", "supervisor")
YES, NO = frozenset({"1", "yes", "true", "是"}), frozenset({"", "0", "no", "false", "否"})
SECRET = "pin"
LEAST_AT_ONCE, SHARE_AT_ONCE = 5, 0.1  # of those who stand: a list that was cut off is noticed in time, as in device/retention.py
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(9998, 12, 30)  # such a day ends in the years that kiosks take, wherever they are
FOR_EVER = 9999  # the year by which personnel systems say that there is no end
WEAK = {
    pins.Weakness.DIGITS: f"a PIN has {pins.PIN_DIGITS.start} to {pins.PIN_DIGITS.stop - 1} digits, 0 to 9, and nothing else",
    pins.Weakness.EASY: "a PIN of one digit, or of digits in a row, is the first that anybody tries",
    pins.Weakness.NUMBER: "a PIN must not be the employee number",
}


class RosterRefused(EnterpriseError):
    """The list is not taken; nothing of it was. The message names the line."""


@dataclass(frozen=True, slots=True)
class Change:
    """What taking the list over changes, by opaque id: people as they will stand, and who leaves."""

    people: Mapping[str, RosterPerson]
    added: int
    changed: int
    leaving: tuple[str, ...]

    @property
    def many_leave(self) -> bool:
        """Whether so many go at once, or everybody, that somebody has to say that it is meant."""
        standing = len(self.people) - self.added + len(self.leaving)
        return not self.people or len(self.leaving) > max(LEAST_AT_ONCE, int(SHARE_AT_ONCE * standing))


def read(text: str) -> list[dict[str, str]]:
    """The lines of a CSV file, each with every column that the file has. RosterRefused names what is wrong."""
    try:
        heading, *lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    except csv.Error as error:
        raise RosterRefused(f"the list is no CSV file: {error}; save it as CSV with commas, UTF-8") from error
    except ValueError as error:
        raise RosterRefused("the list is empty; its first line must name the columns") from error
    columns = [name.strip() for name in heading]
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown or not {"number", "name"} <= set(columns) or len(set(columns)) < len(columns):
        raise RosterRefused(f"the first line must name columns among {', '.join(COLUMNS)}, number and name among them, each once")
    for number, line in enumerate(lines, start=2):
        if line and len(line) != len(columns):
            raise RosterRefused(f"line {number} has more or fewer fields than the first line")
    return [dict(zip(columns, (cell.strip() for cell in line), strict=True)) for line in lines if line]


def compare(
    rows: Iterable[Mapping[str, str]], standing: Mapping[str, RosterPerson], former: Mapping[str, str] | None = None
) -> Change:
    """What becomes of the roster; RosterRefused names the first line that cannot be used.

    `former`: number and id of those who had left and are the same people when they come back.
    """
    by_number = {person.number: person for person in standing.values()}
    people: dict[str, RosterPerson] = {}
    lines: dict[str, int] = {}
    for line, row in enumerate(rows, start=2):
        person = _person(line, row, by_number.get(row["number"]), (former or {}).get(row["number"], ""))
        for mine in (
            f"number {person.number}",
            *(f"badge {badge}" for badge in person.badges),
            f"code {person.qr}" if person.qr else "",
        ):
            if mine and mine in lines:
                raise RosterRefused(f"line {line}: the {mine.split()[0]} is that of line {lines[mine]}, too")
            lines[mine] = line
        people[person.person] = person
    changed = sum(standing.get(key) not in (None, person) for key, person in people.items())
    leaving = tuple(key for key in standing if key not in people)
    return Change(people, sum(key not in standing for key in people), changed, leaving)


def _person(line: int, row: Mapping[str, str], known: RosterPerson | None, former: str) -> RosterPerson:
    try:
        person = RosterPerson(
            known.person if known else former or f"p-{secrets.token_hex(16)}",
            row["number"],
            row["name"],
            row.get("language") or "zh-CN",
            row.get("group", ""),
            expiry(row.get("expires", "")),
            _pin(row.get(SECRET, ""), row["number"], known),
            tuple(row.get("badge", "").split()),
            row.get("qr", ""),
            "badge" in row or "qr" in row,
            _flag(row.get("supervisor", "")),
        )
        check(person)
    except (ValueError, OverflowError) as error:
        raise RosterRefused(f"line {line}: {error}") from error
    return person


def check(person: RosterPerson) -> None:
    """ValueError unless a kiosk would take it."""
    plain: dict[str, Any] = messages.CODEC.unstructure(person)
    try:
        schema.check("desired-content", {"roster": {"by": "", "people": [plain]}}, messages.SchemaRefused)
    except messages.SchemaRefused as error:
        raise ValueError(str(error).replace("desired-content: data.roster.people[0].", "")) from error


def _pin(text: str, number: str, known: RosterPerson | None) -> str:
    """Its hash; the one that stands if it is the same, so that the same list changes nothing. Empty: the one that stands stays."""
    before = known.pin if known else ""
    if not text:
        return before
    if (why := pins.weakness(text, number)) is not None:
        raise ValueError(WEAK[why])
    hasher = argon2.PasswordHasher()
    try:
        return before if before and hasher.verify(before, text) else hasher.hash(text)
    except argon2.exceptions.VerifyMismatchError:
        return hasher.hash(text)


def expiry(text: str) -> str:
    """A last day stays one: each kiosk ends it by its own clock. A time needs its zone; empty for none. ValueError otherwise."""
    if not text:
        return ""
    at = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    if at.year == FOR_EVER:
        return ""
    if not isinstance(at, datetime):
        return _in_reach(at).isoformat()
    if at.tzinfo is None:
        raise ValueError("expires has a time without a zone; write 2026-12-31T18:00+08:00")
    at = at.astimezone(UTC)
    _in_reach(at.date())
    return messages.write_time(at)


def _in_reach(day: date) -> date:
    """It, if kiosks take it."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"expires lies between {FIRST_DAY} and {LAST_DAY}; empty, or a day of the year {FOR_EVER}, is no end")
    return day


def _flag(text: str) -> bool:
    if text.lower() not in YES | NO:
        raise ValueError("supervisor is yes or no")
    return text.lower() in YES

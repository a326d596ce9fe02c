"""A CSV list of employees as spreadsheets write it: commas, semicolons or tabs, headings in three languages, a date with slashes.

Every line is an entry or says why it is refused; nothing is guessed of what a spreadsheet has shortened.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import tzinfo

from device.people import roster
from device.people.errors import ImportRefused, PeopleError
from device.people.roster import Entry, Refusal
from device.sentences import say

COLUMNS = ("number", "name", "language", "group", "expires", "pin", "badge", "qr", "supervisor")
# The words of the web UI's own pages, and what else such a column is called
HEADINGS = {
    "工号": "number", "工號": "number", "员工编号": "number", "員工編號": "number", "employee number": "number",
    "姓名": "name",
    "语言": "language", "語言": "language",
    "组别": "group", "組別": "group", "部门": "group", "部門": "group",
    "最后一天": "expires", "最後一天": "expires", "last day": "expires",
    "工牌": "badge", "識別證": "badge",
    "二维码": "qr", "qr 碼": "qr", "qr code": "qr",
    "主管": "supervisor",
}  # fmt: skip
DELIMITERS = ",;\t"
MOST_ROWS = 20_000
MOST_QUOTED = 80  # letters of the first line, in the sentence that refuses it
SHORTENED = re.compile(r"\d(?:\.\d+)?E\+\d+", re.IGNORECASE)
WITH_SLASHES = re.compile(r"(\d{4})[/.-](\d{1,2})[/.-](\d{1,2})")


def read_csv(text: str, zone: tzinfo) -> tuple[tuple[int, Entry | Refusal], ...]:
    """Line number and entry, or why the line is refused; ImportRefused where there are no such columns, or nobody at all."""
    text = text.removeprefix("\ufeff")
    first = text.partition("\n")[0].strip()
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.DictReader(io.StringIO(text), strict=True, delimiter=delimiter)
    try:
        columns = [_column(name or "") for name in reader.fieldnames or ()]
        _check_columns(columns, first)
        reader.fieldnames = columns
        rows = [(reader.line_num, row) for _, row in zip(range(MOST_ROWS + 1), reader, strict=False)]
    except csv.Error as error:
        raise ImportRefused(say("list.no_csv", line=reader.line_num)) from error
    if len(rows) > MOST_ROWS:
        raise ImportRefused(say("list.long", most=MOST_ROWS))
    if not rows:
        raise ImportRefused(say("list.nobody"))
    return tuple((line, _entry(row, columns, zone)) for line, row in rows)


def _column(heading: str) -> str:
    bare = heading.strip().casefold()
    return HEADINGS.get(bare, bare)


def _check_columns(columns: Sequence[str], first: str) -> None:
    if "consent" in columns:
        raise ImportRefused(say("list.consent"))
    strange = [name for name in columns if name not in COLUMNS]
    if strange or not {"number", "name"} <= set(columns) or len(set(columns)) != len(columns):
        raise ImportRefused(say("list.columns", columns=", ".join(COLUMNS), found=_quotable(first)))


def _quotable(line: str) -> str:
    """The beginning of it, without what no screen shows."""
    shown = "".join(one if one.isprintable() else "?" for one in line[:MOST_QUOTED])
    return shown or "–"


def _entry(row: Mapping[str | None, str | list[str] | None], columns: Sequence[str], zone: tzinfo) -> Entry | Refusal:
    if None in row or any(row.get(name) is None for name in columns):
        return Refusal(str(row.get("number") or "").strip(), say("list.fields"))
    cells = {name: str(row[name]).strip() for name in columns}
    try:
        entry = Entry(
            cells["number"],
            cells["name"],
            cells.get("language") or "zh-CN",
            cells.get("group", ""),
            roster.read_expiry(_day(cells.get("expires", "")), zone),
            roster.read_flag(cells.get("supervisor", "")),
            pin=cells.get("pin", ""),
            badges=tuple(cells["badge"].split()) if cells.get("badge") else None,
            qr=cells.get("qr") or None,
            unsaid=frozenset(name for name in roster.OPTIONAL if name not in cells or (name == "language" and not cells[name])),
        )
        roster.check(entry)
        _check_readable(entry)
    except (PeopleError, ValueError) as error:
        return Refusal(cells["number"], str(error))
    return entry


def _day(text: str) -> str:
    """2028/2/29, as spreadsheets write a date, with the zeros that belong there."""
    found = WITH_SLASHES.fullmatch(text)
    return text if found is None else "{}-{:0>2}-{:0>2}".format(*found.groups())


def _check_readable(entry: Entry) -> None:
    """A file that was read in another encoding than its own has letters that nobody has agreed on; 1.00E+12 was a number once."""
    if any(unicodedata.category(one) == "Co" for one in entry.number + entry.name + entry.group):
        raise PeopleError(say("list.private"))
    if any(SHORTENED.fullmatch(text) for text in (entry.number, entry.pin, *(entry.badges or ()))):
        raise PeopleError(say("list.shortened"))

"""Punches as files: CSV and XLSX for people, signed lines for whoever wants proof."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from pathlib import Path

from flask_babel import gettext as _

from device import messages
from device.api import PunchRow, WebClient
from web_ui import uploads, words
from web_ui.jobs import Job, NotDone

STEP = 1_000
BEGINS = "daka-export-"
WIDTHS = (12, 10, 12, 24, 10, 18, 14, 16, 12, 10, 66)
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a command
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "signed": "application/jsonl",
}
SUFFIXES = {"csv": "csv", "xlsx": "xlsx", "signed": "jsonl"}

Wanted = dict[str, str | int]


class NoRoom(NotDone):
    """A file that would take the room which punches need."""


def settle(folder: Path) -> None:
    """Have all that is written for a while, by a library too, lie in the daemon's own folder, and remove what an earlier one left.

    The system's folder for temporary files may lie in memory, where a large file ends the daemon.
    """
    tempfile.tempdir = str(folder)
    for left in (*folder.glob(f"{BEGINS}*"), *folder.glob("openpyxl.*")):
        left.unlink(missing_ok=True)


def titles() -> tuple[tuple[str, ...], dict[str, str]]:
    """Headings and words in the language of whoever asks; made before the work leaves the request."""
    heads = (
        _("Date"), _("Time"), _("Employee number"), _("Name"), _("Direction"), _("Way"), _("Time is"),
        _("Place"), _("State"), _("Record"), _("Hash"),
    )  # fmt: skip
    said = {
        key: str(value)
        for table in (words.DIRECTIONS, words.METHODS, words.QUALITIES, words.STATES)
        for key, value in table.items()
    }
    return heads, said


def rows(job: Job, client: WebClient, wanted: Wanted) -> Iterator[PunchRow]:
    """Every punch that matches at the beginning, oldest first, in order of corrected times: what is voided, added or put right
    meanwhile moves nothing from one part into another."""
    page = client.punch_page(**wanted, descending=0, limit=STEP, kept="new")
    job.doing, job.total = "punches", page.total
    while True:
        _look_for_room()
        yield from page.punches
        job.done += STEP  # a record that was removed for its age meanwhile is in no part
        if job.done >= job.total:
            job.done = job.total
            return
        page = client.punch_page(offset=job.done, limit=STEP, kept=page.kept)


def cells(row: PunchRow, zone: tzinfo, said: dict[str, str]) -> tuple[str | int, ...]:
    """One line: local date and time to the second, who, which way, and the record it stands on."""
    at = datetime.fromisoformat(row.at).astimezone(zone)
    plain = (row.number, row.name, said[row.direction], said[row.method], said[row.quality], row.site, said[row.state])
    return (f"{at:%Y-%m-%d}", f"{at:%H:%M:%S}", *plain, row.seq, row.hash)


def harmless(cell: str | int) -> str | int:
    """A name must never become a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write_csv(job: Job, client: WebClient, wanted: Wanted, zone: tzinfo, titled: tuple[tuple[str, ...], dict[str, str]]) -> Path:
    """UTF-8 with its mark, as spreadsheets expect it."""
    heads, said = titled
    path = _file(job, ".csv")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        for row in rows(job, client, wanted):
            writer.writerow([harmless(cell) for cell in cells(row, zone, said)])
    return path


def write_xlsx(job: Job, client: WebClient, wanted: Wanted, zone: tzinfo, titled: tuple[tuple[str, ...], dict[str, str]]) -> Path:
    """For a spreadsheet."""
    from web_ui.sheet import Sheet  # not before somebody asks for one

    heads, said = titled
    sheet = Sheet(heads, WIDTHS)
    for row in rows(job, client, wanted):
        sheet.append(cells(row, zone, said))
    path = _file(job, ".xlsx")
    sheet.save(path)
    return path


def write_signed(job: Job, client: WebClient, wanted: Wanted, _zone: tzinfo, _titled: object) -> Path:
    """Every record kept here as the uplink sends it: one signed batch a line. A time filter would break the chain."""
    status = client.status()
    path, first, after, job.doing, job.total = _file(job, ".jsonl"), 0, 0, "records", status.last
    with path.open("wb") as file:
        while batch := client.signed_export(after):
            _look_for_room()
            file.write(batch + b"\n")
            read = messages.read_batch(batch, status.device)
            first, after = first or read.first, read.last
            job.done, job.extent = after, f"records {first} to {after}"
    return path


def _file(job: Job, suffix: str) -> Path:
    """A file that only this process's user reads; the sweep of old jobs removes it."""
    _look_for_room()
    descriptor, name = tempfile.mkstemp(suffix, BEGINS)
    os.close(descriptor)
    job.file = Path(name)
    return job.file


def _look_for_room() -> None:
    if shutil.disk_usage(tempfile.gettempdir()).free < uploads.SPARE_BYTES:
        raise NoRoom(words.NO_ROOM_TO_EXPORT)


KINDS: dict[str, Callable[..., Path]] = {"csv": write_csv, "xlsx": write_xlsx, "signed": write_signed}

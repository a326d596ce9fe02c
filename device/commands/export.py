"""`daka export`: signed records to a file or a USB stick, and the server's answer back."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import click

from device import database, messages, state
from device.commands.context import Context, pass_context
from device.commands.reach import carrier
from device.journal.reading import Readable


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--after", type=click.IntRange(0, 10**15 - 1), default=0, show_default=True, help="Only records after this number.")
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A copy of a journal that was put aside when an enterprise was left, in place of this kiosk's own.",
)
@click.option("--answer", is_flag=True, help="FILE is what daka-enterprise import --answer wrote: take it in.")
@pass_context
def export(context: Context, file: Path, after: int, journal: Path | None, answer: bool) -> None:
    """Write the signed records that this kiosk keeps to FILE, for `daka-enterprise import`.

    It takes each exactly once, together with what came over the network. With --answer its receipt is brought back, so that
    records which the enterprise has may go in time; without it the next connection does that.
    """
    if journal is not None:
        _told(*write(Aside(journal, context.config().device.id), file, after), file)
        return
    state.check_begun(context.folder)
    with carrier(context) as records:
        if answer:
            cursor = records.believe(file.read_bytes())
            click.echo(f"the enterprise has every record up to {cursor.upto}")
            return
        count, last = write(records, file, after)
    _told(count, last, file)


def _told(count: int, last: int, file: Path) -> None:
    click.echo(f"{count} records up to {last} are in {file}; at the enterprise: daka-enterprise import {file.name}")


class Aside:
    """A journal that nobody writes any more, as `api.Carrier` hands out its records."""

    def __init__(self, path: Path, device: str) -> None:
        self._journal, self._device = Readable(database.Database(path, "journal")), device

    def signed_records(self, after: int) -> bytes:
        """The batch that follows record `after`; empty at the end."""
        found, now = self._journal.stretch(after), messages.write_time(datetime.now(UTC))
        return messages.write_batch(self._device, found.epoch, found.texts, found.first, found.sig, now) if found else b""


class Records(Protocol):
    """Hands out signed records, a batch at a time."""

    def signed_records(self, after: int) -> bytes: ...


def write(records: Records, file: Path, after: int) -> tuple[int, int]:
    """One batch a line, whole or not at all, on the medium when this returns; how many records, and the last of them."""
    draft = file.with_name(f".{file.name}.part")
    count = 0
    try:
        with draft.open("wb") as out:
            while batch := records.signed_records(after):
                data = messages.parse(batch)["data"]
                out.write(batch + b"\n")
                count, after = count + len(data["records"]), data["to"]
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        database.sync_folder(file.absolute().parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise database.translated(file, error) from error
    return count, after

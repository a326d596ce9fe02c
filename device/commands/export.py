"""`daka export`: signed records to a file or a USB stick, and the server's answer back."""

from __future__ import annotations

import os
from pathlib import Path

import click

from device import api, database, messages, state
from device.commands.context import Context, pass_context
from device.commands.reach import carrier


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Only records after this number.")
@click.option("--answer", is_flag=True, help="FILE is what daka-enterprise import --answer wrote: take it in.")
@pass_context
def export(context: Context, file: Path, after: int, answer: bool) -> None:
    """Write the signed records that this kiosk keeps to FILE, for `daka-enterprise import`.

    It takes each exactly once, together with what came over the network. With --answer its receipt is brought back, so that
    records which the enterprise has may go in time; without it the next connection does that.
    """
    if not context.folder.journal.exists():
        raise state.StateUnusable(f"there is no journal in {context.folder.root}; it is begun by `daka people add` or `daka run`")
    with carrier(context) as records:
        if answer:
            cursor = records.believe(file.read_bytes())
            click.echo(f"the enterprise has every record up to {cursor.upto}")
            return
        count, last = write(records, file, after)
    click.echo(f"{count} records up to {last} are in {file}; at the enterprise: daka-enterprise import {file.name}")


def write(records: api.Carrier, file: Path, after: int) -> tuple[int, int]:
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

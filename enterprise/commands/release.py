"""`daka-enterprise release`: sign what kiosks may install."""

from __future__ import annotations

from pathlib import Path

import click

from enterprise import keys, releases
from enterprise.commands.shared import folder_option, now


@click.command("release")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--days", type=click.IntRange(1, 3_650), default=365, show_default=True, help="Kiosks take it for this long.")
@click.option("--floor", default="", help="The oldest version that may run once this one holds; kiosks never go back below it.")
@folder_option
def release(archive: Path, days: int, floor: str, folder: Path) -> None:
    """Sign the bundle ARCHIVE (a .tar from make bundle) with the update key; kiosks want both files."""
    click.echo(f"signed: {releases.sign(archive, keys.read(folder, 'update'), now(), days, floor)}")

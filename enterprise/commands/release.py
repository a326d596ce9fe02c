"""`daka-enterprise release` and `offer`: sign what kiosks may install, and give it out."""

from __future__ import annotations

from pathlib import Path

import click

from enterprise import keys, releases, update_roots
from enterprise.commands.shared import folder_option, now
from enterprise.errors import EnterpriseError


@click.command("release")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--days", type=click.IntRange(1, 3_650), default=365, show_default=True, help="Kiosks take it for this long.")
@click.option("--floor", default="", help="The oldest version that may run once this one holds; kiosks never go back below it.")
@folder_option
def release(archive: Path, days: int, floor: str, folder: Path) -> None:
    """Sign the bundle ARCHIVE (a .tar from make bundle) with the update key; kiosks want both files."""
    made = releases.sign(archive, keys.read(folder, "update"), now(), days, floor, update_roots.read(folder))
    click.echo(f"signed: {made}")


@click.command("offer")
@click.argument("archive", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--to", "place", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of `join serve --releases`."
)
@click.option("--channel", default="stable", show_default=True, help="Only kiosks with this updates.channel take it.")
@click.option("--withdraw", is_flag=True, help="Offer ARCHIVE no more.")
@click.option(
    "--keys", "folder", type=click.Path(path_type=Path), default=None, help="Folder of the update key, to check the signature."
)
def offer(archive: Path | None, place: Path, channel: str, withdraw: bool, folder: Path | None) -> None:
    """Offer the signed ARCHIVE to kiosks of a channel; without ARCHIVE, list what is offered."""
    if not releases.CHANNEL.fullmatch(channel):
        raise EnterpriseError(f"{channel!r} is no channel: small letters, digits and hyphens")
    if archive is None:
        for one, ends_at in releases.laid_out(place):
            until = f"until {ends_at.date()}" if ends_at > now() else f"no more: its signature ended on {ends_at.date()}"
            about = f"{one.version} for Python {one.python}, {one.arch}: {one.archive}, {one.length >> 20} MB"
            click.echo(f"{one.channel}: {about}, {until}")
    elif withdraw:
        releases.withdraw(place, channel, archive.name)
        click.echo(f"{archive.name} is offered no more")
    elif folder is None:
        raise EnterpriseError("the signature is checked before anything is offered: name the folder of the update key with --keys")
    else:
        found = releases.offer(archive, keys.read(folder, "update").public_key(), place, channel, now())
        click.echo(f"{found.version} for Python {found.python}, {found.arch} is offered in {channel}")

"""`daka site`: templates between the kiosks of one site, sealed to the one that receives them."""

from __future__ import annotations

from pathlib import Path

import click

from device.commands import reach
from device.commands.context import Context, pass_context
from device.commands.drawing import fill, private
from device.commands.office import operator


@click.group()
def site() -> None:
    """The other kiosks of this site: who they are, and templates for them.

    Templates travel in files, sealed to the kiosk that receives them, under a consent that names it (people.kiosks).
    Withdrawals, erasures and word of removed faces travel along.
    """


@site.command("show")
@pass_context
def show(context: Context) -> None:
    """This kiosk's keys as the line to type at the others, and the kiosks that are believed here."""
    with reach.site(context) as desk:
        own, sisters = desk.own_keys(), desk.sisters()
    click.echo(f"at each other kiosk, after comparing: daka site trust {own.device} {own.signing_key} {own.sealing_key}")
    for sister in sisters:
        click.echo(f"believed here: {sister.device} {sister.signing_key} {sister.sealing_key}")


@site.command("trust")
@click.argument("device")
@click.argument("signing_key")
@click.argument("sealing_key")
@pass_context
def trust(context: Context, device: str, signing_key: str, sealing_key: str) -> None:
    """Believe the kiosk DEVICE, whose keys `daka site show` printed there."""
    with reach.site(context) as desk:
        desk.trust(device, signing_key, sealing_key, operator())
    click.echo(f"{device} is believed; next: daka site export {device} --out FILE")


@site.command("export")
@click.argument("device")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to carry to that kiosk.")
@pass_context
def export(context: Context, device: str, out: Path) -> None:
    """Templates of everybody whose consent names the kiosk DEVICE, sealed to it, and who withdrew or was erased here."""
    with private(out) as file, reach.site(context) as desk:
        made = desk.export(device, operator())
        fill(file, made.text.encode())
    click.echo(f"{out}: {made.people} people and {made.ended} endings for {device}; only that kiosk can open it")


@site.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@pass_context
def take(context: Context, file: Path) -> None:
    """Take the package FILE that another kiosk made for this one."""
    with reach.site(context) as desk:
        done = desk.take(file.read_text(encoding="utf-8", errors="replace"), operator())
    for one in done.refused:
        click.echo(f"{one.number} not taken: {one.why}", err=True)
    for number, other in done.look_alikes:
        click.echo(f"{number} and {other} look alike: a face alone is enough for neither; is it one person, erase one", err=True)
    click.echo(f"from {done.sender}: {done.people} people taken, {done.ended} endings followed, {len(done.refused)} refused")

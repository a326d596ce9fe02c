"""Face cards, and claims typed at the keyboard."""

from __future__ import annotations

from pathlib import Path

import click

from device import api, desk
from device.attend import Claim
from device.commands.context import Context, pass_context
from device.commands.drawing import check_out, draw, private
from device.commands.office import operator
from device.commands.reach import office

KINDS = [claim.value for claim in Claim if claim is not Claim.NONE]


@click.group()
def card() -> None:
    """Face cards: a template that the person carries, kept by the kiosk nowhere."""


@card.command("issue")
@click.argument("number")
@click.argument("photograph", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The QR code to print: .svg or .png.")
@click.option(
    "--days", type=click.IntRange(1, desk.MOST_CARD_DAYS), default=365, show_default=True, help="How long it is good for."
)
@pass_context
def issue(context: Context, number: str, photograph: Path, out: Path, days: int) -> None:
    """Make a card for NUMBER from PHOTOGRAPH, which is looked at once and not kept. Earlier cards of NUMBER open no more."""
    check_out(out)
    with private(out) as file, office(context) as opened:
        made = opened.issue_card(number, photograph.read_bytes(), operator(), days)
        draw(made.code, file)
    click.echo(f"{out}: print it for {number} and delete the file; good until {made.expires_at[:10]}")


@card.command("revoke")
@click.argument("number")
@pass_context
def revoke(context: Context, number: str) -> None:
    """The cards of NUMBER open no more: lost, stolen, or not wanted."""
    with office(context) as opened:
        opened.revoke_cards(number, operator())
    click.echo(f"no card of {number} opens any more")


@click.command()
@click.argument("number")
@click.option("--by", "kind", type=click.Choice(KINDS), default="number", show_default=True, help="How they said who they are.")
@pass_context
def claim(context: Context, number: str, kind: str) -> None:
    """The next face at the kiosk is compared with NUMBER alone. For the office; a reader's claim comes from its reader."""
    with api.AdminClient(context.folder.admin_socket) as client:
        taken = client.claim(number, kind)
    click.echo(f"waiting {taken.lasts_s:.0f} s for the face of {number}")

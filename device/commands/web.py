"""`daka web`: what somebody at the console needs of the web UI."""

from __future__ import annotations

import click

from device import api
from device.commands.context import Context, pass_context


@click.group()
def web() -> None:
    """The administrators' web UI."""


@web.command()
@pass_context
def on(context: Context) -> None:
    """Switch the web UI on again, after its own page has switched it off."""
    from device import settings  # what checks settings is slow to load

    folder = context.folder
    changed = settings.change(folder.config, {"web.enabled": True}, folder.layer, folder.enterprise)
    click.echo("The web UI is switched on; it answers within seconds." if changed else "The web UI is switched on already.")


@web.command()
@pass_context
def code(context: Context) -> None:
    """Print what the kiosk's screen shows: the addresses, the certificate's fingerprint, and the code, if one is asked for."""
    with api.AdminClient(context.folder.admin_socket) as client:
        notice = client.web_notice()
    if not notice.addresses:
        click.echo("The web UI has not reported itself; start it with `daka run web`.")
        return
    click.echo("\n".join(notice.addresses))
    click.echo(f"SHA-256 fingerprint: {notice.fingerprint}")
    if notice.purpose == "first_administrator":
        click.echo(f"Code for the first administrator: {notice.code}")
    elif notice.purpose in ("join", "joining"):
        click.echo(f"Enterprise: {notice.host}, whose root key begins with {notice.root_begins}; go on only if it is yours")
        click.echo(f"{'Code for joining' if notice.purpose == 'join' else 'The enterprise compares'}: {notice.code}")
    elif notice.code:
        click.echo(f"Code for a new password of {notice.account}: {notice.code}")
    else:
        click.echo("No code is asked for.")

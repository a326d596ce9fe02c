"""`daka metrics`: the kiosk's figures as Prometheus reads them."""

from __future__ import annotations

import click

from device import api
from device.commands.context import Context, pass_context


@click.command()
@pass_context
def metrics(context: Context) -> None:
    """Print the kiosk's figures in Prometheus's text format; neither names nor scores are among them."""
    with api.AdminClient(context.folder.admin_socket) as client:
        click.echo(client.metrics(), nl=False)

"""`daka set-broker`: what the uplink may reach on an appliance."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit

import click

from device import outlet
from device.commands.context import Context, pass_context


@click.command("set-broker")
@click.argument("host", required=False)
@pass_context
def set_broker(context: Context, host: str | None) -> None:
    """Let the uplink reach HOST (default: uplink.host of the settings), uplink.renew_url and their name servers, and nobody else.

    Needs root.
    """
    chosen = context.config().uplink
    named = host or chosen.host
    if not named:
        raise outlet.OutletError("no broker is named: daka set-broker HOST, or set uplink.host")
    renews = urlsplit(chosen.renew_url).hostname if chosen.renew_url else None
    reachable = outlet.write([named] if renews in (None, named) else [named, str(renews)])
    for words in (("daemon-reload",), ("try-restart", "daka-uplink.service")):
        done = subprocess.run(("systemctl", *words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise outlet.OutletError(f"systemctl {words[0]} failed: {done.stderr.strip()}; run it by hand")
    click.echo(f"the uplink may reach {', '.join(reachable)} and nothing else")

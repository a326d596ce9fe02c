"""`daka set-broker`: what the uplink may reach on an appliance."""

from __future__ import annotations

import subprocess

import click

from device import outlet
from device.commands.context import Context, pass_context


@click.command("set-broker")
@click.argument("host", required=False)
@pass_context
def set_broker(context: Context, host: str | None) -> None:
    """Let the uplink reach HOST (default: uplink.host of the settings) and its name servers, and nobody else. Needs root."""
    named = host or context.config().uplink.host
    if not named:
        raise outlet.OutletError("no broker is named: daka set-broker HOST, or set uplink.host")
    reachable = outlet.write(named)
    for words in (("daemon-reload",), ("try-restart", "daka-uplink.service")):
        done = subprocess.run(("systemctl", *words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise outlet.OutletError(f"systemctl {words[0]} failed: {done.stderr.strip()}; run it by hand")
    click.echo(f"the uplink may reach {', '.join(reachable)} and nothing else")

"""`daka run`: the daemons, alone or together under one supervisor."""

from __future__ import annotations

import sys

import click

from device import supervisor
from device.commands.context import Context
from device.commands.lazy import LazyGroup

DAEMONS = {
    "kiosk": "device.commands.run_kiosk:run_kiosk",
    "uplink": "device.commands.run_uplink:run_uplink",
    "web": "web_ui.command:run_web",
    "bridge": "firmware_bridge.commands.run_bridge:run_bridge",
}


@click.group(cls=LazyGroup, commands_in=DAEMONS, invoke_without_command=True)
@click.pass_context
def run(click_context: click.Context) -> None:
    """Run the kiosk: all daemons under one supervisor, or the one that is named."""
    if click_context.invoked_subcommand is None:
        run_all(click_context.obj)


def run_all(context: Context) -> None:
    """Every daemon that the configuration asks for, restarted when it ends."""
    config = context.config()
    wanted = ("kiosk", *(["uplink"] if config.uplink.enabled else []), *(["web"] if config.web.enabled else []))
    base = (sys.executable, "-m", "device.commands.main", "--state", str(context.folder.root), "run")
    commands = {name: (*base, name) for name in wanted}
    supervisor.keep_running(commands, context.folder.run, supervisor.stop_on_signals())

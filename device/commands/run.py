"""`daka run`: the daemons, alone or together under one supervisor."""

from __future__ import annotations

import sys
import threading
import time

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

START_S = 60.0


@click.group(cls=LazyGroup, commands_in=DAEMONS, invoke_without_command=True)
@click.pass_context
def run(click_context: click.Context) -> None:
    """Run the kiosk: all daemons under one supervisor, or the one that is named."""
    if click_context.invoked_subcommand is None:
        run_all(click_context.obj)


def run_all(context: Context) -> None:
    """Every daemon that the configuration asks for, restarted when it ends."""
    config = context.config()
    wanted = ("kiosk", "uplink", "web", *(("bridge",) if config.lock.enabled else ()))  # the first three idle where switched off
    base = (sys.executable, "-m", "device.commands.main", "--state", str(context.folder.root), "run")
    threading.Thread(target=_say_where_the_page_is, args=(context,), daemon=True).start()
    commands = {name: (*base, name) for name in wanted}
    supervisor.keep_running(commands, context.folder.run, supervisor.stop_on_signals())


def _say_where_the_page_is(context: Context) -> None:
    """Once the kiosk daemon serves it; the token in the address is for whoever started this, and for no log."""
    file, started = context.folder.page_address, time.time()
    while time.time() - started < START_S:
        if file.exists() and file.stat().st_mtime >= started - 1:
            click.echo(f"kiosk page: {file.read_text('ascii').strip()}")
            return
        time.sleep(0.2)

"""`daka run kiosk`: the daemon that sees."""

from __future__ import annotations

import os
import resource

import click

from device import admission, kiosk, service, state, supervisor
from device.backups import settling
from device.commands.context import Context, pass_context


@click.command("kiosk")
@pass_context
def run_kiosk(context: Context) -> None:
    """The daemon with the camera, the templates and the journal; its one internet socket is its page's, on loopback."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash must not write templates and keys to a disk
    stop = supervisor.stop_on_signals()
    with state.locked(context.folder):  # before the settings are read: they may be among what is restored
        settling.settle(context.folder)
        admission.settle(context.folder)
    kiosk.run(context.folder, context.config(), context.weights(), stop, service.from_environment(os.environ, os.getpid()))

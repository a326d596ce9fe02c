"""`daka run bridge`: the daemon that talks to contract locks."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Protocol

import click

from device import service
from firmware_bridge import daemon


class Folder(Protocol):
    """Where the bridge's own files and the daemons' sockets lie; device.state has the real one."""

    @property
    def root(self) -> Path: ...
    @property
    def run(self) -> Path: ...


class Context(Protocol):
    """What the `daka` command knows; device.commands.context has the real one."""

    @property
    def folder(self) -> Folder: ...


@click.command("bridge")
@click.pass_obj
def run_bridge(context: Context) -> None:
    """The daemon with the locks' bonds; it opens no network socket and knows no key."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    daemon.run(context.folder.root / "bridge", context.folder.run, stop, service.from_environment(os.environ, os.getpid()))

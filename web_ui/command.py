"""`daka run web`: the daemon that administrators' browsers talk to."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import click

from device import sections, service
from web_ui import daemon


@click.command("web")
@click.option("--folder", type=click.Path(path_type=Path), help="Its own folder; default: web in the state folder.")
@click.option("--kiosk", "kiosk_socket", type=click.Path(path_type=Path), help="The kiosk daemon's socket for it.")
@click.option("--address", help="Address to listen at; default: web.address.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen at; default: web.port.")
@click.option("--certificate", type=click.Path(path_type=Path), help="The enterprise's certificate, PEM; default: web.certificate.")
@click.option("--key", type=click.Path(path_type=Path), help="Its private key, PEM; default: web.key.")
@click.option(
    "--name", "names", multiple=True, help="A further host name under which browsers may ask; can be given more than once."
)
@click.pass_obj
def run_web(context: Any, /, **given: Any) -> None:
    """The administrators' web UI: HTTPS on the local network; it sees neither camera nor journal."""
    stop, under = stop_on_signals(), service.from_environment(os.environ, os.getpid())
    section = sections.Section((context.folder.config, context.folder.layer), "web")
    if not context.config().web.enabled:
        daemon.idle(under, section, stop)
        return
    chosen = options(context)
    names = tuple(dict.fromkeys((*chosen.names, *(name.lower() for name in given.pop("names")))))
    chosen = dataclasses.replace(chosen, names=names, **{name: value for name, value in given.items() if value is not None})
    daemon.run(chosen, under, section, stop)


def options(context: Any) -> daemon.Options:
    """What the state folder's configuration says; the daemon itself never opens anything else there."""
    web, folder = context.config().web, context.folder
    names = tuple(name.strip().lower() for name in web.names.split(",") if name.strip())
    certificate, key = (folder.root / name if name else None for name in (web.certificate, web.key))
    return daemon.Options(folder.web, folder.web_socket, web.address, web.port, (*daemon.machine_names(), *names), certificate, key)


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop

"""`daka set-broker`: what the uplink may reach on an appliance."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import click

from device import clock, outlet, seen_by_root
from device.commands.context import Context, pass_context

UPLINK = "daka-uplink.service"
MOST_LOOKS = 5  # the timer comes again; a wish that changes all the time keeps nobody here


@click.command("set-broker")
@click.argument("host", required=False)
@click.option("--follow", is_flag=True, help="Reach whom the kiosk daemon wants, until it has joined; run by daka-outlet.service.")
@pass_context
def set_broker(context: Context, host: str | None, *, follow: bool) -> None:
    """Let the uplink reach HOST (default: uplink.host of the settings), uplink.renew_url and their name servers, and nobody else.

    Needs root. Joining does it by itself; by hand when an address has changed.
    """
    if follow:
        follow_kiosk(context)
        return
    chosen = context.config().uplink
    named = host or chosen.host
    if not named:
        raise outlet.OutletError("no broker is named: daka set-broker HOST, or set uplink.host")
    renews = urlsplit(chosen.renew_url).hostname if chosen.renew_url else None
    reachable = outlet.write([named] if renews in (None, named) else [named, str(renews)])
    _reload()
    click.echo(f"the uplink may reach {', '.join(reachable)} and nothing else")


def follow_kiosk(context: Context) -> None:
    """What root's own file names is root's to say: then nobody is followed."""
    if folder := os.environ.get("RUNTIME_DIRECTORY"):
        seen_by_root.keep(Path(folder), is_kept=clock.kernel_clock_is_synced())
    if context.folder.outlet is None:
        raise outlet.OutletError("only an appliance keeps its uplink from anybody")
    if outlet.named_by_root(context.folder.config) or not context.folder.outlet.exists():
        return
    for _ in range(MOST_LOOKS):  # systemd tells of no change that comes while this runs
        changed = outlet.follow(context.folder.outlet, context.folder.config.parent / outlet.PINNED)
        if not changed and not _has_unread_file():
            return
        _reload()
        click.echo("the uplink may reach whom the kiosk daemon wants, and nobody else")


def _has_unread_file() -> bool:
    """Whether systemd has yet to read what was written: the time before, it could not."""
    asked = ("systemctl", "show", "--property=NeedDaemonReload", "--value", UPLINK)
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == "yes"


def _reload() -> None:
    for words in (("daemon-reload",), ("try-restart", "--no-block", UPLINK)):
        done = subprocess.run(("systemctl", *words), capture_output=True, text=True, check=False)
        if done.returncode:
            raise outlet.OutletError(f"systemctl {words[0]} failed: {done.stderr.strip()}; run it by hand")

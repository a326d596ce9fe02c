"""`daka update key`: whose releases this machine installs."""

from __future__ import annotations

import os
from pathlib import Path

import click
from tuf.api.metadata import Root, Targets

from device import durable, messages, release_roots, updates
from device.sentences import say

KEY = Path("/etc/daka/update.key")
FOLLOWED = Path("/var/lib/daka-update/root.json")


def roots() -> release_roots.Roots:
    """The key that this machine was given, and what was followed from there."""
    try:
        pinned = messages.public_key_from_text(KEY.read_text(encoding="ascii").strip())
    except OSError as error:
        raise updates.UpdateNotNow(say("update.key_missing", path=KEY)) from error
    return release_roots.Roots(FOLLOWED, pinned)


@click.command("key")
@click.argument("key", required=False)
def update_key(key: str | None) -> None:
    """Whose releases count here: the root that is followed, and its keys.

    KEY, what `daka-enterprise keys show update` prints, is given to this machine, in place of an earlier one. Needs root.
    """
    if os.geteuid() != 0:
        raise updates.UpdateRefused("whose releases count is root's to see and to say; run: sudo daka update key ...")
    if key is not None:
        given = messages.public_key_text(messages.public_key_from_text(key.strip()))
        durable.keep(KEY, f"{given}\n".encode("ascii"), 0o644)
    newest = roots().newest()
    until = "" if newest.version == release_roots.PINNED else f", good until {newest.expires:%Y-%m-%d}"
    click.echo(f"root {newest.version}{until}")
    click.echo(f"signs releases: {', '.join(release_roots.keys_of(newest, Targets.type))}")
    click.echo(f"names the next root: {', '.join(release_roots.keys_of(newest, Root.type))}")

"""The key that signs acknowledgements."""

from __future__ import annotations

from pathlib import Path

import click

from device import messages
from enterprise import keys
from enterprise.commands.shared import folder_option


@click.group("keys")
def keys_group() -> None:
    """The key that signs acknowledgements."""


@keys_group.command("init")
@folder_option
def keys_init(folder: Path) -> None:
    """Make the key, once, and print its public half for the kiosks' `uplink.server_key`."""
    click.echo(messages.public_key_text(keys.create(folder)))


@keys_group.command("show")
@folder_option
def keys_show(folder: Path) -> None:
    """Print the public half."""
    click.echo(messages.public_key_text(keys.read(folder)))

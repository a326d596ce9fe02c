"""The enterprise's signing keys."""

from __future__ import annotations

from pathlib import Path

import click

from device import messages
from enterprise import keys
from enterprise.commands.shared import folder_option

role_argument = click.argument("role", type=click.Choice(keys.ROLES), default=keys.ACKNOWLEDGEMENT)


@click.group("keys")
def keys_group() -> None:
    """The keys that sign acknowledgements, policies, grants, updates, and the root that says which of them count."""


@keys_group.command("init")
@role_argument
@folder_option
def keys_init(role: str, folder: Path) -> None:
    """Make the key for ROLE, once, and print its public half: `uplink.server_key` or `uplink.policy_key` of a kiosk's settings."""
    click.echo(messages.public_key_text(keys.create(folder, role)))


@keys_group.command("show")
@role_argument
@folder_option
def keys_show(role: str, folder: Path) -> None:
    """Print the public half."""
    click.echo(messages.public_key_text(keys.read(folder, role)))

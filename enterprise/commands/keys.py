"""The enterprise's signing keys."""

from __future__ import annotations

from pathlib import Path

import click

from device import messages
from enterprise import key_sets, keys
from enterprise.commands.shared import folder_option, now

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


@keys_group.command("sign")
@click.option("--root", type=click.Path(path_type=Path), required=True, help="Folder of the root key, kept off every network.")
@click.option("--also", multiple=True, metavar="ROLE=KEY", help="A further key for a role, such as the one that is being replaced.")
@folder_option
def keys_sign(root: Path, also: tuple[str, ...], folder: Path) -> None:
    """Sign the next key set: the public halves of the keys in the folder, which joined kiosks follow from then on.

    To replace a key without a gap: move the old one away, make the new one, sign a set that names the old one too (--also), and
    sign one without it when every kiosk has followed.
    """
    found = {
        role: [messages.public_key_text(keys.read(folder, role))] for role in key_sets.ROLES if keys.place(folder, role).exists()
    }
    for text in also:
        role, _, key = text.partition("=")
        if role not in key_sets.ROLES:
            raise keys.KeyFileError(f"{text}: write ROLE=KEY, ROLE one of {', '.join(key_sets.ROLES)}")
        found.setdefault(role, []).append(messages.public_key_text(messages.public_key_from_text(key)))
    made = key_sets.sign(folder, keys.read(root, "root"), found, now())
    click.echo(f"key set {made.version} is signed by {made.root}")

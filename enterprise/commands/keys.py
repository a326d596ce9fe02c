"""The enterprise's signing keys."""

from __future__ import annotations

from pathlib import Path

import click

from device import messages
from enterprise import key_sets, keys, update_roots
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
@click.option(
    "--without", multiple=True, type=click.Choice(key_sets.ROLES), help="Kiosks shall believe no key of this role any more."
)
@folder_option
def keys_sign(root: Path, also: tuple[str, ...], without: tuple[str, ...], folder: Path) -> None:
    """Sign the next key set: the public halves of the keys in the folder, which joined kiosks follow from then on.

    A role whose key lies elsewhere keeps the keys of the set before; only --without ends it.

    To replace a key without a gap: move the old one away, make the new one, sign a set that names the old one too (--also), and
    sign one without it when every kiosk has followed.
    """
    found = {role: [] if role in without else _keys_of(folder, role) for role in key_sets.ROLES}
    for text in also:
        role, _, key = text.partition("=")
        if role not in key_sets.ROLES or role in without:
            raise keys.KeyFileError(f"{text}: write ROLE=KEY, ROLE one of {', '.join(key_sets.ROLES)}, and none of --without")
        found[role].append(messages.public_key_text(messages.public_key_from_text(key)))
    made = key_sets.sign(folder, keys.read(root, "root"), found, now())
    for role in key_sets.ROLES:
        click.echo(f"{role}: {' '.join(getattr(made, role)) or 'none'}")
    click.echo(f"key set {made.version} is signed by {made.root}")


def _keys_of(folder: Path, role: str) -> list[str]:
    """The public half of the key in the folder; where it lies elsewhere, what the set before says."""
    if keys.place(folder, role).exists():
        return [messages.public_key_text(keys.read(folder, role))]
    return list((key_sets.read(folder) or {}).get(role, ()))


@keys_group.command("update-root")
@click.option("--root", type=click.Path(path_type=Path), required=True, help="Folder of the root key, kept off every network.")
@click.option(
    "--before", type=click.Path(path_type=Path), help="Folder of a key that kiosks believe now, where it is neither of these."
)
@click.option("--days", type=click.IntRange(1, 7_300), default=3_650, show_default=True, help="Kiosks believe it for this long.")
@click.option("--anew", is_flag=True, help="The last root's key is lost: each kiosk has to be given the new update key by hand.")
@folder_option
def keys_update_root(root: Path, before: Path | None, days: int, anew: bool, folder: Path) -> None:
    """Sign the next root of releases: from it on the update key in the folder counts, and the root key alone says which comes next.

    Each release carries the whole chain to the kiosks. To replace an update key: move the old one away, make the new one, sign a
    root, sign and offer the releases anew. A new root key wants the old one's folder as --before.
    """
    believed = (*update_roots.keys_in(folder), *(update_roots.keys_in(before) if before else ()))
    update = keys.read(folder, "update").public_key()
    made = update_roots.sign(folder, keys.read(root, "root"), update, believed, now(), days, anew=anew)
    click.echo(f"root {made} of releases is signed; sign the releases that kiosks shall still take anew: daka-enterprise release")

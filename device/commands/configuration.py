"""`daka config`: every setting with its meaning, and a check of the file."""

from __future__ import annotations

import json

import click

from device import config, settings
from device.commands.context import Context, pass_context


@click.group("config")
def configuration() -> None:
    """Settings of this kiosk."""


@configuration.command("list")
@pass_context
def list_settings(context: Context) -> None:
    """Every setting: its value here, its default, its meaning and unit."""
    tree = context.config().model_dump()
    click.echo(f"{context.folder.config}{'' if context.folder.config.exists() else ' (absent: every default holds)'}")
    if context.folder.layer is not None:
        click.echo(f"{context.folder.layer} (what the web UI has set; what stands in the file above is root's and goes first)")
    if context.folder.enterprise.exists():
        click.echo(f"{context.folder.enterprise} (what joining has brought: [uplink], where no file above says otherwise)")
    section_shown = ""
    for name, default, meaning in config.settings():
        section, key = name.split(".")
        if section != section_shown:
            click.echo(f"\n[{section}]")
            section_shown = section
        value = tree[section][key]
        click.echo(f"{key} = {as_toml(value)}" + ("" if value == default else f"   (default {as_toml(default)})"))
        click.echo(f"    {name}: {meaning}")


def as_toml(value: str | bool | int | float) -> str:
    """A value as the file holds it."""
    return json.dumps(value, ensure_ascii=False)


@configuration.command("check")
@pass_context
def check(context: Context) -> None:
    """Read the file as the daemons would, and name what is wrong."""
    context.config()
    click.echo(f"{context.folder.config} is sound" if context.folder.config.exists() else "no file; every default holds")
    if context.folder.layer is not None:
        for name in settings.left_out(context.folder.config, context.folder.layer):
            click.echo(f"{name} in {context.folder.layer} does not count: it is root's, or this version does not know it so")

"""`daka config`: every setting with its meaning, and a check of the file."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from device import config
from device.commands.context import Context, pass_context


@click.group("config")
def configuration() -> None:
    """Settings of this kiosk."""


@configuration.command("list")
@pass_context
def list_settings(context: Context) -> None:
    """Every setting: its value here, its default, its meaning and unit."""
    tree = context.config().model_dump()
    table = Table("setting", "value", "default", "meaning", title=str(context.folder.config))
    for name, default, meaning in config.settings():
        section, key = name.split(".")
        table.add_row(name, repr(tree[section][key]), repr(default), meaning)
    Console().print(table)


@configuration.command("check")
@pass_context
def check(context: Context) -> None:
    """Read the file as the daemons would, and name what is wrong."""
    context.config()
    click.echo(f"{context.folder.config} is sound" if context.folder.config.exists() else "no file; every default holds")

"""Looking at what is stored."""

from __future__ import annotations

import click
from rich.console import Console

from enterprise import show
from enterprise.commands.shared import database_option, opened_database


@click.group("show")
def show_group() -> None:
    """Look at what is stored."""


@show_group.command("devices")
@database_option
def show_devices(database: str) -> None:
    """Trusted devices, their journals, and how far each is signed for."""
    _show(database, "devices", show.devices())


@show_group.command("punches")
@click.option("--most", default=50, show_default=True, help="How many.")
@database_option
def show_punches(most: int, database: str) -> None:
    """The latest punches."""
    _show(database, "punches", show.punches(most))


@show_group.command("parked")
@click.option("--most", default=50, show_default=True, help="How many.")
@database_option
def show_parked(most: int, database: str) -> None:
    """Records that this server could not use, and why."""
    _show(database, "parked", show.parked(most))


@show_group.command("alarms")
@click.option("--most", default=50, show_default=True, help="How many.")
@database_option
def show_alarms(most: int, database: str) -> None:
    """What a person must look at."""
    _show(database, "alarms", show.alarms(most))


def _show(database: str, title: str, query: show.Query) -> None:
    with opened_database(database) as opened, opened.reading() as connection:
        Console().print(show.table(connection, title, query))

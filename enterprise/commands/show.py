"""Looking at what is stored, and settling what a person has looked at."""

from __future__ import annotations

import click

from enterprise import alarms, show
from enterprise.commands.days import show_corrections, show_days
from enterprise.commands.shared import NUMBER, database_option, most_option, now, opened_database, print_table
from enterprise.errors import EnterpriseError


@click.group("show")
def show_group() -> None:
    """Look at what is stored."""


@show_group.command("devices")
@database_option
def show_devices(database: str) -> None:
    """Trusted devices, their journals, and how far each is signed for."""
    _show(database, "devices", show.devices())


@show_group.command("states")
@database_option
def show_states(database: str) -> None:
    """How each kiosk says that it is: online, what waits there, its clock, disk and versions."""
    _show(database, "states", show.states())


@show_group.command("health")
@database_option
def show_health(database: str) -> None:
    """What each kiosk says of its machine: temperature, power, speed, camera, restarts, and the alarms that go on."""
    with opened_database(database) as opened, opened.reading() as connection:
        print_table(show.drawn("health", show.HEALTH_HEADINGS, show.health(connection)))


@show_group.command("punches")
@most_option
@database_option
def show_punches(most: int, database: str) -> None:
    """The punches that came last, and what the office put right or added, at their real times, with whether each counts."""
    with opened_database(database) as opened, opened.reading() as connection:
        print_table(show.drawn("punches", show.PUNCH_HEADINGS, show.punches(connection, most)))


@show_group.command("times")
@database_option
def show_times(database: str) -> None:
    """Boots of kiosks that never heard the time: their punches have bounds, and a person must look at them."""
    with opened_database(database) as opened, opened.reading() as connection:
        print_table(show.drawn("times to review", show.REVIEW_HEADINGS, show.reviews(connection)))


@show_group.command("parked")
@most_option
@database_option
def show_parked(most: int, database: str) -> None:
    """Records that this server could not use, and why."""
    _show(database, "parked", show.parked(most))


@show_group.command("record")
@click.argument("device")
@click.argument("seq", type=NUMBER)
@click.option("--epoch", default="", help="Of this journal only.")
@database_option
def show_record(device: str, seq: int, epoch: str, database: str) -> None:
    """The exact text of record SEQ of DEVICE, usable or parked: what was hashed and signed."""
    with opened_database(database) as opened, opened.reading() as connection:
        found = connection.execute(show.record(device, seq, epoch)).all()
    if not found:
        raise EnterpriseError(f"{device} has no record {seq} here{f' in {epoch}' if epoch else ''}")
    for row in found:
        click.echo(f"{row.epoch} {row.hash}\n{row.body}")


@show_group.command("gaps")
@most_option
@database_option
def show_gaps(most: int, database: str) -> None:
    """Stretches of records that were never here and that their kiosk no longer keeps."""
    _show(database, "gaps", show.gaps(most))


@show_group.command("alarms")
@most_option
@click.option("--all", "every", is_flag=True, help="Also those that somebody has settled, by whom and why.")
@database_option
def show_alarms(most: int, every: bool, database: str) -> None:
    """What a person must look at: forks, gaps, cut journals, new journals, parked records, strangers."""
    _show(database, "alarms", show.alarms(most, every=every))


@click.command()
@click.argument("device")
@click.argument("kind")
@click.option("--seq", type=NUMBER, default=None, help="Only the alarm about this record.")
@click.option("--by", required=True, help="Who has looked at it.")
@click.option("--note", required=True, help="What was found, and what was done.")
@database_option
def settle(device: str, kind: str, seq: int | None, by: str, note: str, database: str) -> None:
    """Settle the alarms of this KIND of DEVICE. They stay on record, and are open again if they go on."""
    with opened_database(database) as opened, opened.transaction() as transaction:
        count = alarms.settle(transaction, device, kind, seq, by, note, now())
    click.echo(f"{count} settled")


show_group.add_command(show_days)
show_group.add_command(show_corrections)


def _show(database: str, title: str, query: show.Query) -> None:
    with opened_database(database) as opened, opened.reading() as connection:
        print_table(show.table(connection, title, query))

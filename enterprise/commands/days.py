"""`daka-enterprise show days`: who came and went when, across kiosks, with what a person should look at."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import click

from enterprise import attendance, show
from enterprise.commands.shared import database_option, most_option, now, opened_database, print_table
from enterprise.pairing import Rules

DAY = click.DateTime(["%Y-%m-%d"])


@click.command("days")
@click.option("--from", "since", type=DAY, default=None, help="First day, such as 2026-11-01; without it a week ago.")
@click.option("--to", "until", type=DAY, default=None, help="Last day; without it today.")
@click.option("--zone", envvar="DAKA_ENTERPRISE_ZONE", default="UTC", help="Of the place; else DAKA_ENTERPRISE_ZONE, else UTC.")
@click.option("--shifts", default="", help="Shifts as in attend.shifts; without it those of the kiosks' policy.")
@click.option("--holidays", default="", help="Holidays as in attend.holidays; without it those of the kiosks' policy.")
@click.option("--repeat-minutes", default=5, show_default=True, type=click.IntRange(0, 120), help="Closer punches are one.")
@click.option("--longest-hours", default=16, show_default=True, type=click.IntRange(1, 48), help="A longer stay is no stay.")
@click.option("--longest-break-hours", default=4, show_default=True, type=click.IntRange(1, 16), help="A longer break is a going.")
@click.option("--csv", "file", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write a CSV file instead.")
@database_option
def show_days(
    since: datetime | None,
    until: datetime | None,
    zone: str,
    shifts: str,
    holidays: str,
    repeat_minutes: int,
    longest_hours: int,
    longest_break_hours: int,
    file: Path | None,
    database: str,
) -> None:
    """Working days: punches of all kiosks paired, corrections followed, times corrected. Numbers and names are the roster's."""
    rules = Rules(timedelta(minutes=repeat_minutes), timedelta(hours=longest_hours), timedelta(hours=longest_break_hours))
    with opened_database(database) as opened, opened.reading() as connection:
        place = attendance.calendar(connection, zone, shifts, holidays)
        last = until.date() if until else place.day_of(now())
        first = since.date() if since else date.fromordinal(max(last.toordinal() - 7, 1))
        if first > last:
            raise attendance.AttendanceError(f"{first} is after {last}; --from names the first day, --to the last")
        rows = attendance.rows(connection, place, first, last, rules)
        left_out = attendance.unreadable(connection)
    for sentence in left_out:
        click.secho(sentence, fg="yellow", err=True)
    if file is not None:
        with file.open("w", encoding="utf-8-sig", newline="") as out:  # spreadsheets know UTF-8 by its mark
            count = attendance.write_csv(rows, place, out)
        click.echo(f"{count} working days are in {file}")
        return
    cells = (attendance.cells(row, place) for row in rows)
    print_table(show.drawn(f"working days from {first} to {last}, by the clock of {zone}", attendance.COLUMNS, cells))


@click.command("corrections")
@most_option
@database_option
def show_corrections(most: int, database: str) -> None:
    """Punches that were voided, corrected, added or disputed, newest first: by whom, and why."""
    with opened_database(database) as opened, opened.reading() as connection:
        found = attendance.amendments(connection, most)
    print_table(show.drawn("corrections", attendance.AMENDMENT_COLUMNS, found))

"""Templates: from one photograph, before the kiosk's camera, or from a table and a folder of photographs."""

from __future__ import annotations

import csv
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from device import api, photolist
from device.commands.context import Context, pass_context
from device.commands.office import operator
from device.commands.reach import office
from device.errors import DeviceError

WAIT_S = 5.0
POSES = {"forward": "look straight at the camera", "turn_left": "turn to your left", "turn_right": "turn to your right"}
table_type = click.Path(exists=True, dir_okay=False, path_type=Path)

vouched = click.option(
    "--look-alike-of", default="", metavar="NUMBER", help="Vouch that they are two people; both then need more than a face."
)


class NotEnrolled(DeviceError):
    """The sitting ended without a template."""


@click.command()
@click.argument("number")
@click.argument("photographs", nargs=-1, type=table_type)
@click.option("--at-kiosk", is_flag=True, help="Before the kiosk's camera: three poses, the screen says which.")
@vouched
@pass_context
def enrol(context: Context, number: str, photographs: tuple[Path, ...], at_kiosk: bool, look_alike_of: str) -> None:
    """Make templates of NUMBER from PHOTOGRAPHS (JPEG or PNG), which are looked at once and not kept, or --at-kiosk.

    All of the photographs make a template each, or none does.
    """
    if at_kiosk == bool(photographs):
        raise click.UsageError("name at least one photograph, or say --at-kiosk")
    if at_kiosk:
        templates = _sit(context, number, look_alike_of)
    else:
        with office(context) as desk:
            pictures = tuple(path.read_bytes() for path in photographs)
            templates = desk.enrol_several(number, pictures, operator(), look_alike_of).templates
    click.echo(f"{number} is enrolled, {templates} template(s)")


def _sit(context: Context, number: str, look_alike_of: str) -> int:
    """Guide one person through the poses; the number of templates. The daemon has the camera, so it has to run."""
    with api.AdminClient(context.folder.admin_socket) as kiosk:
        now = kiosk.begin_sitting(number, operator(), look_alike_of)
        try:
            said = ""
            while now.state == "sitting":
                sentence = f"{now.done} of {now.of}: {POSES.get(now.pose, now.pose)}" + (f" ({now.hint})" if now.hint else "")
                if sentence != said:
                    click.echo(sentence)
                said, now = sentence, kiosk.sitting(now.change, WAIT_S)
        except BaseException:
            kiosk.end_sitting()
            raise
    if now.state != "done":
        raise NotEnrolled(f"{number} is not enrolled: {now.why or 'the sitting was ended'}")
    return now.templates


@click.command("enrol-list")
@click.argument("table", type=table_type)
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Of the photographs; default: TABLE's."
)
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write what came of each person to this file (CSV)."
)
@pass_context
def enrol_list(context: Context, table: Path, folder: Path | None, report: Path | None) -> None:
    """Enrol everybody in TABLE, a CSV with the columns `number,photograph`; several rows of one number are several templates.

    Each person is enrolled whole or not at all; the others go on. Exit code 1 when somebody is not enrolled.
    """
    people = photolist.read(table, folder or table.parent)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    outcomes = []
    with office(context) as desk, Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("people", total=len(people))
        for outcome in photolist.enrol(people, desk, operator()):
            outcomes.append(outcome)
            progress.advance(task)
    if report is not None:
        _write(report, outcomes)
    refused = [outcome for outcome in outcomes if outcome.why]
    for outcome in refused:
        click.echo(f"{outcome.number}: {outcome.why}", err=True)
    click.echo(f"{len(outcomes) - len(refused)} of {len(outcomes)} people are enrolled")
    if refused:
        raise SystemExit(1)


def _write(report: Path, outcomes: list[photolist.Outcome]) -> None:
    try:
        with report.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("number", "photographs", "templates", "why_not"))
            rows.writerows((one.number, one.photographs, one.templates, one.why) for one in outcomes)
    except OSError as error:
        raise NotEnrolled(f"the people are done, but {report} could not be written ({error.strerror}); run it again") from error

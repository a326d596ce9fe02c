"""`daka doctor`: each thing that the kiosk needs, whether it is so, and what to do if it is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from device import api, checks, privacy, sandbox, selftest
from device.commands.context import Context, pass_context


@click.command()
@click.option(
    "--uplink", is_flag=True, help="Only the way to the server, to its signature; takes the uplink's connection for some seconds."
)
@click.option(
    "--privacy", "only_privacy", is_flag=True, help="Try, from inside each daemon's sandbox, what it must not be able to do."
)
@pass_context
def doctor(context: Context, uplink: bool, only_privacy: bool) -> None:
    """Check configuration, weights, keys, journal, disk, clock, camera and the way to the broker; exit code 1 if one fails."""
    if only_privacy:
        sys.exit(_show_privacy(sandbox.probe_all()))
    findings = tuple(_uplink(context)) if uplink else checks.all_of(context.folder, context.weights)
    table = Table("check", "", "finding", "remedy", title=str(context.folder.root))
    marks = {checks.Verdict.GOOD: "[green]good[/]", checks.Verdict.NOTE: "[yellow]note[/]", checks.Verdict.BAD: "[red]bad[/]"}
    for finding in findings:
        table.add_row(finding.check, marks[finding.verdict], escape(finding.sentence), escape(finding.remedy))
    Console().print(table)
    sys.exit(1 if any(finding.verdict is checks.Verdict.BAD for finding in findings) else 0)


def _uplink(context: Context) -> Iterator[checks.Finding]:
    settings = context.config()
    way = checks.way(settings.uplink, context.folder.uplink, settings.device.id)
    try:
        with api.UplinkClient(context.folder.uplink_socket) as kiosk:
            yield from selftest.whole(way, kiosk)
    except api.KioskAway as away:
        yield checks.Finding("kiosk daemon", checks.Verdict.BAD, str(away), "daka run; it signs the hello and checks the answer")


def _show_privacy(results: tuple[privacy.Result, ...]) -> int:
    """One row a try; 1 if anything was possible that must not be."""
    marks = {"refused": "[green]refused[/]", "absent": "[yellow]nothing there[/]", "possible": "[red]POSSIBLE[/]"}
    table = Table("daemon", "must not", "", "how", title="what the kernel refuses")
    for result in results:
        table.add_row(result.unit, escape(result.sentence), marks[result.outcome], escape(result.how))
    Console().print(table)
    return 1 if any(result.outcome == "possible" for result in results) else 0

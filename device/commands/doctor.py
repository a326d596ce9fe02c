"""`daka doctor`: each thing that the kiosk needs, whether it is so, and what to do if it is not."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from device import checks
from device.commands.context import Context, pass_context


@click.command()
@pass_context
def doctor(context: Context) -> None:
    """Check configuration, weights, keys, journal, disk, clock, camera and the way to the broker; exit code 1 if one fails."""
    findings = checks.all_of(context.folder, context.weights)
    table = Table("check", "", "finding", "remedy", title=str(context.folder.root))
    marks = {checks.Verdict.GOOD: "[green]good[/]", checks.Verdict.NOTE: "[yellow]note[/]", checks.Verdict.BAD: "[red]bad[/]"}
    for finding in findings:
        table.add_row(finding.check, marks[finding.verdict], escape(finding.sentence), escape(finding.remedy))
    Console().print(table)
    sys.exit(1 if any(finding.verdict is checks.Verdict.BAD for finding in findings) else 0)

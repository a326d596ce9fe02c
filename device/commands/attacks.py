"""`daka evaluate FOLDER --attacks`: how often the passive signs tell living people and attacks apart, as page, table or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from device import attention, liveness, sight, terms, walkins
from device.commands.context import Context
from models.evaluation import presentation
from models.evaluation.about import About
from models.evaluation.limits import Estimate
from models.evaluation.presentation import Outcome, Presentations, Row


def evaluate_attacks(context: Context, folder: Path, about: Callable[[sight.Sight], About]) -> tuple[Presentations, About]:
    """Plays every clip of the folder before the kiosk's own attention, gate and guard."""
    chosen, settings = walkins.clips(folder), context.config()
    eyes = sight.load(context.weights(), settings.recognition)
    chosen_limits = liveness.Limits(settings.liveness.live_from, settings.liveness.spoof_below)
    guard = liveness.Guard(eyes.antispoofing, chosen_limits, settings.liveness.min_face_px)
    instruments = walkins.Instruments(
        lambda: attention.Attention(eyes.detector, terms.effort(settings)),
        terms.gate(settings, eyes.landmarker),
        guard,
        max(settings.liveness.min_face_px, settings.recognition.min_face_px),
    )
    attempts, unreadable = [], 0
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("walk-ups", total=len(chosen))
        for attempt in walkins.judged(chosen, instruments):
            progress.advance(task)
            unreadable += attempt is None
            attempts += [] if attempt is None else [attempt]
    return presentation.counted(attempts, guard.level.value, unreadable, walkins.digest(chosen)), about(eyes)


def show(found: Presentations, about: About, *, as_json: bool) -> None:
    """A table for people, or one line for programs."""
    if as_json:
        click.echo(json.dumps(presentation.document(found, about), separators=(",", ":")))
        return
    table = Table("", "walk-ups", "accepted", "challenged", "refused", "no face", "wrong", caption="exact 95 % limits")
    for row in (*found.species, *([found.genuine] if found.genuine else [])):
        table.add_row(row.species or "living", *_numbers(row), _percent(row.wrong))
    console = Console()
    console.print(f"passive liveness at level {found.level}; {found.unreadable} files could not be read", highlight=False)
    console.print(table)
    for note in presentation.UNMEASURED:
        console.print(f"not measured: {note}", highlight=False)


def _numbers(row: Row) -> tuple[str, ...]:
    counts = row.counts
    accepted = counts[Outcome.LIVE] + counts[Outcome.NOT_ASSESSED]
    shown = (row.attempts, accepted, counts[Outcome.CHALLENGED], counts[Outcome.REFUSED], counts[Outcome.NOT_ACQUIRED])
    return tuple(f"{number}" for number in shown)


def _percent(rate: Estimate) -> str:
    return f"{rate.value:.1%}\n({rate.limits.low:.1%} to {rate.limits.high:.1%})" if rate.of else "–"

"""`daka evaluate --site`: what this site's own templates say about searching them, and how many people may be searched."""

from __future__ import annotations

import dataclasses
import json

import click
from rich.console import Console
from rich.table import Table

from device import api
from device.commands.context import Context
from device.commands.office import operator
from device.commands.reach import office


def evaluate_site(context: Context, *, as_json: bool) -> None:
    """Measure and show; the kiosk goes by the result from then on."""
    with office(context) as desk:
        found = desk.evaluate_site(operator())
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(found), separators=(",", ":")))
        return
    Console(markup=False, emoji=False).print(_table(found))
    for sentence in sentences(found):
        click.echo(sentence)


def _table(found: api.SiteEvaluated) -> Table:
    title = f"{found.people} people, {found.templates} templates, {found.pairs} pairs; in parentheses the upper 95 % limit"
    table = Table("cosine", "pairs matched", "strangers named", "taken for another", title=title)
    for at in found.rates:
        mistaken = _rate(at.mistaken, at.mistaken_high) if at.mistaken >= 0 else "not known"
        table.add_row(f"{at.threshold:.2f}", _rate(at.false_match, at.false_match_high), _rate(at.named, at.named_high), mistaken)
    return table


def sentences(found: api.SiteEvaluated) -> list[str]:
    """What it means for this site."""
    said = [
        "Each person played the stranger to all the others. Templates are not looks taken on another day: these are estimates "
        "for this site, no test of the models.",
        *(
            f"of strangers to {size} people drawn at random, {_rate(rate, high)} were named at the threshold in force"
            for size, rate, high in found.sizes
        ),
    ]
    if found.look_alikes:
        said.append(f"{found.look_alikes} pair(s) of people score above the 1:1 threshold; look at them, or have them use a badge.")
    if found.rates and all(at.mistaken < 0 for at in found.rates):
        said.append("Nobody has two templates, so how often somebody is taken for another person is not known.")
    share = f"{found.strangers_named:.1%} of strangers named"
    if found.searched:
        said.append(
            f"Up to {found.most_people} people may be searched at {share}; the kiosk does, from a cosine of {found.threshold:.3f}."
        )
    else:
        said.append(
            f"At most {found.most_people} people may be searched at {share}, and there are {found.people}: everybody says who they "
            "are first (number, badge, QR code), and the face is compared with that one person's template."
        )
    return said


def _rate(value: float, high: float) -> str:
    return f"{value:.2%} ({high:.2%})"

"""People, consent, enrolment and the walk along the chain."""

from __future__ import annotations

import csv
import getpass
import sys
from datetime import time, timedelta, tzinfo

import click
from rich.console import Console
from rich.table import Table

from device import api, messages, state
from device import consent as consents
from device.commands.context import Context, pass_context
from device.commands.reach import office

BASES = ("consent", "contract", "legal_duty")
PURPOSES = [purpose.value for purpose in consents.Purpose]


def operator() -> str:
    """Who gives this command, for the audit record."""
    return f"cli:{getpass.getuser()}"


@click.group()
def people() -> None:
    """Employees of this kiosk and their consent."""


FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a command
COLUMNS = ("number", "name", "group", "language", "consent", "templates", "other ways", "until")


@people.command("list")
@click.argument("text", default="")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, for a program or a spreadsheet.")
@pass_context
def list_people(context: Context, text: str, as_csv: bool) -> None:
    """Everybody, by employee number; with TEXT those whose number or name has it."""
    with office(context) as desk:
        found = [one for one in desk.people() if text.casefold() in f"{one.number}\n{one.name}".casefold()]
    zone = api.zone_of(context.config().device.time_zone)
    rows = [_row(person, zone) for person in found]
    if as_csv:
        csv.writer(sys.stdout).writerows([COLUMNS, *([_harmless(cell) for cell in row] for row in rows)])
        return
    table = Table(*COLUMNS, title=f"people: {len(found)}")
    table.columns[0].no_wrap = True  # whoever is looked for by number is found by it, however narrow the screen
    for row in rows:
        table.add_row(*row)
    Console(markup=False, emoji=False).print(table)


def _harmless(cell: str) -> str:
    """A name must never become a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _row(person: api.Person, zone: tzinfo) -> tuple[str, ...]:
    consent = "yes" if person.has_consent else "no"
    ways, until = _ways(person), _until(person.expires_at, zone)
    return (person.number, person.name, person.group, person.language, consent, str(person.templates), ways, until)


def _until(expires_at: str, zone: tzinfo) -> str:
    """The last day by the place's clock; the time where it is over before the day is."""
    if not expires_at:
        return ""
    ends = messages.read_time(expires_at).astimezone(zone)
    return f"{ends:%Y-%m-%d %H:%M}" if ends.time() != time() else f"{ends - timedelta(days=1):%Y-%m-%d}"


def _ways(person: api.Person) -> str:
    """What a person can clock in with besides a face."""
    has = {"PIN": person.has_pin, "badge": person.badges, "code": person.codes, "phone": person.has_phone}
    return ", ".join([*(name for name, given in has.items() if given), *(["may vouch"] if person.supervisor else [])])


@people.command("add")
@click.argument("number")
@click.argument("name")
@click.option("--language", type=click.Choice(consents.LANGUAGES), default="zh-CN", show_default=True)
@pass_context
def add(context: Context, number: str, name: str, language: str) -> None:
    """Add the employee NUMBER, shown on the screen as NAME."""
    with office(context) as desk:
        person = desk.add_person(number, name, language, operator())
    click.echo(f"{person.number} added as {person.person}; next: daka people consent {person.number}")


@people.command("consent")
@click.argument("number")
@click.option("--language", type=click.Choice(consents.LANGUAGES), default=None, help="Language that the text was read in.")
@click.option("--purpose", type=click.Choice(PURPOSES), default=PURPOSES[0], show_default=True, help="What is agreed to.")
@click.option("--basis", type=click.Choice(BASES), default="consent", show_default=True)
@click.option("--reference", default="", help="Which law or contract, where that is the basis.")
@click.option("--yes", is_flag=True, help="The person has read the text elsewhere and agreed; do not show it here.")
@pass_context
def give_consent(context: Context, number: str, language: str | None, purpose: str, basis: str, reference: str, yes: bool) -> None:
    """Show the consent text to the person NUMBER and record the answer."""
    with office(context) as desk:
        chosen = language or _language_of(desk.people(), number)
        text = next(one for one in desk.consent_texts(purpose) if one.language == chosen)
        if not yes:
            click.echo(text.words)
            click.confirm("Does the person agree", abort=True)
        desk.give_consent(number, chosen, basis, operator(), purpose, reference, text.sha256)
    next_step = f"daka enrol {number} PHOTOGRAPH" if purpose == PURPOSES[0] else f"daka card issue {number} PHOTOGRAPH --out FILE"
    click.echo(f"consent of {number} recorded; next: {next_step}")


@people.command("withdraw")
@click.argument("number")
@click.option("--purpose", type=click.Choice(PURPOSES), default=None, help="Only this; everything if not named.")
@pass_context
def withdraw(context: Context, number: str, purpose: str | None) -> None:
    """Take the consent of NUMBER back: the template is destroyed at once, the other ways to clock in stay."""
    with office(context) as desk:
        desk.withdraw_consent(number, operator(), purpose or "")
    click.echo(f"consent of {number} withdrawn; {'no template is left' if purpose != 'face_card' else 'no card opens any more'}")


@people.command("remove-face")
@click.argument("number")
@pass_context
def remove_face(context: Context, number: str) -> None:
    """The enrolled face of NUMBER goes, the consent stays: for whoever looks different now and is to be enrolled anew.

    Until then whoever knows their PIN could be enrolled in their place: do it while the person is with you. The other kiosks of the
    site give this face up with the next `daka site export` from here.
    """
    with office(context) as desk:
        desk.remove_face(number, operator())
    click.echo(f"the enrolled face of {number} is removed; next: daka enrol {number} PHOTOGRAPH, or daka enrol {number} --at-kiosk")


@click.command()
@pass_context
def verify(context: Context) -> None:
    """Walk the journal from its first kept record: hashes, predecessors, signatures and the server's cursor."""
    state.check_begun(context.folder)
    with office(context) as desk:
        found = desk.verify()
    click.echo(f"journal of {found.device}, epoch {found.epoch}: records {found.kept_from} to {found.seq} hold")
    click.echo(f"acknowledged by the server: {found.acknowledged}")
    click.echo(f"times of punches: {found.times_corrected} corrected, {found.times_to_review} for a person to review")
    click.echo(f"head {found.hash}")
    click.echo(f"this kiosk's key, for `daka-enterprise trust {found.device} KEY`: {found.public_key}")


def _language_of(everybody: tuple[api.Person, ...], number: str) -> str:
    return next((person.language for person in everybody if person.number == number), "zh-CN")

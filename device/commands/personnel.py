"""`daka people ...`: lists, PINs, badges, codes and phones."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from device import api
from device.commands.context import Context, pass_context
from device.commands.drawing import check_out, draw, fill, private
from device.commands.office import operator, people
from device.commands.reach import eraser, holdings, keeper, personnel, start_over

ENCODINGS = ("utf-8", "gb18030", "big5")


@people.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("--encoding", type=click.Choice(ENCODINGS), default="utf-8", show_default=True, help="How the file is written.")
@pass_context
def import_list(context: Context, file: Path, dry_run: bool, encoding: str) -> None:
    """Take over the employees in FILE (CSV): all of them, or none where a line is refused.

    Columns: number, name, and as wished language, group, expires, pin, badge (several with blanks), qr, supervisor.
    """
    try:
        text = file.read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not {encoding}; name its --encoding, or save it as UTF-8") from error
    with personnel(context) as desk:
        report = desk.import_list(text, operator(), dry_run=dry_run)
    show(report)
    if report.count("refuse"):
        raise click.ClickException(f"{report.count('refuse')} line(s) refused, so nothing was imported; mend them and try again")
    click.echo("nothing was changed: a dry run" if not report.applied else "imported; next: daka people list")


def show(report: api.ListReport) -> None:
    """The refused lines one by one, and before anything is done those that would change somebody; the others counted."""
    refused = [step for step in report.steps if step.act == "refuse"]
    if refused:
        table = Table("line", "number", "why", title="refused")
        for step in refused:
            table.add_row(str(step.line), step.number, step.why)
        Console(markup=False, emoji=False).print(table)
    if not report.applied and not refused:
        _show_changes([step for step in report.steps if step.changes])
    counted = ", ".join(f"{report.count(act)} {word}" for act, word in COUNTED)
    click.echo(counted)


def _show_changes(steps: list[api.ListStep]) -> None:
    if steps:
        table = Table("line", "number", "changes", title="will be changed")
        for step in steps:
            table.add_row(str(step.line), step.number, ", ".join(step.changes))
        Console(markup=False, emoji=False).print(table)


COUNTED = (("add", "new"), ("change", "changed"), ("same", "as before"), ("end", "ended"), ("refuse", "refused"))


@people.command("change")
@click.argument("number")
@click.option("--name", default="", help="As the screen shows it.")
@click.option("--language", default="", help="zh-CN, zh-TW or en.")
@click.option("--group", default="", help="- empties it.")
@click.option("--expires", default="", help="Last day (2026-12-31, by the clock of this place) or time with its zone; - for never.")
@click.option("--supervisor", type=click.Choice(["yes", "no"]), default=None, help="May vouch for others.")
@pass_context
def change(context: Context, number: str, name: str, language: str, group: str, expires: str, supervisor: str | None) -> None:
    """Change what is known of the person NUMBER."""
    with personnel(context) as desk:
        desk.change_person(number, name, language, group, expires, supervisor or "", operator())
    click.echo(f"{number} changed")


@people.command("pin")
@click.argument("number")
@click.option("--remove", is_flag=True, help="Take the PIN away.")
@click.option("--type-it", is_flag=True, help="Type a PIN instead of having one drawn.")
@pass_context
def pin(context: Context, number: str, remove: bool, type_it: bool) -> None:
    """Give NUMBER a PIN, to be changed at first use; what had been forgotten or guessed at is over with it."""
    chosen = click.prompt("PIN", hide_input=True, confirmation_prompt=True) if type_it and not remove else ""
    with personnel(context) as desk:
        if remove:
            desk.remove_pin(number, operator())
            click.echo(f"{number} has no PIN any more")
            return
        made = desk.set_pin(number, chosen, operator())
    said = "as typed" if chosen else made.pin
    click.echo(f"PIN of {number}: {said}; it has to be changed at first use")


@people.command("badge")
@click.argument("number")
@click.argument("text", required=False)
@click.option("--remove", is_flag=True, help="Take all badges of this person away.")
@pass_context
def badge(context: Context, number: str, text: str | None, remove: bool) -> None:
    """Give NUMBER the badge that reads TEXT (asked for if not given: hold the badge to a reader that types)."""
    with personnel(context) as desk:
        if remove:
            desk.remove_badges(number, operator())
            click.echo(f"{number} has no badge any more")
            return
        done = desk.add_badge(number, text or click.prompt("Badge"), operator())
    click.echo(f"{number} has {done.badges} badge(s)")


@people.command("code")
@click.argument("number")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The QR code to print: .svg or .png.")
@click.option("--remove", is_flag=True, help="Take the printed code away.")
@pass_context
def code(context: Context, number: str, out: Path | None, remove: bool) -> None:
    """A QR code to print for NUMBER; it says who somebody is, and a face or PIN completes it. Earlier ones are void."""
    if remove:
        with personnel(context) as desk:
            desk.remove_codes(number, operator())
        click.echo(f"{number} has no printed code any more")
        return
    target = _out(out)
    with private(target) as file, personnel(context) as desk:
        made = desk.new_code(number, operator())
        draw(made.code, file)
    click.echo(f"{target}: print it for {number} and delete the file")


@people.command("phone")
@click.argument("number")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="What the phone scans: .svg or .png.")
@click.option("--remove", is_flag=True, help="The phone was lost or is not wanted.")
@pass_context
def phone(context: Context, number: str, out: Path | None, remove: bool) -> None:
    """Let the phone of NUMBER show a code that changes every 30 s; an earlier phone's codes are void."""
    if remove:
        with personnel(context) as desk:
            desk.remove_phone(number, operator())
        click.echo(f"the phone of {number} shows nothing that counts any more")
        return
    target = _out(out)
    with private(target) as file, personnel(context) as desk:
        made = desk.new_phone(number, operator())
        draw(made.uri, file)
    click.echo(f"{target}: have the phone of {number} (id {made.phone}) scan it, then delete the file")


def _out(out: Path | None) -> Path:
    if out is None:
        raise click.UsageError("--out: name the file to draw into, .svg or .png")
    check_out(out)
    return out


@people.command("erase")
@click.argument("number")
@click.option("--reason", type=click.Choice(["asked", "left"]), default="asked", show_default=True, help="Why, for the receipt.")
@click.option("--yes", is_flag=True, help="Do not ask again.")
@pass_context
def erase(context: Context, number: str, reason: str, yes: bool) -> None:
    """Erase everything about NUMBER: name, consents, templates and keys, PIN, badges. Punches stay under an opaque id."""
    if not yes:
        click.confirm(f"Everything about {number} goes, and nothing brings it back. Erase", abort=True)
    with eraser(context) as desk:
        done = desk.erase(number, reason, operator())
    if done.remains:
        raise click.ClickException(
            f"{number} is erased from the databases (record {done.seq}), but traces stand in {', '.join(done.remains)}; delete them"
        )
    click.echo(
        f"{number} is erased, {done.templates} template(s) among it; {done.files} files were searched for {done.traces} traces"
    )
    click.echo(f"receipt: record {done.seq}, {done.hash}")


@people.command("export")
@click.argument("number")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file to hand to the person.")
@pass_context
def export(context: Context, number: str, out: Path) -> None:
    """Everything that this kiosk holds about NUMBER, as signed JSON that the person can keep."""
    with private(out) as file, holdings(context) as desk:
        made = desk.export(number, operator())
        fill(file, made.text.encode())
    click.echo(f"{out}: everything held about {number}, signed by this kiosk; hand it over and delete the file")


@people.command("purge")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@pass_context
def purge(context: Context, dry_run: bool) -> None:
    """Destroy templates and erase people whose time has passed, as [retention] says; the daemon does it by itself every hour."""
    with keeper(context) as desk:
        done = desk.purge(operator(), dry_run=dry_run)
    if done.why_not:
        click.echo(done.why_not)
        return
    table = Table("what", "number", "name", "since", title="too old")
    for item in done.items:
        table.add_row(WHAT[item.kind], item.number, item.name, item.since[:10])
    Console(markup=False, emoji=False).print(table)
    click.echo(f"{len(done.items)} {'purged' if done.applied else 'would be purged'}")


WHAT = {"template": "templates, not used", "unrenewed": "templates, a new text was not agreed to", "left": "everything, has left"}


@people.command("start-over")
@click.option("--yes", is_flag=True, help="Do not ask again.")
@pass_context
def start_again(context: Context, yes: bool) -> None:
    """The device key is lost for good: give up every template, PIN, badge and phone that it sealed; people and consents stay."""
    if not yes:
        click.confirm("Every template, PIN, badge and phone goes; restoring the key would keep them. Go on", abort=True)
    gone = start_over(context, operator())
    click.echo(f"{gone} template(s) and all PINs, badges and phones are given up; next: enrol people again, daka people pin NUMBER")


@people.command("readers")
def readers() -> None:
    """Devices here that could be a badge reader; name one as ways.badge_reader, best by its link below /dev/input/by-id."""
    from device import badges  # libevdev is not for every command

    found = badges.candidates()
    for one in found:
        click.echo(f"{one.path}  {one.name}")
    if not found:
        click.echo("no device with digits and Enter can be read here; plug the reader in, or run as a user of the group input")

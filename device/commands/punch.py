"""`daka punch`: the ways without a face from the keyboard, for whoever installs a kiosk or stands beside one that has no screen."""

from __future__ import annotations

import click

from device import api, messages
from device.commands.context import Context, pass_context

REASONS = [reason.value for reason in messages.Reason if reason]


@click.group()
def punch() -> None:
    """Clock in without a face, at the running kiosk: number and PIN, a code, a badge, or a supervisor who vouches."""


@punch.command("pin")
@click.argument("number")
@pass_context
def pin(context: Context, number: str) -> None:
    """The employee NUMBER types their PIN; one that was assigned is changed first."""
    with _kiosk(context) as kiosk:
        typed = _ask_pin()
        said = kiosk.pin(number, typed)
        if said.why == "pin_must_change":
            chosen = click.prompt("This PIN was assigned; the new one", hide_input=True, confirmation_prompt=True)
            changed = kiosk.change_pin(number, typed, chosen)
            said = kiosk.pin(number, chosen) if changed.outcome == "pin_changed" else changed
    _tell(context, said)


@punch.command("code")
@click.argument("text")
@pass_context
def code(context: Context, text: str) -> None:
    """A QR code that reads TEXT."""
    with _kiosk(context) as kiosk:
        _tell(context, _completed(kiosk, kiosk.code(text)))


@punch.command("badge")
@click.argument("text", required=False)
@pass_context
def badge(context: Context, text: str | None) -> None:
    """A badge that reads TEXT; asked for if not given, so that a reader can type it."""
    with _kiosk(context) as kiosk:
        _tell(context, _completed(kiosk, kiosk.badge(text or click.prompt("Badge", hide_input=True))))


@punch.command("assist")
@click.argument("number")
@click.option("--reason", type=click.Choice(REASONS), required=True, help="Why the employee cannot clock in themself.")
@pass_context
def assist(context: Context, number: str, reason: str) -> None:
    """A supervisor (badge, then PIN) vouches for the employee NUMBER; the record names them, and the employee sees it."""
    with _kiosk(context) as kiosk:
        first = kiosk.badge(click.prompt("Supervisor's badge", hide_input=True), punch=False)
        if first.outcome != "identified":
            _tell(context, first)
        _tell(context, kiosk.assist(first.ticket, _ask_pin("Supervisor's PIN"), number, reason))


def _kiosk(context: Context) -> api.PeopleClient:
    return api.PeopleClient(context.folder.admin_socket)


def _ask_pin(what: str = "PIN") -> str:
    typed: str = click.prompt(what, hide_input=True)
    return typed


def _completed(kiosk: api.PeopleClient, said: api.Decision) -> api.Decision:
    """What a PIN completes is completed; what only a face completes is waited for at the kiosk."""
    if said.outcome == "identified" and "pin" in said.complete_by:
        return kiosk.complete(said.ticket, _ask_pin())
    return said


def _tell(context: Context, said: api.Decision) -> None:
    if said.outcome == "punched":
        at = messages.read_time(said.at).astimezone(api.zone_of(context.config().device.time_zone))
        click.echo(f"{said.name}: {said.direction} at {at:%Y-%m-%d %H:%M:%S %z}, record {said.seq}, {said.hash}")
    elif said.outcome == "identified":
        click.echo(f"{said.name}: waiting {said.wait_s:.0f} s at the kiosk for {' or '.join(said.complete_by)}")
    else:
        waits = f"; the next try counts in {said.wait_s:.0f} s" if said.wait_s else ""
        raise click.ClickException(f"not clocked in: {said.why.replace('_', ' ')}{waits}")

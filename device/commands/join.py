"""`daka join` and `daka leave`: whose kiosk this is."""

from __future__ import annotations

from pathlib import Path

import click

from device import clock, desk, durable, join_client, joining, keys, kiosk, messages, sight, state, terms, timekeeping, trust
from device.commands.context import Context, pass_context
from device.commands.office import operator

WAIT_S = 3_600.0


@click.command()
@click.argument("invitation", required=False)
@click.option("--request", "request_file", type=click.Path(path_type=Path), default=None, help="Write the request to a file.")
@click.option("--answer", type=click.Path(exists=True, path_type=Path), default=None, help="The answer to it, from the enterprise.")
@click.option("--resume", is_flag=True, help="Go on waiting for the answer to the request that was made before.")
@click.option("--replace", is_flag=True, help="Leave another enterprise for this one: every template is destroyed first.")
@pass_context
def join(
    context: Context, invitation: str | None, request_file: Path | None, answer: Path | None, resume: bool, replace: bool
) -> None:
    """Join an enterprise with its INVITATION, a text or a file that holds it. The kiosk must not be running.

    The kiosk shows a code; a person at the enterprise compares it and confirms. Without a network the request goes by --request
    FILE and the answer comes by --answer FILE.
    """
    with state.locked(context.folder):
        if answer is not None:
            _become(context, joining.pending(context.folder), answer.read_bytes(), replace=replace)
            return
        invited = _invitation(context, invitation)
        _check_other(context, invited, replace=replace)
        if not invited.url and request_file is None:
            raise joining.JoinRefused("this invitation names no address: write the request to a file, with --request FILE")
        asked = joining.pending(context.folder) if resume else joining.request(context.folder, context.config().device.id, invited)
        click.echo(f"code {messages.join_code(asked)}: a person at the enterprise compares and confirms it")
        if request_file is not None:
            request_file.write_bytes(asked)
            click.echo(f"the request is in {request_file}; the answer comes back with: daka join --answer FILE")
            return
        with join_client.opened(invited) as enrolment:
            _become(context, asked, enrolment.wait(enrolment.ask(asked), WAIT_S), replace=replace)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def leave(context: Context, yes: bool) -> None:
    """Leave the enterprise: every template is destroyed, nothing is sent any more. The records that wait stay in the journal."""
    if not yes:
        click.confirm("Every template is destroyed, and records are sent nowhere any more. Leave", abort=True)
    with state.locked(context.folder):
        gone = _destroy_templates(context)
        joining.leave(context.folder)
    click.echo(f"left; {gone} people have no template any more")


def _invitation(context: Context, text: str | None) -> messages.Invitation:
    """From the argument, a file of that name, or the one that was used before."""
    kept = joining.place_of(context.folder).folder / "invitation"
    if text is None:
        if not kept.exists():
            raise joining.JoinRefused("an invitation is needed; at the enterprise: daka-enterprise join invite")
        text = kept.read_text(encoding="ascii")
    path = Path(text)
    if not text.startswith("daka-join:") and path.is_file():
        text = path.read_text(encoding="utf-8")
    found = messages.read_invitation(text)
    durable.keep(kept, messages.write_invitation(found).encode("ascii"))
    return found


def _check_other(context: Context, invited: messages.Invitation, *, replace: bool) -> None:
    member = trust.read(context.folder.enterprise)
    if member is not None and member.root != invited.root and not replace:
        raise joining.JoinRefused("this kiosk belongs to another enterprise; --replace leaves it and destroys every template first")


def _become(context: Context, asked: bytes, answer: bytes, *, replace: bool) -> None:
    root = messages.read_join_request(asked).root
    _check_other(context, messages.Invitation("", root, "", "", ""), replace=replace)
    messages.read_join_answer(answer, asked, root, keys.sealing_key(context.folder.keys))  # before anything is destroyed
    member = trust.read(context.folder.enterprise)
    if member is not None and member.root != root:
        click.echo(f"{_destroy_templates(context)} people have no template any more")
        joining.leave(context.folder)
    joined = joining.accept(context.folder, asked, answer)
    click.echo(f"this kiosk is {context.config().device.id} of the enterprise {joined.root}")


def _destroy_templates(context: Context) -> int:
    """Every consent is taken back, each with its record, and with it every template destroyed."""
    settings = context.config()
    time_source = timekeeping.Timekeeper(clock.SystemClock(), terms.time_limits(settings))
    files = kiosk.open_files(context.folder, settings.device.id, time_source, replace_damaged=False)
    office = desk.Desk(files.journal, files.directory, time_source, _no_eyes)
    agreed = [person for person in files.directory.list() if person.has_consent]
    for person in agreed:
        office.withdraw_consent(person.number, operator())
    files.directory.close()
    files.journal.close()
    return len(agreed)


def _no_eyes() -> sight.Sight:
    raise joining.JoinRefused("nobody is looked at while joining")

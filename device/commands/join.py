"""`daka join` and `daka leave`: whose kiosk this is."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from device import api, outlet
from device.commands.context import Context, pass_context
from device.commands.office import operator
from device.commands.reach import joining
from device.joining import JoinRefused
from device.messages import joining as words

if TYPE_CHECKING:
    from device.commands.joining_on_files import OnFiles

    Kiosk = api.JoinClient | OnFiles

WAIT_S = 3_600.0
LOOK_S = 0.5
AWAY_S = 60.0  # the kiosk daemon restarts with what came of it

PATIENT_S = 10.0
NO_KEY = "the uplink daemon makes no key; does it run? `daka run`, or systemctl status daka-uplink"


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
    """Join an enterprise with its INVITATION, a text or a file that holds it.

    The kiosk shows a code; a person at the enterprise compares it and confirms. Without a network the request goes by --request
    FILE and the answer comes by --answer FILE. On an appliance as root: sudo daka join.
    """
    with joining(context) as kiosk:
        before = kiosk.joining()
        if answer is not None:
            kiosk.join_answer(answer.read_bytes())
        elif invitation is not None:
            with _unpinned(context, kiosk):
                kiosk.join(_text(invitation), operator(), replace=replace, carried=request_file is not None)
        elif not (resume or request_file):
            raise JoinRefused("an invitation is needed; at the enterprise: daka-enterprise join invite")
        if request_file is not None:
            _write(kiosk, request_file)
            return
        _see_through(kiosk, before)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def leave(context: Context, yes: bool) -> None:
    """Leave the enterprise: every template is destroyed, nothing is sent any more, and the journal with what waits is put aside."""
    if not yes:
        click.confirm("Every template is destroyed, and records are sent nowhere any more. Leave", abort=True)
    with joining(context) as kiosk:
        with _unpinned(context, kiosk) as was_pinned:
            if was_pinned and _is_nobodys(kiosk.joining()):
                click.echo("this kiosk has joined no enterprise; whom it may reach is open again")
                return
            gone = kiosk.leave(operator()).people
        _wait_until_left(kiosk)
    click.echo(f"left; consents and templates of {gone} people are gone")


@contextmanager
def _unpinned(context: Context, kiosk: Kiosk) -> Iterator[bool]:
    """Root itself asks: whom this machine reaches is open again until the kiosk has joined; whether it was pinned.

    Where it comes to nothing it is pinned again, unless the kiosk belongs to nobody by then: that answer may only have been late.
    """
    path = context.folder.config.parent / outlet.PINNED
    held = None
    if context.folder.outlet is not None and os.geteuid() == 0:
        with suppress(outlet.OutletError):  # a damaged one is written anew
            held = outlet.pinned(path)
        path.unlink(missing_ok=True)
    try:
        yield held is not None
    except BaseException:
        if held is not None and not _has_left(kiosk):
            outlet.pin(path, held)
        raise


def _has_left(kiosk: Kiosk) -> bool:
    """Whether the kiosk says so; one that cannot be heard has not."""
    with suppress(api.KioskError):
        found = kiosk.joining()
        return found.stage == "settling" or _is_nobodys(found)
    return False


def _is_nobodys(found: api.Joining) -> bool:
    return found.stage == "none" and not found.member


def _text(invitation: str) -> str:
    """The argument, or what a file of that name holds."""
    path = Path(invitation)
    if not invitation.startswith(words.INVITATION_PREFIX) and path.is_file():
        return path.read_text(encoding="utf-8")
    return invitation


def _write(kiosk: Kiosk, path: Path) -> None:
    """The request for somebody to carry, once the uplink has made its key."""
    found = next((one for one in _standings(kiosk, AWAY_S) if one.code), None)
    if found is None:
        raise JoinRefused(NO_KEY)
    path.write_bytes(kiosk.join_request())
    _show(found)
    click.echo(f"the request is in {path}; the answer comes back with: daka join --answer FILE")


def _show(found: api.Joining) -> None:
    click.echo(f"code {found.code}: a person at the enterprise compares and confirms it")


def _see_through(kiosk: Kiosk, before: api.Joining) -> None:
    """Say what happens until the kiosk has joined; JoinRefused where it does not come to that."""
    told = _Told()
    for found in _standings(kiosk, WAIT_S):
        if found.stage == "failed":
            raise JoinRefused(found.why)
        if found.stage == "none" and found.member and found.since != before.since:
            click.echo(f"this kiosk is {found.device} of the enterprise {found.member}")
            return
        if found.stage == "none":
            raise JoinRefused("no request of this kiosk waits for an answer; begin with: daka join INVITATION")
        told.about(found)
    raise JoinRefused("nobody has confirmed the code; the kiosk goes on asking for a day: daka join --resume")


class _Told:
    """Says each thing once, and trouble only when it lasts: a way to the enterprise is opened a moment after it is asked for."""

    def __init__(self) -> None:
        self._began_s, self._said = time.monotonic(), set[str]()

    def about(self, found: api.Joining) -> None:
        """How it stands."""
        if found.code and found.code not in self._said:
            self._said.add(found.code)
            _show(found)
        trouble = found.why or (NO_KEY if found.stage == "key" else "")
        if trouble and trouble not in self._said and time.monotonic() - self._began_s > PATIENT_S:
            self._said.add(trouble)
            click.echo(f"{trouble}; it is tried again")


def _standings(kiosk: Kiosk, patience_s: float) -> Iterator[api.Joining]:
    """How it stands, again and again; the kiosk daemon restarts on the way."""
    deadline, heard_s = time.monotonic() + patience_s, time.monotonic()
    while time.monotonic() < deadline:
        try:
            found = kiosk.joining()
        except api.KioskAway:
            if time.monotonic() - heard_s > AWAY_S:
                raise
        else:
            heard_s = time.monotonic()
            yield found
        time.sleep(LOOK_S)


def _wait_until_left(kiosk: Kiosk) -> None:
    if not any(_is_nobodys(found) for found in _standings(kiosk, AWAY_S)):
        raise JoinRefused("the kiosk daemon has not started anew yet; it leaves when it does")

"""`daka lock`: contract locks of this kiosk, from its own command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.table import Table

from device.api.bridge import DONE, FAILED, STILL, LockJob
from device.api.locks import LocksClient, LockVisit
from device.commands.context import Context, pass_context
from device.commands.office import operator

WAIT_S = 20.0
STAGES = {
    "verify": "the person is waited for: {missing}",
    "connecting": "the lock is called",
    "asking_server": "the server is asked for its word",
    "press": "press the button at the lock, {seconds} s",
    "reading_log": "the lock's log is read",
    "pairing": "pairing",
}


@contextmanager
def client(context: Context) -> Iterator[LocksClient]:
    """The running kiosk daemon; locks cannot be spoken to without it."""
    with LocksClient(context.folder.admin_socket) as found:
        yield found


@click.group("lock")
def lock() -> None:
    """Contract locks: pair, test, stamp, read their logs. The bridge must run (lock.enabled)."""


@lock.command("show")
@pass_context
def show(context: Context) -> None:
    """Bluetooth, the locks of this kiosk, and those that the enterprise has enrolled here."""
    with client(context) as desk:
        found = desk.here()
    if found.away or found.bridge.bluetooth:
        click.secho(found.away or found.bridge.bluetooth, fg="red")
    table = Table("lock", "name", "address", "battery", "firmware", "events", "clock", "seen", "trouble", title="locks")
    for one in found.bridge.locks:
        state = (f"{one.battery} %", one.firmware, str(one.events), one.clock, one.seen_at)
        table.add_row(one.lock, one.name, one.address, *state, "tampered" if one.tampered else one.trouble)
    Console(markup=False, emoji=False).print(table)
    click.echo(f"enrolled here: {', '.join(found.enrolled) or 'none'}")


@lock.command("key")
@pass_context
def key(context: Context) -> None:
    """This kiosk's grant-use key, for `daka-enterprise lock enrol LOCK KIOSK KEY`."""
    with client(context) as desk:
        click.echo(desk.key())


@lock.command("heard")
@pass_context
def heard(context: Context) -> None:
    """Locks that advertise nearby."""
    with client(context) as desk:
        for one in desk.heard():
            click.echo(f"{one.address}  {one.signal_dbm} dBm  {one.name}  {one.lock or 'not paired here'}")


@lock.command("pair")
@click.argument("name", metavar="LOCK")
@click.argument("address")
@pass_context
def pair(context: Context, name: str, address: str) -> None:
    """Pair with LOCK at ADDRESS; somebody at the lock compares the number with the one shown here."""
    with client(context) as desk:
        job = desk.pair(name, address, operator())
        while job.state == STILL:
            job = desk.job(job.id, job.change, WAIT_S)
            if job.stage == "compare" and job.number:
                job = desk.compare(job.id, click.confirm(f"{job.number}: does the lock show the same number"))
        _finish(job)


@lock.command("do")
@click.argument("name", metavar="LOCK")
@click.argument("work", type=click.Choice(["test", "log", "identify", "remove"]))
@pass_context
def do(context: Context, name: str, work: str) -> None:
    """Test LOCK, read its log, let it light up, or remove it from this kiosk."""
    _work(context, name, work, "")


@lock.command("rename")
@click.argument("name", metavar="LOCK")
@click.argument("new")
@pass_context
def rename(context: Context, name: str, new: str) -> None:
    """Call LOCK NEW from now on."""
    _work(context, name, "rename", new)


@lock.command("approvals")
@pass_context
def approvals(context: Context) -> None:
    """What may be stamped here now."""
    with client(context) as desk:
        found = desk.approvals()
    table = Table("grant", "lock", "what", "stamps left", "proof", "until", title="approvals")
    for one in found:
        table.add_row(one.grant, one.lock, one.label, f"{one.stamps - one.used} of {one.stamps}", one.factors, one.expires_at)
    Console(markup=False, emoji=False).print(table)


@lock.command("stamp")
@click.argument("grant")
@pass_context
def stamp(context: Context, grant: str) -> None:
    """One stamp under GRANT: its person comes before the camera, then presses at the lock."""
    with client(context) as desk:
        visit = desk.visit(grant)
        said = ""
        while visit.stage not in (DONE, FAILED):
            sentence = _sentence(visit)
            if sentence != said:
                said = sentence
                click.echo(said)
            visit = desk.progress(visit.ticket, visit.change, WAIT_S)
    click.secho(visit.sentence or visit.why, fg="green" if visit.stage == DONE else "red")
    sys.exit(0 if visit.stage == DONE else 1)


def _work(context: Context, name: str, work: str, argument: str) -> None:
    with client(context) as desk:
        job = desk.begin(name, work, argument, operator())
        while job.state == STILL:
            job = desk.job(job.id, job.change, WAIT_S)
    _finish(job)


def _finish(job: LockJob) -> None:
    click.secho(job.sentence, fg="green" if job.state == DONE else "red")
    sys.exit(0 if job.state == DONE else 1)


def _sentence(visit: LockVisit) -> str:
    finger = ", with the finger on it" if visit.factor and visit.stage == "press" else ""
    return STAGES.get(visit.stage, visit.stage).format(missing=visit.missing, seconds=visit.seconds) + finger

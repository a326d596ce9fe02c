"""`daka update`: take a signed release, see what came of it, go back. Run by root, or by daka-update.service."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from device import api, clock, release_files, release_roots, updates, upgrades
from device.commands import update_gate, update_key
from device.commands.context import Context, pass_context
from device.commands.office import operator
from device.screen import outputs
from device.sentences import say

VERSIONS = Path("/opt/daka/versions")
CURRENT = Path("/opt/daka/current")
FOLDER = Path("/var/lib/daka-update")
FETCHED = Path("/var/lib/daka-uplink/updates")
BROUGHT = Path("/var/lib/daka/updates")
SOCKETS = Path("/run/daka")
PUBLISHED = SOCKETS / "update.json"
GONE = ".gone-"  # what is being removed: no version of that name is ever started
INNER = frozenset({"wants", "stood", "saw", "mark", "held", "held_at", "runs"})  # of a standing: nobody else's affair


@click.group()
def update() -> None:
    """Releases: take one, see what came of it, go back."""


update.add_command(update_key.update_key)
update.add_command(update_gate.gate)


@update.command("apply")
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--older", is_flag=True, help="Take it even if it is older than what runs; never below the floor.")
@update_gate.patience_option
def apply(archive: Path, patience: int, *, older: bool) -> None:
    """Verify ARCHIVE (its signature lies beside it), install it beside what runs, switch, and go back where it does not hold."""
    with _alone(patience) as updater, _own_copy(archive) as copy:
        standing = updater.apply(_release(updater, copy), older=older)
    click.echo(f"{standing.version} runs and holds; {standing.before} stays beside it")


@contextlib.contextmanager
def _alone(patience_s: int) -> Iterator[updates.Updater]:
    """For whoever takes a release; what was being tried by somebody who was ended is settled first. UnderWay."""
    updater = _updater(patience_s)
    with updates.alone(FOLDER):
        updater.settle()
        yield updater


@contextlib.contextmanager
def _own_copy(archive: Path) -> Iterator[Path]:
    """A copy of root's own, which goes whatever comes of it."""
    try:
        yield updates.taken_in(archive, FOLDER / "archive")
    finally:
        shutil.rmtree(FOLDER / "archive", ignore_errors=True)


def _release(updater: updates.Updater, copy: Path) -> updates.Release:
    """What the copy is, once its signature holds and it fits this machine."""
    now = clock.SystemClock().now()
    trusted = now.at if now.quality is clock.Quality.SYNCED else None
    release = updates.verified(copy, update_key.roots(), updater.standing.floor, trusted)
    _fits(release)
    return release


def _waits_for() -> str:
    """Why nothing may be installed now, as the kiosk daemon sees it; without its word nothing is."""
    try:
        with api.AdminClient(SOCKETS / api.ADMIN_SOCKET) as client:
            return client.upgrades().waits_for
    except api.KioskError as error:
        return f"the kiosk daemon does not say whether somebody is there ({error}); by hand: sudo daka update apply"


@update.command("take")
@click.option(
    "--from",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    default=(BROUGHT, FETCHED),
    show_default=True,
    help="What an administrator brought, and what the uplink fetched.",
)
@update_gate.patience_option
def take(folders: tuple[Path, ...], patience: int) -> None:
    """Apply what was fetched or brought, if it is time for maintenance and nobody stands at the kiosk; run by a timer."""
    with _alone(patience) as updater:
        if not (found := _waiting(folders)):
            click.echo("nothing has been fetched")
            return
        _asks_for_a_key(updater)
        if waits := _waits_for():
            click.echo(f"{found[0].name} waits: {waits}")
        elif standing := _first_taken(updater, folders):
            click.echo(f"{standing.version} runs and holds; {standing.before} stays beside it")
        else:
            click.echo(f"{found[0].name} was tried already: {updater.standing.outcome}; whoever brought it takes it away")


def _first_taken(updater: updates.Updater, folders: tuple[Path, ...]) -> updates.Standing | None:
    """One of each folder a round: fresh junk in one keeps the release in the other from nobody. None: all were tried."""
    refused: updates.UpdateRefused | None = None
    for folder in folders:
        if archive := _next(updater, _waiting((folder,))):
            try:
                return _taken(updater, archive)
            except updates.UpdateRefused as error:
                click.echo(f"{archive}: {error}", err=True)
                refused = error
    if refused:
        raise refused
    return None


def _asks_for_a_key(updater: updates.Updater) -> None:
    """Before anything is copied, at any time of day: UpdateNotNow, said where updates are, while there is no key to verify by."""
    try:
        update_key.roots().newest()
    except (updates.UpdateNotNow, release_roots.RootsUnreadable) as error:
        updater.wait(str(error))
        raise updates.UpdateNotNow(str(error)) from error
    updater.wait("")


def _waiting(folders: tuple[Path, ...]) -> list[Path]:
    """The archives whose signature lies beside them."""
    found = [path for folder in folders for path in sorted(folder.glob(f"*{updates.METADATA_SUFFIX}"))]
    return [path.with_name(path.name.removesuffix(updates.METADATA_SUFFIX)) for path in found]


def _next(updater: updates.Updater, found: list[Path]) -> Path | None:
    """The first that is to be tried now, by its bytes: whoever brought it may have given it any name and time.

    What cannot even be read comes last: it keeps nothing else out.
    """
    standing, now = updater.standing, datetime.now(UTC)
    readable_first = sorted(found, key=lambda one: not release_files.mark(one))
    return next((one for one in readable_first if not standing.is_done_with(release_files.mark(one), now)), None)


def _taken(updater: updates.Updater, archive: Path) -> updates.Standing:
    """Applied; what is refused or fails before the switch is written down, the latter only until the next night."""
    before, copied = updater.standing, ""
    try:
        with _own_copy(archive) as copy:
            copied = release_files.mark(copy)
            return updater.apply(_release(updater, copy), waits_for=_waits_for)
    except updates.UpdateNotNow as error:
        updater.wait(str(error))
        raise
    except (updates.UpdateRefused, updates.UpdateFailed) as error:
        if updater.standing == before:  # else what came of it is written down already
            updater.refuse(archive.name, copied, str(error), for_good=isinstance(error, updates.UpdateRefused))
        raise


@update.command("check")
@pass_context
def check(context: Context) -> None:
    """Ask the enterprise now what it offers, instead of at the next daily check."""
    with api.AdminClient(context.folder.admin_socket) as client:
        client.ask_for_upgrades(operator())
    click.echo("asked for; within a minute `daka update status` says what came of it")


@update.command("status")
@pass_context
def status(context: Context) -> None:
    """What runs, what was tried last, what the enterprise offers, and what an upgrade check has said or would say."""
    standing = upgrades.standing(PUBLISHED)
    click.echo(f"running {_running()}; last try: {standing.outcome} {standing.version} {standing.why}".rstrip())
    try:
        with api.AdminClient(context.folder.admin_socket) as client:
            found = client.upgrades()
    except api.KioskError as error:
        click.echo(f"offers are not known: {error}")
        return
    told = found.told
    click.echo(f"upgrade check: {'on' if found.check else 'off'}, to {found.address or 'nobody: this kiosk has not joined'}")
    if told.sent:
        click.echo(f"sent at {told.at} to {told.to}: {told.sent}")
    click.echo(f"would send: {found.would_send}")
    click.echo(f"offer: {told.outcome} {told.version} {told.got}/{told.length} bytes {told.why}".rstrip())
    click.echo(f"installing waits for: {standing.waits or found.waits_for or 'nothing'}")


@update.command("settle")
def settle() -> None:
    """After a start of the machine: look at what was being tried when the power went."""
    _look(updates.Updater.settle)


@update.command("fell")
@click.argument("unit")
def fell(unit: str) -> None:
    """A daemon failed again and again: a version that is still new goes."""
    _look(lambda updater: updater.fell(unit))


@update.command("falls")
def falls() -> None:
    """A daemon has ended unasked: where one does so again and again, however slowly, a version that is still new goes."""
    _look(lambda updater: updater.look_for_falls(SOCKETS / "ended"))


def _look(at: Callable[[updates.Updater], updates.Standing]) -> None:
    """Unless somebody is at it just now: whoever tries a version looks at it, too."""
    updater = _updater()
    try:
        with updates.alone(FOLDER):
            click.echo(at(updater).outcome)
    except updates.UnderWay as error:
        click.echo(str(error))


def _updater(patience_s: int = update_gate.PATIENCE_S) -> updates.Updater:
    if os.geteuid() != 0:
        raise updates.UpdateRefused("updates change the machine, which only root may; run: sudo daka update ...")
    machine = Appliance(patience_s)
    hands = updates.Hands(
        _running, _stage, machine.activate, machine.holds, lambda: datetime.now(UTC), _keep, _stands, outputs.is_connected
    )
    return updates.Updater(FOLDER, hands, _publish)


def _publish(standing: updates.Standing) -> None:
    """For the kiosk daemon, which may not look into root's folder; a folder of sockets that is not there needs none."""
    shown = {name: value for name, value in asdict(standing).items() if name not in INNER}
    with contextlib.suppress(OSError):
        draft = PUBLISHED.with_suffix(".new")
        draft.write_text(json.dumps(shown), encoding="utf-8")
        draft.chmod(0o644)
        draft.replace(PUBLISHED)


def _fits(release: updates.Release) -> None:
    if release.arch != os.uname().machine:
        raise updates.UpdateRefused(say("update.arch", arch=release.arch, machine=os.uname().machine))
    if shutil.which(f"python{release.python}") is None:
        raise updates.UpdateRefused(say("update.python", python=release.python))


def _running() -> str:
    return CURRENT.resolve().name


def _stage(folder: Path) -> None:
    _run(str(folder / "install.sh"), "--stage")


def _keep(versions: frozenset[str]) -> None:
    """Only these lie beside the one that runs. Renamed before it is removed: a power cut leaves no half version under its name."""
    try:
        for path in VERSIONS.iterdir():
            if path.name not in versions and path.resolve() != CURRENT.resolve():
                gone = path if path.name.startswith(GONE) else path.rename(path.with_name(GONE + path.name))
                shutil.rmtree(gone, ignore_errors=True)
    except OSError as error:  # no reason to go back: the next update tries it again
        click.echo(f"old versions could not be removed: {error}", err=True)


class Appliance:
    """This machine, as far as a switch concerns it: the link, the units, and the gate."""

    def __init__(self, patience_s: int) -> None:
        self._patience_s = patience_s

    def activate(self, version: str) -> None:
        """Run `version` from now on."""
        script = VERSIONS / version / "share" / "daka" / "activate.sh"
        if not script.exists():
            raise updates.UpdateFailed(say("update.not_installed", version=version))
        for one in (signal.SIGHUP, signal.SIGINT):  # what was switched is looked at, and goes where it does not hold
            signal.signal(one, signal.SIG_IGN)
        _run(str(script))

    def holds(self, version: str, stood: int, saw: bool) -> None:
        """Asked of the new version's own command, which knows best how to speak to its daemons; its boot record is the write."""
        asked = ("--after", str(stood), "--patience", str(self._patience_s), *(() if saw else ("--blind",)))
        _run(str(VERSIONS / version / "bin" / "daka"), "update", "gate", *asked)


def _stands() -> updates.Before:
    """As the kiosk daemon says; where it does not, everything is asked of the new version."""
    try:
        with api.AdminClient(SOCKETS / api.ADMIN_SOCKET) as client:
            found = client.status()
    except api.KioskError:
        return updates.Before()
    return updates.Before(found.last, found.camera_state in update_gate.WATCHES, found.trouble)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise updates.UpdateFailed(said[-1] if said else f"{command[0]} answered {done.returncode}")

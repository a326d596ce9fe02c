"""Reaching the kiosk: the running daemon, or its files while nobody has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device import api, clock, desired, desk, erasure, keys, kiosk, messages, post, sight, state, terms, timekeeping
from device.commands.context import Context
from device.commands.joining_on_files import OnFiles
from device.config import Config
from device.consenting import ConsentOffice
from device.holdings import Holdings
from device.journal import Journal
from device.people import Directory
from device.personnel import Personnel
from device.retention import Retention
from device.site import Site


@dataclass(frozen=True, slots=True)
class Opened:
    """The files of a kiosk whose daemon is down; nobody holds a gallery that would have to be told of changes."""

    context: Context
    settings: Config
    journal: Journal
    directory: Directory
    clock: timekeeping.Timekeeper

    def append(self, body: messages.Body) -> object:
        """A record of now."""
        return self.journal.append(body, self.clock.now())

    def eraser(self) -> erasure.Eraser:
        """The one place where people end."""
        return erasure.Eraser(self.journal, self.directory, self.clock, self.context.folder.root)


def office(context: Context) -> AbstractContextManager[api.Office]:
    """The running daemon, or the files themselves under the daemon's lock."""
    return _reached(context, _desk, api.AdminClient)


def carrier(context: Context) -> AbstractContextManager[api.Carrier]:
    """The same for records that are carried by hand."""
    return _reached(context, lambda at: post.Post(at.journal, at.settings, at.clock, context.folder.root), api.AdminClient)


def joining(context: Context) -> AbstractContextManager[OnFiles | api.JoinClient]:
    """The same for joining and leaving."""
    return _reached(context, lambda at: OnFiles(context.folder, at.settings.device.id, _desk(at), at.append), api.JoinClient)


def personnel(context: Context) -> AbstractContextManager[api.Personnel]:
    """The same for the directory and its credentials."""
    return _reached(context, _personnel, api.PeopleClient)


def eraser(context: Context) -> AbstractContextManager[api.Eraser]:
    """The same for erasure."""
    return _reached(context, Opened.eraser, api.PeopleClient)


def keeper(context: Context) -> AbstractContextManager[api.Keeper]:
    """The same for retention."""
    return _reached(context, _retention, api.PeopleClient)


def holdings(context: Context) -> AbstractContextManager[api.Holdings]:
    """The same for what is held about a person."""
    return _reached(context, lambda at: Holdings(at.journal, at.directory, at.clock), api.HoldingsClient)


def site(context: Context) -> AbstractContextManager[api.Site]:
    """The same for the other kiosks of the site."""
    return _reached(context, _site, api.SiteClient)


def start_over(context: Context, by: str) -> int:
    """Give up what a lost device key sealed; the daemon must be stopped. Says how many templates went."""
    with state.locked(context.folder):
        at = _open(context, check_key=False)
        at.journal.append(messages.Audit("device_key_given_up", by), at.clock.now())
        gone = at.directory.start_over()
        at.directory.check_device_key()
        context.folder.keys_copied.unlink(missing_ok=True)  # a copy that somebody has is of the lost one
        return gone


@contextmanager
def _reached(context: Context, on_files: Callable[[Opened], Any], client: Callable[[Path], Any]) -> Iterator[Any]:
    try:
        with state.locked(context.folder):
            yield on_files(_open(context))
    except state.StateBusy:
        with client(context.folder.admin_socket) as asked:
            yield asked


def _open(context: Context, *, check_key: bool = True) -> Opened:
    settings = context.config()
    time_source = timekeeping.Timekeeper(clock.SystemClock(), terms.time_limits(settings))
    files = kiosk.open_files(
        context.folder,
        settings.device.id,
        time_source,
        replace_damaged=False,
        check_key=check_key,
        may_be_locked=check_key and terms.may_be_locked(settings),
    )
    time_source.resume(files.journal.anchors(time_source.now().boot_id), files.journal.append)
    return Opened(context, settings, files.journal, files.directory, time_source)


def _desk(at: Opened) -> desk.Desk:
    chosen = at.settings
    return desk.Desk(
        at.journal,
        at.directory,
        at.clock,
        lambda: sight.load(at.context.weights(), chosen.recognition),
        terms.promise(chosen),
        chosen.people.other_kiosks(),
    )


def _personnel(at: Opened) -> Personnel:
    return Personnel(at.journal, at.directory, at.clock, api.zone_of(at.settings.device.time_zone))


def _retention(at: Opened) -> Retention:
    return Retention(at.journal, at.directory, at.eraser(), at.clock, lambda person: None, lambda: at.settings.retention)


def _site(at: Opened) -> Site:
    consents = ConsentOffice(at.journal, at.directory, at.clock, lambda person: None)
    folder = at.context.folder
    return Site(at.journal, at.directory, at.eraser(), at.clock, keys.sealing_key(folder.keys), consents, lambda: _aliases(folder))


def _aliases(folder: state.Folder) -> Mapping[str, str]:
    kept = desired.Kept(folder.desired)
    try:
        return kept.aliases()
    finally:
        kept.close()

"""Reaching the kiosk: the running daemon, or its files while nobody has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from device import api, state
from device.commands.context import Context

if TYPE_CHECKING:
    from device.commands.joining_on_files import OnFiles
    from device.commands.on_files import Opened


def office(context: Context) -> AbstractContextManager[api.Office]:
    """The running daemon, or the files themselves under the daemon's lock."""
    return _reached(context, lambda at: at.office(), api.AdminClient)


def carrier(context: Context) -> AbstractContextManager[api.Carrier]:
    """The same for records that are carried by hand."""
    return _reached(context, lambda at: at.carrier(), api.AdminClient)


def joining(context: Context) -> AbstractContextManager[OnFiles | api.JoinClient]:
    """The same for joining and leaving."""
    return _reached(context, lambda at: at.joining(), api.JoinClient)


def personnel(context: Context) -> AbstractContextManager[api.Personnel]:
    """The same for the directory and its credentials."""
    return _reached(context, lambda at: at.personnel(), api.PeopleClient)


def eraser(context: Context) -> AbstractContextManager[api.Eraser]:
    """The same for erasure."""
    return _reached(context, lambda at: at.eraser(), api.PeopleClient)


def keeper(context: Context) -> AbstractContextManager[api.Keeper]:
    """The same for retention."""
    return _reached(context, lambda at: at.keeper(), api.PeopleClient)


def holdings(context: Context) -> AbstractContextManager[api.Holdings]:
    """The same for what is held about a person."""
    return _reached(context, lambda at: at.holdings(), api.HoldingsClient)


def site(context: Context) -> AbstractContextManager[api.Site]:
    """The same for the other kiosks of the site."""
    return _reached(context, lambda at: at.site(), api.SiteClient)


def start_over(context: Context, by: str) -> int:
    """Give up what a lost device key sealed; the daemon must be stopped. Says how many templates went."""
    from device.commands import on_files

    return on_files.start_over(context, by)


@contextmanager
def _reached(context: Context, on_files: Callable[[Opened], Any], client: Callable[[Path], Any]) -> Iterator[Any]:
    try:
        with state.locked(context.folder):
            from device.commands.on_files import opened  # models and camera: nothing for whoever asks the daemon

            yield on_files(opened(context))
    except state.StateBusy:
        with client(context.folder.admin_socket) as asked:
            yield asked

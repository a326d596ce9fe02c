"""Reaching the kiosk: the running daemon, or its files while nobody has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from device import api, clock, desk, erasure, keys, kiosk, messages, post, sight, state, timekeeping
from device.commands.context import Context
from device.consenting import ConsentOffice
from device.holdings import Holdings as Held
from device.personnel import Personnel as Office
from device.retention import Retention
from device.site import Site as Among


@contextmanager
def office(context: Context) -> Iterator[api.Office]:
    """The running daemon, or the files themselves under the daemon's lock."""
    try:
        with state.locked(context.folder):
            yield _files(context)
    except state.StateBusy:
        with api.AdminClient(context.folder.admin_socket) as client:
            yield client


@contextmanager
def carrier(context: Context) -> Iterator[api.Carrier]:
    """The same for records that are carried by hand."""
    try:
        with state.locked(context.folder):
            files, time_source = _open(context)
            yield post.Post(files.journal, context.config(), time_source, context.folder.root)
    except state.StateBusy:
        with api.AdminClient(context.folder.admin_socket) as client:
            yield client


@contextmanager
def personnel(context: Context) -> Iterator[api.Personnel]:
    """The same for the directory and its credentials."""
    try:
        with state.locked(context.folder):
            files, time_source = _open(context)
            yield Office(files.journal, files.directory, time_source)
    except state.StateBusy:
        with api.PeopleClient(context.folder.admin_socket) as client:
            yield client


@contextmanager
def eraser(context: Context) -> Iterator[api.Eraser]:
    """The same for erasure."""
    try:
        with state.locked(context.folder):
            files, time_source = _open(context)
            yield erasure.Eraser(files.journal, files.directory, time_source, context.folder.root)
    except state.StateBusy:
        with api.PeopleClient(context.folder.admin_socket) as client:
            yield client


@contextmanager
def site(context: Context) -> Iterator[api.Site]:
    """The same for the other kiosks of the site."""
    try:
        with state.locked(context.folder):
            files, time_source = _open(context)
            ends = erasure.Eraser(files.journal, files.directory, time_source, context.folder.root)
            consents = ConsentOffice(files.journal, files.directory, time_source, lambda person: None)
            yield Among(files.journal, files.directory, ends, time_source, keys.sealing_key(context.folder.keys), consents)
    except state.StateBusy:
        with api.SiteClient(context.folder.admin_socket) as client:
            yield client


@contextmanager
def holdings(context: Context) -> Iterator[api.Holdings]:
    """The same for what is held about a person."""
    try:
        with state.locked(context.folder):
            files, time_source = _open(context)
            yield Held(files.journal, files.directory, time_source)
    except state.StateBusy:
        with api.HoldingsClient(context.folder.admin_socket) as client:
            yield client


def start_over(context: Context, by: str) -> int:
    """Give up what a lost device key sealed; the daemon must be stopped. Says how many templates went."""
    with state.locked(context.folder):
        files, time_source = _open(context, check_key=False)
        files.journal.append(messages.Audit("device_key_given_up", by), time_source.now())
        gone = files.directory.start_over()
        files.directory.check_device_key()
        return gone


@contextmanager
def keeper(context: Context) -> Iterator[api.Keeper]:
    """The same for retention."""
    try:
        with state.locked(context.folder):
            files, time_source = _open(context)
            ends = erasure.Eraser(files.journal, files.directory, time_source, context.folder.root)
            periods = context.config().retention
            yield Retention(files.journal, files.directory, ends, time_source, lambda person: None, lambda: periods)
    except state.StateBusy:
        with api.PeopleClient(context.folder.admin_socket) as client:
            yield client


def _open(context: Context, *, check_key: bool = True) -> tuple[kiosk.Files, timekeeping.Timekeeper]:
    settings = context.config()
    time_source = timekeeping.Timekeeper(clock.SystemClock(), kiosk.time_limits(settings))
    files = kiosk.open_files(context.folder, settings.device.id, time_source, replace_damaged=False, check_key=check_key)
    time_source.resume(files.journal.anchors(time_source.now().boot_id), files.journal.append)
    return files, time_source


def _files(context: Context) -> desk.Desk:
    settings = context.config()
    files, time_source = _open(context)
    return desk.Desk(
        files.journal,
        files.directory,
        time_source,
        lambda: sight.load(context.weights(), settings.recognition),
        kiosk.promise(settings),
        settings.people.other_kiosks(),
    )

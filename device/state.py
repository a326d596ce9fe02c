"""The state folder of one kiosk: where each file lies, and the lock that only one process holds."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from device import api
from device.errors import DeviceError


class StateBusy(DeviceError):
    """Another process has this state folder open."""


class StateForeign(StateBusy):
    """The folder is another user's, an appliance's daemon's: it is asked through its socket, its files are never touched."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths below one state folder; on an appliance settings and sockets have places of their own, where other users reach them."""

    root: Path
    config_file: Path | None = None
    sockets: Path | None = None
    credentials: Path | None = None  # what the service manager hands to this process alone
    layer: Path | None = None  # what the daemon writes for the web UI, where the settings file is root's
    uplink_root: Path | None = None  # the uplink's own state folder, where that is another one

    @property
    def config(self) -> Path:
        return self.config_file or self.root / "config.toml"

    @property
    def run(self) -> Path:
        return self.sockets or self.root / "run"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def journal(self) -> Path:
        return self.root / "journal.db"

    @property
    def people(self) -> Path:
        return self.root / "people.db"

    @property
    def desired(self) -> Path:
        return self.root / "desired.db"

    @property
    def enterprise(self) -> Path:
        """The enterprise that was joined; on an appliance where the uplink can read it."""
        return (self.layer.parent if self.layer else self.root) / "enterprise.json"

    @property
    def joining(self) -> Path:
        """A joining or leaving that is under way; it outlives a restart."""
        return self.root / "joining.json"

    @property
    def journal_ends(self) -> Path:
        """Lies here when another enterprise was left: the journal is put aside before it is opened again."""
        return self.root / "journal-ends"

    @property
    def left(self) -> Path:
        """Another enterprise was left, and whose word that was: what was enrolled until the restart goes before anybody is seen."""
        return self.root / "left.json"

    @property
    def keys_copied(self) -> Path:
        """Lies here once somebody has made a copy of the keys (`daka backup keys`), or has brought one."""
        return self.root / "keys-copied"

    @property
    def uplink(self) -> Path:
        """What paths of the uplink's settings are relative to."""
        return self.uplink_root or self.root

    @property
    def outlet(self) -> Path | None:
        """On an appliance: whom the uplink should reach, for root to read; elsewhere nobody is kept from anything."""
        return self.layer.parent / "outlet.json" if self.layer else None

    @property
    def ended(self) -> Path:
        """A file for each daemon, with a line for each of its ends since the machine's start."""
        return self.run / "ended"

    @property
    def update(self) -> Path:
        """What root last did with a new version, for everybody to read."""
        return self.run / "update.json"

    @property
    def brought_updates(self) -> Path:
        """A signed release that an administrator brought, until root has looked at it."""
        return self.root / "updates"

    @property
    def alarms(self) -> Path:
        return self.root / "alarms.json"

    @property
    def metrics_socket(self) -> Path:
        """Where Prometheus, or whoever watches, reads the figures."""
        return self.run / "kiosk-metrics.sock"

    @property
    def admin_socket(self) -> Path:
        return self.run / api.ADMIN_SOCKET

    @property
    def uplink_socket(self) -> Path:
        return self.run / api.UPLINK_SOCKET

    @property
    def web_socket(self) -> Path:
        return self.run / api.WEB_SOCKET

    @property
    def locks(self) -> Path:
        return self.root / "locks.db"

    @property
    def bridge_socket(self) -> Path:
        """Where the bridge answers the kiosk daemon."""
        return self.run / api.BRIDGE_SOCKET

    @property
    def kiosk_bridge_socket(self) -> Path:
        """Where the kiosk daemon answers the bridge."""
        return self.run / api.KIOSK_BRIDGE_SOCKET

    @property
    def web(self) -> Path:
        """The web daemon's own folder; the kiosk daemon never looks into it."""
        return self.root / "web"

    @property
    def page_address(self) -> Path:
        """Where the display reads the page's address from; it holds the token of this boot."""
        return (self.sockets / "page" if self.sockets else self.root / "run") / "page.url"


class StateUnusable(DeviceError):
    """The state folder cannot be made or written in; the message says which and why."""


def check_begun(folder: Folder) -> None:
    """StateUnusable where there is no journal yet. Another user's folder is closed to this one: there the daemon is asked."""
    try:
        begun = folder.journal.exists()
    except PermissionError:
        return
    if not begun:
        raise StateUnusable(f"there is no journal in {folder.root}; it is begun by `daka people add` or `daka run`")


@contextmanager
def locked(folder: Folder) -> Iterator[None]:
    """Hold the folder alone; StateBusy if somebody else does. The kernel lets go when the process ends, however it ends."""
    descriptor = _lock_file(folder.root)
    try:
        _take(descriptor, folder.root)
        yield
    finally:
        os.close(descriptor)


def _lock_file(root: Path) -> int:
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if root.stat().st_uid != os.geteuid():  # root may open anything, but what it makes the daemon could not open any more
            raise StateForeign(f"{root} belongs to the kiosk daemon's user; ask the running daemon: systemctl start daka.target")
        return os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StateUnusable(
            f"{root} cannot be used ({error.strerror}); give it to this user, or name another with --state"
        ) from error


def _take(descriptor: int, root: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StateBusy(f"another process has {root} open; stop it, or name another folder with --state") from error

"""A restore by root at an appliance that stands still for it: also where the kiosk daemon does not start, and on a new card.

There the system holds another device key than the backup's: the brought one takes its place. Nothing in the state folder is made by
root, and a key that root has for a moment lies in memory.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from device import credential, durable, keys, state
from device.api.backups import BackupContent
from device.backups import opening, settling
from device.backups.restoring import Aside, write
from device.errors import DeviceError

KIOSK, TARGET, FIGURES = "daka-kiosk.service", "daka.target", "daka-metrics.socket"
# The sockets would start the kiosk daemon again, and so would the uplink, the display, and whoever looks after one that has failed.
STAND_STILL = (TARGET, KIOSK, "daka*.socket", "daka-failed@*")
IN_MEMORY = Path("/run")
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)  # the first comes when a connection over ssh is lost
NO_KEYS = "this file holds no keys of a kiosk; --keys wants what `daka backup keys` wrote"

NOT_BEGUN = "the restore could not begin, and nothing has changed; what was said above says why"


class NotByRoot(DeviceError):
    """The machine does not do what a restore wants of it; the message says what to look at."""


@dataclass(frozen=True, slots=True)
class System:
    """What of the machine a restore touches beside the state folder: where its system keeps the device key, and its units."""

    store: Path = credential.STORE
    wanted: Path = Path(f"/etc/systemd/system/{KIOSK}.d/credential.conf")  # activate.sh's; with it the daemon starts with no file
    memory: Path = IN_MEMORY
    updates: Path = Path("/var/lib/daka-update")

    def holds_the_key(self) -> bool:
        """Whether the kiosk daemon is handed it, or would be if it were not lost."""
        return self.store.exists() or self.wanted.exists()


SYSTEM = System()


@dataclass(frozen=True, slots=True)
class Brought:
    """What somebody brings. `keys`: what `daka backup keys` wrote; empty where those that are here do."""

    pieces: Iterable[tuple[int, bytes]]
    passphrase: str
    keys: bytes = b""
    keys_passphrase: str = ""


def kiosk_runs() -> bool:
    """Then it is asked, and goes on recognising people until somebody has confirmed."""
    return _systemctl("is-active", "--quiet", KIOSK)


@contextlib.contextmanager
def standstill() -> Iterator[None]:
    """Nothing starts the kiosk daemon meanwhile. Afterwards all of it starts; what did not run before, only if all went well."""
    ran = _systemctl("is-active", "--quiet", TARGET)
    begins = (TARGET, *((FIGURES,) if _systemctl("is-enabled", "--quiet", FIGURES) else ()))  # nobody else wants that one
    try:
        if not _systemctl("stop", *STAND_STILL):
            raise NotByRoot(f"the kiosk cannot be stopped; systemctl status {KIOSK} says why")
        yield
    except BaseException:
        if ran:
            _systemctl("start", *begins)
        raise
    _systemctl("reset-failed", "daka-*")
    _systemctl("start", *begins)
    if not kiosk_runs():
        raise NotByRoot(f"the backup is restored, but the kiosk does not start; journalctl -u {KIOSK} says why")


@contextlib.contextmanager
def _standstill_alone(system: System) -> Iterator[None]:
    """While no version is switched to, which would start the kiosk in the middle of it; UnderWay."""
    from device import updates  # what checks signatures, for this command alone

    with updates.alone(system.updates), standstill():
        yield


def _systemctl(*words: str) -> bool:
    """In a session of its own: what ends this one's whole terminal does not end the start of the kiosk."""
    return subprocess.run(("systemctl", *words), capture_output=True, check=False, start_new_session=True).returncode == 0


@contextlib.contextmanager
def _ended_as_by_an_error() -> Iterator[Callable[[], None]]:
    """Whoever is told to end, or loses the connection, leaves nothing behind and the kiosk running. Only the first time counts.

    What it yields is called where there is only forward: from then on no signal counts.
    """

    def be_deaf() -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)

    def end(number: int, frame: FrameType | None) -> None:
        be_deaf()
        raise SystemExit(128 + number)

    before = {one: held for one in SIGNALS if (held := signal.getsignal(one)) is not signal.SIG_IGN}
    for one in before:
        signal.signal(one, end)
    try:
        yield be_deaf
    finally:
        for one, held in before.items():
            signal.signal(one, held)


def restore(
    folder: state.Folder, brought: Brought, by: str, confirm: Callable[[BackupContent], None], system: System = SYSTEM
) -> None:
    """Put the backup in the place of what is here, and give the device key that it hangs on to the system.

    `confirm` is shown what it holds, and raises where nobody wants that; a kiosk that runs goes on until then. Where the power goes
    between the two, the kiosk says that it has another device key, and the same once more mends it.
    """
    with _ended_as_by_an_error() as only_forward, contextlib.ExitStack() as until_the_end:
        if not (runs := kiosk_runs()):  # each try to start would sweep away what is brought
            until_the_end.enter_context(_standstill_alone(system))
        secret = _device_key(brought, system)
        sealed = credential.sealed(secret, "auto") if secret and secret != _held(system) else b""
        with _handed(secret, system.memory, folder.root) as credentials:
            aside = Aside(dataclasses.replace(folder, credentials=credentials))
            until_the_end.callback(aside.forget_unconfirmed)
            with _as_owner(folder.root):
                found = _looked_into(aside, brought)
                confirm(found)
            if runs:
                until_the_end.enter_context(_standstill_alone(system))
            only_forward()
            with _as_owner(folder.root), state.locked(aside.folder):
                aside.make_ready(by, found.key)
                if not settling.settle(aside.folder):  # now: the device key follows only what is in place
                    raise NotByRoot(NOT_BEGUN)
                if brought.keys:
                    write(folder.keys_copied, b"")
        if sealed:
            durable.keep(system.store, sealed)


def _looked_into(aside: Aside, brought: Brought) -> BackupContent:
    for offset, piece in brought.pieces:
        aside.take(offset, piece)
    if brought.keys:
        aside.take_keys(brought.keys, brought.keys_passphrase)
    return aside.look(brought.passphrase)


def _device_key(brought: Brought, system: System) -> bytes | None:
    """The one that the backup hangs on, where the system is to hold it; None where it is a file of the state folder."""
    if not system.holds_the_key():
        return None
    if not brought.keys:
        try:
            return credential.opened(system.store)
        except credential.CredentialError as error:
            raise NotByRoot(f"{error}; bring the keys too: daka backup restore FILE --keys KEYS") from error
    with tempfile.TemporaryDirectory(dir=system.memory) as place:
        opening.unseal(io.BytesIO(brought.keys), brought.keys_passphrase, Path(place), len(brought.keys))
        found = Path(place) / "keys" / "wrapping.key"
        if not found.exists():
            raise NotByRoot(NO_KEYS)
        return found.read_bytes()


def _held(system: System) -> bytes | None:
    """What the system holds now; None where that does not open: of another board, of another card."""
    try:
        return credential.opened(system.store)
    except credential.CredentialError:
        return None


@contextlib.contextmanager
def _handed(secret: bytes | None, memory: Path, folder: Path) -> Iterator[Path | None]:
    """As the service manager hands it to the kiosk daemon: for the folder's owner alone."""
    if secret is None:
        yield None
        return
    place, owner = Path(tempfile.mkdtemp(dir=memory)), folder.stat()
    try:
        (place / keys.CREDENTIAL).write_bytes(secret)
        for one in (place / keys.CREDENTIAL, place):
            os.chown(one, owner.st_uid, owner.st_gid)
        yield place
    finally:
        shutil.rmtree(place)


@contextlib.contextmanager
def _as_owner(folder: Path) -> Iterator[None]:
    """With the rights of the folder's owner, and as it makes files: what root made there the daemon could not open any more."""
    owner, groups, mask = folder.stat(), os.getgroups(), os.umask(0o077)
    try:
        os.setgroups([])
        os.setegid(owner.st_gid)
        os.seteuid(owner.st_uid)
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
        os.umask(mask)

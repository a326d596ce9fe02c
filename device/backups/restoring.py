"""The way back: what was brought is opened and looked at beside what is here; then, at the daemon's next start, takes its place.

Whoever was erased here since stays erased, whoever took a consent back has taken it back. This kiosk's own journal goes on if it is
whole and of the same key, since nothing of it was rolled back; otherwise it is put aside, never deleted, and a new epoch begins.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import secrets
import shutil
import sqlite3
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from device import config, database, keys, membership, messages, people, settings, state, templates, trust
from device.api.backups import BackupContent
from device.backups import opening, sealed
from device.backups.sealed import BackupRefused
from device.sentences import say
from device.telling import Counting, Tell, silent

SPARE_BYTES = 500 * 2**20  # stays free for punches; below it the disk counts as low
READY = "ready.json"
DRAFT = ".new"  # how a backup ends that is not whole yet
OTHER_KEYS = (
    "the backup hangs on other keys than those of this machine; bring them too, on its command line: "
    "daka backup restore FILE --keys KEYS"
)


@dataclass(frozen=True, slots=True)
class Aside:
    """Where a backup is opened: a folder of its own, for this user alone."""

    folder: state.Folder

    @property
    def root(self) -> Path:
        return self.folder.root / "restore"

    @property
    def brought(self) -> Path:
        return self.root / "brought.backup"

    @property
    def opened(self) -> Path:
        return self.root / "opened"

    @property
    def brought_keys(self) -> Path:
        return self.root / "keys"

    @property
    def look_key(self) -> Path:
        return self.root / "look.key"

    @property
    def ready(self) -> Path:
        return self.root / READY

    def take(self, offset: int, piece: bytes, total: int = 0) -> None:
        """A piece of the sealed file, of `total` bytes if that is known; the first makes everything before it go."""
        if offset == 0:
            self.forget()
            self.root.mkdir(mode=0o700)
            self._room(2 * total)
        if not self.root.is_dir() or offset != (self.brought.stat().st_size if self.brought.exists() else 0):
            raise BackupRefused("the pieces of the backup did not come in order; bring it again")
        self._room(len(piece) + offset + len(piece))
        with os.fdopen(os.open(self.brought, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(piece)

    def _room(self, needed: int) -> None:
        """Sealed and unpacked it lies here twice, and punches come before both."""
        if shutil.disk_usage(self.root).free < needed + SPARE_BYTES:
            raise database.StorageFull(say("storage.no_room_for_backup"))

    def forget(self) -> None:
        """Nothing that was brought lies here any more."""
        shutil.rmtree(self.root, ignore_errors=True)

    def forget_unconfirmed(self) -> None:
        """What was brought, and opened without any seal, lies here no longer than somebody works on it."""
        if not self.ready.exists():
            self.forget()

    def look(self, passphrase: str, tell: Tell = silent) -> BackupContent:
        """Open it and say what it holds and what restoring it here would mean; BackupRefused if it cannot be."""
        shutil.rmtree(self.opened, ignore_errors=True)
        self.ready.unlink(missing_ok=True)
        if not self.brought.exists():
            raise BackupRefused("no backup has been brought yet")
        size = self.brought.stat().st_size
        self._room(size)
        try:
            with self.brought.open("rb") as file:
                tell("key", 0, 0)
                head = opening.unseal(Counting(file, size, tell, "unpacking"), passphrase, self.opened, size)
            tell("checking", 0, 0)
            said = opening.manifest(self.opened)
            opening.check_databases(self.opened)
            self._check_keys(said)
            self._check_whose(said)
            self._check_name(said)
            has_settings = opening.has_settings(self.opened)
            if not has_settings:
                self._keep_settings(said)
            return replace(self._content(head, said), settings_unreadable=not has_settings)
        except BaseException:  # a full disk above all: punches need what it holds
            shutil.rmtree(self.opened, ignore_errors=True)
            raise

    def take_keys(self, data: bytes, passphrase: str) -> None:
        """The sealed keys of the kiosk that the backup is of."""
        self.root.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(self.brought_keys, ignore_errors=True)
        opening.unseal(io.BytesIO(data), passphrase, self.brought_keys, len(data))

    def _check_keys(self, said: dict[str, Any]) -> None:
        """Those that were brought with it, or those that are here, must be the ones that the backup hangs on."""
        brought = self.brought_keys / "keys"
        folder = brought if brought.is_dir() else self.folder.keys
        try:
            mine = messages.public_key_text(keys.journal_key(folder, may_create=False).public_key())
            system = None if folder == brought else self.folder.credentials
            wrapping = keys.wrapping_key(folder, may_create=False, credentials=system)
            if mine != said["key"]:
                raise BackupRefused(OTHER_KEYS)
            opened = people.Directory(self.opened / "people.db", wrapping)
            try:
                opened.check_device_key()
            finally:
                opened.close()
        except (keys.KeyFileError, templates.WrongDeviceKey) as error:
            raise BackupRefused(OTHER_KEYS) from error
        if folder == brought and keys.has_credential(self.folder.credentials):
            self._leave_to_the_system(brought / "wrapping.key")

    def _check_whose(self, said: dict[str, Any]) -> None:
        """No backup makes this the kiosk of another enterprise, or of another name under the same key."""
        mine, theirs = self.membership(), trust.read(self.opened / "enterprise.json")
        if mine is not None and theirs is not None and mine.root != theirs.root:
            raise BackupRefused(
                "the backup is of a kiosk of another enterprise; leave the one that this kiosk has joined first: daka leave"
            )
        here = first_row(self.folder.journal, "SELECT device, key FROM epoch") if self.folder.journal.exists() else None
        if here is not None and here[1] == said["key"] and here[0] != said["device"]:
            raise BackupRefused(
                "the backup names another kiosk than the records here, under their key: it was changed; take another copy of it"
            )

    def _check_name(self, said: dict[str, Any]) -> None:
        """Where the settings file is root's it stays, and with it a name that no journal of the backup's would open under."""
        file, name = self.folder.config, "device.id"
        if self.folder.layer is None or not config.says(tree := config.tree_of(file), name):
            return
        if (mine := tree["device"]["id"]) != said["device"]:
            raise BackupRefused(say("backup.other_name", theirs=said["device"], mine=mine, path=file))

    def _keep_settings(self, said: dict[str, Any]) -> None:
        """Those of this machine in the place of some that nobody can read, under the name that the backup's records have."""
        mine = tomllib.loads(settings.whole_text(self.folder.config, self.folder.layer))
        text = settings.written(config.filled(mine, {"device.id": said["device"]}))
        (self.opened / "config.toml").write_text(text, encoding="utf-8")

    def membership(self) -> trust.Membership | None:
        """Of this kiosk, as far as it can be read."""
        return membership.readable(self.folder.enterprise)

    def _leave_to_the_system(self, held: Path) -> None:
        """Where the system holds the device key, no file of it may lie beside; and another one would open nothing."""
        if held.read_bytes() != keys.wrapping_key(self.folder.keys, may_create=False, credentials=self.folder.credentials):
            raise BackupRefused(
                "the backup was made under another device key than the one that this machine's system holds; restore it as root, "
                "who puts that key in its place: sudo daka backup restore FILE --keys KEYS"
            )
        held.unlink()

    def _content(self, head: sealed.Head, said: dict[str, Any]) -> BackupContent:
        stones = _stones(self.folder.people)
        keeps = own_journal_goes_on(self.folder, said["device"], said["key"])
        return BackupContent(
            device=head.device,
            at=head.at,
            software=head.software,
            people=int(said["people"]),
            templates=int(said["templates"]),
            records=int(said["records"]),
            keeps_journal=keeps,
            unsent=0 if keeps else _unsent(self.folder.journal),
            erased=len(_risen(self.opened / "people.db", stones or [])),
            people_damaged=stones is None,
            key=self._fresh_key(),
        )

    def _fresh_key(self) -> str:
        key = secrets.token_hex(16)
        write(self.look_key, key.encode("ascii"))
        return key

    def make_ready(self, by: str, key: str) -> None:
        """From the daemon's next start on it counts; what was looked into since by somebody else is not what `key` confirms."""
        if not (self.opened / "manifest.json").exists():
            raise BackupRefused("the backup has not been looked into yet; give its passphrase first")
        if not secrets.compare_digest(self.look_key.read_bytes(), key.encode("utf-8")):
            raise BackupRefused("another backup was looked into since; look into yours again")
        said = opening.manifest(self.opened)
        note = {"by": by, "keeps_journal": own_journal_goes_on(self.folder, said["device"], said["key"]), **said}
        write(self.ready, json.dumps(note).encode("utf-8"))


def own_journal_goes_on(folder: state.Folder, device: str, key: str) -> bool:
    """Whether the journal here was begun by that device and key; whether it is whole shows when it is opened."""
    return folder.journal.exists() and first_row(folder.journal, "SELECT device, key FROM epoch") == (device, key)


def _stones(people_file: Path) -> list[tuple[str, str]] | None:
    """None where the file is damaged: often that is why somebody restores."""
    if not people_file.exists():
        return []
    try:
        with looking(people_file) as connection:
            return connection.execute("SELECT person, erased_at FROM tombstone").fetchall()
    except sqlite3.DatabaseError:
        return None


def _risen(people_file: Path, stones: list[tuple[str, str]]) -> set[str]:
    with looking(people_file) as connection:
        here = {person for (person,) in connection.execute("SELECT person FROM person")}
    return here & {person for person, _ in stones}


def _unsent(path: Path) -> int:
    query = "SELECT (SELECT max(seq) FROM record), coalesce((SELECT upto FROM acknowledged), 0)"
    row = first_row(path, query) if path.exists() else None
    return row[0] - row[1] if row else 0


def first_row(path: Path, query: str) -> tuple[Any, ...] | None:
    try:
        with looking(path) as connection:
            found: tuple[Any, ...] | None = connection.execute(query).fetchone()
            return found
    except sqlite3.Error:
        return None


@contextlib.contextmanager
def looking(path: Path) -> Iterator[sqlite3.Connection]:
    """A look at a file that nobody writes meanwhile, or that this process's own connection writes: read only."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        yield connection


def write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    database.sync_folder(path.parent)

"""The way back: what was brought is opened and looked at beside what is here; then, at the daemon's next start, takes its place.

Whoever was erased here since stays erased, whoever took a consent back has taken it back. This kiosk's own journal goes on if it is
whole and of the same key, since nothing of it was rolled back; otherwise it is put aside, never deleted, and a new epoch begins.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import UnsupportedAlgorithm

from device import config, database, keys, messages, people, settings, state, templates
from device.api.backups import BackupContent
from device.backups import sealed
from device.backups.sealed import BackupRefused

MOST_BYTES = 64 * 2**30
MOST_MEMBER = 8 * 2**30
SPARE_BYTES = 100 * 2**20
DATABASES = ("people.db", "desired.db", "locks.db")
KEYS = ("journal.key", "sealing.key", "grant-use.key", "wrapping.key")
PLAIN = ("manifest.json", "config.toml", "enterprise.json")
READY = "ready.json"
DRAFT = ".new"  # how a backup ends that is not whole yet
OTHER_KEYS = (
    "the backup hangs on other keys than those of this machine; bring them too, on its command line: "
    "daka backup restore FILE --keys KEYS"
)
DONE = "restored.json"


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
    def ready(self) -> Path:
        return self.root / READY

    def take(self, offset: int, piece: bytes) -> None:
        """A piece of the sealed file; the first makes everything before it go."""
        if offset == 0:
            self.forget()
            self.root.mkdir(mode=0o700)
        if not self.root.is_dir() or offset != (self.brought.stat().st_size if self.brought.exists() else 0):
            raise BackupRefused("the pieces of the backup did not come in order; bring it again")
        if offset + len(piece) > MOST_BYTES or shutil.disk_usage(self.root).free < len(piece) + SPARE_BYTES:
            raise database.StorageFull("the disk has no room for this backup; free some, then bring it again")
        with os.fdopen(os.open(self.brought, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(piece)

    def forget(self) -> None:
        """Nothing that was brought lies here any more."""
        shutil.rmtree(self.root, ignore_errors=True)

    def forget_unconfirmed(self) -> None:
        """What was brought, and opened without any seal, lies here no longer than somebody works on it."""
        if not self.ready.exists():
            self.forget()

    def look(self, passphrase: str) -> BackupContent:
        """Open it and say what it holds and what restoring it here would mean; BackupRefused if it cannot be."""
        shutil.rmtree(self.opened, ignore_errors=True)
        self.ready.unlink(missing_ok=True)
        if not self.brought.exists():
            raise BackupRefused("no backup has been brought yet")
        try:
            with self.brought.open("rb") as file:
                head = _unseal(file, passphrase, self.opened)
            said = _manifest(self.opened)
            _check_databases(self.opened)
            self._check_keys(said)
            return self._content(head, said)
        except BackupRefused:
            shutil.rmtree(self.opened, ignore_errors=True)
            raise

    def take_keys(self, data: bytes, passphrase: str) -> None:
        """The sealed keys of the kiosk that the backup is of."""
        self.root.mkdir(mode=0o700, exist_ok=True)
        shutil.rmtree(self.brought_keys, ignore_errors=True)
        _unseal(io.BytesIO(data), passphrase, self.brought_keys)

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

    def _leave_to_the_system(self, held: Path) -> None:
        """Where the system holds the device key, no file of it may lie beside; and another one would open nothing."""
        if held.read_bytes() != keys.wrapping_key(self.folder.keys, may_create=False, credentials=self.folder.credentials):
            raise BackupRefused(
                "the backup was made under another device key than the one that this machine's system holds; take the credential "
                "away (docs/operations.md), restore, then make it anew"
            )
        held.unlink()

    def _content(self, head: sealed.Head, said: dict[str, Any]) -> BackupContent:
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
            erased=len(_risen(self.opened / "people.db", _stones(self.folder.people))),
        )

    def make_ready(self, by: str) -> None:
        """From the daemon's next start on it counts."""
        if not (self.opened / "manifest.json").exists():
            raise BackupRefused("the backup has not been looked into yet; give its passphrase first")
        said = _manifest(self.opened)
        note = {"by": by, "keeps_journal": own_journal_goes_on(self.folder, said["device"], said["key"]), **said}
        _write(self.ready, json.dumps(note).encode("utf-8"))


def settle(folder: state.Folder) -> None:
    """What is ready takes the place of what is here; before anything is opened. After a power cut it goes on where it was."""
    aside = Aside(folder)
    for draft in (folder.root / "backups").glob(f"*{DRAFT}"):
        draft.unlink()  # a power cut left it
    if not aside.ready.exists():
        aside.forget()
        return
    note = json.loads(aside.ready.read_bytes())
    opened = aside.opened
    with contextlib.suppress(FileNotFoundError):
        _carry_over(folder.people, opened / "people.db")
    if not note["keeps_journal"]:
        _put_journal_aside(folder)
    elif (opened / "locks.db").exists():
        (opened / "locks.db").unlink()  # the journal that goes on and the locks' file know more than the backup
    folder.keys.mkdir(mode=0o700, exist_ok=True)
    for name in KEYS:
        _take_place(aside.brought_keys / "keys" / name, folder.keys / name)
    _put_settings_back(opened / "config.toml", folder)
    _take_place(opened / "enterprise.json", folder.enterprise)
    for name in DATABASES:
        for suffix in ("-wal", "-shm"):
            if (opened / name).exists():
                (folder.root / (name + suffix)).unlink(missing_ok=True)
        _take_place(opened / name, folder.root / name)
    if (opened / "records").is_dir() and not note["keeps_journal"]:
        _keep_records(opened / "records", folder.root / f"records-before-{note['epoch'][:8]}.jsonl")
    _write(folder.root / DONE, json.dumps(note).encode("utf-8"))
    aside.ready.unlink()
    aside.forget()


def _put_settings_back(text: Path, folder: state.Folder) -> None:
    """Where the settings file is root's it stays as it is: only what the web UI may set comes back."""
    if text.exists():
        settings.put_back(text.read_text(encoding="utf-8"), folder.config, folder.layer)
        text.unlink()


def restored(folder: state.Folder) -> dict[str, Any] | None:
    """What a restore at this start has left to say; None where there was none."""
    path = folder.root / DONE
    return json.loads(path.read_bytes()) if path.exists() else None


def told(folder: state.Folder) -> None:
    """It is on record."""
    (folder.root / DONE).unlink(missing_ok=True)


def own_journal_goes_on(folder: state.Folder, device: str, key: str) -> bool:
    """Whether the journal here was begun by that device and key; whether it is whole shows when it is opened."""
    return folder.journal.exists() and _row(folder.journal, "SELECT device, key FROM epoch") == (device, key)


def _unseal(file: IO[bytes], passphrase: str, into: Path) -> sealed.Head:
    try:
        reader = sealed.Reader(file, passphrase)
        with tarfile.open(fileobj=reader, mode="r|") as archive:  # type: ignore[call-overload]  # a file that is only read
            for member in archive:
                _unpack(archive, member, into)
        while rest := reader.read(sealed.PIECE):  # to the very end: a file that was cut is noticed there
            if rest.strip(b"\0"):  # an archive is filled up with zeros
                raise BackupRefused("the backup goes on after its end; take another copy of it")
        return reader.head
    except (tarfile.TarError, UnsupportedAlgorithm, EOFError) as error:
        raise BackupRefused("the backup cannot be read; take another copy of it") from error
    except OSError as error:
        raise database.translated(into, error) from error


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """Only names that a backup has, so that nothing lands elsewhere."""
    folder, _, name = member.name.rpartition("/")
    known = (
        (folder == "" and name in (*PLAIN, *DATABASES))
        or (folder == "keys" and name in KEYS)
        or (folder == "records" and name.endswith(".json") and name[:-5].isdecimal())
    )
    if not (member.isfile() and known and member.size <= MOST_MEMBER):
        raise BackupRefused("the backup holds what no backup of this version holds; update this kiosk first")
    target = into / folder / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = archive.extractfile(member)
    assert source is not None
    with source, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def _manifest(opened: Path) -> dict[str, Any]:
    try:
        said = json.loads((opened / "manifest.json").read_bytes())
        messages.public_key_from_text(said["key"])
        if not {"device", "epoch", "people", "templates", "records"} <= set(said):
            raise ValueError("incomplete")
        config.read(opened / "config.toml")
    except (OSError, ValueError, KeyError, TypeError, messages.MessageError, config.ConfigError) as error:
        raise BackupRefused(
            "the backup lacks what a kiosk needs, or was made by a newer version; update this kiosk first"
        ) from error
    return dict(said)


def _check_databases(opened: Path) -> None:
    """Whole, and not from a version to come: its tables would not be understood."""
    for name in DATABASES:
        if not (opened / name).exists():
            continue
        try:
            with contextlib.closing(sqlite3.connect(opened / name)) as connection:
                whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise BackupRefused(f"{name} in the backup is damaged; take an older backup") from error
        if not whole:
            raise BackupRefused(f"{name} in the backup is damaged; take an older backup")
        if version > database.newest_version(name.removesuffix(".db")):
            raise BackupRefused("the backup was made by a newer version; update this kiosk first")


def _stones(people_file: Path) -> list[tuple[str, str]]:
    if not people_file.exists():
        return []
    with _looking(people_file) as connection:
        return connection.execute("SELECT person, erased_at FROM tombstone").fetchall()


def _risen(people_file: Path, stones: list[tuple[str, str]]) -> set[str]:
    with _looking(people_file) as connection:
        here = {person for (person,) in connection.execute("SELECT person FROM person")}
    return here & {person for person, _ in stones}


def _carry_over(current: Path, fresh: Path) -> None:
    """Into the people's file of the backup: who was erased, and who took a consent back, as the file here knows it.

    What then stands against it, persons and templates, goes when the daemon has opened both.
    """
    if not (current.exists() and fresh.exists()):
        return
    with _looking(current) as connection:
        stones = connection.execute("SELECT person, erased_at FROM tombstone").fetchall()
        taken_back = connection.execute("SELECT person, purpose, at FROM withdrawn").fetchall()
    with contextlib.closing(sqlite3.connect(fresh)) as connection, connection:
        connection.executemany("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", stones)
        connection.executemany(
            "INSERT INTO withdrawn VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)", taken_back
        )


def _put_journal_aside(folder: state.Folder) -> None:
    if not folder.journal.exists():
        return
    row = _row(folder.journal, "SELECT epoch, '' FROM epoch")
    kept = folder.journal.with_name(f"{folder.journal.name}.before-restore-{row[0][:8] if row else 'unknown'}")
    for suffix in ("-wal", "-shm", ""):
        part = folder.journal.with_name(folder.journal.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    database.sync_folder(folder.root)


def _keep_records(batches: Path, into: Path) -> None:
    """The backup's records as lines that `daka verify` reads: their journal is not gone on with, but they can be shown."""
    draft = into.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        for batch in sorted(batches.iterdir()):
            file.write(batch.read_bytes() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(into)


def _take_place(source: Path, target: Path) -> None:
    """Nothing to do where it was done before a power cut."""
    if source.exists():
        source.replace(target) if source.stat().st_dev == target.parent.stat().st_dev else _write(target, source.read_bytes())
        source.unlink(missing_ok=True)
        database.sync_folder(target.parent)


def _unsent(path: Path) -> int:
    row = (
        _row(path, "SELECT (SELECT max(seq) FROM record), coalesce((SELECT upto FROM acknowledged), 0)") if path.exists() else None
    )
    return row[0] - row[1] if row else 0


def _row(path: Path, query: str) -> tuple[Any, ...] | None:
    try:
        with _looking(path) as connection:
            found: tuple[Any, ...] | None = connection.execute(query).fetchone()
            return found
    except sqlite3.Error:
        return None


@contextlib.contextmanager
def _looking(path: Path) -> Iterator[sqlite3.Connection]:
    """A look at a file that nobody writes meanwhile, or that this process's own connection writes: read only."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        yield connection


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    database.sync_folder(path.parent)

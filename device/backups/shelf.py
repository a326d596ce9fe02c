"""Making backups: the people's file, settings and every record, sealed as they are written; a few lie on the kiosk.

The keys are no part of them: whoever may have a backup made, as the daemon that the office network reaches, gets nothing that opens
a template. They are sealed into a file of their own, for root at this machine.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import re
import sqlite3
import tarfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import device
from device import database, journal, keys, membership, messages, people, settings, state
from device.api.backups import PIECE_BYTES, Backup
from device.backups import restoring, sealed
from device.backups.restoring import DRAFT
from device.backups.sealed import BackupRefused
from device.clock import Clock
from device.sentences import say
from device.telling import Tell, silent

log = logging.getLogger(__name__)

KEPT = 3
NAME = re.compile(r"daka-[a-z0-9-]+-\d{8}T\d{6}Z\.backup")
KEYS = ("journal.key", "sealing.key", "grant-use.key")
SPARE_BYTES = 200 * 2**20  # what has to stay free for punches


class Cleared:
    """How often everything had to go: a backup that was begun before somebody's erasure is never finished after it."""

    def __init__(self) -> None:
        self.lock, self.times = threading.Lock(), 0


@dataclass(frozen=True)
class Shelf:
    """Makes them and keeps the last ones. One for each state folder: the makers and the eraser share it."""

    folder: state.Folder
    journal: journal.Journal
    directory: people.Directory
    databases: Mapping[str, database.Database]  # by the names that they have in a backup
    clock: Clock
    cleared: Cleared = field(default_factory=Cleared)

    @property
    def place(self) -> Path:
        return self.folder.root / "backups"

    def make(self, passphrase: str, tell: Tell = silent) -> Backup:
        """A new one; the oldest goes when there are too many. BackupRefused or StorageError, and no half a file, otherwise."""
        sealed.check_passphrase(passphrase)
        self._room()
        now = self.clock.now().at
        path = self.place / f"daka-{self.journal.device}-{now:%Y%m%dT%H%M%SZ}.backup"
        draft = path.with_suffix(DRAFT)
        before = self.cleared.times
        try:
            self.place.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
                tell("key", 0, 0)
                writer = self._writer(file, passphrase)
                self._fill(writer, tell)
                writer.close()
                file.flush()
                os.fsync(file.fileno())
            self._finished(draft, path, before)
        except OSError as error:
            raise database.translated(draft, error) from error
        finally:
            draft.unlink(missing_ok=True)
        made = self._described(path)
        others = [one for one in self.list() if one.name != made.name]  # a clock that is behind makes it the oldest by its name
        for old in others[KEPT - 1 :]:
            self.remove(old.name)
        return made

    def _finished(self, draft: Path, path: Path, before: int) -> None:
        with self.cleared.lock:
            if self.cleared.times != before:
                raise BackupRefused("somebody was erased while the backup was made, and may be in it; make it again")
            draft.replace(path)
        database.sync_folder(self.place)

    def list(self) -> tuple[Backup, ...]:
        """Those that lie here, newest first; also what no head can be read of, so that it can be removed."""
        found = [path for path in self.place.glob("*.backup") if NAME.fullmatch(path.name)] if self.place.is_dir() else []
        return tuple(sorted(map(self._described, found), key=lambda backup: backup.at, reverse=True))

    def piece(self, name: str, offset: int) -> bytes:
        """A piece of one of them."""
        with self._path(name).open("rb") as file:
            file.seek(offset)
            return file.read(PIECE_BYTES)

    def remove(self, name: str) -> None:
        """It lies here no more."""
        self._path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Nothing lies here any more, drafts and what was brought neither: somebody was erased, and they are in all of them.

        What cannot be removed is said and hinders no erasure. A restore that is confirmed goes on: it carries the erasure over.
        """
        with self.cleared.lock:
            self.cleared.times += 1
            for path in tuple(self.place.iterdir()) if self.place.is_dir() else ():
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    log.error("a backup that holds somebody who was erased could not be removed: %s", error)
            restoring.Aside(self.folder).forget_unconfirmed()

    def keys(self, passphrase: str) -> bytes:
        """The keys that everything hangs on, sealed; made once, since they never change. For root at this machine alone."""
        file = io.BytesIO()
        writer = self._writer(file, passphrase)
        wrapping = keys.wrapping_key(self.folder.keys, may_create=False, credentials=self.folder.credentials)
        with tarfile.open(fileobj=writer, mode="w|") as archive:  # type: ignore[call-overload]  # a file that is only written
            _add(archive, "keys/wrapping.key", wrapping)
            for path in (self.folder.keys / name for name in KEYS):
                if path.exists():
                    _add(archive, f"keys/{path.name}", path.read_bytes())
        writer.close()
        return file.getvalue()

    def _writer(self, file: IO[bytes], passphrase: str) -> sealed.Writer:
        at = messages.write_time(self.clock.now().at)
        return sealed.Writer(file, passphrase, self.journal.device, at, device.SOFTWARE)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name) or not (path := self.place / name).exists():
            raise BackupRefused("there is no backup of that name here")
        return path

    def _described(self, path: Path) -> Backup:
        stamp = path.stem.rpartition("-")[2]  # NAME ends in it
        at = f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:11]}:{stamp[11:13]}:{stamp[13:15]}.000000Z"
        return Backup(path.name, at, path.stat().st_size)

    def _room(self) -> None:
        """A backup must never take the room that punches need."""
        needed = sum(path.stat().st_size for path in (self.folder.journal, self.folder.people) if path.exists())
        free = os.statvfs(self.folder.root)
        if free.f_bavail * free.f_frsize < needed + SPARE_BYTES:
            raise database.StorageFull(say("storage.no_room_to_make"))

    def _fill(self, writer: sealed.Writer, tell: Tell) -> None:
        head = self.journal.head()
        records = head.seq - head.kept_from + 1
        with tarfile.open(fileobj=writer, mode="w|") as archive:  # type: ignore[call-overload]  # a file that is only written
            people_here, templates = self.directory.counts()
            said = {
                "device": self.journal.device,
                "key": self.journal.public_key,
                "epoch": head.epoch,
                "people": people_here,
                "templates": templates,
                "records": records,
            }
            tell("people", 0, 0)
            _add(archive, "manifest.json", json.dumps(said).encode("utf-8"))
            for name, data in self._files():
                _add(archive, name, data)
            for number, (last, batch) in enumerate(self._batches(head.kept_from - 1), start=1):
                _add(archive, f"records/{number:08}.json", batch)
                done = last - head.kept_from + 1
                tell("records", done, max(done, records))

    def _files(self) -> Iterator[tuple[str, bytes]]:
        for name, opened in self.databases.items():
            yield name, _image(opened)
        yield "config.toml", settings.whole_text(self.folder.config, self.folder.layer).encode("utf-8")  # empty: every default
        if membership.readable(self.folder.enterprise) is not None:  # a damaged one would spoil the backup
            yield "enterprise.json", self.folder.enterprise.read_bytes()

    def _batches(self, after: int) -> Iterator[tuple[int, bytes]]:
        """Every record kept here, as the uplink sends them, each batch after its last number; no long look blocks a punch."""
        now = messages.write_time(self.clock.now().at)
        while (stretch := self.journal.stretch(after)) is not None:
            yield (
                stretch.last,
                messages.write_batch(self.journal.device, stretch.epoch, stretch.texts, stretch.first, stretch.sig, now),
            )
            after = stretch.last


def _image(opened: database.Database) -> bytes:
    """The database as one file would hold it, through its only connection."""
    with opened.reading() as connection, contextlib.closing(sqlite3.connect(":memory:")) as copy:
        connection.backup(copy)
        return copy.serialize()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    archive.addfile(member, io.BytesIO(data))

"""SQLite for the kiosk's two files: durable commits, numbered migrations, and disk trouble told apart by what one can do about it.

One process, one connection, one lock a file: SQLite up to 3.51.2 can corrupt a file that two connections checkpoint at once.
"""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path

from device import logend
from device.durable import sync_folder as sync_folder
from device.errors import DeviceError
from device.sentences import say

log = logging.getLogger(__name__)


class StorageError(DeviceError):
    """A database of the kiosk cannot do what was asked; nothing of the failed change was kept."""


class StorageFull(StorageError):
    """No room left on the disk; free some, the kiosk goes on by itself."""


class StorageReadOnly(StorageError):
    """The disk or the file takes no writes; remount or repair it, the kiosk goes on by itself."""


class StorageFailing(StorageError):
    """The disk reports errors; replace it."""


class StorageDamaged(StorageError):
    """The file is not a sound database any more; it is kept aside, never deleted."""


SENTENCES: tuple[tuple[tuple[int, ...], type[StorageError], str], ...] = (
    ((sqlite3.SQLITE_FULL,), StorageFull, "storage.full"),
    ((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM), StorageReadOnly, "storage.read_only"),
    ((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB), StorageDamaged, "storage.damaged"),
    ((sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN), StorageFailing, "storage.failing"),
)


# UnicodeDecodeError: sqlite3 quotes a damaged schema in a message that is not UTF-8. OSError: the file itself cannot be opened.
LIBRARY_ERRORS = (sqlite3.Error, UnicodeDecodeError, OSError)

CODE_OF_ERRNO = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EACCES: sqlite3.SQLITE_READONLY,
    errno.EPERM: sqlite3.SQLITE_READONLY,
    # A name that leads nowhere is no failing disk
    errno.ENOENT: sqlite3.SQLITE_ERROR,
    errno.ENOTDIR: sqlite3.SQLITE_ERROR,
    errno.EISDIR: sqlite3.SQLITE_ERROR,
    errno.ELOOP: sqlite3.SQLITE_ERROR,
    errno.ENAMETOOLONG: sqlite3.SQLITE_ERROR,
}


def translated(path: Path, error: Exception) -> StorageError:
    """The library's or the kernel's error as one of ours, by its code (sqlite.org/rescode.html), never by its text."""
    if isinstance(error, UnicodeDecodeError):
        return StorageDamaged(say("storage.damaged", file=path.name))
    code: int | None
    if isinstance(error, OSError):
        code = CODE_OF_ERRNO.get(error.errno or 0, sqlite3.SQLITE_IOERR)
    else:
        code = getattr(error, "sqlite_errorcode", None)
    for codes, kind, sentence in SENTENCES:
        if code is not None and code & 0xFF in codes:
            return kind(say(sentence, file=path.name))
    why = getattr(error, "strerror", None) or type(error).__name__
    return StorageError(say("storage.other", file=path.name, why=why))


class Database:
    """One SQLite file with one connection; every use holds the lock. Reopens by itself after a disk error."""

    def __init__(self, path: Path, migrations: str) -> None:
        self.path = path
        self._migrations = migrations
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._refused = False  # whether the log may end in a change whose commit failed
        with self.transaction():
            pass

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """BEGIN IMMEDIATE to COMMIT; durable when the block has ended, undone when it raised."""
        with self._lock:
            try:
                connection = self._open()
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                self._commit(connection)
            except LIBRARY_ERRORS as error:
                self._drop()
                raise translated(self.path, error) from error
            except BaseException:
                self._rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection for a look, without a transaction."""
        with self._lock:
            try:
                yield self._open()
            except LIBRARY_ERRORS as error:
                self._drop()
                raise translated(self.path, error) from error

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file, so that nothing deleted lingers there."""
        with self.reading() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        with self._lock:
            self._drop()
            self._let_go()

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            new = not self.path.exists()
            self._connection = connect(self.path)
            renew(self._connection, self.path)
            version = migrate(self._connection, self._migrations)
            if version > newest_version(self._migrations):
                log.warning(
                    "%s was last written by a newer version (%d): what only that one knows is left alone", self.path.name, version
                )
            if new:
                sync_folder(self.path.parent)
        return self._connection

    def _commit(self, connection: sqlite3.Connection) -> None:
        """All of it is on the disk after this; or it failed, and has to go from the log, too."""
        before, self._refused = self._refused, True
        connection.execute("COMMIT")
        self._refused = before

    def _rollback(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _drop(self) -> None:
        """Let go of the connection after an error, unless the log still ends in what was refused: a new one would find that.

        The one at hand never looks behind the last commit, and the next commit writes over what is there.
        """
        self._refused = self._refused and not logend.cut(self.path)
        if not self._refused:
            self._let_go()
        else:
            with suppress(*LIBRARY_ERRORS):
                self._rollback()

    def _let_go(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose every commit is on the disk before it returns, in a file of mode 0600."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.text_factory = _text
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # one fsync a commit; NORMAL lost every row in a power cut
        connection.execute("PRAGMA secure_delete = ON")  # erased means overwritten, not merely unlinked
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")  # a VACUUM copies everything: not into a folder that others can read
        connection.execute("PRAGMA mmap_size = 0")
    except LIBRARY_ERRORS:
        connection.close()
        raise
    return connection


def renew(connection: sqlite3.Connection, path: Path) -> None:
    """Write what lies in the log once more, before anything is built on it.

    A process that was killed may have left a change there whose sync had failed: it can be read, from the kernel's memory, and is
    not on the disk, and never will be by a later sync. Not into the file: a power cut would lay the log's older part over it.
    """
    with suppress(*LIBRARY_ERRORS):  # such as a disk that is read-only: what is there can still be read
        connection.execute("BEGIN IMMEDIATE")
        logend.renew(path)
        connection.execute("ROLLBACK")


def _text(raw: bytes) -> str:
    """Damaged text is read as it is, for the journal's check to name its record; sqlite3 alone would stop with a bare error."""
    return raw.decode("utf-8", "surrogateescape")


def newest_version(folder: str) -> int:
    """How many migrations this version knows for a database."""
    files = resources.files("device").joinpath("migrations", folder).iterdir()
    return sum(file.name.endswith(".sql") for file in files)


def migrate(connection: sqlite3.Connection, folder: str) -> int:
    """Apply the numbered SQL files of `device/migrations/<folder>` that this database has not seen, each atomically.

    Its number before that: of a newer version where it is above `newest_version`, which opens all the same. A migration takes
    nothing away that the version before reads, or no update could go back by itself.
    """
    version: int
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    files = resources.files("device").joinpath("migrations", folder).iterdir()
    scripts = sorted((file for file in files if file.name.endswith(".sql")), key=lambda file: file.name)
    for number, script in enumerate(scripts, start=1):
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE; {script.read_text(encoding='utf-8')} PRAGMA user_version = {number}; COMMIT;"
            )
    return version

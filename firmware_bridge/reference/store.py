"""The reference lock's memory on a disk: one SQLite file, one synced transaction for each change, nothing half.

Keys are files of mode 0600 beside it, made once by `daka-lock init`.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device import messages
from firmware_bridge.protocol.commands import Result
from firmware_bridge.protocol.memory import Change, Counted, Kept
from firmware_bridge.reference.errors import StateBroken

DATABASE, KEY, ID, BONDS, CONTROL = "lock.db", "lock.key", "id", "bonds.json", "control.sock"
GRANT_KEY, TIME_KEY = "grant.pub", "time.pub"

SCHEMA = """
CREATE TABLE kept (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    name TEXT NOT NULL, boot INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    head BLOB NOT NULL, seen INTEGER NOT NULL, tampered INTEGER NOT NULL, forgotten INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE event (number INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE counted (
    command BLOB PRIMARY KEY, grant_id BLOB NOT NULL, person TEXT NOT NULL, document BLOB NOT NULL, expires_at INTEGER NOT NULL,
    result INTEGER NOT NULL, used INTEGER NOT NULL, stamps INTEGER NOT NULL
) STRICT;
CREATE INDEX counted_by_grant ON counted (grant_id);
"""
LATER = "ALTER TABLE kept ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0"  # of locks that were made before it was remembered


@dataclass(frozen=True, slots=True)
class Home:
    """The files of one reference lock."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / DATABASE

    @property
    def bonds(self) -> Path:
        return self.root / BONDS

    @property
    def control(self) -> Path:
        return self.root / CONTROL

    def lock_id(self) -> str:
        """The name that the enterprise knows it by."""
        return _read(self.root / ID).decode("ascii").strip()

    def key(self) -> Ed25519PrivateKey:
        """The lock's own key."""
        return Ed25519PrivateKey.from_private_bytes(_read(self.root / KEY))

    def grant_key(self) -> Ed25519PublicKey:
        """The enterprise's key, which grants must be signed with."""
        return messages.public_key_from_text(_read(self.root / GRANT_KEY).decode("ascii").strip())

    def time_key(self) -> Ed25519PublicKey:
        """The key of the server that tells the time."""
        return messages.public_key_from_text(_read(self.root / TIME_KEY).decode("ascii").strip())


def create(root: Path, lock_id: str, name: str, grant_key: Ed25519PublicKey, time_key: Ed25519PublicKey) -> Home:
    """A new lock's folder; StateBroken if there is one."""
    home = Home(root)
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if home.database.exists():
        raise StateBroken(f"{root} holds a lock already; a lock's key and log are made once")
    _write(root / ID, lock_id.encode("ascii"))
    _write(root / KEY, secrets.token_bytes(32))
    _write(root / GRANT_KEY, messages.public_key_text(grant_key).encode("ascii"))
    _write(root / TIME_KEY, messages.public_key_text(time_key).encode("ascii"))
    with contextlib.closing(_connect(home.database)) as connection:
        connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        _put_kept(connection, Kept(name))
    return home


class DiskMemory:
    """firmware_bridge.protocol.memory.Memory, durable: `commit` has synced when it returns."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            raise StateBroken(f"{path} is missing; make a lock with: daka-lock init")
        self._connection = _connect(path)
        self._lock = threading.Lock()
        _complete(self._connection)
        self._kept = self._read_kept()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def kept(self) -> Kept:
        return self._kept

    def command(self, command: bytes) -> Counted | None:
        return next(self._counted("command = ?", command), None)

    def used(self, grant: bytes) -> int:
        with self._lock:
            (used,) = self._connection.execute("SELECT count(*) FROM counted WHERE grant_id = ?", (grant,)).fetchone()
        return int(used)

    def expired(self, before: int) -> int:
        query = "SELECT coalesce(max(expires_at), 0) FROM counted WHERE expires_at < ?"
        with self._lock:
            return int(self._connection.execute(query, (before,)).fetchone()[0])

    def unfinished(self) -> tuple[Counted, ...]:
        return tuple(self._counted("result = ?", int(Result.MOVING)))

    def events(self, after: int, most: int) -> tuple[bytes, ...]:
        query = "SELECT data FROM event WHERE number > ? ORDER BY number LIMIT ?"
        with self._lock:
            return tuple(bytes(data) for (data,) in self._connection.execute(query, (after, most)))

    def commit(self, change: Change) -> None:
        """One transaction, synced."""
        with self._lock, self._transaction() as connection:
            _put_kept(connection, change.kept)
            connection.executemany("INSERT INTO event VALUES (?, ?)", change.events)
            connection.execute("DELETE FROM event WHERE number < ?", (change.kept.first,))
            rows = [astuple(counted) for counted in change.counted]
            connection.executemany("INSERT OR REPLACE INTO counted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("DELETE FROM counted WHERE expires_at <= ?", (change.kept.forgotten,))
        self._kept = change.kept

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _counted(self, where: str, value: bytes | int) -> Iterator[Counted]:
        with self._lock:
            rows = self._connection.execute(f"SELECT * FROM counted WHERE {where}", (value,)).fetchall()
        return (Counted(*row) for row in rows)

    def _read_kept(self) -> Kept:
        query = "SELECT name, boot, epoch, first, last, head, seen, tampered, forgotten FROM kept"
        try:
            row = self._connection.execute(query).fetchone()
            return Kept(*row)
        except (sqlite3.DatabaseError, TypeError) as error:
            raise StateBroken("the lock's memory is damaged; such a lock stamps nothing and goes back to its maker") from error


def _put_kept(connection: sqlite3.Connection, kept: Kept) -> None:
    connection.execute("INSERT OR REPLACE INTO kept VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?)", astuple(kept))


def _complete(connection: sqlite3.Connection) -> None:
    """What an earlier version's lock lacks; a damaged memory is said by whoever reads it."""
    columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(kept)")]
    if columns and "forgotten" not in columns:
        connection.execute(LATER)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # on the disk before COMMIT returns
    os.chmod(path, 0o600)
    return connection


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StateBroken(f"{path} cannot be read ({error.strerror}); make a lock with: daka-lock init") from error


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)

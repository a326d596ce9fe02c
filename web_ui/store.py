"""web.db: accounts, sessions and what the journal does not know yet; one file, one connection, one lock."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from web_ui.errors import StoreError


class Store:
    """The web UI's own database; it holds no employee's name and nothing that the kiosk knows better."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
            self._connection.row_factory = sqlite3.Row
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            migrate(self._connection)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error

    @property
    def folder(self) -> Path:
        """Of this daemon alone."""
        return self._path.parent

    def _error(self, error: Exception) -> StoreError:
        return StoreError(f"{self._path} cannot be used ({error}); check the disk, and that the folder belongs to this user")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing; on the disk when it has ended."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._rollback()
                raise self._error(error) from error
            except BaseException:
                self._rollback()
                raise

    def _rollback(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def rows(self, query: str, *values: str | int) -> list[sqlite3.Row]:
        """What a SELECT finds."""
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as error:
                raise self._error(error) from error

    def row(self, query: str, *values: str | int) -> sqlite3.Row | None:
        """The first that a SELECT finds, or None."""
        return next(iter(self.rows(query, *values)), None)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the numbered SQL files that this database has not seen, each atomically."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    files = resources.files("web_ui").joinpath("migrations").iterdir()
    scripts = sorted((file for file in files if file.name.endswith(".sql")), key=lambda file: file.name)
    for number, script in enumerate(scripts, start=1):
        if number > version:
            connection.executescript(
                f"BEGIN IMMEDIATE; {script.read_text(encoding='utf-8')} PRAGMA user_version = {number}; COMMIT;"
            )


def now() -> datetime:
    """The wall clock, UTC."""
    return datetime.now(UTC)


def written(at: datetime) -> str:
    """A time as this database keeps it: sortable, UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")

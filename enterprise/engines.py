"""Connections to SQLite and PostgreSQL that tell nobody of a commit before the disk has it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from enterprise import layout
from enterprise.errors import EnterpriseError

BUSY_S = 2.0  # how long SQLite waits for another writer, such as `daka-enterprise trust`
CONNECT_S = 5  # how long PostgreSQL may take to answer a connection
# A server whose machine is gone is missed after some 20 s, and not after the two hours of the system's own keepalives.
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000}
# For whom every kiosk waits: each of these ends in an error, and is tried again. The last is for the others: a worker that is gone
# in the middle of a transaction must not keep its locks until PostgreSQL misses the connection.
LIMITS = {"lock_timeout": "3s", "statement_timeout": "15s", "idle_in_transaction_session_timeout": "30s"}
READING = "daka_reading"  # the option of a connection that only reads


class AddressError(EnterpriseError):
    """This is not the address of a database that can be used."""


def made(url: str, create: bool, bounded: bool) -> Engine:
    """The engine for `url`; without `create` a SQLite file has to be there. AddressError: there is none, or none that we know.

    `bounded`: PostgreSQL's LIMITS hold. Reports and imports may take their time.
    """
    try:
        parsed = sqlalchemy.make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite_engine(parsed, create)
        if parsed.drivername != "postgresql+psycopg":
            raise AddressError("the database's address begins with sqlite:/// or postgresql+psycopg://")
        return _postgresql_engine(parsed, bounded)
    except (ArgumentError, InvalidRequestError, ImportError) as error:
        raise AddressError(f"this is not the address of a database that can be used: {error}") from error


def _postgresql_engine(url: sqlalchemy.URL, bounded: bool) -> Engine:
    wanted = {"connect_timeout": CONNECT_S} | {name: value for name, value in KEEPALIVES.items() if name not in url.query}
    engine = sqlalchemy.create_engine(url, pool_pre_ping=True, connect_args=wanted)
    event.listen(engine, "connect", _make_commits_wait)
    if bounded:
        event.listen(engine, "connect", _limit)
    return engine


def _limit(connection: Any, _record: Any) -> None:
    for name, value in LIMITS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    connection.commit()


def _make_commits_wait(connection: Any, _record: Any) -> None:
    """A commit that returns before the disk has it must not be signed for, whatever the server's default is."""
    connection.execute("SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'")
    connection.commit()


def _sqlite_engine(url: sqlalchemy.URL, create: bool) -> Engine:
    if not create and not Path(url.database or "").exists():
        raise AddressError(f"there is no database {url.database}; name it with --database, as daka-enterprise ingest did")
    if create and not url.query and url.database not in (None, "", ":memory:"):
        _make_private(Path(str(url.database)))
    engine = sqlalchemy.create_engine(url, connect_args={"timeout": BUSY_S})
    event.listen(engine, "connect", _make_durable)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(path: Path) -> None:
    """SQLite makes its files for everybody to read, and gives those beside the database the mode of the database."""
    with suppress(OSError):  # it is there already; or it cannot be made, and SQLite says so
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _make_durable(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    connection.text_factory = _lenient_text
    names = [name for (name,) in connection.execute(layout.NAMES["sqlite"])]
    if not names or layout.is_ours(names):  # or it is another program's, which stays as it is
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _lenient_text(raw: bytes) -> str:
    """Text that somebody has damaged must be readable, or `verify` could not name it."""
    return raw.decode("utf-8", "surrogateescape")


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

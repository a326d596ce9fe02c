"""Debian's PostgreSQL, started in a folder of its own and taken away afterwards; for every test that needs one, and for bench."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from enterprise import tables
from tests.broker import missing

TABLES = ", ".join(tables.metadata.tables)
DATABASES = itertools.count(1)
STARTS_WITHIN_S = 15.0


@dataclass
class Postgres:
    """A server that listens on a unix socket only; it may be killed and started again."""

    folder: Path
    _process: subprocess.Popen[bytes] | None = None

    def address(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def make(self, name: str) -> None:
        """A new, empty database."""
        self._say(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")

    def _say(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True) as connection:
            connection.execute(statement.encode())

    def fresh(self) -> str:
        """The address of a new, empty database."""
        name = f"daka_{next(DATABASES)}"
        self.make(name)
        return self.address(name)

    def emptied(self) -> str:
        """The address of the one that most tests use in turn, its tables emptied: making one takes a third of a second."""
        self._say(f"TRUNCATE {TABLES}", "shared")
        return self.address("shared")

    def dump(self, address: str, kept: Path) -> None:
        """A backup of one database, as its administrator makes it."""
        self._run("pg_dump", "-Fc", "-f", str(kept), name_of(address))

    def restore(self, address: str, kept: Path) -> None:
        """Put the backup in the database's place; whoever is connected is thrown out."""
        self._say(f"DROP DATABASE {name_of(address)} WITH (FORCE)")
        self.make(name_of(address))
        self._run("pg_restore", "-d", name_of(address), str(kept))

    def _run(self, program: str, *arguments: str) -> None:
        where = ("-h", str(self.folder), "-U", "postgres")
        subprocess.run([str(programs() / program), *where, *arguments], check=True)

    def start(self) -> None:
        """Returns once it answers, after whatever recovery it needs."""
        command = [str(programs() / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), "-h", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, user=owner(), cwd=self.folder)
        _wait_until_it_answers(self.folder)

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """SIGKILL leaves its children to notice; a start at once must cope with that, as in real life."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(10)


def owner() -> str | None:
    """The server refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None


def name_of(address: str) -> str:
    """The database's name in its address."""
    return address.partition("?")[0].rpartition("/")[2]


@contextmanager
def running() -> Iterator[Postgres]:
    """fsync stays on: durability is what is being tested, and measured."""
    folder = Path(tempfile.mkdtemp(prefix="daka-postgres-"))
    if (user := owner()) is not None:
        shutil.chown(folder, user, user)
    initdb = [str(programs() / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
    server = Postgres(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill(signal.SIGQUIT)  # at once: the folder goes anyway
        shutil.rmtree(folder)


def programs() -> Path:
    """Where Debian keeps initdb and postgres, outside of everybody's PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("PostgreSQL's server", "postgresql")
    return found[-1].parent


def _wait_until_it_answers(folder: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL does not start: {(folder / 'log').read_text()[-2_000:]}")
            time.sleep(0.05)

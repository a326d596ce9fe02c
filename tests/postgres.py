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


@dataclass(frozen=True)
class Postgres:
    """A server that listens on a unix socket only."""

    folder: Path

    def address(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def make(self, name: str) -> None:
        """A new, empty database."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())

    def fresh(self) -> str:
        """The address of a new, empty database."""
        name = f"daka_{next(DATABASES)}"
        self.make(name)
        return self.address(name)

    def emptied(self) -> str:
        """The address of the one that most tests use in turn, its tables emptied: making one takes a third of a second."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="shared", autocommit=True) as connection:
            connection.execute(f"TRUNCATE {TABLES}".encode())
        return self.address("shared")


@contextmanager
def running() -> Iterator[Postgres]:
    """fsync stays on: durability is what is being tested, and measured."""
    binaries = programs()
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="daka-postgres-"))
    if user is not None:
        shutil.chown(folder, user, user)
    data = folder / "data"
    initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder)
    command = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), "-h", ""]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, user=user, cwd=folder)
    try:
        _wait_until_it_answers(folder)
        yield Postgres(folder)
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: the folder goes anyway
        process.wait(10)
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

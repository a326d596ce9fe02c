"""Databases to test against: SQLite, and Debian's PostgreSQL started for the run in a folder of its own."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import messages
from device.messages import Purpose
from enterprise import store as stores
from enterprise import tables
from enterprise.ingest import Ingester
from tests.broker import Broker, missing
from tests.enterprise.kiosk import START, Kiosk

TABLES = ", ".join(tables.metadata.tables)
DATABASES = itertools.count(1)
STARTS_WITHIN_S = 15.0


@dataclass(frozen=True)
class Postgres:
    """A server that listens on a unix socket only."""

    folder: Path

    def fresh(self) -> str:
        """The address of a new, empty database."""
        name = f"daka_{next(DATABASES)}"
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def emptied(self) -> str:
        """The address of the one that most tests use in turn, its tables emptied: making one takes a third of a second."""
        address = f"postgresql+psycopg://postgres@/shared?host={self.folder}"
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="shared", autocommit=True) as connection:
            connection.execute(f"TRUNCATE {TABLES}".encode())
        return address


def programs() -> Path:
    """Where Debian keeps initdb and postgres, outside of everybody's PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        missing("PostgreSQL's server", "postgresql")
    return found[-1].parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """fsync stays on: durability is what is being tested."""
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
        with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE shared ENCODING 'UTF8' TEMPLATE template0")
        stores.connect(f"postgresql+psycopg://postgres@/shared?host={folder}").close()
        yield Postgres(folder)
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: the folder goes anyway
        process.wait(10)
        shutil.rmtree(folder)


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


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.emptied()


@dataclass
class Office:
    """The enterprise's side without a broker."""

    store: stores.Store
    key: Ed25519PrivateKey
    ingester: Ingester

    def trust(self, kiosk: Kiosk) -> Kiosk:
        with self.store.transaction() as transaction:
            transaction.trust(kiosk.name, kiosk.public_key, START)
        return kiosk

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.store.reading() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def alarms(self) -> list[str]:
        return [str(kind) for (kind,) in self.rows("SELECT kind FROM alarm ORDER BY kind")]

    def tamper(self, statement: str) -> None:
        """What somebody with the database's password could do."""
        with self.store.transaction() as transaction:
            assert transaction._connection.exec_driver_sql(statement).rowcount == 1

    def answer(self, answer: bytes | None, kiosk: Kiosk) -> messages.Acknowledgement:
        """The acknowledgement in `answer`, its signature checked as the kiosk does."""
        assert answer is not None
        data = messages.open_envelope(answer, "acknowledgement", kiosk.name)
        messages.verify_signed(data, self.key.public_key(), Purpose.ACKNOWLEDGEMENT, kiosk.name)
        return messages.read_message(data, messages.Acknowledgement)


def ticking() -> Callable[[], datetime]:
    """A clock that goes on by a second at each look."""
    seconds = itertools.count()
    return lambda: datetime(2026, 11, 23, 10, tzinfo=UTC) + timedelta(seconds=next(seconds))


def open_office(address: str) -> Office:
    store, key = stores.connect(address), Ed25519PrivateKey.generate()
    return Office(store, key, Ingester(store, key, ticking()))


@pytest.fixture
def office(address: str) -> Iterator[Office]:
    opened = open_office(address)
    yield opened
    opened.store.close()


@pytest.fixture
def kiosk(office: Office) -> Kiosk:
    """A trusted kiosk with ten records: its genesis and nine punches."""
    made = office.trust(Kiosk())
    made.punch(9)
    return made


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Mosquitto with certificates for kiosk-1, kiosk-2 and the ingester."""
    made = Broker(tmp_path_factory.mktemp("broker"))
    made.prepare(["kiosk-1", "kiosk-2"])
    made.start()
    yield made
    made.stop()

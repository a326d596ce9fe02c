"""Databases to test against: SQLite, and Debian's PostgreSQL started for the run in a folder of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import messages
from device.messages import Purpose
from enterprise import store as stores
from enterprise.ingest import Ingester
from tests.broker import Broker
from tests.enterprise.kiosk import START, Kiosk
from tests.postgres import Postgres, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for the run, with a database that most tests use in turn."""
    with running() as server:
        server.make("shared")
        stores.connect(server.address("shared")).close()
        yield server


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


def open_office(address: str, *, bounded: bool = False) -> Office:
    store, key = stores.connect(address, bounded=bounded), Ed25519PrivateKey.generate()
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

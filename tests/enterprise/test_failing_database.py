"""A database that is full, away or of another version: a clear sentence, no answer, nothing stored by halves, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from enterprise import store as stores
from enterprise import verify
from enterprise.outcome import Arrival, Kind, Verdict
from tests.enterprise.conftest import Office, open_office
from tests.enterprise.kiosk import START, Kiosk
from tests.postgres import Postgres


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Office, Kiosk]]:
    """SQLite, and 200 records of a trusted kiosk."""
    office = open_office(f"sqlite:///{tmp_path}/records.db")
    kiosk = office.trust(Kiosk())
    kiosk.punch(199)
    yield office, kiosk
    office.store.close()


def test_a_full_disk_stores_nothing_by_halves_and_goes_on_when_there_is_room(small: tuple[Office, Kiosk]) -> None:
    office, kiosk = small
    pages = int(str(office.rows("PRAGMA page_count")[0][0]))
    office.rows(f"PRAGMA max_page_count = {pages + 10}")  # 40 kB: room for a few dozen of the 200 records
    with pytest.raises(stores.StoreAway, match=r"disk is full.*its disk has room"):
        office.ingester.take(kiosk.name, kiosk.batch(1, 200))
    assert office.rows("SELECT count(*) FROM record") == [(0,)]
    office.rows("PRAGMA max_page_count = 100000")
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 200)).stored == 200
    assert all(chain.holds for chain in verify.chains(office.store))


def test_a_message_that_the_database_refuses_does_not_take_its_neighbours_with_it(small: tuple[Office, Kiosk]) -> None:
    office, kiosk = small
    other = office.trust(Kiosk("kiosk-2"))
    refusing = "CREATE TRIGGER refusing BEFORE INSERT ON record WHEN NEW.device = 'kiosk-2' BEGIN SELECT RAISE(ABORT, 'no'); END"
    with office.store.transaction() as transaction:
        transaction._connection.exec_driver_sql(refusing)
    messages = [Arrival(Kind.RECORDS, other.name, other.batch(1, 1)), Arrival(Kind.RECORDS, kiosk.name, kiosk.batch(1, 200))]
    refused, stored = office.ingester.take_all(messages)
    assert (refused.verdict, refused.answer) == (Verdict.UNSTORABLE, None)
    assert (stored.verdict, stored.upto) == (Verdict.STORED, 200)
    assert office.rows("SELECT device, kind FROM alarm") == [("kiosk-2", "unstorable")]


def test_whatever_an_alarm_quotes_can_be_stored(address: str) -> None:
    office = open_office(address)
    with office.store.transaction() as transaction:
        transaction.alarm("kiosk-1", "", "malformed", 0, "a \0 and \ud800 and 雨" + "x" * 10_000, START)
    ((detail,),) = office.rows("SELECT detail FROM alarm")
    assert (str(detail)[:21], len(str(detail))) == ("a \\0 and \\ud800 and 雨", 500)
    office.store.close()


def test_postgresql_that_drops_its_connections_is_reached_again(postgres: Postgres) -> None:
    office = open_office(postgres.fresh())
    kiosk = office.trust(Kiosk())
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 1)).verdict is Verdict.STORED
    kiosk.punch()
    with psycopg.connect(host=str(postgres.folder), user="postgres", dbname="postgres") as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'daka%'")
    assert office.ingester.take(kiosk.name, kiosk.batch(2, 2)).verdict is Verdict.STORED
    office.store.close()


def test_postgresql_that_is_away_says_where_it_was_looked_for_and_hides_the_password(tmp_path: Path) -> None:
    with pytest.raises(stores.StoreAway, match=r"postgresql\+psycopg://hr:\*\*\*@/people") as caught:
        stores.connect(f"postgresql+psycopg://hr:secret@/people?host={tmp_path}")
    assert "secret" not in str(caught.value)


def test_postgresql_never_answers_before_the_disk_has_it_whatever_its_default(postgres: Postgres) -> None:
    address = postgres.fresh()
    name = address.partition("@/")[2].partition("?")[0]
    with psycopg.connect(host=str(postgres.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    office = open_office(address)
    assert office.rows("SHOW synchronous_commit") == [("on",)]
    office.store.close()


def test_sqlite_syncs_at_every_commit(small: tuple[Office, Kiosk]) -> None:
    office, _ = small
    assert office.rows("PRAGMA synchronous") == [(2,)]  # 2 is FULL
    assert office.rows("PRAGMA journal_mode") == [("wal",)]

"""The database's layout: whoever reads changes nothing, an older version's is completed, another program's is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from enterprise import layout, tables
from enterprise import store as stores
from enterprise.commands import main as commands
from tests.enterprise.conftest import Office, open_office
from tests.enterprise.kiosk import Kiosk
from tests.postgres import Postgres, name_of

OLDER = (
    "DROP TABLE device_health",
    "DROP VIEW punch",
    "CREATE VIEW punch AS SELECT device, epoch, seq, person, at FROM record WHERE kind = 'punch'",
)


def call(address: str, *words: str) -> Result:
    return CliRunner().invoke(commands.daka_enterprise, [*words, "--database", address])


def made_older(address: str) -> None:
    """As a version left it that knew neither the table nor breaks."""
    office = open_office(address)
    with office.store.transaction() as transaction:
        for statement in OLDER:
            transaction.connection.exec_driver_sql(statement)
    office.store.close()


@contextmanager
def session(postgres: Postgres, address: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(host=str(postgres.folder), user="postgres", dbname=name_of(address)) as connection:
        yield connection


def test_who_may_only_read_can_look_at_everything(postgres: Postgres) -> None:
    address = postgres.fresh()
    office = open_office(address)
    kiosk = office.trust(Kiosk())
    office.ingester.take(kiosk.name, kiosk.batch(1, 1))
    office.store.close()
    with session(postgres, address) as connection:
        connection.execute("DROP ROLE IF EXISTS auditor")
        connection.execute("CREATE ROLE auditor LOGIN IN ROLE pg_read_all_data")
    reading = address.replace("postgres@", "auditor@")
    for words in (["show", "alarms"], ["show", "days"], ["verify"], ["show", "punches"]):
        assert call(reading, *words).exit_code == 0
    assert "permission denied" in str(call(reading, "distrust", "kiosk-1").exception)


def test_a_report_that_goes_on_holds_nobody_up(postgres: Postgres) -> None:
    address = postgres.fresh()
    open_office(address).store.close()
    with session(postgres, address) as report:
        report.execute("SELECT count(*) FROM punch")
        assert call(address, "show", "alarms").exit_code == 0
        stores.connect(address).close()  # StoreAway if it has to wait for the report, which ends after this


def test_who_holds_the_view_that_has_to_be_replaced_is_not_waited_for_in_silence(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.fresh()
    made_older(address)
    with session(postgres, address) as report, monkeypatch.context() as hurried:
        hurried.setattr(layout, "PATIENCE", "200ms")
        report.execute("SELECT count(*) FROM punch")
        with pytest.raises(stores.StoreAway, match="a report or another change holds one of its tables"):
            stores.connect(address)
    stores.connect(address).close()


def test_what_an_older_version_left_out_is_made_by_whoever_writes_and_not_by_whoever_reads(office: Office, address: str) -> None:
    made_older(address)
    assert call(address, "show", "alarms").exit_code == 0
    assert "older version made it; ingest, import or any command" in str(call(address, "show", "health").exception)
    with pytest.raises(stores.StoreAway):
        office.rows("SELECT pause FROM punch")
    assert call(address, "trust", "kiosk-7", Kiosk("kiosk-7").public_key).exit_code == 0
    assert office.rows("SELECT pause FROM punch") == []
    assert call(address, "show", "health").exit_code == 0


def test_a_view_with_more_columns_behind_is_a_newer_versions_and_stays(
    office: Office, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever goes back to this version goes on working, and the newer one finds its columns again."""
    monkeypatch.setattr(tables, "VIEW_COLUMNS", tables.VIEW_COLUMNS[:-2])  # as the version before has them
    assert call(address, "trust", "kiosk-7", Kiosk("kiosk-7").public_key).exit_code == 0
    assert office.rows("SELECT time_quality, boot_id FROM punch") == []


def test_a_new_database_is_complete_and_needs_nothing_more(office: Office, address: str) -> None:
    with office.store.reading() as connection:
        assert layout.missing(connection) == frozenset()


def test_a_new_database_is_for_its_owner_alone_and_the_mode_of_an_older_one_stays(tmp_path: Path) -> None:
    """It holds names, hashes of PINs and shares of device keys."""
    path = tmp_path / "records.db"
    office = open_office(f"sqlite:///{path}")
    office.trust(Kiosk())
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    assert (tmp_path / "records.db-wal").exists()
    path.chmod(0o640)
    office.store.close()
    open_office(f"sqlite:///{path}").store.close()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_database_of_a_later_version_is_left_alone(office: Office, address: str) -> None:
    office.tamper("UPDATE schema_version SET version = 2")
    with pytest.raises(layout.LayoutError, match="layout 2"):
        stores.connect(address)
    office.tamper("UPDATE schema_version SET version = 1")  # PostgreSQL's is used by others in turn


def test_another_programs_file_is_refused_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "payroll.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE salary (name TEXT)")
        connection.execute("CREATE TABLE schema_version (number INTEGER)")
    connection.close()
    before = path.read_bytes()
    for words in (["show", "alarms"], ["trust", "kiosk-1", Kiosk().public_key]):
        assert "another program's" in str(call(f"sqlite:///{path}", *words).exception)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_another_programs_tables_in_postgresql_are_not_taken_for_ours(postgres: Postgres) -> None:
    address = postgres.fresh()
    with session(postgres, address) as connection:
        connection.execute("CREATE TABLE device (serial text)")
    with pytest.raises(layout.LayoutError, match="another program's"):
        stores.connect(address)


def test_a_command_that_looks_makes_no_tables_in_an_empty_database(postgres: Postgres) -> None:
    address = postgres.fresh()
    assert "holds nothing yet" in str(call(address, "show", "alarms").exception)
    with session(postgres, address) as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relname = 'record'").fetchone() == (0,)


def test_the_view_of_a_newer_version_has_all_that_we_want_and_stays(office: Office, address: str) -> None:
    """PostgreSQL takes no column away from a view: whoever tried would take no record any more after going back."""
    with office.store.transaction() as transaction:
        transaction.connection.exec_driver_sql("DROP VIEW punch")
        columns = ", ".join(f"1 AS {name}" for name in (*tables.VIEW_COLUMNS, "of_tomorrow"))
        transaction.connection.exec_driver_sql(f"CREATE VIEW punch AS SELECT {columns}")
    stores.connect(address).close()
    assert office.rows("SELECT of_tomorrow FROM punch") == [(1,)]
    with office.store.transaction() as transaction:
        transaction.connection.exec_driver_sql("DROP VIEW punch")
    stores.connect(address).close()  # PostgreSQL's is used by others in turn

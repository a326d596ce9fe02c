"""A database that is full, away or of another version: a clear sentence, no answer, nothing stored by halves, nothing lost."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from device import messages
from enterprise import downlink, engines, expiry, service, verify
from enterprise import store as stores
from enterprise.mqtt import Received
from enterprise.outcome import Arrival, Kind, Verdict
from tests.enterprise.conftest import Office, open_office
from tests.enterprise.kiosk import PERSON, START, Kiosk
from tests.enterprise.test_downlink import POLICY_KEY
from tests.enterprise.test_downlink import hello as hello_with_sealing_key
from tests.enterprise.test_pressure import Line
from tests.postgres import Postgres

WITHIN_S = 60.0


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
    both = [Arrival(Kind.RECORDS, other.name, other.batch(1, 1)), Arrival(Kind.RECORDS, kiosk.name, kiosk.batch(1, 200))]
    refused, stored = office.ingester.take_all(both)
    assert (refused.verdict, refused.answer) == (Verdict.UNSTORABLE, None)
    assert (stored.verdict, stored.upto) == (Verdict.STORED, 200)
    assert office.rows("SELECT device, kind FROM alarm") == [("kiosk-2", "unstorable")]


def test_what_nobody_has_thought_of_takes_no_neighbours_with_it_and_a_person_is_told(small: tuple[Office, Kiosk]) -> None:
    """Here: what somebody has written into the database by hand. The kiosk keeps what it sent, and sends it again and again."""
    office, kiosk = small
    other, line = office.trust(Kiosk("kiosk-2")), Line()
    with office.store.transaction() as transaction:
        downlink.wish(transaction, downlink.EVERY, "tombstones", "tombstone-1", {}, "hr", START)
    office.tamper("UPDATE wish SET content = 'no JSON'")
    other.write(messages.Erasure(PERSON, messages.ErasureReason.TOMBSTONE, "hr", 1, 9, 12, 0))
    for place, (name, batch) in enumerate(((other.name, other.batch(1, 2)), (kiosk.name, kiosk.batch(1, 200)))):
        line.events.put(Received(messages.topics(name).records, batch, "", line, place))  # type: ignore[arg-type]
    run_until(lambda: len(line.forgotten) == 2, service.Service(office.ingester, line))  # type: ignore[arg-type]
    assert [office.answer(said, kiosk).upto for said in line.said] == [200]
    assert office.rows("SELECT device, kind FROM alarm") == [("kiosk-2", "unforeseen")]


class BrokenLine(Line):
    """As paho refuses what it cannot send: not by an error that the ingester knows."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = True) -> bool:
        if topic.endswith("desired"):
            raise ValueError("a payload too large")
        return super().publish(topic, payload, retain=retain)


def test_a_desired_state_that_cannot_be_sent_does_not_end_the_ingester(small: tuple[Office, Kiosk]) -> None:
    office, kiosk = small
    line, looks = BrokenLine(), []
    office.ingester.greet(kiosk.name, hello_with_sealing_key(kiosk))
    with office.store.transaction() as transaction:
        downlink.sign(transaction, kiosk.name, POLICY_KEY, None, START)
    watch = expiry.Watch(office.store, lambda: START, lambda *_: looks.append("looked"))
    daemon = service.Service(office.ingester, line, office.store, watch)  # type: ignore[arg-type]
    run_until(lambda: daemon.unforeseen > 0, daemon)
    line.events.put(Received(messages.topics(kiosk.name).records, kiosk.batch(1, 200), "", line, 1))  # type: ignore[arg-type]
    run_until(lambda: bool(line.forgotten and looks), daemon)
    assert [office.answer(said, kiosk).upto for said in line.said] == [200]


def run_until(done: Callable[[], bool], daemon: service.Service) -> None:
    """The daemon's loop, in a thread that nothing but being told to may end."""
    stop = threading.Event()
    running = threading.Thread(target=daemon.run, args=(stop,), daemon=True)
    running.start()
    deadline = time.monotonic() + WITHIN_S
    try:
        while not done():
            assert running.is_alive()
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        stop.set()
        running.join()


def test_only_a_persons_id_is_copied_beside_a_record(address: str) -> None:
    """Some kinds of records may say more than this version knows; 9,000 characters are more than PostgreSQL's index takes."""
    office = open_office(address)
    kiosk = office.trust(Kiosk())
    for person in (secrets.token_hex(4_500), "p-1", 7):
        kiosk.write_raw(kind="boot", body={"software": "test", "person": person})
    kiosk.punch(1)
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 5)).stored == 5
    assert office.rows("SELECT person FROM record ORDER BY seq") == [("",), ("",), ("",), ("",), (PERSON,)]
    assert all(chain.holds for chain in verify.chains(office.store))
    office.store.close()


@pytest.fixture
def pair(postgres: Postgres) -> Iterator[tuple[Office, Kiosk, Kiosk]]:
    """PostgreSQL, and two trusted kiosks of one record each."""
    office = open_office(postgres.fresh())
    yield office, office.trust(Kiosk()), office.trust(Kiosk("kiosk-2"))
    office.store.close()


def refuse(office: Office, code: str) -> None:
    """Every record of kiosk-2, in these words of PostgreSQL's."""
    function = f"CREATE FUNCTION no() RETURNS trigger AS $$ BEGIN RAISE 'no' USING ERRCODE = '{code}'; END $$ LANGUAGE plpgsql"
    with office.store.transaction() as transaction:
        transaction.connection.exec_driver_sql(function)
        when = "FOR EACH ROW WHEN (NEW.device = 'kiosk-2') EXECUTE FUNCTION no()"
        transaction.connection.exec_driver_sql(f"CREATE TRIGGER refusing BEFORE INSERT ON record {when}")


@pytest.mark.parametrize("code", ["22P05", "23514", "54000"])
def test_content_beyond_what_postgresql_can_hold_is_refused_and_not_tried_for_ever(
    pair: tuple[Office, Kiosk, Kiosk], code: str
) -> None:
    office, good, bad = pair
    refuse(office, code)
    batches = [Arrival(Kind.RECORDS, one.name, one.batch(1, 1)) for one in (bad, good)]
    assert [outcome.verdict for outcome in office.ingester.take_all(batches)] == [Verdict.UNSTORABLE, Verdict.STORED]


@pytest.mark.parametrize("code", ["57014", "55P03", "XX000"])
def test_a_message_that_fails_again_and_again_is_let_go_alone(
    pair: tuple[Office, Kiosk, Kiosk], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, good, bad = pair
    refuse(office, code)
    monkeypatch.setattr(service, "pause_s", lambda _: 0.0)
    line = Line()
    sent = [Received(messages.topics(one.name).records, one.batch(1, 1), "", line, place) for place, one in enumerate((bad, good))]  # type: ignore[arg-type]
    service.Service(office.ingester, line)._settle(sent, threading.Event())  # type: ignore[arg-type]
    assert [office.answer(said, good).upto for said in line.said] == [1]
    assert (line.forgotten, line.here) == ([0, 1], [])
    assert office.rows("SELECT device, kind FROM alarm") == [("kiosk-2", "unstorable")]


@pytest.mark.parametrize("code", ["53100", "57P03", "58030", "42501"])
def test_where_nothing_can_be_stored_nothing_is_let_go(pair: tuple[Office, Kiosk, Kiosk], code: str) -> None:
    office, _, bad = pair
    refuse(office, code)
    with pytest.raises(stores.StoreAway) as caught:
        office.ingester.take(bad.name, bad.batch(1, 1))
    assert not isinstance(caught.value, stores.StoreStuck)


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


Hurried = tuple[str, Office, Kiosk, Kiosk]


@pytest.fixture
def hurried(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hurried]:
    """PostgreSQL as the ingester opens it, with less patience; two trusted kiosks of two records, of which it has the first."""
    monkeypatch.setattr(service, "pause_s", lambda _: 0.0)
    address = postgres.fresh()
    office = open_office(address, bounded=True)
    kiosks = office.trust(Kiosk()), office.trust(Kiosk("kiosk-2"))
    for kiosk in kiosks:
        office.ingester.take(kiosk.name, kiosk.batch(1, 1))
        kiosk.punch()
    monkeypatch.setattr(engines, "LIMITS", dict.fromkeys(engines.LIMITS, "300ms"))
    office.store.close()  # it connects anew, with these limits
    yield address, office, *kiosks
    office.store.close()


def second_records(line: Line, *kiosks: Kiosk) -> list[Received]:
    topics = [messages.topics(kiosk.name).records for kiosk in kiosks]
    return [Received(topics[place], kiosk.batch(2, 2), "", line, place) for place, kiosk in enumerate(kiosks)]  # type: ignore[arg-type]


def test_a_session_that_holds_one_kiosks_row_holds_up_nobody_else(hurried: Hurried) -> None:
    """A person's, or a worker's whose machine is gone: PostgreSQL keeps its locks until it misses it."""
    address, office, held, other = hurried
    line = Line()
    with open_office(address).store.transaction() as gone:
        gone.lock_epoch(held.name, held.epoch, held.public_key, START)
        service.Service(office.ingester, line)._settle(second_records(line, held, other), threading.Event())  # type: ignore[arg-type]
    assert [office.answer(said, other).upto for said in line.said] == [2]
    assert office.ingester.take(held.name, held.batch(2, 2)).upto == 2


def test_whoever_holds_everything_is_not_waited_for_beyond_the_end(hurried: Hurried, monkeypatch: pytest.MonkeyPatch) -> None:
    address, office, kiosk, _ = hurried
    line, stop, tried_again = Line(), threading.Event(), threading.Event()

    def pause_s(_failures: int) -> float:
        tried_again.set()
        return 0.0

    monkeypatch.setattr(service, "pause_s", pause_s)
    with open_office(address).store.transaction() as gone:
        gone.connection.exec_driver_sql("LOCK TABLE device, alarm, epoch IN ACCESS EXCLUSIVE MODE")
        daemon = service.Service(office.ingester, line, office.store)  # type: ignore[arg-type]
        question = Received(messages.topics(kiosk.name).lock_question, b"?", "", line, 7)  # type: ignore[arg-type]
        settling = threading.Thread(target=daemon._handle, args=([question, *second_records(line, kiosk)], stop))
        settling.start()
        assert tried_again.wait(WITHIN_S)
        stop.set()
        settling.join(WITHIN_S)
        assert not settling.is_alive()
    assert (line.said, line.forgotten, daemon.unforeseen) == ([], [], 0)


def test_a_worker_that_falls_silent_in_a_transaction_loses_its_locks(hurried: Hurried) -> None:
    address, office, kiosk, _ = hurried
    patient = open_office(address)

    def fall_silent() -> None:
        with office.store.transaction() as silent:
            silent.lock_epoch(kiosk.name, kiosk.epoch, kiosk.public_key, START)
            assert patient.ingester.take(kiosk.name, kiosk.batch(2, 2)).upto == 2

    with pytest.raises(stores.StoreAway):
        fall_silent()
    patient.store.close()


def test_a_report_may_take_its_time(postgres: Postgres) -> None:
    office = open_office(postgres.fresh())
    assert [office.rows(f"SHOW {name}") for name in engines.LIMITS] == [[("0",)]] * len(engines.LIMITS)
    office.store.close()


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

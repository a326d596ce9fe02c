"""Whatever comes in, the ingester says no by name, stores nothing by halves, and goes on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device import messages
from enterprise.outcome import Arrival, Kind, Verdict
from tests.enterprise.conftest import Office, open_office
from tests.enterprise.kiosk import Kiosk

BOUNDED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=8).map(repr)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3))


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Office, Kiosk]]:
    """SQLite; kiosk-1 is trusted and has four of its eight records stored."""
    office = open_office(f"sqlite:///{tmp_path_factory.mktemp('hostile')}/records.db")
    kiosk = office.trust(Kiosk())
    kiosk.punch(7)
    office.ingester.take(kiosk.name, kiosk.batch(1, 4))
    yield office, kiosk
    office.store.close()


def records(office: Office) -> int:
    return int(str(office.rows("SELECT (SELECT count(*) FROM record) + (SELECT count(*) FROM parked)")[0][0]))


def assert_nothing_comes_of(office: Office, kind: Kind, payload: bytes, encoding: str = "") -> None:
    before = records(office)
    (outcome,) = office.ingester.take_all([Arrival(kind, "kiosk-1", payload, encoding)])
    assert outcome.verdict in (Verdict.MALFORMED, Verdict.BAD_SIGNATURE)
    assert outcome.answer is None
    assert records(office) == before


@BOUNDED
@given(payload=st.binary(max_size=300), kind=st.sampled_from(Kind), encoding=st.sampled_from(["", "gzip", "br", "\0"]))
def test_random_bytes_store_nothing(victim: tuple[Office, Kiosk], payload: bytes, kind: Kind, encoding: str) -> None:
    assert_nothing_comes_of(victim[0], kind, payload, encoding)


@BOUNDED
@given(data=st.data(), kind=st.sampled_from(Kind))
def test_a_message_with_a_changed_byte_stores_nothing(victim: tuple[Office, Kiosk], data: st.DataObject, kind: Kind) -> None:
    office, kiosk = victim
    payload = bytearray(kiosk.batch(5, 8) if kind is Kind.RECORDS else kiosk.hello())
    inside = payload.index(b'"data":') + 7
    place = data.draw(st.integers(inside, len(payload) - 300))  # what follows the data is the envelope, which nobody signs
    payload[place] ^= data.draw(st.integers(1, 255))
    assert_nothing_comes_of(office, kind, bytes(payload))


@BOUNDED
@given(data=st.data(), value=JSON, kind=st.sampled_from(Kind))
def test_a_message_with_a_changed_value_stores_nothing(
    victim: tuple[Office, Kiosk], data: st.DataObject, value: Any, kind: Kind
) -> None:
    office, kiosk = victim
    envelope = json.loads(kiosk.batch(5, 8) if kind is Kind.RECORDS else kiosk.hello())
    place = data.draw(st.sampled_from(sorted(envelope["data"])))
    if envelope["data"][place] == value:
        return
    envelope["data"][place] = value
    assert_nothing_comes_of(office, kind, json.dumps(envelope).encode("utf-8", "surrogatepass"))


@BOUNDED
@given(changes=st.dictionaries(st.sampled_from(["kind", "at", "body", "boot_id", "monotonic_us", "new"]), JSON, min_size=1))
def test_a_signed_record_of_any_content_is_stored_parked_or_refused_whole(changes: dict[str, Any]) -> None:
    """Its own kiosk each time, on one shared database in memory: whatever a kiosk signs must not break the server."""
    office = open_office("sqlite://")
    kiosk = office.trust(Kiosk())
    try:
        kiosk.write_raw(**changes)
    except messages.NotCanonical:
        return
    finally_punch = kiosk.twin(keep=2)
    finally_punch.texts.append(
        messages.write_record(kiosk.name, kiosk.epoch, 3, kiosk.hash_of(2).hex(), kiosk.stamp(), boot()).text
    )
    outcome = office.ingester.take(kiosk.name, finally_punch.batch(1, 3))
    assert (outcome.verdict, outcome.stored + outcome.parked) == (Verdict.STORED, 3)
    office.store.close()


def boot() -> messages.Boot:
    return messages.Boot("test")


def test_a_bomb_of_zeros_is_refused_before_it_unfolds(victim: tuple[Office, Kiosk]) -> None:
    assert_nothing_comes_of(victim[0], Kind.RECORDS, gzip.compress(bytes(200_000_000), compresslevel=1), "gzip")


def test_bottomless_nesting_is_refused(victim: tuple[Office, Kiosk]) -> None:
    assert_nothing_comes_of(victim[0], Kind.RECORDS, b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


def test_a_hello_whose_first_record_lies_behind_its_last_declares_no_gap(victim: tuple[Office, Kiosk]) -> None:
    office, kiosk = victim
    assert_nothing_comes_of(office, Kind.HELLO, kiosk.hello(first_kept=2**53 - 1))
    assert office.rows("SELECT count(*) FROM gap") == [(0,)]


def test_after_all_of_it_the_kiosk_is_served_as_if_nothing_had_been(victim: tuple[Office, Kiosk]) -> None:
    office, kiosk = victim
    assert office.ingester.take(kiosk.name, kiosk.batch(4, 8)).upto == 8
    assert set(office.alarms()) <= {"malformed", "bad_signature"}

"""What a person at the enterprise can look at and settle: states, corrected times, gaps, alarms; on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from device import messages
from enterprise import alarms, show, times
from enterprise.outcome import Arrival, Kind, Verdict
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import PERSON, START, Kiosk, punch_body

EARLIER_BOOT, UNSURE_BOOT, LATER_BOOT = (f"{number}b7c6b1e-3f0e-4a57-9d6e-0c1f6f1f2a3b" for number in (1, 2, 3))
IN_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def write(kiosk: Kiosk, boot_id: str, seconds: int, body: messages.Body) -> None:
    """A record of a machine whose wall clock began at 1970."""
    said = messages.Stamp(IN_1970 + timedelta(seconds=seconds), boot_id, seconds * 1_000_000, "unsynced")
    prev = kiosk.hash_of(kiosk.last).hex()
    kiosk.texts.append(messages.write_record(kiosk.name, kiosk.epoch, kiosk.last + 1, prev, said, body).text)


def anchor(kiosk: Kiosk, boot_id: str, seconds: int, utc: datetime) -> None:
    body = messages.TimeBody(boot_id, seconds * 1_000_000, utc, messages.Source.SERVER, 1_000, IN_1970 + timedelta(seconds=seconds))
    write(kiosk, boot_id, seconds, body)


@pytest.fixture
def in_1970(office: Office) -> Kiosk:
    """Three boots at 1970; the first and the last hear the time after a punch, the middle one never."""
    kiosk = office.trust(Kiosk())
    write(kiosk, EARLIER_BOOT, 10, punch_body(PERSON))
    anchor(kiosk, EARLIER_BOOT, 20, START)
    write(kiosk, UNSURE_BOOT, 10, punch_body(PERSON))
    write(kiosk, LATER_BOOT, 10, punch_body(PERSON))
    anchor(kiosk, LATER_BOOT, 30, START + timedelta(hours=2))
    return kiosk


def shown_punches(office: Office) -> dict[int, tuple[str, str, str]]:
    with office.store.reading() as connection:
        return {row[1]: (row[5], row[6], row[7]) for row in show.punches(connection, 50)}


@pytest.mark.parametrize("step", [1, 6], ids=["record by record", "in one batch"])
def test_punches_are_shown_at_the_times_at_which_they_really_happened(office: Office, in_1970: Kiosk, step: int) -> None:
    for first in range(1, in_1970.last + 1, step):
        assert office.ingester.take(in_1970.name, in_1970.batch(first, min(first + step - 1, in_1970.last))).stored
    found = shown_punches(office)
    assert found[2] == (messages.write_time(START - timedelta(seconds=10)), "corrected", "")
    assert found[5] == (messages.write_time(START + timedelta(hours=2) - timedelta(seconds=20)), "corrected", "")
    when, quality, review = found[4]
    assert (quality, review) == ("unsynced", "yes")
    assert messages.write_time(START) <= when <= messages.write_time(START + timedelta(hours=2))


def test_whoever_asks_the_view_sees_by_what_clock_a_punch_was_recorded(office: Office, in_1970: Kiosk) -> None:
    """Its time is as the kiosk wrote it then: 1970 must not stand there unmarked."""
    office.ingester.take(in_1970.name, in_1970.batch(1, in_1970.last))
    found = office.rows("SELECT seq, time_quality, boot_id FROM punch WHERE at < '1971' ORDER BY seq")
    assert found == [(2, "unsynced", EARLIER_BOOT), (4, "unsynced", UNSURE_BOOT), (5, "unsynced", LATER_BOOT)]


def test_a_punch_that_does_not_count_says_so_and_one_that_the_office_added_is_there(office: Office, kiosk: Kiosk) -> None:
    noon = messages.write_time(START + timedelta(hours=3))
    kiosk.write(messages.Void(3, kiosk.hash_of(3).hex(), "the gate was blocked", "web:li"))
    kiosk.write(messages.Correction(PERSON, messages.Direction.OUT, "", 3, "", "the gate was blocked", "web:li"))
    kiosk.write(messages.Correction(PERSON, messages.Direction.OUT, noon, 0, "", "forgotten", "web:li"))
    kiosk.write(messages.Dispute(4, kiosk.hash_of(4).hex(), "not me", "web:li"))
    office.ingester.take(kiosk.name, kiosk.batch(1, kiosk.last))
    with office.store.reading() as connection:
        found = {row[1]: row for row in show.punches(connection, 50)}
    assert {len(row) for row in found.values()} == {len(show.PUNCH_HEADINGS)}
    assert (found[2][-1], found[3][-1], found[4][-1]) == ("yes", "no: voided by record 11", "yes, disputed")
    assert (found[12][3:6], found[12][-1]) == (("out", "correction", found[3][5]), "yes: in place of record 3, web:li")
    assert (found[13][5], found[13][-1]) == (noon, "yes: added, web:li")
    assert office.rows("SELECT seq, voided_by FROM punch WHERE voided_by > 0") == [(3, 11)]
    assert office.rows("SELECT count(*) FROM punch") == [(9,)]


def test_a_boot_that_never_heard_the_time_is_listed_with_its_bounds_for_a_person(office: Office, in_1970: Kiosk) -> None:
    office.ingester.take(in_1970.name, in_1970.batch(1, in_1970.last))
    with office.store.reading() as connection:
        (review,) = times.reviews(connection)
    assert (review.boot_id, review.first_seq, review.punches) == (UNSURE_BOOT, 4, 1)
    assert review.estimate.earliest is not None
    assert review.estimate.latest is not None
    assert START <= review.estimate.earliest <= review.estimate.latest <= START + timedelta(hours=2)


def test_the_enterprise_computes_the_times_that_the_records_themselves_give(office: Office, in_1970: Kiosk) -> None:
    office.ingester.take(in_1970.name, in_1970.batch(1, in_1970.last))
    records = [messages.read_record(messages.parse(text)) for text in in_1970.texts]
    expected = messages.timeline.read(records)
    with office.store.reading() as connection:
        found = times.of(connection, in_1970.name, in_1970.epoch)
    assert [found.correct(record.stamp) for record in records] == [expected.correct(record.stamp) for record in records]


HEALTH = messages.Health(
    temperature_c=83, attempt_median_ms=800, attempt_p95_ms=1200, certificate_days=12, restarts=2,
    alarms=(messages.Alarm("hot", messages.write_time(START), messages.write_time(START)),),
)  # fmt: skip


def state(kiosk: Kiosk, *, online: bool = True, health: messages.Health = HEALTH) -> bytes:
    now = messages.write_time(START)
    said = messages.Online(
        "ab" * 16, messages.Backlog(7, 60), messages.Clock(now, "synced"), 2**33, "daka", "Linux", "aarch64", "wired", health
    )
    content = messages.CODEC.unstructure(said if online else messages.DeviceState("ab" * 16, False))
    return messages.seal_envelope("state", kiosk.name, "state/1", now, content)


def test_how_a_kiosk_is_stands_in_a_table_until_it_says_otherwise(office: Office, kiosk: Kiosk) -> None:
    (outcome,) = office.ingester.take_all([Arrival(Kind.STATE, kiosk.name, state(kiosk))])
    assert (outcome.verdict, outcome.answer) == (Verdict.HEARD, None)
    with office.store.reading() as connection:
        (row,) = connection.execute(show.states()).all()
    assert (row.device, row.online, row.backlog, row.clock_quality, row.network) == (kiosk.name, 1, 7, "synced", "wired")
    office.ingester.take_all([Arrival(Kind.STATE, kiosk.name, state(kiosk, online=False))])
    with office.store.reading() as connection:
        (row,) = connection.execute(show.states()).all()
    assert (row.online, row.backlog, row.network) == (0, None, None)
    with office.store.reading() as connection:
        (said,) = show.health(connection)  # the last word on it stays
    assert {"83", "0.8 s / 1.2 s", "12 days", "2", f"hot since {messages.write_time(START)[:16]}Z"} <= set(said)


def test_a_kiosk_with_many_alarms_is_shown_with_each_and_one_that_cannot_be_read_hides_no_other(
    office: Office, kiosk: Kiosk
) -> None:
    other, at = office.trust(Kiosk("kiosk-2")), messages.write_time(START)
    many = tuple(messages.Alarm(f"camera_away_{number}", at, at) for number in range(50))
    health = dataclasses.replace(HEALTH, alarms=many)
    for one in (kiosk, other):
        office.ingester.take_all([Arrival(Kind.STATE, one.name, state(one, health=health))])
    office.tamper("UPDATE device_health SET health = substr(health, 1, 500) WHERE device = 'kiosk-1'")
    with office.store.reading() as connection:
        cut, whole = show.health(connection)
    assert "what it said cannot be read" in cut
    assert len(cut) == len(whole) == len(show.HEALTH_HEADINGS)
    assert all(f"{alarm.name} since" in whole[10] for alarm in many)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b"\xff"])
def test_a_state_that_is_none_changes_nothing(office: Office, kiosk: Kiosk, payload: bytes) -> None:
    (outcome,) = office.ingester.take_all([Arrival(Kind.STATE, kiosk.name, payload)])
    assert outcome.verdict is Verdict.MALFORMED
    assert office.rows("SELECT count(*) FROM device_state") == [(0,)]


def test_one_kiosk_cannot_say_how_another_is(office: Office, kiosk: Kiosk) -> None:
    other = office.trust(Kiosk("kiosk-2"))
    (outcome,) = office.ingester.take_all([Arrival(Kind.STATE, other.name, state(kiosk))])
    assert outcome.verdict is Verdict.MALFORMED


def open_alarms(office: Office) -> list[str]:
    with office.store.reading() as connection:
        return [row.kind for row in connection.execute(show.alarms(50))]


def settle(office: Office, kind: str, seq: int | None = None) -> int:
    with office.store.transaction() as transaction:
        return alarms.settle(transaction, "kiosk-1", kind, seq, "hr", "seen", START)


def test_a_settled_alarm_is_out_of_sight_and_still_on_record_with_who_and_why(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, b"rubbish")
    assert settle(office, "malformed") == 1
    assert open_alarms(office) == []
    with office.store.reading() as connection:
        (row,) = connection.execute(show.alarms(50, every=True)).all()
    assert (row.kind, row.settled_by, row.note) == ("malformed", "hr", "seen")


def test_trouble_that_goes_on_after_it_was_settled_is_an_open_alarm_again(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, b"rubbish")
    settle(office, "malformed")
    office.ingester.take(kiosk.name, b"rubbish")
    assert open_alarms(office) == ["malformed"]
    assert settle(office, "malformed") == 1
    assert open_alarms(office) == []


def test_what_is_not_open_cannot_be_settled(office: Office, kiosk: Kiosk) -> None:
    office.ingester.take(kiosk.name, b"rubbish")
    for kind, seq in (("fork", None), ("malformed", 9)):
        with pytest.raises(alarms.NothingToSettle, match="no open alarm"):
            settle(office, kind, seq)


def test_a_gap_names_how_much_of_it_turned_up_after_all(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, kiosk.hello(first_kept=6))
    office.ingester.take(kiosk.name, kiosk.batch(6, 10))
    office.ingester.take(kiosk.name, kiosk.batch(4, 5))
    with office.store.reading() as connection:
        (row,) = connection.execute(show.gaps(50)).all()
    assert (row.first, row.last, row.filled) == (1, 5, 2)

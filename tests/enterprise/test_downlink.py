"""Wishes become signed states on both kinds of database; the ingester sends them until the kiosk says that it has them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import messages
from device.messages import Place, Purpose
from enterprise import authority, downlink, mqtt, roster, service
from enterprise.commands import main as commands
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import START, Kiosk

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
POLICY_KEY = Ed25519PrivateKey.generate()
SECRET = X25519PrivateKey.generate()
HEADER = "number,name,language,pin,badge\n"


NOWHERE = Place(0, 0)


def hello(kiosk: Kiosk, place: Place = NOWHERE, secret: X25519PrivateKey = SECRET, **claims: Any) -> bytes:
    key, head = messages.sealing_key_text(secret), kiosk.hash_of(kiosk.last).hex()
    said = messages.Hello(kiosk.epoch, 1, kiosk.last, head, 0, "0" * 32, "test", ("gzip",), key, place.generation, place.version)
    data = messages.signed(dataclasses.replace(said, **claims), kiosk.key, Purpose.HELLO, kiosk.name)
    return messages.seal_envelope("hello", kiosk.name, "hello/1", messages.write_time(START), data)


def sign(office: Office, kiosk: Kiosk) -> downlink.Signed:
    with office.store.transaction() as transaction:
        return downlink.sign(transaction, kiosk.name, POLICY_KEY, None, NOW)


def wish(office: Office, device: str, section: str, item: str, content: dict[str, object], by: str = "hr:li") -> None:
    with office.store.transaction() as transaction:
        downlink.wish(transaction, device, section, item, content, by, NOW)


def opened(office: Office, kiosk: Kiosk) -> messages.Content:
    contents = []
    for page in downlink.unsent(office.store):
        read, data = messages.read_page(page.payload, kiosk.name)
        messages.verify_page(data, [POLICY_KEY.public_key()], kiosk.name)
        contents.append(messages.open_page(read, kiosk.name, SECRET))
    return messages.joined(contents)


def test_what_is_wanted_of_one_kiosk_counts_before_what_is_wanted_of_all(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    wish(office, downlink.EVERY, "policy", "attend.min_gap_s", {"value": "60.0"})
    wish(office, kiosk.name, "policy", "attend.min_gap_s", {"value": "90.0"}, "hr:wu")
    wish(office, "kiosk-9", "policy", "attend.min_gap_s", {"value": "99.0"})
    wish(office, downlink.EVERY, "retention", "records", {"days": 45})
    sign(office, kiosk)
    content = opened(office, kiosk)
    assert content.policy == messages.Policy("hr:wu", {"attend.min_gap_s": "90.0"})
    assert content.retention == messages.Retention("hr:li", {"records": 45})
    assert content.roster == messages.Roster()


def test_nothing_is_sealed_to_a_kiosk_that_was_never_heard(office: Office, kiosk: Kiosk) -> None:
    with pytest.raises(downlink.DesiredError, match="has not said hello yet"):
        sign(office, kiosk)


def test_a_state_is_sent_until_the_kiosk_says_that_it_has_it(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    place = sign(office, kiosk).place
    pages = downlink.unsent(office.store)
    assert [page.topic for page in pages] == ["att/v1/kiosk-1/down/desired"]
    downlink.sent(office.store, pages)
    assert downlink.unsent(office.store) == []
    office.ingester.greet(kiosk.name, hello(kiosk))
    assert downlink.unsent(office.store) == pages
    downlink.sent(office.store, pages)
    office.ingester.greet(kiosk.name, hello(kiosk, place))
    assert downlink.unsent(office.store) == []


def test_a_state_waits_while_there_is_no_connection_to_the_broker(office: Office, kiosk: Kiosk, tmp_path: Path) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    sign(office, kiosk)
    authority.create(tmp_path, START)
    own = authority.issue_ingester(tmp_path, START)
    where = mqtt.Broker("127.0.0.1", 1, tmp_path / "root.pem", own.certificate, own.key, "ingest")
    never_started = mqtt.Link(where, (), mqtt.Words(messages.SERVER_STATE_TOPIC, b"", b""))
    service.Service(office.ingester, never_started, office.store)._send_desired()
    assert len(downlink.unsent(office.store)) == 1


def test_a_state_that_was_signed_anew_while_the_old_one_was_sent_still_waits(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    sign(office, kiosk)
    old = downlink.unsent(office.store)
    sign(office, kiosk)
    downlink.sent(office.store, old)
    assert len(downlink.unsent(office.store)) == 1


def test_of_two_workers_that_send_at_once_the_older_state_does_not_stay_at_the_broker(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    sign(office, kiosk)
    slow = downlink.unsent(office.store)
    sign(office, kiosk)
    quick = downlink.unsent(office.store)
    for published in (quick, slow):
        downlink.sent(office.store, published)
    assert downlink.unsent(office.store) == quick
    downlink.sent(office.store, quick)
    assert downlink.unsent(office.store) == []


def test_nor_a_state_that_was_taken_away(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    sign(office, kiosk)
    slow = downlink.unsent(office.store)
    with office.store.transaction() as transaction:
        downlink.abandon(transaction, kiosk.name)
    quick = downlink.unsent(office.store)
    for published in (quick, slow):
        downlink.sent(office.store, published)
    assert [page.payload for page in downlink.unsent(office.store)] == [b""]
    downlink.sent(office.store, quick)
    assert downlink.unsent(office.store) == []


def test_versions_count_up_and_a_kiosk_that_is_ahead_gets_a_new_generation(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    first, second = sign(office, kiosk).place, sign(office, kiosk).place
    assert second == Place(first.generation, first.version + 1)
    office.ingester.greet(kiosk.name, hello(kiosk, Place(second.generation, 9)))
    assert office.alarms() == ["desired_ahead"]
    assert sign(office, kiosk).place == Place(second.generation + 1, 1)


def test_a_kiosk_that_comes_after_the_wishes_and_has_none_of_them_is_an_alarm(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    assert office.alarms() == []
    wish(office, downlink.EVERY, "retention", "records", {"days": 45})
    office.ingester.greet(kiosk.name, hello(kiosk))
    assert office.alarms() == ["desired_missing"]
    with office.store.reading() as connection:
        assert downlink.unsigned(connection) == [kiosk.name]
    sign(office, kiosk)
    with office.store.reading() as connection:
        assert downlink.unsigned(connection) == []


def test_another_sealing_key_is_an_alarm_since_only_the_policy_key_can_seal_anew(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    sign(office, kiosk)
    office.ingester.greet(kiosk.name, hello(kiosk, secret=X25519PrivateKey.generate()))
    assert office.alarms() == ["desired_unreadable"]


def test_pages_of_a_longer_state_are_taken_away_from_the_broker(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    with office.store.transaction() as transaction:
        for number in range(600):
            downlink.wish(transaction, downlink.EVERY, "roster", f"p-{number:032x}", person(number), "hr:li", NOW)
        downlink.wish(transaction, downlink.EVERY, "roster", downlink.EVERY, {}, "hr:li", NOW)
    assert sign(office, kiosk).pages == 2
    assert len(opened(office, kiosk).roster.people) == 600
    with office.store.transaction() as transaction:
        downlink.drop(transaction, downlink.EVERY, "roster", [f"p-{number:032x}" for number in range(300)])
    assert sign(office, kiosk).pages == 1
    pages = downlink.unsent(office.store)
    assert [bool(page.payload) for page in pages] == [True, False]
    downlink.sent(office.store, pages)
    assert office.rows("SELECT count(*) FROM desired_page") == [(1,)]


def person(number: int) -> dict[str, object]:
    found: dict[str, object] = messages.CODEC.unstructure(messages.RosterPerson(f"p-{number:032x}", str(number), "Wang", "zh-CN"))
    return found


def test_a_number_keeps_its_id_and_the_same_list_changes_nothing() -> None:
    rows = roster.read(HEADER + "1001,王芳,zh-CN,482913,B001 B002\n1002,Ada,en,,\n")
    first = roster.compare(rows, {})
    assert (first.added, first.changed, first.leaving) == (2, 0, ())
    again = roster.compare(rows, first.people)
    assert again.people == first.people
    assert (again.added, again.changed) == (0, 0)
    assert "482913" not in str(first)


def test_a_last_day_goes_to_the_kiosks_as_a_day_since_each_ends_it_by_its_own_clock() -> None:
    (visitor,) = roster.compare(roster.read("number,name,expires\n1,A,2026-12-31\n"), {}).people.values()
    assert visitor.expires_at == "2026-12-31"
    (guard,) = roster.compare(roster.read("number,name,expires\n1,A,2026-12-31T18:00+08:00\n"), {}).people.values()
    assert guard.expires_at == "2026-12-31T10:00:00.000000Z"
    with pytest.raises(roster.RosterRefused, match="line 2"):
        roster.compare(roster.read("number,name,expires\n1,A,2026-02-31\n"), {})


@pytest.mark.parametrize("text", ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T00:00:00", "9999-12-31T23:59-08:00"])
def test_the_year_9999_of_personnel_systems_is_no_end(text: str) -> None:
    (employee,) = roster.compare(roster.read(f"number,name,expires\n1,A,{text}\n"), {}).people.values()
    assert employee.expires_at == ""


@pytest.mark.parametrize("text", ["1899-12-31", "9998-12-31", "9998-12-31T20:00-08:00", "1900-01-01T00:00+08:00"])
def test_a_last_day_that_some_kiosk_would_refuse_is_refused_at_the_desk(text: str) -> None:
    with pytest.raises(roster.RosterRefused, match="line 2: expires lies between 1900-01-01 and 9998-12-30"):
        roster.compare(roster.read(f"number,name,expires\n1,A,{text}\n"), {})
    for near in ("1900-01-01", "9998-12-30", "1900-01-01T00:00Z"):
        roster.compare(roster.read(f"number,name,expires\n1,A,{near}\n"), {})


def test_whoever_is_no_more_on_the_list_leaves_and_comes_back_as_somebody_else() -> None:
    first = roster.compare(roster.read(HEADER + "1,A,en,,\n2,B,en,,\n"), {})
    second = roster.compare(roster.read(HEADER + "1,A,en,,\n"), first.people)
    assert len(second.leaving) == 1
    third = roster.compare(roster.read(HEADER + "1,A,en,,\n2,B,en,,\n"), second.people)
    assert set(third.people) & set(second.leaving) == set()


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("1,A,en,,\n1,B,en,,\n", "line 3: the number is that of line 2"),
        ("1,A,en,,X-01\n2,B,en,,X-01\n", "line 3: the badge is that of line 2"),
        ("1,A,fr,,\n", "line 2: language"),
        ("1,,en,,\n", "line 2: name"),
        ("1,A,en,1234,\n", "line 2: a PIN has 6 to 12 digits"),
        ("1,A,en,1234567890123,\n", "line 2: a PIN has 6 to 12 digits"),
        ("1,A,en,٤٨٢٩١٣,\n", "line 2: a PIN has 6 to 12 digits"),
        ("1,A,en,123456,\n", "line 2: a PIN of one digit, or of digits in a row"),
        ("739164,A,en,739164,\n", "line 2: a PIN must not be the employee number"),
        ("1,A,en\n", "line 2 has more or fewer fields"),
    ],
)
def test_a_list_with_a_bad_line_is_refused_whole_and_the_line_is_named(lines: str, complaint: str) -> None:
    with pytest.raises(roster.RosterRefused, match=complaint):
        roster.compare(roster.read(HEADER + lines), {})


def test_a_list_with_another_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(roster.RosterRefused, match="must name columns"):
        roster.read("number,name,consent\n1,A,yes\n")


def test_whoever_is_erased_leaves_neither_a_line_nor_a_message_behind(office: Office, kiosk: Kiosk) -> None:
    gone, stays = f"p-{1:032x}", f"p-{2:032x}"
    for number in (1, 2):
        wish(office, downlink.EVERY, "roster", f"p-{number:032x}", person(number))
        notice: dict[str, object] = {"id": f"notice-{number}", "person": f"p-{number:032x}", "text": "Dear Wang"}
        wish(office, kiosk.name, "notices", f"notice-{number}", notice)
    with office.store.transaction() as transaction:
        downlink.forget(transaction, gone)
    assert office.rows("SELECT item FROM wish ORDER BY item") == [("notice-2",), (stays,)]


def test_a_kiosk_that_is_believed_no_more_gets_nothing_and_what_is_retained_for_it_goes(
    address: str, office: Office, kiosk: Kiosk
) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    sign(office, kiosk)
    done = CliRunner().invoke(commands.daka_enterprise, ["distrust", kiosk.name, "--database", address])
    assert done.exit_code == 0, done.exception
    assert [page.payload for page in downlink.unsent(office.store)] == [b""]
    assert office.ingester.take(kiosk.name, kiosk.batch(1, 4)).verdict == "untrusted"
    with pytest.raises(downlink.DesiredError):
        sign(office, kiosk)
    assert "distrusted" in office.alarms()
    again = CliRunner().invoke(commands.daka_enterprise, ["distrust", kiosk.name, "--database", address])
    assert "is not trusted" in str(again.exception)


def test_what_kiosks_did_can_be_looked_at(address: str, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    made = office.trust(Kiosk())
    problems = (messages.Problem("policy", "attend.shifts", "no shift"),)
    made.write(messages.DesiredDone(100, 7, "partly", (messages.SectionDone("policy", "hr:li", 2),), problems, ()))
    office.ingester.take(made.name, made.batch(1, 2))
    shown = CliRunner().invoke(commands.daka_enterprise, ["desired", "results", "--database", address]).output
    for word in ("100/7", "partly", "policy 2 (hr:li)", "attend.shifts: no shift"):
        assert word in shown


def test_how_far_a_kiosk_has_followed_is_what_it_has_said_last(office: Office, kiosk: Kiosk) -> None:
    office.ingester.greet(kiosk.name, hello(kiosk))
    signed = sign(office, kiosk).place
    with office.store.reading() as connection:
        (before,) = downlink.standing(connection)
    assert (before.signed, before.taken) == (signed, Place(0, 0))
    kiosk.write(messages.DesiredDone(signed.generation, signed.version, "applied", (), (), ()))
    office.ingester.take(kiosk.name, kiosk.batch(1, kiosk.last))
    with office.store.reading() as connection:
        (after,) = downlink.standing(connection)
    assert after.taken == signed

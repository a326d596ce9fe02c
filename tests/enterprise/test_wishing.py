"""The commands that want something of kiosks, typed as an administrator types them, on both kinds of database."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from sqlalchemy import Engine, event

from device import messages
from device.messages import lock
from enterprise import downlink, keys, locks, show, tables, unlocking
from enterprise import roster as rosters
from enterprise.commands import main as commands
from enterprise.commands import signing
from enterprise.store import Transaction
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import PERSON, Kiosk
from tests.enterprise.test_downlink import NOW, POLICY_KEY, SECRET, hello, opened, person
from tests.firmware_bridge.parts import key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The keys of whoever decides."""
    made = tmp_path / "keys"
    for role in ("policy", "grant"):
        keys.create(made, role)
    return made


@pytest.fixture
def heard(office: Office, kiosk: Kiosk) -> Kiosk:
    """A kiosk that is trusted and has said hello."""
    office.ingester.greet(kiosk.name, hello(kiosk))
    return kiosk


def call(address: str, *words: object) -> Result:
    return CliRunner().invoke(commands.daka_enterprise, [*(str(word) for word in words), "--database", address])


def done(address: str, *words: object) -> str:
    result = call(address, *words)
    assert result.exit_code == 0, result.exception
    return result.output


def wish(office: Office, device: str, section: str, item: str, content: dict[str, object]) -> None:
    with office.store.transaction() as transaction:
        downlink.wish(transaction, device, section, item, content, "hr:li", NOW)


def notice(text: str, person_id: str = "", days: int = 1) -> dict[str, object]:
    """One that is over in so many days from now."""
    ends = messages.write_time(datetime.now(UTC) + timedelta(days=days))
    return {"id": text, "person": person_id, "text": text, "begins_at": messages.write_time(NOW), "ends_at": ends}


def test_an_id_that_the_next_command_needs_is_whole_in_pipes(office: Office, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    long = f"attend.{'x' * 120}"
    wish(office, "kiosk-with-a-rather-long-name", "policy", long, {"value": "1"})
    shown = done(address, "desired", "show")
    assert any(long in line and "kiosk-with-a-rather-long-name" in line for line in shown.splitlines())


def test_and_folded_on_a_narrow_terminal() -> None:
    person_id = str(person(7)["person"])
    screen = io.StringIO()
    table = show.drawn("approvals", ("grant", "person", "lock", "kiosk", "until"), [(f"{7:032x}", person_id, "LOCK", "a", "b")])
    Console(file=screen, width=60).print(table)
    cells = [line.split("│")[1:3] for line in screen.getvalue().splitlines() if line.startswith("│")]
    assert "…" not in screen.getvalue()
    assert ["".join(cell[at].strip() for cell in cells) for at in (0, 1)] == [f"{7:032x}", person_id]


# ---- a roster beside everything else


def test_while_a_list_is_read_and_its_pins_are_hashed_others_write(
    office: Office, address: str, heard: Kiosk, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare = rosters.compare

    def slowly(*given: Any) -> rosters.Change:
        office.ingester.take(heard.name, heard.batch(1, heard.last))
        return compare(*given)

    monkeypatch.setattr(rosters, "compare", slowly)
    assert roster(address, folder, tmp_path, "1001,Wang Fang,zh-CN,").startswith("1 added")
    assert office.rows("SELECT upto FROM epoch") == [(heard.last,)]


def test_a_list_that_is_only_looked_at_waits_for_nobody(office: Office, address: str, folder: Path, tmp_path: Path) -> None:
    with office.store.transaction() as transaction:
        transaction.alone()
        said = done(address, "desired", "roster", lists(tmp_path, "1001,Wang Fang,zh-CN,"), "--dry-run", "--keys", folder)
    assert said == "1 added, 0 changed, 0 leave\n"
    assert wanted(office, "roster") == []


def test_a_list_that_was_compared_with_another_roster_than_there_is_now_is_not_taken(
    office: Office, address: str, heard: Kiosk, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare, (ada, other) = rosters.compare, (person(1), person(2))

    def meanwhile(*given: Any) -> rosters.Change:
        wish(office, downlink.EVERY, "roster", str(other["person"]), other)
        return compare(*given)

    wish(office, downlink.EVERY, "roster", str(ada["person"]), ada)
    monkeypatch.setattr(rosters, "compare", meanwhile)
    refused = call(address, "desired", "roster", lists(tmp_path, "1001,Wang Fang,zh-CN,"), "--keys", folder)
    assert "has changed the roster meanwhile" in str(refused.exception)
    assert wanted(office, "roster") == sorted([str(ada["person"]), str(other["person"])])


# ---- what ends, and what cannot be


def wanted(office: Office, section: str) -> list[str]:
    return [str(item) for (item,) in office.rows(f"SELECT item FROM wish WHERE section = '{section}' ORDER BY item")]


def test_a_message_that_is_over_is_sent_to_nobody_any_more(office: Office, address: str, heard: Kiosk, folder: Path) -> None:
    wish(office, downlink.EVERY, "notices", "old", notice("old", days=-1))
    wish(office, downlink.EVERY, "notices", "new", notice("new"))
    done(address, "desired", "sign", "--keys", folder)
    assert wanted(office, "notices") == ["new"]


def test_an_approval_that_has_expired_is_sent_to_nobody_any_more(
    office: Office, address: str, gates: list[str], folder: Path
) -> None:
    past = int(datetime.now(UTC).timestamp()) - 60
    with office.store.transaction() as transaction:
        approval = locks.Wanted(LOCK, "kiosk-1", PERSON, bytes(32), 1, 1, "", past - 3600, past)
        locks.approve(transaction, approval, bytes(16), "hr", datetime.fromtimestamp(past - 60, UTC))
        locks.publish(transaction, LOCK, POLICY_KEY, "hr", datetime.fromtimestamp(past - 60, UTC))
    assert f"grant-{'0' * 32}" in papers_of(office, "kiosk-1")
    done(address, "desired", "sign", "--keys", folder)
    assert set(papers_of(office, "kiosk-1")) == {"enrolment-lock-0001", f"grant-{gates[0]}"}


def test_records_that_were_sent_again_are_not_asked_for_any_more(office: Office, address: str, heard: Kiosk, folder: Path) -> None:
    office.ingester.take(heard.name, heard.batch(1, heard.last))
    done(address, "desired", "rewind", heard.name, "--after", 3, "--keys", folder)
    done(address, "desired", "policy", "attend.min_gap_s=60.0", "--keys", folder)
    (first,) = wanted(office, "rewinds")
    with office.store.reading() as connection:
        (state,) = downlink.standing(connection)
    office.ingester.greet(heard.name, hello(heard, state.signed))
    done(address, "desired", "rewind", heard.name, "--after", 5, "--keys", folder)
    (second,) = wanted(office, "rewinds")
    assert first != second


@pytest.mark.parametrize("words", [("retention", "journal=99999999999"), ("policy", "--newer", f'attend.shifts="{"x" * 5_000}"')])
def test_what_no_kiosk_could_take_is_refused_before_there_is_one(
    office: Office, address: str, folder: Path, words: tuple[str, ...]
) -> None:
    refused = call(address, "desired", *words, "--keys", folder)
    assert isinstance(refused.exception, messages.SchemaRefused)
    assert office.rows("SELECT * FROM wish") == []
    done(address, "desired", "retention", "records=45", "--keys", folder)


IMPOSSIBLE = ({"desired_generation": 2**53 - 1}, {"sealing_key": "x25519:" + base64.b64encode(bytes(32)).decode("ascii")})


@pytest.mark.parametrize("claims", IMPOSSIBLE)
def test_a_hello_that_says_the_impossible_stops_nobodys_desired_state(
    office: Office, address: str, heard: Kiosk, folder: Path, claims: dict[str, Any]
) -> None:
    other = office.trust(Kiosk("kiosk-0"))
    office.ingester.greet(other.name, hello(other, **claims))
    assert office.alarms() == ["desired_impossible"]
    assert f"{heard.name}: state" in done(address, "desired", "retention", "records=45", "--keys", folder)
    office.ingester.greet(other.name, hello(other))
    assert f"{other.name}: state" in done(address, "desired", "sign", "--keys", folder)


@pytest.mark.parametrize("column", ["generation = 9007199254740991", "sealing_key = 'x25519:rubbish'"])
def test_a_kiosk_for_which_nothing_can_be_signed_is_named_and_the_others_get_theirs(
    office: Office, address: str, heard: Kiosk, folder: Path, column: str
) -> None:
    office.ingester.take(heard.name, heard.batch(1, heard.last))
    other = office.trust(Kiosk("kiosk-0"))
    office.ingester.greet(other.name, hello(other))
    office.tamper(f"UPDATE kiosk_side SET {column} WHERE device = 'kiosk-0'")
    said = call(address, "desired", "tombstone", PERSON, "--act", "erased", "--keys", folder)
    assert (said.exit_code, stones(office)) == (1, [PERSON])
    assert "for kiosk-0;" in str(said.exception)
    (page,) = downlink.unsent(office.store)
    signed, data = messages.read_page(page.payload, heard.name)
    messages.verify_page(data, [keys.read(folder, "policy").public_key()], heard.name)
    assert [stone.person for stone in messages.open_page(signed, heard.name, SECRET).tombstones] == [PERSON]
    alone = call(address, "desired", "retention", "records=45", "--device", "kiosk-0", "--keys", folder)
    assert (alone.exit_code, wanted(office, "retention")) == (1, [])


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("attend.min_gap=90.0", "is no setting that can be decided"),
        ("attend.allow_simulated=true", "is no setting that can be decided"),
        ("attend.min_gap_s=abc", "not written as in config.toml"),
        ("attend.min_gap_s=-1.0", "minimum: 0"),
        ("attend.min_gap_s=nan", "is no number"),
        ("attend.min_gap_s=2026-01-01", "another kind of value"),
        ('attend.direction="sideways"', "schedule"),
        ('attend.shifts="rubbish"', "is no shift"),
        ("page.messages=true\nother=1", "one value"),
    ],
)
def test_a_policy_that_no_kiosk_would_follow_is_refused(office: Office, address: str, folder: Path, setting: str, why: str) -> None:
    refused = call(address, "desired", "policy", "page.messages=true", setting, "--keys", folder)
    assert why in str(refused.exception)
    assert office.rows("SELECT * FROM wish") == []


def test_what_was_decided_is_shown_and_a_newer_kiosks_setting_is_taken_where_somebody_says_so(
    office: Office, address: str, folder: Path
) -> None:
    done(address, "desired", "policy", "attend.min_gap_s=90", 'updates.channel="early"', "--keys", folder)
    done(address, "desired", "policy", "attend.to_come=7", "--newer", "--keys", folder)
    done(address, "desired", "retention", "records=45", "--keys", folder)
    shown = done(address, "desired", "show")
    for words in (("attend.min_gap_s", "90"), ("updates.channel", '"early"'), ("attend.to_come", "7"), ("records", "45")):
        assert any(all(word in line.split() for word in words) for line in shown.splitlines()), words


# ---- who has left


def lists(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("\n".join(["number,name,language,group", *lines, ""]), encoding="utf-8")
    return file


def roster(address: str, folder: Path, tmp_path: Path, *lines: str, device: str = "") -> str:
    return done(address, "desired", "roster", lists(tmp_path, *lines), "--device", device, "--keys", folder)


def stones(office: Office) -> list[str]:
    with office.store.reading() as connection:
        return [str(content["person"]) for content, _ in downlink.wishes(connection, downlink.EVERY, "tombstones").values()]


def ids(office: Office, number: str) -> list[str]:
    rows = office.rows("SELECT item, content FROM wish WHERE section = 'roster'")
    return [str(item) for item, content in rows if json.loads(str(content)).get("number") == number]


def everything(office: Office) -> str:
    """Every row of every table."""
    return "\n".join(str(office.rows(f'SELECT * FROM "{table.name}"')) for table in tables.metadata.sorted_tables)


def test_whoever_has_left_can_be_erased_by_their_number_and_then_nothing_here_has_it(
    office: Office, address: str, heard: Kiosk, folder: Path, tmp_path: Path
) -> None:
    roster(address, folder, tmp_path, "QZ-1001,Wang Fang,zh-CN,night-shift", "1002,Li Na,zh-CN,")
    (gone,) = ids(office, "QZ-1001")
    done(address, "desired", "message", "Wang Fang, your parcel is here", "--to", "QZ-1001", "--keys", folder)
    assert "Wang Fang" in everything(office)
    roster(address, folder, tmp_path, "1002,Li Na,zh-CN,")
    assert office.rows('SELECT person, number, "group" FROM leaver') == [(gone, "QZ-1001", "night-shift")]
    assert "Wang Fang" not in everything(office)
    done(address, "desired", "tombstone", "QZ-1001", "--act", "erased", "--keys", folder)
    assert stones(office) == [gone]
    assert not [word for word in ("Wang Fang", "QZ-1001", "night-shift") if word in everything(office)]


def test_somebody_on_one_kiosks_roster_alone_can_be_erased(
    office: Office, address: str, heard: Kiosk, folder: Path, tmp_path: Path
) -> None:
    roster(address, folder, tmp_path, "2001,Ada,en,", device=heard.name)
    (ada,) = ids(office, "2001")
    done(address, "desired", "tombstone", 2001, "--act", "erased", "--keys", folder)
    assert (stones(office), ids(office, "2001")) == ([ada], [])


def test_whoever_is_known_by_records_alone_is_erased_by_their_id(office: Office, address: str, heard: Kiosk, folder: Path) -> None:
    refused = call(address, "desired", "tombstone", PERSON, "--act", "erased", "--keys", folder)
    assert "nothing here is about" in str(refused.exception)
    office.ingester.take(heard.name, heard.batch(1, heard.last))
    done(address, "desired", "tombstone", PERSON, "--act", "erased", "--keys", folder)
    assert stones(office) == [PERSON]


def test_a_number_that_was_given_again_means_nobody_until_an_id_says_whom(
    office: Office, address: str, heard: Kiosk, folder: Path, tmp_path: Path
) -> None:
    roster(address, folder, tmp_path, "1001,Wang Fang,zh-CN,", "1002,Li Na,zh-CN,")
    (gone,) = ids(office, "1001")
    roster(address, folder, tmp_path, "1002,Li Na,zh-CN,")
    roster(address, folder, tmp_path, "1002,Li Na,zh-CN,", "1001,Ada,en,")
    (ada,) = ids(office, "1001")
    refused = str(call(address, "desired", "tombstone", 1001, "--act", "erased", "--keys", folder).exception)
    assert f"{gone} left on" in refused
    assert f"{ada} on the roster of every kiosk" in refused
    assert stones(office) == []
    done(address, "desired", "tombstone", gone, "--act", "erased", "--keys", folder)
    assert (stones(office), ids(office, "1001")) == ([gone], [ada])


TWENTY = tuple(f"{number},Name {number},en," for number in range(1001, 1021))


@pytest.mark.parametrize("kept", [0, 1, 14])
def test_a_list_that_was_cut_off_ends_nobodys_employment_unless_somebody_says_that_it_is_meant(
    office: Office, address: str, folder: Path, tmp_path: Path, kept: int
) -> None:
    roster(address, folder, tmp_path, *TWENTY)
    before = wanted(office, "roster")
    cut = lists(tmp_path, *TWENTY[:kept])
    for words in ((), ("--dry-run",)):
        refused = call(address, "desired", "roster", cut, "--keys", folder, *words)
        assert f"{20 - kept} leave" in refused.output
        assert "--many-leave" in str(refused.exception)
    assert (wanted(office, "roster"), office.rows("SELECT * FROM leaver")) == (before, [])
    done(address, "desired", "roster", cut, "--many-leave", "--keys", folder)
    assert office.rows("SELECT COUNT(*) FROM leaver") == [(20 - kept,)]


def test_five_of_twenty_leave_without_a_question_and_an_empty_first_list_is_none(
    office: Office, address: str, folder: Path, tmp_path: Path
) -> None:
    assert call(address, "desired", "roster", lists(tmp_path), "--keys", folder).exit_code == 1
    roster(address, folder, tmp_path, *TWENTY)
    assert "5 leave" in roster(address, folder, tmp_path, *TWENTY[:15])


def test_whoever_is_said_to_be_the_same_person_has_the_same_id_when_they_come_back(
    office: Office, address: str, folder: Path, tmp_path: Path
) -> None:
    roster(address, folder, tmp_path, *TWENTY)
    before = wanted(office, "roster")
    done(address, "desired", "roster", lists(tmp_path, TWENTY[0]), "--many-leave", "--keys", folder)
    back = lists(tmp_path, *TWENTY)
    assert "19 of those added have the number of somebody who had left" in done(
        address, "desired", "roster", back, "--dry-run", "--keys", folder
    )
    assert done(address, "desired", "roster", back, "--same-people", "--keys", folder).startswith(
        "19 added, 0 changed, 0 leave\nkept"
    )
    assert (wanted(office, "roster"), office.rows("SELECT * FROM leaver")) == (before, [])
    assert "withdrawn" in done(address, "desired", "tombstone", 1007, "--act", "withdrawn", "--keys", folder)


def test_somebody_whom_a_kiosk_has_met_again_is_meant_by_their_number(
    office: Office, address: str, heard: Kiosk, folder: Path, tmp_path: Path
) -> None:
    roster(address, folder, tmp_path, "1001,Wang Fang,zh-CN,", "1002,Li Na,zh-CN,")
    (before,) = ids(office, "1001")
    roster(address, folder, tmp_path, "1002,Li Na,zh-CN,")
    roster(address, folder, tmp_path, "1002,Li Na,zh-CN,", "1001,Wang Fang,zh-CN,")
    (after,) = ids(office, "1001")
    heard.write(messages.DesiredDone(1, 1, "applied", (), (), (messages.Alias(after, before),)))
    office.ingester.take(heard.name, heard.batch(1, heard.last))
    assert done(address, "desired", "tombstone", 1001, "--act", "withdrawn", "--keys", folder).startswith(f"{after}: withdrawn")


# ---- two at once


def beside(do: Callable[[], object]) -> threading.Thread:
    """Another one who does this meanwhile, and has come as far as they are let."""
    begun = threading.Event()

    def note(_connection: object) -> None:
        begun.set()

    event.listen(Engine, "begin", note)
    other = threading.Thread(target=do)
    other.start()
    assert begun.wait(60)
    event.remove(Engine, "begin", note)
    time.sleep(0.1)  # for the database to let it wait
    return other


def test_of_two_who_decide_at_once_the_kiosk_hears_both(office: Office, heard: Kiosk) -> None:
    def say(transaction: Transaction, text: str) -> None:
        downlink.wish(transaction, downlink.EVERY, "notices", text, notice(text), "hr:li", NOW)
        downlink.sign(transaction, heard.name, POLICY_KEY, None, NOW)

    def second() -> None:
        with signing.decided(office.store) as transaction:
            say(transaction, "two")

    with signing.decided(office.store) as transaction:
        say(transaction, "one")
        other = beside(second)
    other.join()
    assert {said.text for said in opened(office, heard).notices} == {"one", "two"}


def test_a_kiosk_that_asks_twice_at_once_for_the_first_time_gets_one_share(office: Office) -> None:
    shares = []

    def ask() -> None:
        with office.store.transaction() as transaction:
            shares.append(unlocking._share(transaction, "kiosk-1", NOW))

    with office.store.transaction() as transaction:
        shares.append(unlocking._share(transaction, "kiosk-1", NOW))
        other = beside(ask)
    other.join()
    assert len(set(shares)) == 1
    assert base64.b64decode(str(office.rows("SELECT share FROM unlock_share")[0][0])) == shares[0]


# ---- locks and the kiosks that may use them

LOCK = "LOCK-0001"


def public(name: str) -> str:
    return messages.public_key_text(key(name))


@pytest.fixture
def gates(office: Office, address: str, heard: Kiosk, folder: Path) -> list[str]:
    """Two kiosks that may use one lock, each with an approval; their ids."""
    other = office.trust(Kiosk("kiosk-2"))
    office.ingester.greet(other.name, hello(other))
    done(address, "lock", "add", LOCK, public("lock"))
    made = []
    for name in ("kiosk-1", "kiosk-2"):
        done(address, "lock", "enrol", LOCK, name, public(name), "--keys", folder)
        made.append(issued(address, folder, name))
    return made


def issued(address: str, folder: Path, device: str) -> str:
    words = ("--lock", LOCK, "--device", device, "--person", PERSON, "--sha256", "ab" * 32, "--keys", folder)
    return done(address, "grant", "issue", *words).splitlines()[-1].partition(":")[0]


def papers_of(office: Office, device: str) -> dict[str, int]:
    """Each paper that is wanted of the kiosk, and its epoch."""
    with office.store.reading() as connection:
        found = downlink.wishes(connection, device, "grants")
    cose = {item: base64.b64decode(str(content["cose"])) for item, (content, _) in found.items()}
    return {item: (lock.Grant if item.startswith("grant") else lock.Enrolment).unproven(data).epoch for item, data in cose.items()}


def floor(office: Office) -> object:
    return office.rows("SELECT epoch FROM lock")[0][0]


def test_a_kiosk_that_is_believed_no_more_stops_nobody_elses_approvals(
    office: Office, address: str, gates: list[str], folder: Path
) -> None:
    said = done(address, "distrust", "kiosk-1", "--keys", folder)
    assert f"{LOCK} refuses it" in said
    assert floor(office) == 1
    assert papers_of(office, "kiosk-1") == {}
    assert papers_of(office, "kiosk-2") == {"enrolment-lock-0001": 1, f"grant-{gates[1]}": 1}
    another = issued(address, folder, "kiosk-2")
    done(address, "grant", "revoke", another, "--keys", folder)
    done(address, "grant", "revoke", gates[0], "--keys", folder)
    assert set(papers_of(office, "kiosk-2")) == {"enrolment-lock-0001", f"grant-{gates[1]}"}
    assert "kiosk-1" not in done(address, "lock", "list")


def test_without_the_keys_it_is_believed_no_more_all_the_same_and_what_is_missing_is_said(
    office: Office, address: str, gates: list[str], folder: Path
) -> None:
    said = done(address, "distrust", "kiosk-1")
    assert f"daka-enterprise lock sign {LOCK}" in said
    assert (floor(office), papers_of(office, "kiosk-2")["enrolment-lock-0001"]) == (1, 0)
    done(address, "lock", "sign", LOCK, "--keys", folder)
    assert papers_of(office, "kiosk-2") == {"enrolment-lock-0001": 1, f"grant-{gates[1]}": 1}


def test_a_kiosk_is_taken_off_a_lock_and_goes_on_otherwise(office: Office, address: str, gates: list[str], folder: Path) -> None:
    done(address, "lock", "withdraw", LOCK, "kiosk-1", "--keys", folder)
    assert (floor(office), papers_of(office, "kiosk-1")) == (1, {})
    assert papers_of(office, "kiosk-2")["enrolment-lock-0001"] == 1
    again = call(address, "lock", "withdraw", LOCK, "kiosk-1", "--keys", folder)
    assert "may not use" in str(again.exception)
    assert office.rows("SELECT name FROM device ORDER BY name") == [("kiosk-1",), ("kiosk-2",)]


def test_a_kiosk_that_was_not_heard_yet_waits_for_its_papers_and_stops_nobody(
    office: Office, address: str, gates: list[str], folder: Path
) -> None:
    said = done(address, "lock", "enrol", LOCK, "kiosk-3", public("kiosk-3"), "--keys", folder)
    assert f"kiosk-3 gets no papers before it is trusted and has said hello; then: daka-enterprise lock sign {LOCK}" in said
    third = office.trust(Kiosk("kiosk-3"))
    office.ingester.greet(third.name, hello(third))
    done(address, "lock", "sign", LOCK, "--keys", folder)
    assert papers_of(office, "kiosk-3") == {"enrolment-lock-0001": 0}


def test_a_lock_that_was_removed_is_nobodys_and_goes_on_where_it_was_if_it_comes_back(
    office: Office, address: str, gates: list[str], folder: Path
) -> None:
    office.tamper("UPDATE lock SET seen = 7")
    done(address, "lock", "remove", LOCK, "--keys", folder)
    assert papers_of(office, "kiosk-1") == papers_of(office, "kiosk-2") == {}
    assert office.rows("SELECT lock FROM lock") == []
    assert "with another key" in str(call(address, "lock", "add", LOCK, public("another")).exception)
    done(address, "lock", "add", LOCK, public("lock"))
    assert office.rows("SELECT epoch, seen FROM lock") == [(3, 7)]
    assert office.rows("SELECT COUNT(*) FROM lock_grant WHERE revoked > 0") == [(2,)]


def fallen(office: Office, name: str, number: int) -> None:
    """An event of the lock's that a kiosk has brought."""
    texts = dict.fromkeys(("hash", "prev", "grant_id", "person", "document", "device"), "")
    with office.store.transaction() as transaction:
        values = {"lock": name, "number": number, "event": "drop", "used": 0, "at": 0, "seq": 1}
        transaction.put(tables.lock_event, texts | values)


def test_who_took_which_locks_alarm_back_stands_with_each(office: Office, address: str) -> None:
    for name, by in ((LOCK, "ann"), ("LOCK-0002", "bob")):
        done(address, "lock", "add", name, public(name))
        fallen(office, name, 4)
        assert done(address, "lock", "clear", name, "--by", by) == f"taken back up to event 4; {name} hears it at its next visit\n"
    told = office.rows("SELECT device, detail FROM alarm ORDER BY device")
    assert told == [(LOCK, f"{LOCK}: taken back up to event 4 by ann"), ("LOCK-0002", "LOCK-0002: taken back up to event 4 by bob")]
    assert done(address, "settle", LOCK, "lock_cleared", "--by", "hr", "--note", "looked") == "1 settled\n"


@pytest.mark.parametrize("words", [("trust", "--replace"), ("distrust",)])
def test_the_keys_of_the_machine_that_had_the_name_before_count_for_nothing_any_more(
    office: Office, address: str, gates: list[str], folder: Path, words: tuple[str, ...]
) -> None:
    """It may be the stolen one: what it proved when it joined is enrolled with no lock, and nothing is sealed to it."""
    with office.store.transaction() as transaction:
        transaction.put(tables.grant_use_key, {"device": "kiosk-1", "key": public("before")})
    new = Kiosk("kiosk-1")
    if words[0] == "distrust":
        done(address, *words, "kiosk-1")
    done(address, "trust", "kiosk-1", new.public_key, *words[1:])
    assert "so name its key" in str(call(address, "lock", "enrol", LOCK, "kiosk-1", "--keys", folder).exception)
    said = done(address, "lock", "enrol", LOCK, "kiosk-1", public("successor"), "--keys", folder)
    assert "kiosk-1 gets no papers before it is trusted and has said hello" in said
    assert office.rows("SELECT payload FROM desired_page WHERE device = 'kiosk-1' AND payload <> ''") == []
    office.ingester.greet(new.name, hello(new))
    done(address, "lock", "sign", LOCK, "--keys", folder)
    assert papers_of(office, "kiosk-1") == {"enrolment-lock-0001": 1}


def test_a_replaced_kiosk_may_use_no_lock_before_the_new_one_is_enrolled(
    office: Office, address: str, gates: list[str], folder: Path
) -> None:
    """The key that the one before has stays enrolled at no lock: it may be stolen."""
    new = Kiosk("kiosk-1")
    said = done(address, "trust", "kiosk-1", new.public_key, "--replace")
    assert f"daka-enterprise lock enrol {LOCK} kiosk-1" in said
    assert f"daka-enterprise lock sign {LOCK}" in said
    ((detail,),) = office.rows("SELECT detail FROM alarm WHERE kind = 'key_replaced'")
    assert LOCK in str(detail)
    assert (floor(office), papers_of(office, "kiosk-1")) == (1, {})
    assert "kiosk-1" not in done(address, "lock", "list")
    office.ingester.greet("kiosk-1", hello(new))
    done(address, "lock", "enrol", LOCK, "kiosk-1", public("successor"), "--keys", folder)
    assert papers_of(office, "kiosk-1") == {"enrolment-lock-0001": 1}, "its approvals were for the one before"
    assert papers_of(office, "kiosk-2") == {"enrolment-lock-0001": 1, f"grant-{gates[1]}": 1}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--person", "p-4711"], "p-4711"),
        (["--person", PERSON, "--factor", "at-lock"], "--factor face or --factor pin"),
    ],
)
def test_what_nobody_could_use_is_not_approved(
    address: str, gates: list[str], folder: Path, words: list[str], sentence: str
) -> None:
    asked = ("--lock", LOCK, "--device", "kiosk-1", "--sha256", "ab" * 32, "--keys", folder)
    result = call(address, "grant", "issue", *asked, *words)
    assert sentence in str(result.exception)
    assert done(address, "grant", "list").count("kiosk-") == 2

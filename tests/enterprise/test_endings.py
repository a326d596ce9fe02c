"""A withdrawal or an erasure at one kiosk reaches all the others, once, and never undoes a later yes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, event

from device import messages
from device.messages import ConsentAct, ErasureReason, TombstoneAct
from enterprise import endings, keys
from enterprise.commands import main as commands
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import BOOT_ID, PERSON, START, Kiosk
from tests.enterprise.test_days import sent, write
from tests.enterprise.test_downlink import wish
from tests.enterprise.test_wishing import notice

OTHER = "p-" + "cd" * 16


def consent(act: ConsentAct, by: str = "self", purpose: str = "face_recognition", person: str = PERSON) -> messages.Consent:
    return messages.Consent(person, act, purpose, "1", "en", "0" * 64, "consent", by)


def erasure(reason: ErasureReason, person: str = PERSON) -> messages.Erasure:
    return messages.Erasure(person, reason, "cli:hr", 1, 9, 12, 0)


def found(office: Office, *kiosks: Kiosk) -> list[tuple[str, str, str]]:
    for kiosk in kiosks:
        sent(office, kiosk)
    with office.store.transaction() as transaction:
        return [(one.device, one.person, one.act) for one in endings.found(transaction.connection)]


def test_a_withdrawal_at_one_kiosk_is_told_to_all_under_the_id_that_they_share(office: Office) -> None:
    gate = Kiosk("gate-a")
    write(gate, consent(ConsentAct.WITHDRAWN, person=OTHER), 5)
    alias = messages.Alias(PERSON, OTHER)
    write(gate, messages.DesiredDone(1, 1, "applied", (), (), (alias,)), 6)
    assert found(office, gate) == [("gate-a", PERSON, TombstoneAct.WITHDRAWN)]


def test_a_yes_after_the_no_stands_wherever_it_was_said(office: Office) -> None:
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    write(gate, consent(ConsentAct.WITHDRAWN), 5)
    write(yard, consent(ConsentAct.GIVEN), 9)
    assert found(office, gate, yard) == []


FRIDAY = START - timedelta(days=3)  # what a clock without a battery says when it comes up


def test_a_withdrawal_at_a_kiosk_whose_clock_was_behind_counts_by_when_it_really_was(office: Office) -> None:
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    write(gate, consent(ConsentAct.GIVEN), 5)
    write(yard, consent(ConsentAct.WITHDRAWN), 60, at=FRIDAY, quality="unsynced")
    hour = 3_600
    at = messages.TimeBody(BOOT_ID, hour * 10**6 + 10**9, START + timedelta(hours=1), messages.Source.NTP, 1_000, FRIDAY)
    write(yard, at, hour)
    assert found(office, gate, yard) == [("gate-b", PERSON, TombstoneAct.WITHDRAWN)]
    with office.store.reading() as connection:
        (one,) = endings.found(connection)
    assert one.at == messages.write_time(START + timedelta(seconds=60))


@pytest.mark.parametrize(("kiosk", "stands"), [("gate-a", True), ("gate-b", False)])
def test_where_nobody_knows_which_came_first_the_withdrawal_stands_and_in_one_journal_everybody_does(
    office: Office, kiosk: str, stands: bool
) -> None:
    yard = Kiosk("gate-b")
    other = Kiosk("gate-a") if kiosk == "gate-a" else yard
    write(yard, consent(ConsentAct.WITHDRAWN), 60, at=FRIDAY, quality="unsynced")
    write(other, consent(ConsentAct.GIVEN), 90, at=FRIDAY + timedelta(hours=9), quality="unsynced")
    assert bool(found(office, *{yard.name: yard, other.name: other}.values())) is stands


def test_neither_a_package_of_before_nor_the_word_on_a_card_takes_a_withdrawal_back(office: Office) -> None:
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    write(gate, consent(ConsentAct.WITHDRAWN), 5)
    write(gate, consent(ConsentAct.GIVEN, purpose="face_card"), 7)
    write(yard, consent(ConsentAct.GIVEN, "site:gate-a"), 9)
    assert found(office, gate, yard) == [("gate-a", PERSON, TombstoneAct.WITHDRAWN)]


def test_what_a_kiosk_did_because_it_was_told_is_not_told_again(office: Office) -> None:
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    write(gate, consent(ConsentAct.WITHDRAWN, "follow:gate-b"), 5)
    write(yard, consent(ConsentAct.WITHDRAWN, "site:gate-a", person=OTHER), 5)
    write(yard, consent(ConsentAct.WITHDRAWN, purpose="face_card", person="p-" + "ef" * 16), 5)
    assert found(office, gate, yard) == []


def test_an_erasure_that_was_asked_for_is_told_and_what_a_kiosk_keeps_for_how_long_is_its_own(office: Office) -> None:
    gate = Kiosk("gate-a")
    write(gate, erasure(ErasureReason.ASKED), 5)
    for number, reason in enumerate((ErasureReason.RETENTION, ErasureReason.CAME_BACK)):
        write(gate, erasure(reason, f"p-{number:032x}"), 6)
    write(gate, messages.Erasure(OTHER, ErasureReason.TOMBSTONE, "follow:gate-b", 1, 9, 12, 0), 6)
    assert found(office, gate) == [("gate-a", PERSON, TombstoneAct.ERASED)]


def test_found_again_it_is_the_same(office: Office) -> None:
    gate = Kiosk("gate-a")
    write(gate, consent(ConsentAct.WITHDRAWN), 5)
    sent(office, gate)
    with office.store.transaction() as transaction:
        first, again = endings.found(transaction.connection), endings.found(transaction.connection)
    assert first == again
    assert (first[0].by, first[0].id.startswith("tombstone-")) == ("follow:gate-a", True)
    (at,) = office.rows("SELECT at FROM record WHERE kind = 'consent'")
    assert (first[0].at,) == tuple(at), "it counts from when it was"


def test_of_whoever_was_erased_at_one_kiosk_no_kiosks_roster_and_no_message_keeps_anything(
    office: Office, address: str, tmp_path: Path
) -> None:
    gate = Kiosk("gate-a")
    write(gate, erasure(ErasureReason.ASKED), 5)
    sent(office, gate)
    for device in ("", "gate-b"):
        wish(office, device, "roster", PERSON, {"person": PERSON, "name": "Wang Fang"})
        wish(office, device, "notices", "notice-1", notice("notice-1", PERSON) | {"text": "Wang Fang, your parcel is here"})
        wish(office, device, "roster", OTHER, {"person": OTHER, "name": "Li Na"})
    keys.create(tmp_path, "policy")
    done = CliRunner().invoke(
        commands.daka_enterprise, ["desired", "follow", "--keys", str(tmp_path), "--by", "hr", "--database", address]
    )
    assert done.exit_code == 0, done.exception
    kept = office.rows("SELECT section, content FROM wish WHERE section <> 'tombstones'")
    assert [section for section, _ in kept] == ["roster", "roster"]
    assert not any("Wang Fang" in str(content) for _, content in kept)


def test_an_erasure_that_a_database_of_before_has_forgotten_is_an_alarm_and_comes_back_by_following(
    office: Office, address: str, tmp_path: Path
) -> None:
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    wish(office, "", "roster", PERSON, {"person": PERSON, "name": "Wang Fang"})
    write(gate, erasure(ErasureReason.TOMBSTONE), 5)
    write(yard, messages.Erasure(OTHER, ErasureReason.TOMBSTONE, "site:gate-a", 1, 9, 12, 0), 5)
    sent(office, gate)
    sent(office, yard)
    ((device, detail),) = office.rows("SELECT device, detail FROM alarm WHERE kind = 'erasure_forgotten'")
    assert (device, "stands on a roster here" in str(detail)) == ("gate-a", True)
    keys.create(tmp_path, "policy")
    words = ["desired", "follow", "--keys", str(tmp_path), "--by", "hr", "--database", address]
    for said in ("1 to follow, 1 of them erasures", "0 to follow"):
        assert said in CliRunner().invoke(commands.daka_enterprise, words).output
    assert "Wang Fang" not in str(office.rows("SELECT content FROM wish"))


def test_an_erasure_that_this_server_has_asked_for_is_no_alarm_and_not_asked_for_again(office: Office) -> None:
    gate = Kiosk("gate-a")
    wish(office, "", "tombstones", "tombstone-1", {"person": PERSON, "number": "", "act": "erased", "id": "tombstone-1"})
    write(gate, erasure(ErasureReason.TOMBSTONE), 5)
    assert found(office, gate) == []
    assert office.alarms() == []


def test_an_erasure_under_a_kiosks_own_id_is_known_here_by_the_id_of_the_roster(office: Office) -> None:
    gate = Kiosk("gate-a")
    wish(office, "", "tombstones", "tombstone-1", {"person": PERSON, "number": "", "act": "erased", "id": "tombstone-1"})
    write(gate, messages.DesiredDone(1, 1, "applied", (), (), (messages.Alias(PERSON, OTHER),)), 5)
    write(gate, erasure(ErasureReason.TOMBSTONE, OTHER), 6)
    assert found(office, gate) == []
    assert office.alarms() == []


def questions(office: Office, kiosk: Kiosk) -> int:
    """What the database is asked until all that this kiosk has recorded is stored."""
    asked: list[object] = []

    def note(*given: object) -> None:
        asked.append(given)

    event.listen(Engine, "before_cursor_execute", note)
    sent(office, kiosk)
    event.remove(Engine, "before_cursor_execute", note)
    return len(asked)


def test_a_wave_of_erasures_asks_no_more_than_a_single_one(office: Office) -> None:
    """What every kiosk ever said about its roster was read anew for each of them, while all kiosks waited for their answers."""
    gate, yard = Kiosk("gate-a"), Kiosk("gate-b")
    for number in range(50):
        person, item = f"p-{number:032x}", f"tombstone-{number}"
        wish(office, "", "tombstones", item, {"person": person, "number": "", "act": "erased", "id": item})
        write(yard, erasure(ErasureReason.TOMBSTONE, person), number)
    write(gate, erasure(ErasureReason.TOMBSTONE, "p-" + "0" * 32), 5)
    assert questions(office, yard) == questions(office, gate)
    assert office.alarms() == []

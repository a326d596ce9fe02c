"""The enterprise's roster and tombstones against the real directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn
from zoneinfo import ZoneInfo

import pytest

from device import desk, erasure, journal, messages, people
from device.personnel import Personnel
from device.roster import HELD, REFUSED, Register
from tests.device import parts
from tests.device.test_people import EMBEDDER, vector

TAIPEI = ZoneInfo("Asia/Taipei")
ADA = messages.RosterPerson(parts.ADA, "1001", "Ada", "en", "assembly", badges=("BADGE-0001",), codes=True)
BOB = messages.RosterPerson(parts.BOB, "1002", "李雷", "zh-TW", expires_at="2026-12-31T16:00:00.000000Z")


@dataclasses.dataclass
class House:
    """One kiosk's directory, and whoever changes it."""

    register: Register
    directory: people.Directory
    office: desk.Desk
    aliases: dict[str, str]

    def take(self, *found: messages.RosterPerson) -> object:
        return self.register.take(messages.Roster("hr:li", found))

    def number(self, number: str) -> people.Person:
        return self.directory.by_number(number)


def no_eyes() -> NoReturn:
    raise AssertionError("nobody looks here")


@pytest.fixture
def house(tmp_path: Path, opened: journal.Journal) -> Iterator[House]:
    directory = people.Directory(tmp_path / "people.db", bytes(32))
    office = desk.Desk(opened, directory, parts.Clock(), no_eyes)
    eraser = erasure.Eraser(opened, directory, parts.Clock(), tmp_path)
    aliases: dict[str, str] = {}
    register = Register(office, Personnel(opened, directory, parts.Clock(), TAIPEI), directory, eraser, lambda: aliases)
    yield House(register, directory, office, aliases)
    directory.close()


def stone(act: messages.TombstoneAct) -> messages.Tombstone:
    return messages.Tombstone("tombstone-1", parts.ADA, "", act, "hr:wu")


def test_people_of_the_roster_are_taken_in_with_all_that_it_says_of_them(house: House) -> None:
    house.take(ADA, BOB)
    assert (house.number("1001").person, house.number("1001").badges) == (parts.ADA, 1)
    assert house.number("1002").expires_at == messages.read_time(BOB.expires_at)


def test_a_last_day_of_the_roster_ends_by_the_clock_of_the_place(house: House) -> None:
    house.take(ADA, dataclasses.replace(BOB, expires_at="2026-12-31"))
    assert house.number("1002").expires_at == messages.read_time("2026-12-31T16:00:00.000000Z")
    done = house.register.take(messages.Roster("hr:li", (ADA, BOB)))
    assert done.changed == 0, "the same moment, written out"


def test_a_last_day_that_is_in_no_calendar_refuses_its_line_alone(house: House) -> None:
    done = house.register.take(messages.Roster("hr:li", (ADA, dataclasses.replace(BOB, expires_at="2026-02-31"))))
    assert (done.changed, done.refused) == (1, ((parts.BOB, REFUSED),))
    assert [person.number for person in house.directory.list()] == ["1001"]


def test_the_same_roster_again_changes_nothing(house: House) -> None:
    house.take(ADA, BOB)
    before = house.directory.list()
    done = house.register.take(messages.Roster("hr:li", (ADA, BOB)))
    assert (done.changed, house.directory.list()) == (0, before)


def test_whoever_the_roster_lacks_clocks_in_no_more_and_whoever_was_added_by_hand_stays(house: House) -> None:
    house.office.add_person("9", "Eve", "en", "cli:hr")
    house.take(ADA, BOB)
    house.take(BOB)
    assert house.number("1001").expires_at == parts.START
    assert house.number("9").expires_at is None


def test_badges_that_were_given_at_the_kiosk_stay_where_the_enterprise_keeps_none(house: House) -> None:
    house.take(ADA)
    house.take(dataclasses.replace(ADA, name="Ada L", badges=(), codes=False))
    assert (house.number("1001").name, house.number("1001").badges) == ("Ada L", 1)
    house.take(dataclasses.replace(ADA, badges=()))
    assert house.number("1001").badges == 0


def test_whoever_was_here_before_the_roster_keeps_the_id_of_the_records(house: House) -> None:
    here = house.office.add_person("1001", "Ada", "en", "cli:hr").person
    done = house.register.take(messages.Roster("hr:li", (ADA, BOB)))
    assert done.aliases == (messages.Alias(parts.ADA, here),)
    assert house.number("1001").person == here
    assert house.number("1001").group == "assembly"


def test_whoever_another_kiosk_brought_before_the_roster_keeps_that_id(house: House) -> None:
    house.directory.add(people.Person("p-" + "77" * 16, "1001", "ada", "en", origin="site"), parts.START)
    done = house.register.take(messages.Roster("hr:li", (ADA, BOB)))
    assert (done.refused, done.aliases) == ((), (messages.Alias(parts.ADA, "p-" + "77" * 16),))
    assert (house.number("1001").name, house.number("1001").origin) == ("Ada", "roster"), "told apart by case alone"


@pytest.mark.parametrize(("name", "expires_at"), [("Wang Wei", None), ("Ada", parts.START)])
def test_a_line_takes_over_nobody_of_another_name_and_nobody_who_has_left(
    house: House, name: str, expires_at: datetime | None
) -> None:
    """The new colleague would have the other one's face, badges and consent."""
    before = people.Person("p-" + "77" * 16, "1001", name, "en", expires_at=expires_at)
    house.directory.add(before, parts.START)
    done = house.register.take(messages.Roster("hr:li", (ADA, BOB)))
    assert (done.refused, done.aliases) == (((parts.ADA, HELD),), ())
    assert house.number("1001") == before


def test_whoever_was_met_under_another_id_is_found_again_by_the_next_roster(house: House) -> None:
    here = house.office.add_person("1001", "Ada", "en", "cli:hr").person
    first = house.register.take(messages.Roster("hr:li", (ADA,)))
    house.aliases.update({one.person: one.here for one in first.aliases})
    done = house.register.take(messages.Roster("hr:li", (dataclasses.replace(ADA, name="Ada L"),)))
    assert (done.refused, done.changed) == ((), 1)
    assert (house.number("1001").person, house.number("1001").name) == (here, "Ada L")


def test_whoever_comes_back_is_who_they_were(house: House) -> None:
    """Missing in one upload, or employed once more: the enterprise draws a new id, and a number can be held once."""
    house.take(ADA, BOB)
    house.take(BOB)
    again = dataclasses.replace(ADA, person="p-" + "99" * 16)
    done = house.register.take(messages.Roster("hr:li", (again, BOB)))
    assert (done.refused, done.aliases) == ((), (messages.Alias(again.person, parts.ADA),))
    assert (house.number("1001").person, house.number("1001").expires_at) == (parts.ADA, None)
    house.aliases[again.person] = parts.ADA
    moved = dataclasses.replace(again, number="2001")
    other = dataclasses.replace(ADA, person="p-" + "88" * 16, badges=())
    for _ in range(2):  # in the first the number is still held
        assert house.register.take(messages.Roster("hr:li", (moved, other, BOB))).aliases == ()
    assert (house.number("2001").person, house.number("1001").person) == (parts.ADA, other.person), "of the same name, and another"


def test_a_number_of_somebody_who_left_is_not_given_to_another_before_they_are_erased(house: House) -> None:
    house.take(ADA, BOB)
    house.take(BOB)
    other = dataclasses.replace(ADA, person="p-" + "99" * 16, name="Eve")
    assert house.register.take(messages.Roster("hr:li", (other, BOB))).refused == ((other.person, HELD),)


def test_whoever_leaves_leaves_also_where_the_same_roster_gives_their_number_on(house: House) -> None:
    house.take(ADA, BOB)
    other = dataclasses.replace(ADA, person="p-" + "99" * 16, name="Eve", badges=(), codes=False)
    for _ in range(2):
        assert house.register.take(messages.Roster("hr:li", (other, BOB))).refused == ((other.person, HELD),)
        assert (house.number("1001").name, house.number("1001").expires_at) == ("Ada", parts.START)


def test_whoever_is_refused_is_left_as_they_are_and_does_not_leave(house: House) -> None:
    house.take(ADA, BOB)
    before = house.directory.list()
    renumbered = dataclasses.replace(ADA, number="2001", pin="no hash")
    unended = dataclasses.replace(BOB, number="2002", expires_at="2026-02-31")
    done = house.register.take(messages.Roster("hr:li", (renumbered, unended)))
    assert (done.changed, done.refused) == (0, ((parts.ADA, REFUSED), (parts.BOB, REFUSED)))
    assert house.directory.list() == before


def test_numbers_that_move_on_in_one_roster_are_free_for_the_next(house: House) -> None:
    house.take(ADA, BOB)
    for first, second in (("1002", "1003"), ("1003", "1002"), ("1001", "1003")):  # the second two change with each other
        new = (dataclasses.replace(ADA, number=first), dataclasses.replace(BOB, number=second))
        assert house.register.take(messages.Roster("hr:li", new)).refused == ()
        assert (house.number(first).person, house.number(second).person) == (parts.ADA, parts.BOB)


def test_a_number_whose_holder_is_refused_stays_theirs(house: House) -> None:
    """Ada takes Bob's number and Bob one that Eve has by hand: neither can be, and nobody is changed."""
    house.take(ADA, BOB)
    house.office.add_person("9", "Eve", "en", "cli:hr")
    before = house.directory.list()
    done = house.register.take(
        messages.Roster("hr:li", (dataclasses.replace(ADA, number="1002"), dataclasses.replace(BOB, number="9")))
    )
    assert done.refused == ((parts.ADA, HELD), (parts.BOB, HELD))
    assert house.directory.list() == before


def test_a_badge_is_handed_over_in_one_roster(house: House) -> None:
    house.take(ADA, dataclasses.replace(BOB, badges=("BADGE-0002",), codes=True))
    new = (dataclasses.replace(ADA, badges=("BADGE-0002",)), dataclasses.replace(BOB, badges=("BADGE-0001",), codes=True))
    assert house.register.take(messages.Roster("hr:li", new)).refused == ()
    whose = house.directory.credentials.whose
    assert (whose("badge", "BADGE-0001"), whose("badge", "BADGE-0002")) == (parts.BOB, parts.ADA)


@pytest.mark.parametrize("left_before", [False, True])
def test_a_leavers_badge_is_free_for_the_next(house: House, left_before: bool) -> None:
    house.take(ADA, BOB)
    if left_before:
        house.take(BOB)
    assert house.register.take(messages.Roster("hr:li", (dataclasses.replace(BOB, badges=ADA.badges, codes=True),))).refused == ()
    assert house.directory.credentials.whose("badge", "BADGE-0001") == parts.BOB
    assert (house.number("1001").badges, house.number("1001").expires_at) == (0, parts.START)


def test_a_badge_that_was_given_by_hand_is_taken_from_nobody(house: House) -> None:
    eve = house.office.add_person("9", "Eve", "en", "cli:hr")
    house.directory.credentials.add_code(eve.person, "badge", "BADGE-0001", parts.START)
    assert house.register.take(messages.Roster("hr:li", (ADA, BOB))).refused == ((parts.ADA, REFUSED),)
    assert house.number("9").badges == 1


def test_one_line_that_is_refused_is_named_and_the_others_are_taken(house: House) -> None:
    done = house.register.take(messages.Roster("hr:li", (dataclasses.replace(ADA, pin="no hash"), BOB)))
    assert [person for person, _ in done.refused] == [parts.ADA]
    assert house.number("1002").name == "李雷"


def test_a_withdrawal_from_the_enterprise_takes_the_consent_back(house: House) -> None:
    house.take(ADA)
    house.office.give_consent("1001", "en", "consent", "cli:hr")
    assert house.register.bury(stone(messages.TombstoneAct.WITHDRAWN), parts.ADA)
    assert not house.number("1001").has_consent
    assert not house.register.bury(stone(messages.TombstoneAct.WITHDRAWN), parts.ADA)


def test_a_withdrawal_from_the_enterprise_counts_against_a_yes_that_comes_from_elsewhere_later(house: House) -> None:
    assert not house.register.bury(stone(messages.TombstoneAct.WITHDRAWN), parts.ADA)
    house.take(ADA)
    assert not house.register.bury(stone(messages.TombstoneAct.WITHDRAWN), parts.BOB)
    assert house.directory.sisters.withdrawn() == {parts.ADA: parts.START, parts.BOB: parts.START}
    house.register.bury(stone(messages.TombstoneAct.ERASED), parts.ADA)
    house.register.bury(stone(messages.TombstoneAct.WITHDRAWN), parts.ADA)
    assert house.directory.sisters.withdrawn() == {parts.BOB: parts.START}, "the stone is enough"


def test_a_withdrawal_from_the_enterprise_counts_from_when_it_was(house: House) -> None:
    """The kiosk was off for a day: a yes of meanwhile, at another one, must not meet a withdrawal of today."""
    before = dataclasses.replace(stone(messages.TombstoneAct.WITHDRAWN), at="2026-11-22T09:00:00.000000Z")
    house.register.bury(before, parts.ADA)
    house.register.bury(dataclasses.replace(before, at="2036-11-22T09:00:00.000000Z"), parts.BOB)
    assert house.directory.sisters.withdrawn() == {parts.ADA: parts.START - timedelta(days=1), parts.BOB: parts.START}


def test_a_withdrawal_from_the_enterprise_reaches_whoever_is_asked_again(house: House) -> None:
    house.take(ADA)
    house.office.give_consent("1001", "en", "consent", "cli:hr")
    house.directory.add_template(parts.ADA, EMBEDDER, "photograph", vector(3), parts.START)
    house.office.publish_consent_text(
        "face_recognition", "2", dict.fromkeys(("zh-CN", "zh-TW", "en"), "new"), "cli:hr", asks_again=True
    )
    assert house.register.bury(stone(messages.TombstoneAct.WITHDRAWN), parts.ADA)
    assert house.number("1001").templates == 0


def test_an_erasure_from_the_enterprise_erases_here_and_no_later_roster_brings_the_person_back(
    house: House, opened: journal.Journal
) -> None:
    house.take(ADA)
    assert house.register.bury(stone(messages.TombstoneAct.ERASED), parts.ADA)
    assert not house.register.bury(stone(messages.TombstoneAct.ERASED), parts.ADA)
    (record,) = opened.of_kinds(("erasure",))
    assert (record.body["person"], record.body["reason"], record.body["by"]) == (parts.ADA, "tombstone", "hr:wu")
    house.take(ADA, BOB)
    assert [person.number for person in house.directory.list()] == ["1002"]


def test_an_erasure_leaves_a_stone_under_both_ids_of_whoever_is_known_under_another_here(house: House) -> None:
    here = house.office.add_person("1001", "Ada", "en", "cli:hr").person
    assert house.register.bury(stone(messages.TombstoneAct.ERASED), here)
    assert house.directory.graves.stones() == {here, parts.ADA}


def test_a_tombstone_of_somebody_who_was_never_here_keeps_them_out(house: House) -> None:
    assert not house.register.bury(stone(messages.TombstoneAct.ERASED), parts.ADA)
    house.take(ADA)
    assert house.directory.list() == ()

"""What is held about a person: everything, theirs alone, in an open format that anybody can check."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import holdings, journal, messages
from device.messages import Purpose, SignatureRefused
from device.people import Directory, PersonUnknown
from device.people.graves import TABLES
from tests.device import parts
from tests.device.test_desk import chain
from tests.device.test_erasure import NAME, NUMBER, full

BY = "cli:hr"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    found = Directory(tmp_path / "people.db", bytes(range(32)))
    full(found, parts.ADA, NUMBER, NAME)
    full(found, parts.BOB, "77005678", "Bartholomew Smith")
    yield found
    found.close()


@pytest.fixture
def held(directory: Directory, opened: journal.Journal) -> holdings.Holdings:
    for person in (parts.ADA, parts.BOB, parts.ADA):
        opened.append(parts.punch(person), parts.moment())
    return holdings.Holdings(opened, directory, parts.Clock())


def test_everything_held_about_a_person_is_in_it_and_nothing_of_anybody_else(
    held: holdings.Holdings, opened: journal.Journal
) -> None:
    text = held.export(NUMBER, BY).text
    said = json.loads(text)
    assert (said["person"]["name"], said["person"]["number"], said["person"]["group"]) == (NAME, NUMBER, "ops")
    assert [consent["purpose"] for consent in said["consents"]] == ["face_card", "face_recognition"]
    assert [len(said[name]) for name in ("templates", "cards", "phones", "pin", "codes")] == [3, 1, 1, 1, 2]
    kinds = [one["record"]["kind"] for one in said["records"]]
    assert kinds == ["punch", "punch", "audit"], "the disclosure itself among them"
    assert "Bartholomew" not in text
    assert parts.BOB not in text
    assert said["records"][-1]["hash"] == opened.head().hash


def test_no_secret_of_the_person_is_in_it(held: holdings.Holdings, directory: Directory) -> None:
    text = held.export(NUMBER, BY).text
    assert "argon2" not in text
    assert "sealed" not in text
    assert "digest" not in text
    with directory.database.reading() as connection:
        (sealed,) = connection.execute("SELECT sealed FROM phone WHERE person = ?", (parts.ADA,)).fetchone()
    assert bytes(sealed).hex() not in text


def test_anybody_can_check_who_made_it_and_that_nothing_was_changed(held: holdings.Holdings) -> None:
    said = json.loads(held.export(NUMBER, BY).text)
    sig = said.pop("sig")
    key = messages.public_key_from_text(said["key"])

    def check() -> None:
        messages.verify(key, Purpose.PERSON, said["device"], said["person"]["id"], messages.digest(messages.canonical(said)), sig)

    check()
    said["person"]["name"] = "Somebody Else"
    with pytest.raises(SignatureRefused):
        check()


def test_no_table_that_names_a_person_is_left_out() -> None:
    """What is erased is what is held: every table is either in the export or holds only keys."""
    queried = {query.split(" FROM ")[1].split()[0] for _, query in holdings.KEPT}
    assert set(TABLES) - queried == {"person", "consent", "person_key"}, "the first two are told in words, the third is a key"


def test_the_disclosure_is_recorded_and_a_stranger_has_none(held: holdings.Holdings, opened: journal.Journal) -> None:
    held.export(NUMBER, BY)
    assert chain(opened)[-1] == messages.Audit("person_exported", BY, parts.ADA)
    with pytest.raises(PersonUnknown):
        held.export("4711", BY)

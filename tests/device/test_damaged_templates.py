"""One template that does not open costs its owner the face; the others keep their kiosk, and somebody is told."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import desk, gallery, people, sight
from device.gallery import Keeper, Terms
from device.templates import WrongDeviceKey
from models.openset import Bound
from tests.device import parts
from tests.device.test_people import EMBEDDER, KEY, add

TERMS = Terms((Bound(0.5, 1e-5),), gallery.Promise(), 0.45)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[people.Directory]:
    found = people.Directory(tmp_path / "people.db", KEY)
    add(found, parts.ADA, "1", templates_made=2)
    add(found, parts.BOB, "7")
    yield found
    found.close()


def damage(folder: Path, person: str) -> None:
    with sqlite3.connect(folder / "people.db") as connection:
        connection.execute("UPDATE template SET sealed = zeroblob(540) WHERE person = ?", (person,))


def test_a_kiosk_starts_without_the_one_template_and_says_whose_it_is(
    directory: people.Directory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(tmp_path, parts.ADA)
    with caplog.at_level(logging.ERROR):
        keeper = Keeper(directory, EMBEDDER, TERMS)
    assert keeper.known.gallery.persons == (parts.BOB,)
    assert keeper.damaged == {parts.ADA}
    assert [record.getMessage() for record in caplog.records] == [
        f"a template of {parts.ADA} does not open; they have to be enrolled again"
    ]


def test_whoever_is_enrolled_again_is_no_longer_named_as_damaged(directory: people.Directory, tmp_path: Path) -> None:
    damage(tmp_path, parts.ADA)
    keeper = Keeper(directory, EMBEDDER, TERMS)
    directory.withdraw(parts.ADA)
    keeper.renew(parts.ADA)
    assert keeper.damaged == frozenset()
    assert keeper.known.gallery.persons == (parts.BOB,)


def test_the_status_names_employee_numbers_for_whoever_mends_it(directory: people.Directory, tmp_path: Path) -> None:
    damage(tmp_path, parts.ADA)
    opened = parts.open_journal(tmp_path)
    office = desk.Desk(opened, directory, parts.Clock(), no_sight)
    assert office.status().damaged == ()
    office._keeper = gallery.Keeper(directory, EMBEDDER, TERMS)
    assert office.status().damaged == ("1",)
    opened.close()


def test_a_kiosk_with_another_device_key_does_not_start_as_if_nobody_were_enrolled(
    directory: people.Directory, tmp_path: Path
) -> None:
    other = people.Directory(tmp_path / "people.db", bytes(32))
    with pytest.raises(WrongDeviceKey, match="none of 3 templates opens"):
        Keeper(other, EMBEDDER, TERMS)
    other.close()


def no_sight() -> sight.Sight:
    raise AssertionError("nobody looks at a photograph here")

"""Whose face is kept under a number: neither a photograph nor a PIN puts another beside it, and a lock asks for one seen here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from device import claims, database, desk, journal, messages, people, sight
from device.clock import Clock
from device.consenting import ONESELF
from device.enrolment import EnrolmentRefused
from device.locks.desk import LockDesk
from device.locks.errors import NeverSeen
from device.recognise import Claimed
from models import match
from tests.device import parts
from tests.device.test_desk import chain
from tests.device.test_locks import Scene
from tests.device.test_people import vector

BY = "web:hr"


@dataclass
class Room:
    """Ada (1001) has agreed and is enrolled by nothing yet."""

    office: desk.Desk
    directory: people.Directory
    journal: journal.Journal
    embedder: str

    def keep(self, source: str, seed: int, by: str = BY) -> int:
        return self.office.keep("1001", source, (vector(seed),), by, "").templates

    @property
    def person(self) -> str:
        return self.directory.by_number("1001").person

    def lock_waits_for(self, folder: Path) -> Claimed:
        """What the recogniser gets when a visit at a lock begins; NeverSeen."""
        folder.mkdir()
        scene, taken = Scene(folder), list[Claimed]()
        counter = claims.Claims(self.directory, self.office.keeper(), self.embedder, parts.Clock(), 15.0, taken.append)
        rooms = (scene.cabinet, scene.ledger, scene.journeys, scene.mailbox, cast(Any, scene.bridge))
        locks = LockDesk(*rooms, self.office, counter, cast(Clock, scene.clock), lambda person: self.person)
        ticket = locks.visit(scene.grant().id.hex()).ticket
        assert [one.visit for one in taken] == [ticket]
        return taken[0]


@pytest.fixture
def room(tmp_path: Path, opened: journal.Journal, eyes: sight.Sight) -> Iterator[Room]:
    directory = people.Directory(tmp_path / "people.db", bytes(range(32)))
    office = desk.Desk(opened, directory, parts.Clock(), lambda: eyes)
    office.add_person("1001", "Ada", "en", BY)
    office.give_consent("1001", "en", "consent", BY)
    yield Room(office, directory, opened, eyes.models.embedder)
    directory.close()


@pytest.mark.parametrize(("source", "by"), [("photograph", BY), ("kiosk", BY), ("kiosk", ONESELF)])
def test_another_face_is_refused_whole_and_the_way_on_is_named(room: Room, source: str, by: str) -> None:
    """Who knows a PIN would have made of face and PIN the PIN alone; a photograph of anybody would have opened a lock."""
    room.keep("kiosk", 1)
    before = room.journal.head()
    with pytest.raises(EnrolmentRefused, match=r"looks different now.*remove-face"):
        room.keep(source, 2, by)
    assert room.journal.head() == before
    assert room.keep("kiosk", 1, ONESELF) == 1, "one's own face may be taken again"
    assert room.keep("photograph", 1) == 2


def test_the_face_at_a_lock_is_compared_with_what_was_enrolled_here(room: Room, tmp_path: Path) -> None:
    room.directory.add_template(room.person, room.embedder, "photograph", vector(2), parts.START)  # from before anybody asked whose
    room.office.renew(room.person)
    with pytest.raises(NeverSeen):
        room.lock_waits_for(tmp_path / "before")
    room.directory.add_template(room.person, room.embedder, "kiosk", vector(1), parts.START)
    room.office.renew(room.person)
    awaited = room.lock_waits_for(tmp_path / "after")
    here, photograph = (match.best(awaited.templates, vector(seed)) for seed in (1, 2))
    assert here is not None
    assert photograph is not None
    assert here.score > 0.99
    assert photograph.score < 0.4


def test_an_enrolment_of_another_model_is_none_for_a_lock(room: Room, tmp_path: Path) -> None:
    room.directory.add_template(room.person, "of another model", "kiosk", vector(1), parts.START)
    with pytest.raises(NeverSeen):
        room.lock_waits_for(tmp_path / "locks")


def test_whoever_looks_different_is_enrolled_anew_once_the_office_has_removed_the_old_face(room: Room) -> None:
    room.keep("kiosk", 1)
    person = room.office.remove_face("1001", BY)
    assert (person.templates, person.has_consent) == (0, True)
    assert len(room.office.keeper().known.gallery) == 0
    assert chain(room.journal)[-1] == messages.Audit("face_removed", BY, person.person)
    assert room.keep("kiosk", 2) == 1


def test_a_removal_that_cannot_be_recorded_removes_nothing(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    room.keep("kiosk", 1)

    def full(*given: object) -> None:
        raise database.StorageError("the disk is full")

    monkeypatch.setattr(room.journal, "append", full)
    with pytest.raises(database.StorageError):
        room.office.remove_face("1001", BY)
    assert room.directory.by_number("1001").templates == 1


def test_where_nothing_is_enrolled_there_is_nothing_to_remove(room: Room) -> None:
    before = room.journal.head()
    with pytest.raises(EnrolmentRefused, match="nothing to remove"):
        room.office.remove_face("1001", BY)
    assert room.journal.head() == before


def test_a_face_that_cannot_be_compared_is_replaced_by_the_office_and_by_nobody_alone(room: Room) -> None:
    """Of another model, or damaged: whoever knows the PIN must not be the one who says that it was this person."""
    person = room.directory.by_number("1001").person
    room.directory.add_template(person, "of another model", "kiosk", vector(1), parts.START)
    with pytest.raises(EnrolmentRefused, match="cannot be read any more"):
        room.keep("kiosk", 2, ONESELF)
    assert room.keep("kiosk", 2) == 1

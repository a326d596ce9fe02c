"""Long work tells how far it is: what is done now, how much of it, of how much; to whoever began it."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import argon2
import pytest

from device import api, journal, people, progress
from device.people import credentials
from device.personnel import Personnel
from device.progress import MOST_KEPT, Board
from tests.device import parts

Told = tuple[str, int, int]
LIST = "number,name,pin\n" + "".join(f"{number},Name {number},{705_193 + 7 * number}\n" for number in range(1, 61))


class Listener:
    """Remembers all that it is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def __call__(self, doing: str, done: int, of: int) -> None:
        self.told.append((doing, done, of))

    def stages(self) -> list[str]:
        return list(dict.fromkeys(doing for doing, _, _ in self.told))

    def of(self, wanted: str) -> list[tuple[int, int]]:
        return [(done, of) for doing, done, of in self.told if doing == wanted]


def test_a_board_knows_how_far_each_work_is_by_its_key_and_forgets_the_oldest() -> None:
    board = Board()
    for number in range(MOST_KEPT + 1):
        board.teller(f"key-{number}")("records", number, 100)
    assert board.standing("key-1") == api.Work("records", 1, 100)
    assert board.standing("key-0") == board.standing("nobody's") == api.Work()
    board.teller("")("records", 1, 1)
    board.teller("k" * 65)("records", 1, 1)
    assert board.standing("") == board.standing("k" * 65) == api.Work()


def test_a_list_tells_of_its_lines_its_pins_and_its_people(
    tmp_path: Path, opened: journal.Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "HASHER", argon2.PasswordHasher(1, 64, 1))
    directory = people.Directory(tmp_path / "people.db", bytes(32))
    staff, heard = Personnel(opened, directory, parts.Clock(), UTC), Listener()
    assert staff.import_list(LIST, "web:ada", dry_run=True, tell=heard).count("add") == 60
    assert heard.stages() == ["lines"], "a look writes nothing"
    staff.import_list(LIST, "web:ada", dry_run=False, tell=heard)
    assert heard.stages() == ["lines", "pins", "people"]
    assert heard.of("pins") == [(number, 60) for number in range(1, 61)]
    assert heard.of("people") == [(0, 60), (50, 60)]
    directory.close()


def test_a_walk_through_the_chain_tells_of_its_records(opened: journal.Journal) -> None:
    for _ in range(24):
        opened.append_all([parts.punch()] * 100, parts.moment())
    heard, whole = Listener(), opened.head().seq
    opened.verify(tell=heard)
    assert heard.of("records") == [(1_000, whole), (2_000, whole), (whole, whole)]


def test_what_a_work_tells_is_asked_at_the_board(opened: journal.Journal) -> None:
    (route,) = progress.Board().routes()
    assert (route.method, route.path) == ("GET", "/v1/work")

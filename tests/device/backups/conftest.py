"""One kiosk with three people and forty punches, for each test of backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from device import kiosk, state
from device.backups import sealed
from tests.device import parts
from tests.device.backups.machines import (
    SETTINGS,
    Machine,
    stop,
)
from tests.device.test_people import add


@pytest.fixture(autouse=True)
def cheap_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id as cheap as it goes: what is tested here is not how long guessing takes."""
    monkeypatch.setattr(sealed.Head.__init__, "__defaults__", (64, 1))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = state.Folder(tmp_path / "kiosk")
    folder.root.mkdir()
    folder.config.write_text(SETTINGS, encoding="utf-8")
    return Machine(folder, parts.Clock())


@pytest.fixture
def running(machine: Machine) -> Iterator[kiosk.Files]:
    """Three people with faces, and forty punches."""
    files = machine.start()
    for person, number in ((parts.ADA, "1"), (parts.BOB, "2"), ("p-" + "ef" * 16, "3")):
        add(files.directory, person, number)
    parts.fill(files.journal, 40, lambda number: parts.punch(parts.ADA))
    yield files
    stop(files)

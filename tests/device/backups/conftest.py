"""One kiosk with three people and forty punches, for each test of backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from device import kiosk
from tests.device.backups import machines
from tests.device.backups.machines import Machine


@pytest.fixture(autouse=True)
def cheap_key(monkeypatch: pytest.MonkeyPatch) -> None:
    machines.make_keys_cheap(monkeypatch)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return machines.new_machine(tmp_path)


@pytest.fixture
def running(machine: Machine) -> Iterator[kiosk.Files]:
    files = machines.lived_in(machine)
    yield files
    machines.stop(files)

"""The machine that a kiosk under test believes to run on: its boot and its wall clock are what a file says at this moment."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path

from device import clock

RANDOM_BOOT_ID = 16  # bytes
YEARS_SINCE_1970_US = 56 * 31_556_952 * 1_000_000


@dataclass(frozen=True, slots=True)
class Machine:
    """`wall_off_us`: by how much its wall clock is wrong; `booted_us`: the true boot clock at which this boot began."""

    boot_id: str
    wall_off_us: int = 0
    booted_us: int = 0

    def rebooted(self) -> Machine:
        """A boot later, with a clock that has forgotten what year it is."""
        return Machine(new_boot_id(), -YEARS_SINCE_1970_US, clock.read_together()[1])

    def stepped(self, seconds: float) -> Machine:
        """Somebody has set the wall clock."""
        return replace(self, wall_off_us=self.wall_off_us + round(seconds * 1_000_000))


def new_boot_id() -> str:
    return str(uuid.UUID(bytes=os.urandom(RANDOM_BOOT_ID)))


def write(machine: Machine, path: Path) -> None:
    """All at once: the kiosk reads at any moment."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(machine)), encoding="ascii")
    fresh.rename(path)


def read(path: Path) -> Machine:
    return Machine(**json.loads(path.read_text(encoding="ascii")))


class Clock:
    """The machine's clocks, as the kiosk daemon reads them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> clock.Moment:
        machine = read(self._path)
        wall_us, monotonic_us = clock.read_together()
        at = clock.from_microseconds(wall_us) + timedelta(microseconds=machine.wall_off_us)
        return clock.Moment(at, monotonic_us - machine.booted_us, machine.boot_id, clock.Quality.UNSYNCED)

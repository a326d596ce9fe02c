"""What every carrier must go through: a backlog when the link comes up, and a minute with a silent link and two kills."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

RATE = 100  # records a second
SILENT_AFTER_S, KILL_AFTER_S, BACK_AFTER_S, KILL_AGAIN_AFTER_S, END_AFTER_S = 8, 14, 22, 30, 40
SETTLES_WITHIN_S = 60.0
CARRIES_WITHIN_S = 900.0


@dataclass(frozen=True, slots=True)
class Carried:
    """A backlog of `records` was there after `seconds`; `peak_mb`: resident memory of the carrying process at its highest.

    `processor_us`: processor time a record, by process; on a machine that others use, too, it says more than the seconds.
    """

    records: int
    seconds: float
    peak_mb: float
    processor_us: dict[str, float]

    @property
    def rate(self) -> float:
        return self.records / self.seconds


@dataclass(frozen=True, slots=True)
class Survived:
    """Of `accepted` records `lost` never arrived; `doubled` arrived more than once where the server keeps them."""

    accepted: int
    lost: int
    doubled: int


class Carrier(Protocol):
    """One way to carry records; each trial has a folder of its own."""

    name: str

    def carry(self, folder: Path, records: int) -> Carried: ...
    def survive(self, folder: Path) -> Survived: ...


class Line(Protocol):
    """A carrier at work, to which things are done."""

    def silence(self) -> None: ...
    def speak(self) -> None: ...
    def kill(self) -> None: ...


def torment(line: Line, began: float) -> None:
    """The same for everybody: the link goes silent, the carrier dies while it is, the link comes back, the carrier dies again."""
    for after_s, act in (
        (SILENT_AFTER_S, line.silence),
        (KILL_AFTER_S, line.kill),
        (BACK_AFTER_S, line.speak),
        (KILL_AGAIN_AFTER_S, line.kill),
        (END_AFTER_S, lambda: None),
    ):
        time.sleep(max(0.0, began + after_s - time.monotonic()))
        act()


def wait_for(done: Callable[[], bool], within_s: float, every_s: float = 0.1) -> float:
    """Seconds until `done`, or `within_s`."""
    began = time.monotonic()
    while not done() and time.monotonic() - began < within_s:
        time.sleep(every_s)
    return time.monotonic() - began


def settled(count: Callable[[], int], wanted: int, within_s: float = SETTLES_WITHIN_S) -> None:
    """Wait until `count` is what is wanted, or nothing has come for 15 seconds."""
    last, since = -1, time.monotonic()
    deadline = time.monotonic() + within_s
    while (now := count()) < wanted and time.monotonic() < deadline:
        if now != last:
            last, since = now, time.monotonic()
        if time.monotonic() - since > 15:
            return
        time.sleep(0.5)


def processor_s(pid: int) -> float:
    """Processor time of a process so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory that the process has held so far, megabytes (proc(5), VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1_024

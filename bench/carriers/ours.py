"""Our own way: kiosk daemon, uplink, Mosquitto with mutual TLS, ingester; every record verified, committed and signed for."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from bench.carriers import trial
from bench.carriers.trial import Carried, Survived
from device import journal
from tests.device import parts
from tests.faults import machine
from tests.faults.rig import Rig

A_COMMIT = 1_000
SITE = "Main gate, Building 4, Shanghai Pudong New Area, second entrance"  # records of about 750 bytes


class Ours:
    """The product."""

    name = "daka"

    def carry(self, folder: Path, records: int) -> Carried:
        with prepared(folder) as rig:
            fill(rig, records)
            rig.quiet.touch()
            for name in ("broker", "ingester", "kiosk"):
                rig.start(name)
            trial.wait_for(lambda: "begun" in (rig.folder / "kiosk.out").read_text(encoding="ascii"), 60)
            pids = {name: process.pid for name, process in rig.processes.items()} | {"broker": rig.broker.pid}
            before = {name: trial.processor_s(pid) for name, pid in pids.items()}
            rig.start("uplink")
            pids["uplink"] = rig.processes["uplink"].pid
            seconds = trial.wait_for(lambda: acknowledged(rig) >= records, trial.CARRIES_WITHIN_S, 0.02)
            spent = {name: (trial.processor_s(pid) - before.get(name, 0.0)) / records * 1e6 for name, pid in pids.items()}
            return Carried(acknowledged(rig), seconds, trial.peak_mb(pids["uplink"]), spent)

    def survive(self, folder: Path) -> Survived:
        with prepared(folder) as rig:
            rig.pause_s = 1 / trial.RATE
            rig.start_all()
            rig.goes_on()
            trial.torment(OurLine(rig), time.monotonic())
            rig.quiet.touch()
            receipts = rig.receipts()
            trial.settled(lambda: len(stored(rig)), max(receipt.seq for receipt in receipts))
            there = stored(rig)
            lost = sum(there.get(receipt.seq) != receipt.hash for receipt in receipts)
            return Survived(len(receipts), lost, 0)  # the primary key is (device, epoch, seq)


class OurLine:
    """A power cut ends kiosk daemon and uplink together."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def silence(self) -> None:
        os.kill(self._rig.broker.pid, signal.SIGSTOP)

    def speak(self) -> None:
        os.kill(self._rig.broker.pid, signal.SIGCONT)

    def kill(self) -> None:
        for name in ("kiosk", "uplink"):
            self._rig.kill(name)
            self._rig.start(name)


@contextmanager
def prepared(folder: Path) -> Iterator[Rig]:
    """A rig on the disk at hand; ended and removed afterwards."""
    disk = folder / "disk"
    disk.mkdir(parents=True)
    rig = Rig(folder, disk, f"sqlite:///{folder}/records.db")
    rig.prepare()
    try:
        yield rig
    finally:
        rig.end_all()
        shutil.rmtree(folder)


def fill(rig: Rig, records: int) -> None:
    """That many records in the journal, as after a long time without the server."""
    opened: journal.Journal = rig.journal()
    now = machine.Clock(rig.machine_file).now()
    for first in range(1, records, A_COMMIT):
        opened.append_all([parts.punch(site=SITE)] * min(A_COMMIT, records - first), now)
    opened.close()


def acknowledged(rig: Rig) -> int:
    """What the server has signed for, and the kiosk believes."""
    with closing(sqlite3.connect(f"file:{rig.kiosk.journal}?mode=ro", uri=True, timeout=5.0)) as connection:
        row = connection.execute("SELECT upto FROM acknowledged").fetchone()
    return int(row[0]) if row else 0


def stored(rig: Rig) -> dict[int, str]:
    with closing(sqlite3.connect(rig.database.removeprefix("sqlite:///"), timeout=5.0)) as connection:
        return dict(connection.execute("SELECT seq, hash FROM record").fetchall())

"""The product's journal on Debian's kernel and ext4, alone in the machine, and the power goes: many cuts in a short time.

What was shown is kept, record by record and hash by hash; what was not synced shows that the cut was one.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.vm import machine as machines
from tests.vm.conftest import folder_of_machines
from tests.vm.machine import Disk, Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1_800)]

CUTS = int(os.environ.get("DAKA_VM_CUTS", "6"))
AT_LEAST, LONGEST_S, PATIENCE_S = 10, 4.0, 600.0


@dataclass(frozen=True, slots=True)
class Said:
    """What one start of the machine has said: number to hash of what it found and of what it confirmed.

    `found` and `careless` are the first and the last number of the file that nobody syncs.
    """

    kept: dict[int, str]
    shown: dict[int, str]
    verified: int
    damaged: int
    found: int
    careless: int


def said(text: str) -> Said:
    rows = [line.split() for line in text.rpartition("\n")[0].splitlines()]

    def of(word: str) -> list[list[str]]:
        return [row for row in rows if row and row[0] == word]

    kept, shown = ({int(row[1]): row[2] for row in of(word)} for word in ("kept", "receipt"))
    careless = int(of("careless")[-1][1]) if of("careless") else 0
    (verified,), (found,) = of("verified"), of("found")
    return Said(kept, shown, int(verified[1]), int(verified[2]), int(found[1]), careless)


@pytest.fixture(scope="module", params=list(Disk), ids=lambda disk: disk.value)
def bare(request: pytest.FixtureRequest) -> Iterator[Machine]:
    folder = folder_of_machines()
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
        place = Path(name)
        image = machines.copy(folder / "base.raw", place / "disk.raw")
        chosen = machines.accelerator(folder / "vmlinuz")
        made = Machine(place, folder, image, 9, disk=request.param, accelerator=chosen, bare="journal_appender.py")
        try:
            yield made
        finally:
            made.close()


def said_since(machine: Machine, before: int) -> str:
    """What came over the serial line after the first `before` bytes; a line ends there as on a typewriter."""
    raw = machine.receipts.read_bytes()[before:] if machine.receipts.exists() else b""
    return raw.decode(errors="replace").replace("\r\n", "\n")


def start_and_cut(machine: Machine) -> Said:
    """One start, some receipts, and a cut at a chance moment."""
    before = machine.receipts.stat().st_size if machine.receipts.exists() else 0
    machine.start()
    deadline = time.monotonic() + PATIENCE_S
    while said_since(machine, before).count("\nreceipt ") < AT_LEAST:
        last = machine.console.read_text(errors="replace")[-2_000:] if machine.console.exists() else ""
        assert machine.runs(), f"the machine ended: {last}"
        assert time.monotonic() < deadline, f"no receipts within {PATIENCE_S:.0f} s: {last}"
        time.sleep(0.2)
    time.sleep(random.uniform(0.0, LONGEST_S))
    machine.cut_power()
    return said(said_since(machine, before))


def test_every_receipt_survives_every_power_cut(bare: Machine) -> None:
    confirmed: dict[int, str] = {}
    unsynced, latest = 0, start_and_cut(bare)
    for cut in range(1, CUTS + 1):
        confirmed |= latest.shown
        before, latest = latest, start_and_cut(bare)
        lost = {seq: digest for seq, digest in confirmed.items() if latest.kept.get(seq) != digest}
        assert not lost, f"confirmed before cut {cut} and gone: {lost}"
        assert latest.damaged == 0, "a journal failed its check and was begun anew"
        assert latest.verified >= max(confirmed)
        gone = before.careless - latest.found
        assert gone > 0, "a cut that loses nothing of what was never synced is none"
        unsynced += gone
        print(f"cut {cut}, the disk {bare.disk.value}: all {len(confirmed)} receipts kept; {gone} unsynced lines gone")
    print(f"{CUTS} cuts, the disk {bare.disk.value}: {len(confirmed)} receipts, 0 lost; {unsynced} unsynced lines gone")

"""The power goes while people punch: nothing that a screen had confirmed is lost, and nothing is there twice.

The emulator and its disk get SIGKILL at a chance moment. A file that another program writes without syncing it shows each time that
the cut was one.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.vm.conftest import Kiosk
from tests.vm.machine import Disk

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1_800)]

CUTS = int(os.environ.get("DAKA_VM_CUTS", "6"))  # of each kind of disk
AT_LEAST, LONGEST_S = 4, 8.0  # receipts before a cut, and how long it lets punches go on after them
PROGRAMS = ("punches.service", "careless.service")


@dataclass(slots=True)
class Count:
    alarms: list[str]
    cuts: int = 0
    receipts: int = 0
    careless_lost: int = 0


@pytest.fixture(scope="module")
def count(kiosk: Kiosk) -> Iterator[Count]:
    """From here on people punch whenever the machine is on, without end; the sums are said at the end."""
    kiosk.let_punch(1_000_000_000, 1_000_000_000)
    kiosk.machine.call("systemctl", "enable", *PROGRAMS)
    kiosk.machine.call("systemctl", "start", "--no-block", *PROGRAMS)
    made = Count(kiosk.enterprise.alarms())  # one, from before it knew this kiosk's key
    yield made
    print(f"{made.cuts} power cuts, {made.receipts} receipts shown, 0 lost; of what was not synced {made.careless_lost} lines lost")
    kiosk.machine.call("systemctl", "disable", "--now", *PROGRAMS)


@pytest.mark.parametrize("number", range(1, CUTS + 1))
@pytest.mark.parametrize("disk", list(Disk), ids=lambda disk: disk.value)
def test_nothing_that_a_screen_had_confirmed_is_lost_in_a_power_cut(kiosk: Kiosk, count: Count, disk: Disk, number: int) -> None:
    machine = kiosk.machine
    if machine.disk is not disk:  # another kind is put in while the machine is off
        machine.shut_down()
        machine.disk = disk
        machine.start(settled=False)
    before = kiosk.receipts()
    machine.wait("people punch", lambda: len(kiosk.receipts()) >= len(before) + AT_LEAST, 900)
    time.sleep(random.uniform(0.0, LONGEST_S))
    machine.cut_power()
    shown, said, starts = kiosk.receipts(), kiosk.careless(), len(kiosk.found())
    if number == CUTS:
        machine.disk = Disk.FORGETS  # the next kind, for as long a start as any other
    took = machine.start(settled=False)
    machine.wait("the careless program has started", lambda: len(kiosk.found()) > starts)
    kept, found = kiosk.kept(), kiosk.found()[-1]
    lost = {seq: at for seq, at in shown.items() if kept.get(seq) != at}
    assert not lost, f"confirmed on the screen and gone: {lost}"
    kiosk.arrive(shown)  # the ingester has checked every hash and signature on the way
    if number == CUTS:  # every hash of the whole chain
        assert "hold" in machine.call("daka", "verify")
    assert kiosk.enterprise.kinds()["genesis"] == 1, "the journal was begun anew"
    assert kiosk.enterprise.alarms() == count.alarms
    fresh = len(shown) - len(before)
    told = f"{fresh} receipts in this start, all {len(shown)} kept; {said - found} lines that nobody synced are gone"
    print(f"cut {number}, the disk {disk.value}: {told}; on again after {took:.0f} s")
    count.cuts, count.receipts = count.cuts + 1, count.receipts + fresh
    count.careless_lost += said - found
    assert found < said, "a cut that loses nothing of what was never synced is none"

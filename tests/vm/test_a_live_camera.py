"""The camera's code before a live V4L2 device of Debian's kernel, alone in the machine."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from tests.vm import machine as machines
from tests.vm.conftest import folder_of_machines
from tests.vm.machine import Machine

pytestmark = [pytest.mark.vm, pytest.mark.timeout(1_800)]

LONGEST_S = 1_500.0


def test_a_live_camera_is_seen_and_whatever_happens_to_it_is_said_and_mended() -> None:
    folder = folder_of_machines()
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as name:
        image = machines.copy(folder / "base.raw", Path(name) / "disk.raw")
        chosen = machines.accelerator(folder / "vmlinuz")
        machine = Machine(Path(name), folder, image, 9, accelerator=chosen, bare="live_camera.py")
        try:
            machine.start()
            deadline = time.monotonic() + LONGEST_S
            while machine.runs() and time.monotonic() < deadline:
                time.sleep(1.0)
        finally:
            machine.close()
        said = machine.receipts.read_text()
        print(said)
        assert said.endswith("the end\n"), f"{said}\n{machine.console.read_text(errors='replace')[-3_000:]}"

"""The whole of a stamp, every part real but the radio: `daka demo-lock` as anybody starts it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.long
@pytest.mark.timeout(400)
def test_two_approved_stamps_are_made_a_third_is_refused_and_the_log_holds() -> None:
    command = (sys.executable, "-m", "device.commands.main", "--log-level", "warning", "demo-lock")
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=380)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": done, stamped") == 2
    assert "failed, all stamps of this approval have been made (2 of 2)" in done.stdout
    assert "every chain holds" in done.stdout
    assert "lock_" not in done.stdout

"""A run that is killed leaves a machine; the next one clears it away, and nobody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.appliance import machine as machines
from tests.house.test_repository import REPOSITORY

pytestmark = pytest.mark.timeout(600)  # what other killed runs have left is cleared away, too: whole machines
HOLD = """
import subprocess, sys, time
from pathlib import Path
from tests.appliance import machine as machines
made = machines.Machine(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
made.lay()
subprocess.Popen(("sleep", "600"), stdout=subprocess.DEVNULL, preexec_fn=made._as_ours)
print("up", flush=True)
time.sleep(600)
"""


def traces(name: str, folder: Path) -> dict[str, bool]:
    groups = (Path("/sys/fs/cgroup") / hierarchy / name for hierarchy in machines.HIERARCHIES)
    return {
        "namespace": f"{name}-out" in subprocess.run(("ip", "netns"), capture_output=True, text=True, check=True).stdout.split(),
        "mount": str(folder) in Path("/proc/self/mounts").read_text(),
        "group": any(group.exists() for group in groups),
        "files": folder.exists(),
        "entry": (machines.REGISTER / name).exists(),
    }


def test_what_a_killed_run_left_is_cleared_away_and_a_living_ones_is_not(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    owners = []
    for one in ("left", "alive"):
        name, folder = f"daka-{one}-{os.getpid()}", tmp_path / one
        command = (sys.executable, "-c", HOLD, str(tmp_path / "base"), str(folder), name)
        owners.append(subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True))
        assert owners[-1].stdout is not None
        assert owners[-1].stdout.readline() == "up\n"
    left, alive = (f"daka-{one}-{os.getpid()}" for one in ("left", "alive"))
    try:
        owners[0].kill()
        owners[0].wait()
        assert all(traces(left, tmp_path / "left").values())
        assert left in machines.sweep()
        assert not any(traces(left, tmp_path / "left").values())
        assert all(traces(alive, tmp_path / "alive").values())
    finally:
        owners[1].kill()
        owners[1].wait()
        machines.sweep()
    assert not any(traces(alive, tmp_path / "alive").values())

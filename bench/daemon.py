"""A real kiosk daemon for a measurement: a process of its own with a stage before its camera, ended with the block."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.registry import Unmeasured
from device import api, state

START_S = 60.0
NICE = -5  # three times the share of others, as CPUWeight=300 in daka-kiosk.service (sched(7): 1.25 for each step)
TICKS = os.sysconf("SC_CLK_TCK")

CONFIGURATION = """\
[device]
id = "kiosk-bench"

[camera]
source = "stage:{stage}"
frames_per_second = {rate}

[models]
directory = "{weights}"
landmarks = "{landmarks}"

[attend]
min_gap_s = 0
allow_simulated = true
{more}
"""


@dataclass(frozen=True, slots=True)
class Daemon:
    """One running daemon; walk-ups that are put into `stage` are played."""

    pid: int
    folder: state.Folder
    stage: Path

    def client(self) -> api.AdminClient:
        """A caller of its admin socket."""
        return api.AdminClient(self.folder.admin_socket)


@contextmanager
def running(
    folder: state.Folder,
    weights: Path,
    more: str = "",
    landmarks: str = "opencv",
    program: str = "device.commands.main",
    rate: float = 15.0,
) -> Iterator[Daemon]:
    """The daemon, ready and looking at an empty hall; `more`: further settings as TOML. Unmeasured where it does not start.

    `rate`: frames a second asked of the camera; `program`: a module that is the daemon's command line, or dresses it up.
    """
    stage = folder.root / "stage"
    stage.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.config.write_text(
        CONFIGURATION.format(stage=stage, weights=weights, landmarks=landmarks, rate=rate, more=more), encoding="utf-8"
    )
    command = (sys.executable, "-m", program, "--log-level", "warning", "--state", str(folder.root), "run", "kiosk")
    with (folder.root / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    with suppress(PermissionError):  # without the right to it, measured at everybody's weight
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
    found = Daemon(process.pid, folder, stage)
    try:
        _wait_until_it_looks(found, process)
        yield found
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_until_it_looks(found: Daemon, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with found.client() as client:
                if client.status().camera_state == "streaming":
                    return
        except api.KioskAway:
            pass
        time.sleep(0.1)
    said = (found.folder.root / "daemon.log").read_text(encoding="utf-8", errors="replace")[-500:]
    raise Unmeasured(f"the kiosk daemon did not start within {START_S:.0f} s: {said or 'it says nothing'}")


def processor_seconds(pid: int) -> float:
    """Processor time that a process and its threads have used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Proportional set size: what would be free again if the process ended, shared pages by their share. MB of 10^6 bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise Unmeasured("this kernel tells no proportional set size (/proc/PID/smaps_rollup)")

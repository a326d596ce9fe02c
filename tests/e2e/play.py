"""Playing the demonstration from a test: as its own process, in a kept folder, with faults at chosen moments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_S = 240


@dataclass(frozen=True, slots=True)
class Performance:
    """A finished demonstration: its exit code, all that it printed, its JSON, and the pids that were killed, by name."""

    code: int
    said: str
    result: dict[str, Any]
    folder: Path
    killed: tuple[str, ...]

    def rows(self) -> list[tuple[str, str]]:
        """(employee number, direction) of every punch in the database, in order."""
        numbers = {played["seq"]: played["number"] for played in self.result["played"] if played["outcome"] == "punched"}
        return [(numbers.get(row["seq"], "?"), row["direction"]) for row in self.result["rows"]]


def demonstration(
    folder: Path,
    kill_after: Mapping[int, str] | None = None,
    pause_s: float = 1.5,
    begun: Callable[[subprocess.Popen[str]], object] = lambda process: None,
) -> Performance:
    """Run `daka demo` in `folder`; after scene N the process of `kill_after[N]`, a pid file in `folder`, is killed in the next.

    `begun` is told of it, and may end it.
    """
    command = (sys.executable, "-m", "device.commands.main", "--log-level", "warning", "demo", "--folder", str(folder), "--json")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    begun(process)
    watchdog = threading.Timer(LONGEST_S, process.kill)
    watchdog.start()
    said: list[str] = []
    killed: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        for number, victim in (kill_after or {}).items():
            if line.startswith(f"{number}/"):
                threading.Timer(pause_s, _kill, (folder / victim, killed)).start()
    code = process.wait()
    watchdog.cancel()
    found = [line for line in said if line.startswith('{"')]
    return Performance(code, "".join(said), json.loads(found[-1]) if found else {}, folder, tuple(killed))


def _kill(pid_file: Path, killed: list[str]) -> None:
    os.kill(int(pid_file.read_text(encoding="ascii")), signal.SIGKILL)
    killed.append(pid_file.stem)


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One call of a command line of ours."""
    return subprocess.run(
        (sys.executable, "-m", module, *arguments),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "COLUMNS": "200"},
    )

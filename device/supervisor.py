"""Several daemons under one parent, for a laptop and the demonstration: each is restarted when it ends, none outlives the parent.

On an appliance systemd does this, with users and sandboxes of their own; here the privileges are the user's.
"""

from __future__ import annotations

import ctypes
import logging
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SETTLED_S = 10.0  # a daemon that lived this long starts again at once
MOST_PAUSE_S = 30.0
STOP_S = 10.0


def end_with_parent() -> None:
    """Ask the kernel to end this process when its parent does, however that happens (prctl(2))."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def keep_running(commands: Mapping[str, tuple[str, ...]], pids: Path, stop: threading.Event) -> None:
    """Run every command until `stop`; `pids` gets one NAME.pid file each, so that a person can see and signal them."""
    pids.mkdir(mode=0o750, parents=True, exist_ok=True)
    keepers = [threading.Thread(target=_keep, args=(name, command, pids, stop), name=name) for name, command in commands.items()]
    for keeper in keepers:
        keeper.start()
    stop.wait()
    for keeper in keepers:
        keeper.join()


def _keep(name: str, command: tuple[str, ...], pids: Path, stop: threading.Event) -> None:
    failures = 0
    while not stop.is_set():
        started = time.monotonic()
        code = _run_once(command, pids / f"{name}.pid", stop)
        if stop.is_set():
            return
        failures = 0 if time.monotonic() - started > SETTLED_S else failures + 1
        pause = min(0.2 * 2**failures, MOST_PAUSE_S)
        log.warning("%s ended (%s); again in %.1f s", name, describe(code), pause)
        stop.wait(pause)


def _run_once(command: tuple[str, ...], pid_file: Path, stop: threading.Event) -> int:
    with subprocess.Popen(command) as process:
        pid_file.write_text(str(process.pid), encoding="ascii")
        while process.poll() is None:
            if stop.wait(0.1):
                _end(process)
        pid_file.unlink(missing_ok=True)
        return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


def describe(code: int) -> str:
    """An exit status in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop

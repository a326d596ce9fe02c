"""Several daemons under one parent, for a laptop and the demonstration: each is restarted when it ends, none outlives the parent.

On an appliance systemd does this, with users and sandboxes of their own; here the privileges are the user's.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from device import ended

log = logging.getLogger(__name__)

END_WITH_PARENT = ("setpriv", "--pdeathsig", "TERM", "--")  # the kernel ends the child when its parent dies, however that happens
SETTLED_S = 10.0  # a daemon that lived this long starts again at once
MOST_PAUSE_S = 30.0
STOP_S = 10.0


def keep_running(commands: Mapping[str, tuple[str, ...]], pids: Path, stop: threading.Event, logs: Path | None = None) -> None:
    """Run every command until `stop`.

    `pids` gets one NAME.pid file each, so that a person can see and signal them; with `logs`, their output goes to NAME.log there.
    """
    pids.mkdir(mode=0o750, parents=True, exist_ok=True)
    runs = {
        name: _Run(name, command, pids / f"{name}.pid", logs / f"{name}.log" if logs else None)
        for name, command in commands.items()
    }
    keepers = [threading.Thread(target=_keep, args=(run, stop), name=name) for name, run in runs.items()]
    for keeper in keepers:
        keeper.start()
    stop.wait()
    for keeper in keepers:
        keeper.join()


@dataclass(frozen=True, slots=True)
class _Run:
    """One command that is kept running."""

    name: str
    command: tuple[str, ...]
    pid_file: Path
    log_file: Path | None


def _keep(run: _Run, stop: threading.Event) -> None:
    failures = 0
    while not stop.is_set():
        started = time.monotonic()
        try:
            code = _run_once(run, stop)
        except OSError as error:  # no setpriv, no room for a log: said, and tried again
            log.error("%s cannot be started: %s", run.name, error)
            code = 1
        if stop.is_set():
            return
        failures = 0 if time.monotonic() - started > SETTLED_S else failures + 1
        pause = pause_s(failures)
        log.warning("%s ended (%s); again in %.1f s", run.name, describe(code), pause)
        ended.note(run.pid_file.parent / "ended", run.name, datetime.now(UTC), reason(code))
        stop.wait(pause)


def _run_once(run: _Run, stop: threading.Event) -> int:
    with ExitStack() as stack:
        output = stack.enter_context(run.log_file.open("ab")) if run.log_file else None
        process = stack.enter_context(subprocess.Popen((*END_WITH_PARENT, *run.command), stdout=output, stderr=output))
        with suppress(OSError):  # on a full disk it runs all the same, and must end when it is told to
            run.pid_file.write_text(str(process.pid), encoding="ascii")
        while process.poll() is None:
            if stop.wait(0.1):
                _end(process)
        with suppress(OSError):
            run.pid_file.unlink(missing_ok=True)
        return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


def pause_s(failures: int) -> float:
    """How long to wait after so many failures in a row. The exponent is bounded: no float holds 2**1024."""
    return min(0.2 * 2.0 ** min(failures, 10), MOST_PAUSE_S)


def describe(code: int) -> str:
    """An exit status in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def reason(code: int) -> str:
    """An exit status as systemd would name it."""
    if code == 0:
        return ended.ASKED
    return f"signal-{signal.Signals(-code).name}" if code < 0 else "exit-code"


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return stop

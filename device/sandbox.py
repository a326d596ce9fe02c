"""Runs the privacy probes in the sandboxes of the daemons' own units, and looks at the processes that run now. Needs root."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from device import privacy
from device.errors import DeviceError

UNITS = Path("/etc/systemd/system")
TRANSIENT = Path("/run/systemd/system")
OUTPUT = Path("/run/daka")
PROBE_S = 60.0
# What a twin that runs once and only tries must not do as the daemon does it: start others, wait for them, take the screen.
RETIRED = (
    "ExecStart", "Type=", "NotifyAccess=", "WatchdogSec=", "Restart=", "Requires=", "After=", "Wants=", "PartOf=", "Condition",
    "Conflicts=", "OnFailure=", "PAMName=", "TTYPath=", "StandardInput=", "Utmp", "JoinsNamespaceOf=",
)  # fmt: skip
KEEPS = "[Service]\nExecStopPost=\nType=oneshot\nNotifyAccess=none\nWatchdogSec=0\nRestart=no\n"


class SandboxError(DeviceError):
    """The probes cannot be run; the message says why and what to do."""


def probe_all() -> tuple[privacy.Result, ...]:
    """Every unit's probes under that unit's own directives, then what the processes hold open."""
    if os.geteuid() != 0:
        raise SandboxError(
            "the probes put themselves into each daemon's sandbox, which only root may; run: sudo daka doctor --privacy"
        )
    installed = [unit for unit in privacy.UNITS if (UNITS / f"{unit}.service").exists()]
    if not installed or not Path("/run/systemd/system").is_dir():
        raise SandboxError("Daka's units are not installed here (laptops have no sandboxes: `daka run`); install the bundle")
    return (*_probed(installed), *microphones())


def _probed(units: Sequence[str]) -> tuple[privacy.Result, ...]:
    """Each unit's probes, run by a transient twin with the same directives, user and drop-ins."""
    try:
        for unit in units:
            _write_twin(unit)
        _systemctl("daemon-reload")  # once for all: a small machine takes seconds for it, and its watchdog waits meanwhile
        return tuple(itertools.chain.from_iterable(map(_answers, units)))
    finally:
        for path in itertools.chain.from_iterable(map(_files, units)):
            path.unlink(missing_ok=True)
        _systemctl("daemon-reload")


def _answers(unit: str) -> tuple[privacy.Result, ...]:
    """Run the twin, and read what it tried."""
    twin, _, answer = _files(unit)
    try:
        _systemctl("start", twin.name)
        return tuple(_judged(privacy.Result(**one)) for one in json.loads(answer.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise SandboxError(f"the probe of {unit} gave no answer; journalctl -u {twin.stem} says why") from error


def _files(unit: str) -> tuple[Path, Path, Path]:
    """The twin's unit, its drop-in and its answer. `daka-.service.d/50-hardening.conf` is read before, and holds for it as well."""
    twin = TRANSIENT / f"{unit}-probe.service"
    return twin, twin.with_name(f"{twin.name}.d") / "90-probe.conf", OUTPUT / f"{twin.stem}.json"


def _judged(result: privacy.Result) -> privacy.Result:
    """What is there on this machine and not in the sandbox is hidden from the daemon: as good as refused."""
    if result.outcome == "absent" and result.path and Path(result.path).exists():
        return dataclasses.replace(result, outcome="refused", how=f"hidden ({result.how})")
    return result


def _write_twin(unit: str) -> None:
    at, drop_in, answer = _files(unit)
    text = (UNITS / f"{unit}.service").read_text(encoding="utf-8")
    kept = [row for row in text.splitlines() if not row.startswith(RETIRED)]
    command = f"ExecStart={sys.executable} -m device.privacy {unit}\nStandardOutput=truncate:{answer}\n"
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text("\n".join(kept).replace("[Service]\n", f"[Service]\n{command}", 1) + "\n", encoding="utf-8")
    drop_in.parent.mkdir(exist_ok=True)
    extra = UNITS / f"{unit}.service.d"
    own = [row for path in sorted(extra.glob("*.conf")) for row in path.read_text(encoding="utf-8").splitlines()]
    rows = "".join(f"{row}\n" for row in own if not row.startswith(RETIRED))  # another ExecStart= would run in the probe's place
    drop_in.write_text(f"{rows}{KEEPS}", encoding="utf-8")


def _systemctl(*words: str) -> None:
    try:
        subprocess.run(("systemctl", *words), check=True, capture_output=True, timeout=PROBE_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise SandboxError(f"systemctl {' '.join(words)} failed: {_reason(error)}") from error


def _reason(error: subprocess.SubprocessError) -> str:
    said = getattr(error, "stderr", b"") or b""
    return said.decode("utf-8", "replace").strip() or str(error)


def microphones(processes: Path = Path("/proc")) -> tuple[privacy.Result, ...]:
    """Whether any process on this machine holds a microphone open at this moment."""
    holders = sorted(one.name for one in processes.glob("[0-9]*") if any(map(_is_microphone, _opened_by(one))))
    sentence = "any process: hold a microphone open"
    if holders:
        return (privacy.Result("machine", sentence, "possible", f"process {', '.join(holders)} does"),)
    return (privacy.Result("machine", sentence, "refused", "none does"),)


def _opened_by(process: Path) -> tuple[Path, ...]:
    """Its open files; none of one that has ended meanwhile."""
    try:
        return tuple((process / "fd").iterdir())
    except OSError:
        return ()


def _is_microphone(link: Path) -> bool:
    try:
        target = os.readlink(link)
    except OSError:  # the process has ended meanwhile
        return False
    return target.startswith("/dev/snd/pcm") and target.endswith("c")

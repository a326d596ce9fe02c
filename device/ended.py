"""How daemons ended: a line for each, written by whoever keeps them running, so that a restart has a reason and a count.

On an appliance systemd writes them (ExecStopPost= of the units' shared drop-in), elsewhere the supervisor; both since the machine's
start. A daemon's sandbox needs no bus for it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from datetime import datetime
from pathlib import Path

from device.api.health import Ended

MOST_LINES = 500
ASKED = "asked"
SYSTEMD_NAMES = {"success": ASKED}


def note(folder: Path, daemon: str, at: datetime, why: str) -> None:
    """One end. Where it cannot be written nothing else may suffer."""
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        with (folder / daemon).open("a", encoding="ascii") as file:
            file.write(f"{at:%Y-%m-%dT%H:%M:%SZ} {why}\n")


def read(folder: Path) -> tuple[Ended, ...]:
    """Every daemon's ends by reason, the latest reason first."""
    found: list[Ended] = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        lines = [line.split() for line in _lines(path)]
        whole = [(line[0], SYSTEMD_NAMES.get(line[1], line[1])) for line in lines if len(line) >= 2]
        last = {why: at for at, why in whole}
        found += [Ended(path.name, why[:32], count, last[why]) for why, count in Counter(why for _, why in whole).items()]
    return tuple(sorted(found, key=lambda one: one.last_at, reverse=True))


def unasked(ended: tuple[Ended, ...]) -> int:
    """How many ends nobody had asked for."""
    return sum(one.count for one in ended if one.why != ASKED)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", errors="replace").splitlines()[-MOST_LINES:]
    except OSError:
        return []

"""How daemons ended: a line for each, written by whoever keeps them running, so that a restart has a reason and a count.

On an appliance systemd writes them (ExecStopPost= of the units' shared drop-in), elsewhere the supervisor; both since the machine's
start. A daemon's sandbox needs no bus for it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from device.api.health import Ended

MOST_LINES = 500
ASKED = "asked"
AGAIN, WITHIN = 3, timedelta(minutes=30)  # ends that nobody asked for, of one daemon: it fails again and again
ANYBODYS = frozenset({"daka-web"})  # whoever is on the network may ask it, and with the right question perhaps end it
DISPLAY = "daka-display"  # what it shows on may have been switched off
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
    for daemon, whole in _each(folder):
        last = {why: at for at, why in whole}
        found += [Ended(daemon, why[:32], count, last[why]) for why, count in Counter(why for _, why in whole).items()]
    return tuple(sorted(found, key=lambda one: one.last_at, reverse=True))


def again_and_again(folder: Path, since: datetime, now: datetime, but: frozenset[str] = ANYBODYS) -> str:
    """A daemon that fails again and again, however slowly, counted from `since`; "" for none. Those of `but` do not count."""
    begin = f"{max(since, now - WITHIN):%Y-%m-%dT%H:%M:%SZ}"
    for daemon, whole in _each(folder):
        if daemon not in but and sum(at > begin and why != ASKED for at, why in whole) >= AGAIN:
            return daemon
    return ""


def _each(folder: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Each daemon's name, and when and why it ended."""
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        lines = [line.split() for line in _lines(path)]
        yield path.name, [(line[0], SYSTEMD_NAMES.get(line[1], line[1])) for line in lines if len(line) >= 2]


def unasked(ended: tuple[Ended, ...]) -> int:
    """How many ends nobody had asked for."""
    return sum(one.count for one in ended if one.why != ASKED)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("ascii", errors="replace").splitlines()[-MOST_LINES:]
    except OSError:
        return []

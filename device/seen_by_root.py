"""What root sees of this machine and writes down for daemons whose sandboxes show them nothing of it: its addresses, for the screen
to show where no name server knows a kiosk, and whether anybody keeps its clock.

What is read here is an address, a yes, or nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import time
from pathlib import Path

FOLDER = Path("/run/daka-outlet")
ADDRESSES, CLOCK = "addresses", "clock"
MOST_ADDRESSES = 3
MOST_BYTES = 1_024
COUNTS_FOR_S = 600.0  # some looks of root's, who comes every two minutes; a kernel without a source is sure of itself for hours
KEPT = "kept"


def keep(folder: Path, *, is_kept: bool) -> None:
    """Write it down, each file whole or not at all. `is_kept`: what the kernel says of its clock."""
    _write(folder / ADDRESSES, "\n".join(look()))
    _write(folder / CLOCK, f"{KEPT if is_kept else 'nobody'} {int(_since_boot_s())}")


def _write(path: Path, text: str) -> None:
    """In memory, so nothing is synced; others than root read it."""
    part = path.with_suffix(".part")
    part.write_text(text, "ascii")
    part.chmod(0o644)
    part.replace(path)


def look() -> tuple[str, ...]:
    """This machine's own IPv4 addresses, as its kernel says; none where a sandbox lets nobody look."""
    import psutil  # not before somebody looks: where root has written them down, nobody does

    with contextlib.suppress(OSError):
        return _usable([one.address for some in psutil.net_if_addrs().values() for one in some])
    return ()


def addresses(folder: Path = FOLDER) -> tuple[str, ...]:
    """What root has written down, or what can be seen from here where root writes nothing."""
    written = _read(folder / ADDRESSES)
    return look() if written is None else _usable(written.split())


def clock_is_kept(folder: Path = FOLDER) -> bool:
    """Whether root saw, in this boot and not long ago, that somebody keeps the kernel's clock."""
    said, _, seen_at = (_read(folder / CLOCK) or "").partition(" ")
    return said == KEPT and seen_at.isdecimal() and 0 <= _since_boot_s() - int(seen_at) <= COUNTS_FOR_S


def _since_boot_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _read(path: Path) -> str | None:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            return file.read(MOST_BYTES)
    except OSError:
        return None


def _usable(texts: list[str]) -> tuple[str, ...]:
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):
            address = ipaddress.IPv4Address(text)
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.append(str(address))
    return tuple(dict.fromkeys(found))[:MOST_ADDRESSES]

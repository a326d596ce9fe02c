"""Under which addresses browsers reach this machine, for the screen to show: in most offices no name server knows a kiosk.

The web UI's daemon has no network to see them in, so root writes them down for it. What is read is an address
or nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from pathlib import Path

SEEN_BY_ROOT = Path("/run/daka-outlet/addresses")
MOST = 3
MOST_BYTES = 1_024


def look() -> tuple[str, ...]:
    """This machine's own IPv4 addresses, as its kernel says; none where a sandbox lets nobody look."""
    import psutil  # not before somebody looks: where root has written them down, nobody does

    with contextlib.suppress(OSError):
        found = [one.address for some in psutil.net_if_addrs().values() for one in some]
        return _usable(found)
    return ()


def keep(folder: Path) -> None:
    """Write them down in `folder`, whole or not at all."""
    part = folder / f"{SEEN_BY_ROOT.name}.part"
    part.write_text("\n".join(look()), "ascii")
    os.replace(part, folder / SEEN_BY_ROOT.name)


def read(path: Path = SEEN_BY_ROOT) -> tuple[str, ...]:
    """What root has written down, or what can be seen from here where root writes nothing."""
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            return _usable(file.read(MOST_BYTES).split())
    except OSError:
        return look()


def _usable(texts: list[str]) -> tuple[str, ...]:
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):
            address = ipaddress.IPv4Address(text)
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.append(str(address))
    return tuple(dict.fromkeys(found))[:MOST]

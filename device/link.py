"""The way to the network, as the kernel tells it: wired or by radio, and how well. Asks nobody; the uplink alone can see it."""

from __future__ import annotations

from pathlib import Path

from device.api.health import Link

SYS, PROC = Path("/sys"), Path("/proc/self/net")  # of the own process: the uplink sees no other's
RADIO_KINDS = {"wlan": "wifi", "wwan": "mobile"}
ETHERNET = "1"  # ARPHRD_ETHER of linux/if_arp.h


def look(sys: Path = SYS, proc: Path = PROC) -> Link:
    """How the default route goes out."""
    routes = _rows(proc / "route")
    if routes is None:
        return Link()
    leaving = [(int(row[6]), row[0]) for row in routes[1:] if len(row) > 7 and row[1] == "00000000" and row[7] == "00000000"]
    leaving += [(1_024, row[9]) for row in _rows(proc / "ipv6_route") or [] if _is_default_v6(row)]
    if not leaving:
        return Link("none")
    interface = min(leaving)[1]
    return Link(_kind(sys / "class" / "net" / interface), _signal_dbm(proc, interface), _speed(sys / "class" / "net" / interface))


def _is_default_v6(row: list[str]) -> bool:
    return len(row) > 9 and row[0] == "0" * 32 and row[1] == "00" and row[9] != "lo"


def _kind(place: Path) -> str:
    for line in (_rows(place / "uevent") or [])[:8]:
        name, _, value = line[0].partition("=") if line else ("", "", "")
        if name == "DEVTYPE" and value in RADIO_KINDS:
            return RADIO_KINDS[value]
    first = (_rows(place / "type") or [[""]])[0]
    return "wired" if first[:1] == [ETHERNET] else "other"


def _signal_dbm(proc: Path, interface: str) -> int:
    for row in _rows(proc / "wireless") or []:
        if row and row[0] == f"{interface}:" and len(row) > 3:
            level = int(float(row[3]))
            return level - 256 if level > 63 else level  # drivers that count in bytes
    return 0


def _speed(place: Path) -> int:
    """Megabits per second; 0 where the interface does not say."""
    rows = _rows(place / "speed")
    try:
        return max(0, int(rows[0][0])) if rows else 0
    except (IndexError, ValueError):
        return 0


def _rows(path: Path) -> list[list[str]] | None:
    """The words of each line; None for what cannot be read: an interface without a cable has no speed."""
    try:
        return [line.split() for line in path.read_text("ascii", errors="replace").splitlines()]
    except OSError:
        return None

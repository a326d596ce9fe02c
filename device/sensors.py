"""What the machine's own sensors say: throttling, under-voltage, a Bluetooth radio. Without one the answer is `unknown`.

And what its kernel does with memory: whether it counts it, and where else it may put it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

SYS = Path("/sys")
# Raspberry Pi's kernel; the same bits as vcgencmd get_throttled. On a Pi 5 the node is soc@107c000000.
GET_THROTTLED = "devices/platform/soc*/soc*:firmware/get_throttled"
UNDER_VOLTAGE, CAPPED, THROTTLED, HOT = 1 << 0, 1 << 1, 1 << 2, 1 << 3
EARLIER = 16  # the same four bits, so far to the left: has happened since the start
UNKNOWN = "unknown"


def throttled(root: Path = SYS) -> str:
    """Whether the processor is slowed down: no, now, earlier or unknown."""
    return _said(_bits(root), CAPPED | THROTTLED | HOT)


def under_voltage(root: Path = SYS) -> str:
    """Whether the power supply is too weak; of the kernel's `rpi_volt` sensor where the firmware's word is not to be had."""
    bits = _bits(root)
    if bits is not None:
        return _said(bits, UNDER_VOLTAGE)
    for name in root.glob("class/hwmon/hwmon*/name"):
        if _text(name) == "rpi_volt" and (alarm := _text(name.with_name("in0_lcrit_alarm"))):
            return "now" if alarm == "1" else "no"
    return UNKNOWN


def radio(root: Path = SYS) -> str:
    """Whether there is a Bluetooth controller: present, absent, or unknown where the kernel has no Bluetooth at all."""
    places = root / "class" / "bluetooth"
    if not places.is_dir():
        return UNKNOWN
    return "present" if any(":" not in one.name for one in places.glob("hci*")) else "absent"


def counts_memory(root: Path = SYS) -> bool:
    """Whether MemoryMax= and MemorySwapMax= have any effect: a Raspberry Pi's firmware says cgroup_disable=memory."""
    return "memory" in _text(root / "fs/cgroup/cgroup.controllers").split()


def swaps_to_disk(root: Path = Path("/")) -> tuple[str, ...]:
    """Swap that is no memory: a file, a partition, or compressed memory (zram) that moves to a disk what is not used."""
    names = [row.split()[0] for row in _text(root / "proc/swaps").splitlines()[1:]]
    return tuple(name for name in names if not _is_memory(root / "sys/block" / Path(name).name))


def _is_memory(block: Path) -> bool:
    return block.name.startswith("zram") and _text(block / "backing_dev") in ("", "none")


def _bits(root: Path) -> int | None:
    for path in root.glob(GET_THROTTLED):
        with contextlib.suppress(ValueError):
            return int(_text(path), 16)
    return None


def _said(bits: int | None, which: int) -> str:
    if bits is None:
        return UNKNOWN
    if bits & which:
        return "now"
    return "earlier" if bits & which << EARLIER else "no"


def _text(path: Path) -> str:
    """What it says; empty for what cannot be read."""
    try:
        return path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""

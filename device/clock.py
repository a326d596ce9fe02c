"""What time it is, and how sure we are of it.

Every moment carries the boot it belongs to and the monotonic clock of that boot, so that a wall clock that was wrong can be put
right later. Never steps the clock, never asks the network.
"""

from __future__ import annotations

import ctypes
import functools
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from device import seen_by_root
from device.messages import Quality as Quality

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
TRIES, TOGETHER_US = 5, 200
LIBC = ctypes.CDLL(None, use_errno=True)
LOOK_EVERY_S = 5.0
STA_UNSYNC = 0x0040  # linux/timex.h: the kernel's clock is not disciplined by anybody


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of all clocks at once; `at` is aware and UTC, `monotonic_us` counts microseconds since this boot."""

    at: datetime
    monotonic_us: int
    boot_id: str
    quality: Quality


class Clock(Protocol):
    """Anything that can say what time it is; tests bring their own."""

    def now(self) -> Moment: ...


class SystemClock:
    """The machine's own clocks; the wall clock counts as synced while the kernel says that somebody disciplines it."""

    def __init__(self, boot_id_file: Path = BOOT_ID) -> None:
        self._boot_id = boot_id_file.read_text(encoding="ascii").strip()

    def now(self) -> Moment:
        wall_us, monotonic_us = read_together()
        quality = Quality.SYNCED if kernel_clock_is_synced() else Quality.UNSYNCED
        return Moment(from_microseconds(wall_us), monotonic_us, self._boot_id, quality)


def read_together() -> tuple[int, int]:
    """Wall clock and boot clock of the same moment, microseconds; read again where the scheduler came in between."""
    for _ in range(TRIES):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        wall = time.time_ns() // 1000
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000
        if after - before <= TOGETHER_US:
            break
    return wall, before + (after - before) // 2


def from_microseconds(wall_us: int) -> datetime:
    """Microseconds since 1970 as an aware UTC time, without a detour through floating point."""
    seconds, microseconds = divmod(wall_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=microseconds)


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2); only `modes` (0: read) and `status` matter here, the rest is room for the kernel's answer."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


_TIMEX = _Timex()  # one for all: every thread that asks at the same time is told the same
_TIMEX_AT = ctypes.byref(_TIMEX)


def kernel_clock_is_synced() -> bool:
    """adjtimex(2) without changing anything: chrony, timesyncd and ntpd all clear STA_UNSYNC once they follow a source.

    A daemon's sandbox refuses the question along with the setting: there counts what root saw, looked at anew after some seconds.
    """
    if int(LIBC.adjtimex(_TIMEX_AT)) >= 0:
        return not _TIMEX.status & STA_UNSYNC
    return _seen_by_root(int(time.monotonic() / LOOK_EVERY_S))


@functools.lru_cache(maxsize=1)
def _seen_by_root(_look: int) -> bool:
    return seen_by_root.clock_is_kept()

"""Large memory in huge pages (2 MB): a network's weights and a gallery are read from end to end, and at 4 kB a page the processor
spends a fifth to a half of that time looking up where the next page lies (measured: docs/performance.md).

Only asks the kernel; where it has no huge pages to give (Linux alone has them, and not every kernel), all stays as it was.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HUGE_PAGE = 2 << 20  # bytes; of x86-64, and of arm64 with pages of 4 kB
COLLAPSE = 25  # MADV_COLLAPSE, linux/mman.h, since Linux 6.1: at once, where MADV_HUGEPAGE leaves it to a thread that takes minutes
MAPS = Path("/proc/self/maps")


def empty(shape: tuple[int, int]) -> NDArray[np.float32]:
    """An uninitialised array of this shape, in huge pages of its own from a quarter of one on; its memory goes when it goes."""
    size = shape[0] * shape[1] * np.dtype(np.float32).itemsize
    if size < HUGE_PAGE // 4 or sys.platform != "linux":
        return np.empty(shape, dtype=np.float32)
    room = mmap.mmap(-1, _up(size) + HUGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # what is never touched costs nothing
    if hasattr(mmap, "MADV_HUGEPAGE"):
        _quietly_advise(room)
    whole = np.frombuffer(room, dtype=np.uint8)
    begin = -whole.ctypes.data % HUGE_PAGE
    return whole[begin : begin + size].view(np.float32).reshape(shape)


def give_back() -> None:
    """What was freed leaves glibc's hands: after loading models that is the files' bytes and the graphs as they came, 49 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none, and give back by themselves
    if trim is not None:
        trim(0)


def into_huge_pages() -> None:
    """Moves what this process holds now, and what libraries hold for it, into huge pages: some 90 ms for 250 MB. Loses nothing.

    For the moment when the models are loaded, have run once, and what was freed has been given back: a huge page of which anything
    was touched becomes resident whole.
    """
    advise = getattr(ctypes.CDLL(None), "madvise", None)
    if advise is None or not hasattr(mmap, "MADV_HUGEPAGE"):
        return
    for begin, size in _large_regions(MAPS.read_text()):
        for advice in (mmap.MADV_HUGEPAGE, COLLAPSE):
            advise(ctypes.c_void_p(begin), ctypes.c_size_t(size), advice)


def _large_regions(maps: str) -> Iterator[tuple[int, int]]:
    """(first address, size) of each run of whole huge pages in private, writable memory that no file stands behind; proc(5)."""
    for line in maps.splitlines():
        addresses, rights, _, _, inode, *name = line.split(maxsplit=5)
        if rights != "rw-p" or inode != "0" or name not in ([], ["[heap]"]):
            continue
        begin, end = (int(address, 16) for address in addresses.split("-"))
        begin, end = _up(begin), end - end % HUGE_PAGE
        if end > begin:
            yield begin, end - begin


def _up(value: int) -> int:
    return -(-value // HUGE_PAGE) * HUGE_PAGE


def _quietly_advise(room: mmap.mmap) -> None:
    try:
        room.madvise(mmap.MADV_HUGEPAGE)
    except OSError:  # a kernel without huge pages says EINVAL
        return

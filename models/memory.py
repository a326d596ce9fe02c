"""Large memory in huge pages (2 MB): a network's weights and a gallery are read from end to end, and at 4 kB a page the processor
spends much of that time looking up where the next page lies (docs/performance.md).

Only asks the kernel; where it has no huge pages to give (Linux alone has them, and not every kernel), all stays as it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

HUGE_PAGE = 2 << 20  # bytes; of x86-64, and of arm64 with pages of 4 kB
COLLAPSE = 25  # MADV_COLLAPSE, linux/mman.h, since Linux 6.1: at once, where MADV_HUGEPAGE leaves it to a thread that takes minutes
MAPS = Path("/proc/self/maps")
MOST_SPARE = 4  # of one size: a change of a gallery takes two, and a search that runs holds the ones before


class _Spare:
    """Rooms for the next arrays: one made and one taken apart at each change cost a search that runs meanwhile up to 100 ms."""

    def __init__(self) -> None:
        self._rooms: dict[int, list[mmap.mmap]] = {}

    def take(self, length: int) -> mmap.mmap:
        """One of this length; its first whole huge page is where `_inside` says."""
        rooms = self._rooms.get(length)
        try:
            return rooms.pop() if rooms else _made(length)
        except IndexError:  # another thread was quicker
            return _made(length)

    def put_by(self, room: mmap.mmap, size: int) -> None:
        """Nobody holds the array in it any more: a template that was there is wiped before anything else happens."""
        _inside(room, size)[:] = 0
        rooms = self._rooms.setdefault(len(room), [])
        if len(rooms) < MOST_SPARE:
            rooms.append(room)


_spare = _Spare()


def empty(shape: tuple[int, int]) -> NDArray[np.float32]:
    """An uninitialised array of this shape, in huge pages of its own from a quarter of one on; such a one is wiped when it goes."""
    size = shape[0] * shape[1] * np.dtype(np.float32).itemsize
    if size < HUGE_PAGE // 4 or sys.platform != "linux":
        return np.empty(shape, dtype=np.float32)
    room = _spare.take(_up(size) + HUGE_PAGE)  # what is never touched costs nothing
    inside = _inside(room, size)
    weakref.finalize(inside, _spare.put_by, room, size).atexit = False
    return inside.view(np.float32).reshape(shape)


def _made(length: int) -> mmap.mmap:
    room = mmap.mmap(-1, length, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with contextlib.suppress(OSError):  # a kernel without huge pages says EINVAL
            room.madvise(mmap.MADV_HUGEPAGE)
    return room


def _inside(room: mmap.mmap, size: int) -> NDArray[np.uint8]:
    """The bytes of a room from its first whole huge page on."""
    address = np.frombuffer(room, dtype=np.uint8).ctypes.data
    return np.frombuffer(room, dtype=np.uint8, count=size, offset=-address % HUGE_PAGE)


def give_back() -> None:
    """What was freed leaves glibc's hands: after loading models that is the files' bytes and the graphs as they came, 49 MB."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none, and give back by themselves
    if trim is not None:
        trim(0)


def into_huge_pages() -> None:
    """Moves what this process holds now, and what libraries hold for it, into huge pages. Loses nothing.

    For the moment when the models are loaded, have run once, and what was freed has been given back: a huge page of which anything
    was touched becomes resident whole.
    """
    if sys.platform != "linux" or not hasattr(mmap, "MADV_HUGEPAGE"):
        return
    for begin, size in _large_regions(MAPS.read_text()):
        for advice in (mmap.MADV_HUGEPAGE, COLLAPSE):
            _advise(begin, size, advice)


def _advise(begin: int, size: int, advice: int) -> None:
    """madvise(2) without the interpreter held; a kernel that does not know the advice, or has nothing to give, changes nothing."""
    ctypes.CDLL(None).madvise(ctypes.c_void_p(begin), ctypes.c_size_t(size), advice)


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

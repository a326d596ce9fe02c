"""The end of a write-ahead log: a change whose commit failed is cut off, or whoever opens the file next would find it there.

SQLite appends a change to the log, syncs it, and only then moves the end on in the log's index. A sync that fails leaves the whole
change behind that end, and a new connection, which reads the log from its beginning, takes it for a commit.
The layout of both files is fixed: https://sqlite.org/walformat.html
"""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path

log = logging.getLogger(__name__)

HEADER, FRAME_HEADER = 32, 24  # bytes
LARGEST_PAGE = 65_536  # does not fit into its field, where a 1 stands for it
PAGE_SIZE_AND_FRAMES = struct.Struct("=HI")  # in the index's header from byte 14 on, in the machine's own order
PAGE_SIZE_AT = 14


def cut(database: Path) -> bool:
    """Make the frame behind the last commit of an open database none; False where even that cannot be written.

    The kernel may never try again to write what it failed to write, and call the next sync a success: only what has been written
    anew since is known to be on the disk, which the frame's new beginning is.
    """
    try:
        database = database.resolve()  # as SQLite names its other files
        end = _end(database)
        if end is None:
            return True
        descriptor = os.open(database.with_name(f"{database.name}-wal"), os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        log.error("a change that was refused may still be in %s: %s", database.name, error.strerror)
        return False
    try:
        if os.fstat(descriptor).st_size > end:
            os.pwrite(descriptor, bytes(FRAME_HEADER), end)
            _sync(descriptor, database)
    except OSError as error:
        log.error("a change that was refused may still be in %s: %s", database.name, error.strerror)
        return False
    finally:
        os.close(descriptor)
    return True


def _sync(descriptor: int, database: Path) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        log.error("a power cut now may bring back a change to %s that was refused: %s", database.name, error.strerror)


def _end(database: Path) -> int | None:
    """Where the last commit ends in the log, bytes; None where there is no log."""
    index = _descriptor(database.with_name(f"{database.name}-shm"))
    if index is None:
        return None
    page_size, frames = PAGE_SIZE_AND_FRAMES.unpack(os.pread(index, PAGE_SIZE_AND_FRAMES.size, PAGE_SIZE_AT))
    return HEADER + int(frames) * (FRAME_HEADER + (LARGEST_PAGE if page_size == 1 else int(page_size)))


def _descriptor(path: Path) -> int | None:
    """SQLite's own: to close one that was opened beside it would give up SQLite's locks on the file (fcntl(2))."""
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}") == str(path):
                return int(name)
        except FileNotFoundError:  # closed meanwhile
            continue
    return None

"""The end of a write-ahead log: a change whose commit failed is cut off, or whoever opens the file next would find it there; what a
process left there that could not cut it any more is written anew.

SQLite appends a change to the log, syncs it, and only then moves the end on in the log's index. A sync that fails leaves the whole
change behind that end, and a new connection, which reads the log from its beginning, takes it for a commit.
The layout of both files is fixed: https://sqlite.org/walformat.html
"""

from __future__ import annotations

import logging
import os
import struct
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

HEADER, FRAME_HEADER = 32, 24  # bytes
LARGEST_PAGE = 65_536  # does not fit into its field, where a 1 stands for it
PAGE_SIZE_AND_FRAMES = struct.Struct("=HI")  # in the index's header from byte 14 on, in the machine's own order
PAGE_SIZE_AT = 14
CHUNK = 1 << 20


def cut(database: Path) -> bool:
    """Make the frame behind the last commit of an open database none; False where even that cannot be written.

    The kernel may never try again to write what it failed to write, and call the next sync a success: only what has been written
    anew since is known to be on the disk, which the frame's new beginning is.
    """
    try:
        files = _descriptors(database.resolve())  # as SQLite names its other files
        log_file, index = files.get("-wal"), files.get("-shm")
        if log_file is not None and index is not None and os.fstat(log_file).st_size > (end := _end(index)):
            os.pwrite(log_file, bytes(FRAME_HEADER), end)
            _sync(log_file, database.name)
    except OSError as error:
        log.error("a change that was refused may still be in %s: %s", database.name, error.strerror)
        return False
    return True


def renew(database: Path) -> None:
    """Write the log of an open database over itself, and sync it; the caller holds the writer's lock.

    The same bytes in the same places: whatever a power cut leaves of them, the log is as whole as it was.
    """
    try:
        files = _descriptors(database.resolve())
        log_file, index = files.get("-wal"), files.get("-shm")
        if log_file is None or index is None or (end := min(_end(index), os.fstat(log_file).st_size)) <= HEADER:
            return
        for offset in range(0, end, CHUNK):
            os.pwrite(log_file, os.pread(log_file, min(CHUNK, end - offset), offset), offset)
        os.fsync(log_file)
    except OSError as error:
        log.error(
            "a power cut now may take from %s what an earlier failure of the disk left unwritten: %s", database.name, error.strerror
        )


def _sync(log_file: int, name: str) -> None:
    try:
        os.fsync(log_file)
    except OSError as error:
        log.error("a power cut now may bring back a change to %s that was refused: %s", name, error.strerror)


def _end(index: int) -> int:
    """Where the last commit ends in the log, bytes."""
    page_size, frames = PAGE_SIZE_AND_FRAMES.unpack(os.pread(index, PAGE_SIZE_AND_FRAMES.size, PAGE_SIZE_AT))
    return HEADER + int(frames) * (FRAME_HEADER + (LARGEST_PAGE if page_size == 1 else int(page_size)))


def _descriptors(database: Path) -> dict[str, int]:
    """SQLite's own, by how the file's name ends.

    To close one that was opened beside them would give up SQLite's locks (fcntl(2)), and a file system that has become read-only
    opens none for writing, while what SQLite's has written may still reach the disk.
    """
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # closed meanwhile
            path = os.readlink(f"/proc/self/fd/{name}")
            if path.startswith(str(database)):
                found[path.removeprefix(str(database))] = int(name)
    return found

"""Room set aside on the journal's disk, because a full one does not even let anything be deleted: a deletion is written first, too.

The file is never read. It is given up for as long as old records are removed, and taken back afterwards.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


class Reserve:
    """`size` bytes in the file at `path`, really allocated, for whoever must delete on a full disk."""

    def __init__(self, path: Path, size: int) -> None:
        self.path, self._size = path, size

    def hold(self) -> bool:
        """Set the room aside, or say that there is none now; never raises, since a punch needs no reserve."""
        try:
            if self.path.exists() and self.path.stat().st_size == self._size:
                return True
            self._allocate()
        except OSError as error:
            log.warning("no room to set aside for emergencies (%s); free %d MB on this disk", error.strerror, self._size >> 20)
            self.release()
            return False
        return True

    def _allocate(self) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        finally:
            os.close(descriptor)

    def release(self) -> bool:
        """Give the room to others; whether there was any."""
        try:
            self.path.unlink()
        except OSError:  # none there, or a disk that takes no writes, where no room helps
            return False
        return True

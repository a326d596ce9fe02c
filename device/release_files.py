"""Which release lies in a folder, by what is in it: whoever brings a file chooses its name and its times, never its digest.

A release's mark is the SHA-256 of its archive, a colon, and that of its signature: the same archive signed anew is another one.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from pathlib import Path

METADATA_SUFFIX = ".targets.json"
MOST_ARCHIVE_BYTES = 2 << 30  # wheels and weights together are 0.25 GB
# What root needs for an archive, in its size: a copy, what is unpacked from that, and the environment, which takes three times as
# much (measured, 0.1.0 for x86_64: 243 MB, from which 656 MB of libraries and 13 MB of weights come, and what is compiled of them).
ROOM_FACTOR = 5
SPARE_BYTES = 500 << 20  # records come first


def mark(archive: Path) -> str:
    """The mark of the archive and its signature; "" where either is not there or no plain file."""
    both = (_sha256(archive), _sha256(archive.with_name(archive.name + METADATA_SUFFIX)))
    return ":".join(both) if all(both) else ""


def written(archive_sha256: str, metadata: bytes) -> str:
    """The mark of an archive of which only the digest is known, with this signature."""
    return f"{archive_sha256}:{hashlib.sha256(metadata).hexdigest()}"


def archive_of(mark: str) -> str:
    """The archive's SHA-256."""
    return mark.partition(":")[0]


def _sha256(path: Path) -> str:
    try:
        found = path.lstat()
    except OSError:
        return ""
    return _digest(path, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@functools.lru_cache(maxsize=8)
def _digest(path: Path, *_as_it_is: int) -> str:
    """A file that has not changed is read once: those who ask do so every half minute, and an archive has 0.25 GB."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_ARCHIVE_BYTES:
                return ""
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

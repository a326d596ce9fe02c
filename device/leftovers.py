"""What of an erased person still stands in files of the state folder. Reads each to its end, opens none as a database.

Nobody's bytes must count as theirs: digits of a number turn up in the times of any record, a common name in another one's row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from device import database
from device.people.graves import Traces

CHUNK = 4 * 2**20
UNSEARCHED = (".sock",)
RECORDS = ("journal.db", "records-before-")  # they hold neither name nor number by their schema, and digits without end
SQLITE = b"SQLite format 3\0"
LOGS = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class _Sought:
    """In one file: `anywhere` any bytes, `alone` what has no letter or digit beside it."""

    anywhere: tuple[bytes, ...]
    alone: tuple[bytes, ...]
    longest: int

    def is_in(self, window: bytes) -> bool:
        if any(one in window for one in self.anywhere):
            return True
        return any(one in window and _stands_alone(one, window) for one in self.alone)


def search(root: Path, traces: Traces) -> tuple[int, tuple[str, ...]]:
    """How many files below `root` were read to their end, and the names of those in which a trace stands."""
    if not traces.all:
        return 0, ()
    looked = {path: _holds(path, traces) for path in sorted(root.rglob("*")) if path.is_file() and path.suffix not in UNSEARCHED}
    found = tuple(str(path.relative_to(root)) for path, holds in looked.items() if holds)
    return sum(holds is not None for holds in looked.values()), found


def _holds(path: Path, traces: Traces) -> bool | None:
    """None for a file that is gone by now, or that another daemon keeps to itself: its own promises cover it."""
    try:
        with path.open("rb") as file:
            head = file.read(len(SQLITE))
            file.seek(0)
            sought = _sought(path.name, head == SQLITE or path.name.endswith(LOGS), traces)
            return any(map(sought.is_in, _windows(file, sought.longest)))
    except (FileNotFoundError, PermissionError):
        return None
    except OSError as error:
        raise database.translated(path, error) from error


def _sought(name: str, is_database: bool, traces: Traces) -> _Sought:
    """Cells of a database stand there without anything between them: what stands alone is sought elsewhere only."""
    longest = max(map(len, traces.all))
    if name.startswith(RECORDS):
        return _Sought(traces.pieces, (), longest)
    return _Sought(traces.pieces + traces.names, () if is_database else traces.words, longest)


def _stands_alone(word: bytes, window: bytes) -> bool:
    """Asked of a window that has it: matching is slow, and no other thread runs meanwhile."""
    return re.search(rb"(?<![0-9A-Za-z])" + re.escape(word) + rb"(?![0-9A-Za-z])", window) is not None


def _windows(file: BinaryIO, overlap: int) -> Iterator[bytes]:
    """The file in pieces that overlap; a word at the edge of one counts as standing alone, rather than as not there."""
    tail = b""
    while chunk := file.read(CHUNK):
        window = tail + chunk
        yield window
        tail = window[-overlap:]

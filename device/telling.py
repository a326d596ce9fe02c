"""How long work says how far it is, to whoever wants to hear it."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

Tell = Callable[[str, int, int], None]
"""What is being done, by name; how much of it is done, and of how much (0: nobody knows)."""
STEP = 50  # of small things: telling costs less than they do


def silent(doing: str, done: int, of: int) -> None:
    """Nobody wants to hear it."""


class Counting:
    """A file that is read, telling how many bytes of it were."""

    def __init__(self, file: IO[bytes], size: int, tell: Tell, doing: str) -> None:
        self._file, self._size, self._tell, self._doing = file, size, tell, doing

    def read(self, size: int = -1) -> bytes:
        """As the file reads."""
        piece = self._file.read(size)
        self._tell(self._doing, self._file.tell(), self._size)
        return piece

    def readline(self, size: int = -1) -> bytes:
        """As the file reads."""
        return self._file.readline(size)

"""Photographs that are too large for memory: what lies on the disk of them is unreadable, and the key is in this process alone."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES, BLOCK_BYTES = 32, 16


class Veiled:
    """A file without a name, written once from its beginning, read from anywhere; AES-256-CTR under a key of its own.

    Nobody else can write into it, so nothing is authenticated. Written twice in one place it would give away both.
    """

    def __init__(self, file: IO[bytes], key: bytes) -> None:
        self._file, self._key = file, key

    def again(self) -> Veiled:
        """The same file for somebody who works on after this one is closed."""
        return Veiled(os.fdopen(os.dup(self._file.fileno()), "r+b"), self._key)

    def read(self, size: int = -1) -> bytes:
        """As any file reads."""
        at = self._file.tell()
        return self._turned(at, self._file.read(size))

    def write(self, data: bytes) -> int:
        """As any file writes."""
        return self._file.write(self._turned(self._file.tell(), bytes(data)))

    def _turned(self, at: int, data: bytes) -> bytes:
        """Hidden or shown again: the same either way."""
        block, begun = divmod(at, BLOCK_BYTES)
        counter = modes.CTR(block.to_bytes(BLOCK_BYTES, "big"))
        return Cipher(algorithms.AES(self._key), counter).encryptor().update(bytes(begun) + data)[begun:]

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As any file seeks."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Where it is."""
        return self._file.tell()

    def seekable(self) -> bool:
        """It is."""
        return True

    def flush(self) -> None:
        """As any file does."""
        self._file.flush()

    def close(self) -> None:
        """Gone with the last who has it open."""
        self._file.close()


def new(folder: Path) -> Veiled:
    """An empty one on the disk of this folder."""
    return Veiled(tempfile.TemporaryFile(dir=folder), secrets.token_bytes(KEY_BYTES))

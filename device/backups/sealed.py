"""One sealed file: a passphrase through Argon2id (RFC 9106) makes the key, AES-256-GCM in pieces seals, as STREAM does.

Each piece's nonce holds its number and whether it is the last, so that pieces neither change places nor go missing unnoticed
(Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015).
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass
from typing import IO, Protocol

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from device.errors import DeviceError

MAGIC = b"daka-backup-1\n"
PIECE = 1 << 20
TAG = 16
MEMORY_KIB, PASSES, LANES = 64 * 1024, 3, 4  # RFC 9106's second recommended option
MOST_MEMORY_KIB, MOST_PASSES = 256 * 1024, 16  # a file from elsewhere may not ask for more: the daemon has 780 MB, no swap
MOST_HEAD = 4_096
LEAST_PASSPHRASE = 12


class BackupRefused(DeviceError):
    """The backup cannot be made, read or restored; nothing has changed. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Head:
    """What anybody can read of a backup: whose it is and when it was made, UTC; and how its key follows from the passphrase."""

    device: str
    at: str
    software: str
    salt: str
    memory_kib: int = MEMORY_KIB
    passes: int = PASSES


def check_passphrase(passphrase: str) -> None:
    """BackupRefused for one that can be guessed by trying: the file lies where nobody counts the tries."""
    if len(passphrase) < LEAST_PASSPHRASE or len(set(passphrase)) < 6:
        raise BackupRefused("a passphrase has 12 characters or more, of which six differ; unrelated words do well")


class Writer:
    """Takes bytes, writes them sealed; what is written is whole once `close` has returned."""

    def __init__(self, file: IO[bytes], passphrase: str, device: str, at: str, software: str) -> None:
        check_passphrase(passphrase)
        head = Head(device, at, software, base64.b64encode(secrets.token_bytes(16)).decode("ascii"))
        self._file, self._held, self._number = file, bytearray(), 0
        self._head = MAGIC + json.dumps(asdict(head)).encode("ascii") + b"\n"
        self._cipher = AESGCM(_key(passphrase, head))
        file.write(self._head)

    def write(self, data: bytes) -> int:
        """Seals whole pieces; the last one waits for `close`."""
        self._held += data
        while len(self._held) > PIECE:
            self._piece(bytes(self._held[:PIECE]), last=False)
            del self._held[:PIECE]
        return len(data)

    def close(self) -> None:
        """The last piece, which may be empty."""
        self._piece(bytes(self._held), last=True)
        self._held.clear()

    def _piece(self, plain: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), plain, self._head))
        self._number += 1


class Source(Protocol):
    """What can be read: a file, or one that is counted."""

    def read(self, size: int = -1, /) -> bytes: ...
    def readline(self, size: int = -1, /) -> bytes: ...


class Reader:
    """Gives back what was sealed, each piece verified before any of it is given; BackupRefused otherwise."""

    def __init__(self, file: Source, passphrase: str) -> None:
        self._file = file
        self._raw, self.head = read_head(file)
        self._cipher = AESGCM(_key(passphrase, self.head))
        self._number, self._ended, self._held = 0, False, bytearray()
        self._ahead = file.read(PIECE + TAG)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; all that is left for -1."""
        while not self._ended and (size < 0 or len(self._held) < size):
            self._held += self._piece()
        taken = bytes(self._held if size < 0 else self._held[:size])
        del self._held[: len(taken)]
        return taken

    def _piece(self) -> bytes:
        sealed, self._ahead = self._ahead, self._file.read(PIECE + TAG)
        self._ended = not self._ahead
        try:
            plain = self._cipher.decrypt(_nonce(self._number, self._ended), sealed, self._raw)
        except (InvalidTag, ValueError) as error:
            why = "the passphrase is not the one that it was made with, or the file was changed"
            cut = "the file was changed or cut short; take another copy of it"
            raise BackupRefused(f"the backup cannot be opened: {cut if self._number else why}") from error
        self._number += 1
        return plain


def read_head(file: Source) -> tuple[bytes, Head]:
    """The head as bytes and as what it says; BackupRefused for a file that is no backup."""
    try:
        if file.read(len(MAGIC)) != MAGIC:
            raise ValueError("no magic")
        line = file.readline(MOST_HEAD)
        head = Head(**json.loads(line))
        if not (isinstance(head.device, str) and isinstance(head.at, str) and isinstance(head.software, str)):
            raise ValueError("no texts")
        if not (8 <= head.memory_kib <= MOST_MEMORY_KIB and 1 <= head.passes <= MOST_PASSES and _salt(head)):
            raise ValueError("no key follows from that")
    except (ValueError, TypeError) as error:
        raise BackupRefused("this file is no backup of a kiosk, or was made by a newer version") from error
    return MAGIC + line, head


def _salt(head: Head) -> bytes:
    return base64.b64decode(head.salt, validate=True)


def _key(passphrase: str, head: Head) -> bytes:
    return hash_secret_raw(passphrase.encode("utf-8"), _salt(head), head.passes, head.memory_kib, LANES, 32, Type.ID)


def _nonce(number: int, last: bool) -> bytes:
    """The key serves one file alone, so that a counter is enough."""
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")

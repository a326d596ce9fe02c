"""Files that are on the disk when it is said that they are, without loading anything else: every daemon may need it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from device.errors import DeviceError
from device.sentences import say


class NotKept(DeviceError):
    """A file could not be written; the one before it is still there."""


def sync_folder(folder: Path) -> None:
    """Make a new file's name itself durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep(path: Path, content: bytes, mode: int = 0o600) -> None:
    """A file of this mode, whole or not at all, in place of an earlier one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)  # the process's mask would take away what another user must read
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise NotKept(say("join.not_written", path=path, why=error.strerror)) from error

"""Secret files: written whole or not at all, mode 0600, never overwritten."""

from __future__ import annotations

import os
from pathlib import Path

from enterprise.errors import EnterpriseError


class FileExists(EnterpriseError):
    """There is one already; it is never replaced."""


def must_be_new(*paths: Path) -> None:
    """FileExists for the first that is there; asked before anything is written that has to lie beside the others."""
    for path in paths:
        if path.exists():
            raise FileExists(f"{path} exists already and is not replaced; move it away first if that is what you want")


def create(path: Path, content: bytes, *, secret: bool) -> None:
    """Written beside, synced, then linked into place: a power cut leaves a whole file or none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    must_be_new(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600 if secret else 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        must_be_new(path)  # somebody was quicker
        raise
    finally:
        os.unlink(draft)
    _sync_folder(path.parent)


def replace(path: Path, content: bytes) -> None:
    """A public file that changes: the old one or the new one, never half of each."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

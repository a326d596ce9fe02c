"""A signed release that an administrator brings through the web UI: kept until root has looked at it. Nothing here believes it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from flask import request

from device import api, database, messages, release_files, server
from device.api.upgrades import ReleaseRefused, UpdateStanding
from device.sentences import say
from device.server import Route

ARCHIVE = re.compile(r"daka-[A-Za-z0-9._-]{1,100}\.tar")
SIGNATURE = ".targets.json"  # as device.updates calls it
MOST_BYTES = 2 << 30
MOST_SIGNATURE_BYTES = 1 << 20
SPARE_BYTES = 500 * 2**20  # what punches and the unpacking need


class Brought:
    """One release at a time, in a folder of its own; its signature comes last, and only then root looks at it."""

    def __init__(self, folder: Path, standing: Callable[[], UpdateStanding]) -> None:
        self._folder, self._standing = folder, standing

    def take(self, name: str, offset: int, piece: bytes) -> None:
        """A piece of the archive or of its signature; the archive's first makes everything before it go."""
        is_archive = ARCHIVE.fullmatch(name) is not None
        if not is_archive and not (name.endswith(SIGNATURE) and ARCHIVE.fullmatch(name.removesuffix(SIGNATURE))):
            raise ReleaseRefused(say("release.named"))
        if is_archive and offset == 0:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o750, exist_ok=True)
        path = self._folder / name
        if not is_archive and not (self._folder / name.removesuffix(SIGNATURE)).exists():
            raise ReleaseRefused(say("release.other_signature"))
        if offset != (path.stat().st_size if path.exists() else 0):
            raise ReleaseRefused(say("release.order"))
        if offset + len(piece) > (MOST_BYTES if is_archive else MOST_SIGNATURE_BYTES):
            raise ReleaseRefused(say("release.too_large"))
        if shutil.disk_usage(self._folder).free < len(piece) + SPARE_BYTES:
            raise database.StorageFull(say("storage.no_room_for_release"))
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640), "wb") as file:
            file.write(piece)

    def waiting(self) -> str:
        """The archive that waits for root, "" for none; what root has tried goes."""
        found = sorted(self._folder.glob(f"*{SIGNATURE}")) if self._folder.is_dir() else []
        name = found[0].name.removesuffix(SIGNATURE) if found else ""
        if name and self._standing().has_tried(release_files.mark(self._folder / name)):
            shutil.rmtree(self._folder, ignore_errors=True)
            return ""
        return name


def routes(brought: Brought, record: Callable[[messages.Audit], object]) -> tuple[Route, ...]:
    """What the web UI may do."""

    def take() -> api.Done:
        name, offset = request.args.get("name", ""), int(server.number_argument("offset", MOST_BYTES))
        brought.take(name, offset, request.get_data())
        if name.endswith(SIGNATURE) and offset == 0:
            record(messages.Audit("release_brought", request.args.get("by", "")[:64], "", "", name.removesuffix(SIGNATURE)))
        return api.Done()

    return (Route("POST", "/v1/update-piece", take), Route("GET", "/v1/update-waiting", lambda: {"archive": brought.waiting()}))

"""The time zone of a place, the same for the daemon that counts by it and for the pages that show it."""

from __future__ import annotations

import contextlib
import os
import zoneinfo
from datetime import UTC, tzinfo
from pathlib import Path

MACHINE_ZONE = Path("/etc/localtime")
UNREADABLE = (KeyError, OSError, ValueError)  # ZoneInfoNotFoundError is a KeyError


def zone_of(name: str) -> tzinfo:
    """The named time zone; for none the machine's own, daylight saving and all; UTC where the machine has none.

    The offset of now is no zone: half a year later it is an hour off.
    """
    if name:
        return zoneinfo.ZoneInfo(name)
    with contextlib.suppress(*UNREADABLE):
        return zoneinfo.ZoneInfo(os.environ["TZ"].removeprefix(":"))  # as for every program here: it goes before the file
    with contextlib.suppress(*UNREADABLE), MACHINE_ZONE.open("rb") as file:
        return zoneinfo.ZoneInfo.from_file(file, key=_key())
    return UTC


def _key() -> str | None:
    """The name of the machine's zone, where its file is a link into the system's zones."""
    _, found, key = str(MACHINE_ZONE.resolve()).partition("/zoneinfo/")
    return key if found else None

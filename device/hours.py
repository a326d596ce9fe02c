"""The place's shifts, holidays and time zone, as the settings name them."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, tzinfo
from pathlib import Path

from device import messages
from device.config import Config

MACHINE_ZONE = Path("/etc/localtime")


def calendar(config: Config) -> messages.Calendar:
    """The shifts and holidays in the zone of the place."""
    chosen = config.attend
    return messages.Calendar(
        zone(config.device.time_zone), messages.read_shifts(chosen.shifts), messages.read_holidays(chosen.holidays)
    )


def zone(name: str) -> tzinfo:
    """The named time zone; for none the machine's own, daylight saving and all; UTC where the machine has none."""
    if name:
        return zoneinfo.ZoneInfo(name)
    try:
        with MACHINE_ZONE.open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return UTC

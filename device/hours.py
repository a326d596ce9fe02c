"""The place's shifts, holidays in its time zone, as the settings name them."""

from __future__ import annotations

from device import api, messages
from device.config import Config


def calendar(config: Config) -> messages.Calendar:
    """The shifts and holidays in the zone of the place."""
    chosen = config.attend
    return messages.Calendar(
        api.zone_of(config.device.time_zone), messages.read_shifts(chosen.shifts), messages.read_holidays(chosen.holidays)
    )

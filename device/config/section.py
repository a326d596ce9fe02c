"""What every section of the settings is, and how one that cannot be used is refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from device.errors import DeviceError


class ConfigError(DeviceError):
    """The configuration cannot be used; the message names the setting and what would be right."""


class Section(BaseModel):
    """Frozen, and closed to misspelt keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")

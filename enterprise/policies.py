"""A policy before it is signed: names and values held against the settings of the kiosks that ship with this version."""

from __future__ import annotations

import math
import tomllib
from typing import Any

from device import messages
from device.messages import schema
from enterprise.errors import EnterpriseError

READERS = {"attend.shifts": messages.read_shifts, "attend.holidays": messages.read_holidays}


class PolicyRefused(EnterpriseError):
    """No kiosk would follow this; the message says why."""


def check(name: str, text: str, *, newer: bool) -> None:
    """PolicyRefused unless `text` is a value, as in config.toml, that the setting `name` may have.

    `newer`: there are kiosks that know more settings than this version; then only the way in which it is written is looked at.
    """
    value = _value(name, text)
    if newer:
        return
    if name not in schema.read("policy")["properties"]:
        raise PolicyRefused(f"{name} is no setting that can be decided for kiosks of this version; for newer ones: --newer")
    try:
        schema.check("policy", {name: value}, messages.SchemaRefused)
        READERS.get(name, str)(value)
    except messages.SchemaRefused as error:
        raise PolicyRefused(f"{name}={text[:60]}: {error}") from error
    except (TypeError, ValueError) as error:  # a date, or no number at all
        raise PolicyRefused(f"{name}={text[:60]} has another kind of value than the setting") from error


def _value(name: str, text: str) -> Any:
    try:
        written = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused(
            f"{name}={text[:60]} is not written as in config.toml: a text stands in quotes, such as '\"early\"'"
        ) from error
    if set(written) != {"value"}:
        raise PolicyRefused(f"{name}: write one value")
    value = written["value"]
    if isinstance(value, float) and not math.isfinite(value):
        raise PolicyRefused(f"{name}={text} is no number that a setting can have")
    return value

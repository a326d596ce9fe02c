"""Time zones to choose from."""

from __future__ import annotations

import zoneinfo
from functools import cache

from flask_babel import gettext as _

NEAR = ("Asia/Shanghai", "Asia/Taipei", "Asia/Hong_Kong", "Asia/Macau", "Asia/Singapore")  # first in the list


def zones() -> list[tuple[str, str]]:
    """Every zone there is, the likely ones first."""
    return [("", _("The machine's own")), *((zone, zone) for zone in _names())]


@cache
def _names() -> tuple[str, ...]:
    others = sorted(
        zone for zone in zoneinfo.available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix/", "right/"))
    )
    return tuple(dict.fromkeys([*NEAR, *others]))

"""Time zones to choose from, and which moments a time on a place's clock can mean."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, tzinfo
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


def meant(wall: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The moments, UTC, at which that clock shows `wall`: none in an hour that is skipped, two in one that comes twice."""
    both = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return tuple(sorted({at for at in both if at.astimezone(zone).replace(tzinfo=None) == wall.replace(fold=0)}))

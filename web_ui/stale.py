"""Two people at the same form: each writes what they typed, and whoever comes second is told before they undo the first.

A form sends along what it showed. What was typed is what differs from that; what stands there by now may differ from it as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _


def typed(shown: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody changed in the form; all of a field that it does not say it showed."""
    return {name: value for name, value in sent.items() if name not in shown or shown[name] != value}


def moved(shown: Mapping[str, Any], now: Mapping[str, Any], changes: Mapping[str, Any]) -> list[str]:
    """Of the changes those that would undo somebody else's."""
    return [name for name, value in changes.items() if name in shown and now[name] not in (shown[name], value)]


def words(before: str, now: str) -> str:
    """What is said beside such a field."""
    said = _(
        "Somebody has set this to “%(now)s” while this page stood open with “%(before)s”. If yours is meant, send it once more.",
        now=now or "–",
        before=before or "–",
    )
    return str(said)

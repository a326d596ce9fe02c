"""How pages show times, sizes and links: filters and globals of the templates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, request, url_for
from flask_babel import format_date, format_decimal, format_time, gettext
from flask_login import current_user
from markupsafe import Markup, escape

import device
from device.api import SettingShown
from web_ui import languages, setting_names, words
from web_ui.house import how_far, place
from web_ui.roles import Role
from web_ui.tables import SIZES

KILO = 1024


def register(app: Flask) -> None:
    """What templates may use."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters |= {
        "when": when, "clock": clock, "day": day, "last_day": last_day, "bytes": readable_bytes, "lasting": lasting,
        "number": format_decimal,
    }  # fmt: skip
    app.context_processor(_globals)


def _globals() -> dict[str, Any]:
    return {
        "words": words,
        "languages": languages.NAMES,
        "language": languages.chosen(),
        "theme": current_user.account.theme if current_user.is_authenticated else "",
        "place": place(),
        "me": current_user.account if current_user.is_authenticated else None,
        "may": may,
        "meaning": languages.meaning,
        "named": setting_names.named,
        "here": here,
        "how_far": how_far,
        "set_to": set_to,
        "as_sent": as_sent,
        "usual": lambda setting: set_to(replace(setting, value=setting.default)),
        "limits": limits,
        "version": device.SOFTWARE,
        "sizes": SIZES,
    }


def as_sent(value: Any) -> str:
    """A setting's value as a form sends it."""
    return ("on" if value else "") if isinstance(value, bool) else str(value)


def may(*roles: str) -> bool:
    """Whether whoever reads this has one of these roles; a page hides what it would refuse."""
    return current_user.is_authenticated and current_user.account.role in {Role(role) for role in roles}


def here(**changes: Any) -> str:
    """This page's address with some of its query changed; empty values are left out."""
    query = {**request.args.to_dict(), **changes}
    return url_for(
        request.endpoint or "today.page",
        **(request.view_args or {}),
        **{name: value for name, value in query.items() if value not in ("", None)},
    )


def set_to(setting: SettingShown) -> str:
    """What a setting is set to, as people say it: on and off, a choice in words, a number by its locale."""
    match setting.value:
        case bool():
            return str(words.ON if setting.value else words.OFF)
        case int() | float():
            return str(format_decimal(setting.value, format="#,##0.######"))
        case _:
            return str(words.CHOICES.get(setting.name, {}).get(setting.value, setting.value)) or "–"


def limits(setting: SettingShown) -> str:
    """Between what a number may lie, as far as there are ends."""
    low, high = (None if end is None else format_decimal(end) for end in (setting.lowest, setting.highest))
    if low is not None and high is not None:
        return str(gettext("From %(low)s to %(high)s.", low=low, high=high))
    if low is not None:
        return str(gettext("At least %(low)s.", low=low))
    return "" if high is None else str(gettext("At most %(high)s.", high=high))


def moment(at: str | datetime) -> datetime:
    """A time from a record or from web.db, at this place."""
    found = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(place().zone)


def _time_tag(at: datetime, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(escape(at.isoformat()), text)


def when(at: str | datetime) -> Markup | str:
    """Date and time to the second."""
    if not at:
        return "–"
    found = moment(at)
    return _time_tag(found, f"{found:%Y-%m-%d %H:%M:%S}")  # the same in three languages, and it cannot be misread


def clock(at: str | datetime) -> Markup | str:
    """The time of day."""
    return _time_tag(moment(at), format_time(moment(at), "HH:mm:ss", rebase=False)) if at else "–"


def day(at: str | datetime) -> Markup | str:
    """The date."""
    return _time_tag(moment(at), format_date(moment(at), "medium", rebase=False)) if at else "–"


def last_day(expires_at: str) -> Markup | str:
    """The last day of somebody who ends with it."""
    return day(moment(expires_at) - timedelta(seconds=1)) if expires_at else "–"


def readable_bytes(count: float) -> str:
    """KB, MB or GB."""
    for unit in ("B", "KB", "MB"):
        if count < KILO:
            return f"{format_decimal(round(count, 1 if unit == 'MB' else 0))} {unit}"
        count /= KILO
    return f"{format_decimal(round(count, 1))} GB"


def lasting(seconds: float) -> str:
    """About how long."""
    if seconds < 60:
        return str(gettext("%(count)s s", count=round(seconds)))
    if seconds < 3_600:
        return str(gettext("%(count)s min", count=round(seconds / 60)))
    if seconds < 172_800:
        return str(gettext("%(count)s h", count=round(seconds / 3_600)))
    return str(gettext("%(count)s days", count=round(seconds / 86_400)))

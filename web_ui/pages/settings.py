"""Settings: each with its meaning, its usual value and its limits; and a switch for each capability with its state."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from device.api import KioskRefused, SettingShown
from web_ui import forms
from web_ui.house import actor, house, kiosk
from web_ui.roles import ADMINISTRATORS, READERS, needs
from web_ui.words import sentence

pages = Blueprint("settings", __name__)

INVALID = 422


@dataclass(frozen=True, slots=True)
class Capability:
    """Something the device can do or never does; `setting` is the switch, "" where there is none."""

    name: str
    is_on: bool
    meaning: str
    setting: str = ""


@pages.get("/settings")
@needs(READERS)
def page() -> str:
    """Everything that can be set."""
    return shown({}, {})


def shown(typed: dict[str, str], errors: dict[str, str]) -> str:
    """The page, with what was typed and what is wrong with it."""
    found = kiosk().settings()
    sections = [(name, list(part)) for name, part in groupby(found, key=lambda one: one.name.split(".")[0])]
    values = {setting.name: setting.value for setting in found}
    return render_template(
        "settings.html",
        sections=sections,
        capabilities=capabilities(values),
        typed=typed,
        errors=errors,
        button=forms.Nothing(),
    )


def capabilities(values: dict[str, Any]) -> list[Capability]:
    """What the device can do, and whether it does."""
    return [
        Capability(
            _("Camera"), not str(values["camera.source"]).startswith("none"), _("Looks for faces; pictures stay in memory.")
        ),
        Capability(_("Microphone"), False, _("Never used: no part of Daka opens one.")),
        Capability(
            _("Liveness check"), bool(values["liveness.passive"]), _("Looks for signs of a print or a screen."), "liveness.passive"
        ),
        Capability(_("Uplink"), bool(values["uplink.enabled"]), _("Sends records to the enterprise's server."), "uplink.enabled"),
        Capability(
            _("Bluetooth"), bool(values["lock.enabled"]), _("Only for contract locks, in a daemon of its own."), "lock.enabled"
        ),
        Capability(
            _("Location label"), bool(values["device.site"]), _("A name that was typed in; the device never finds out where it is.")
        ),
        Capability(
            _("Messages"),
            bool(values["page.messages"]),
            _("Shows on the kiosk's screen what the enterprise writes to everybody or to one person; it comes by the uplink."),
            "page.messages",
        ),
        Capability(
            _("Simulated camera"),
            bool(values["attend.allow_simulated"]),
            _("Only for demonstrations and tests."),
            "attend.allow_simulated",
        ),
        Capability(
            _("Web UI"),
            bool(values["web.enabled"]),
            _("What you are looking at; once it is off, only the kiosk's own command line brings it back."),
            "web.enabled",
        ),
        Capability(_("Upgrade check"), False, _("The device asks nobody for upgrades by itself.")),
    ]


@pages.post("/settings")
@needs(ADMINISTRATORS)
def change() -> Response | tuple[str, int]:
    """All or none; what is refused is said beside the setting, and everything typed stays."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    known = {setting.name: setting for setting in kiosk().settings()}
    typed = {name: request.form[name] for name in known if name in request.form}
    for name in request.form.getlist("switch"):  # an unticked box sends nothing; its name does
        typed.setdefault(name, "")
    changes, errors = {}, {}
    for name, text in typed.items():
        try:
            changes[name] = understood(known[name], text)
        except ValueError:
            errors[name] = _("This is not a number.")
    if not errors:
        try:
            return _written(changes)
        except KioskRefused as refused:
            named = next((name for name in typed if name in str(refused)), "")
            errors[named] = sentence(refused)
    return shown(typed, errors), INVALID


def _written(changes: dict[str, Any]) -> Response:
    done = kiosk().change_settings(changes, actor())
    house().forget_place()
    if done.changed:
        flash(_("Written: %(names)s. They hold after the kiosk's next start.", names=", ".join(done.changed)))
    else:
        flash(_("Nothing was different, so nothing was written."))
    return redirect(url_for("settings.page"))


def understood(setting: SettingShown, text: str) -> Any:
    """The typed text as the setting's own type; ValueError if it is none."""
    match setting.default:
        case bool():
            return text == "on"
        case int():
            return int(text)
        case float():
            if not math.isfinite(number := float(text)):
                raise ValueError("not a number that could be written down")
            return number
        case _:
            return text.strip()


@pages.route("/settings/restart", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def restart() -> Response | str:
    """Asked first, with what follows from it."""
    if forms.Nothing().validate_on_submit():
        kiosk().restart(actor())
        flash(_("The kiosk restarts; it takes some seconds."))
        return redirect(url_for("settings.page"))
    return render_template(
        "confirm.html",
        title=_("Restart the kiosk"),
        consequences=[
            _("For some seconds nobody can clock in."),
            _("Changed settings hold from then on."),
            _("No record is lost."),
        ],
        action=_("Restart"),
        back=url_for("settings.page"),
        form=forms.Nothing(),
    )

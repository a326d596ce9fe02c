"""Settings: each with its meaning, its usual value and its limits; and a switch for each capability with its state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from device.api import KioskRefused, SettingShown
from web_ui import dangers, forms, languages, stale
from web_ui.house import actor, house, kiosk
from web_ui.pages.accounts import is_really_me
from web_ui.roles import ADMINISTRATORS, READERS, needs
from web_ui.show import set_to
from web_ui.words import sentence
from web_ui.zones import zones

pages = Blueprint("settings", __name__)

INVALID = 422
WAS = "was:"  # before a setting's name: what the page showed of it
AT_ONCE = ("web.", "uplink.enabled", "uplink.host", "uplink.port")  # their daemons look for themselves


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
        typed_in=typed,
        errors=errors,
        zones=zones(),
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
            _("What you are looking at; once it is off, only daka web on at the kiosk's own command line brings it back."),
            "web.enabled",
        ),
        Capability(
            _("Upgrade check"),
            bool(values["updates.check"]),
            _("Asks the enterprise daily for a newer version; what it says stands under Updates."),
            "updates.check",
        ),
    ]


@pages.get("/settings/kiosk")
@needs(READERS)
def this_kiosk() -> str:
    """What it is called and whose it is; what of that can be changed from here, and the commands for the rest."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    member = kiosk().joining()
    return render_template("this_kiosk.html", values=values, member=member, status=kiosk().status(), button=forms.Nothing())


@pages.post("/settings")
@needs(ADMINISTRATORS)
def change() -> Response | str | tuple[str, int]:
    """All or none; what is refused is said beside the setting, and everything typed stays. What can hurt is asked again first."""
    form = forms.Nothing()
    if not (languages.only_switched() or form.validate_on_submit()):
        abort(400)
    found = {setting.name: setting for setting in kiosk().settings()}
    typed = {name: request.form[name] for name in found if name in request.form}
    for name in request.form.getlist("switch"):  # an unticked box sends nothing; its name does
        typed.setdefault(name, "")
    changes, errors = _understood(found, typed)
    base, _unread = _understood(found, {name: request.form[f"{WAS}{name}"] for name in typed if f"{WAS}{name}" in request.form})
    changes = stale.typed(base, changes)
    typed = {name: text for name, text in typed.items() if name in changes or name in errors}
    for name in stale.moved(base, {name: setting.value for name, setting in found.items()}, errors | changes):
        errors[name] = stale.words(set_to(replace(found[name], value=base[name])), set_to(found[name]))
    if languages.only_switched():
        sure = "sure" in request.form and not errors
        return _asked_again(found, typed, changes, forms.Confirm()) if sure else shown(typed, errors)
    if errors:
        return shown(typed, errors), INVALID
    return write(found, typed, changes)


def write(found: Mapping[str, SettingShown], typed: dict[str, str], changes: dict[str, Any]) -> Response | str | tuple[str, int]:
    """Write them, once whoever asks knows what follows and has shown again who they are."""
    if dangers.of({name: setting.value for name, setting in found.items()}, changes):
        form = forms.Confirm()
        if "sure" not in request.form:
            return _asked_again(found, typed, changes, form)
        if not (form.validate() and is_really_me(form)):
            return _asked_again(found, typed, changes, form), INVALID
    try:
        return _written(changes)
    except KioskRefused as refused:
        named = next((name for name in typed if name in str(refused)), "")
        return shown(typed, {named: sentence(refused)}), INVALID


def _asked_again(found: Mapping[str, SettingShown], typed: dict[str, str], changes: dict[str, Any], form: forms.Confirm) -> str:
    """What would follow, beside everything that was typed and would change."""
    values = {name: setting.value for name, setting in found.items()}
    differing = {name: typed[name] for name, value in changes.items() if value != values[name]}
    return render_template(
        "settings_confirm.html",
        dangers=dangers.of(values, changes),
        found=found,
        typed_in=differing,
        changed=[(found[name], replace(found[name], value=changes[name])) for name in differing],
        form=form,
    )


def _understood(found: Mapping[str, SettingShown], typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was typed as values, and what of it is none."""
    changes, errors = {}, {}
    for name, text in typed.items():
        try:
            changes[name] = understood(found[name], text)
        except ValueError:
            errors[name] = _("This is not a number.")
    return changes, errors


def _written(changes: dict[str, Any]) -> Response:
    done = kiosk().change_settings(changes, actor())
    house().forget_place()
    if done.changed:
        flash(_written_words(done.changed))
    else:
        flash(_("Nothing was different, so nothing was written."))
    return redirect(url_for("settings.page"))


def _written_words(names: Sequence[str]) -> str:
    """What was written, and from when on it holds."""
    if all(name.startswith(AT_ONCE) for name in names):
        return str(_("Written: %(names)s. They hold within seconds.", names=", ".join(names)))
    return str(_("Written: %(names)s. They hold after the kiosk's next start.", names=", ".join(names)))


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

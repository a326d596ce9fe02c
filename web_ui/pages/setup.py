"""The wizard of a new kiosk: place, enterprise, camera, first person, health. Each step is a page and can be left out."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from device.api import KioskRefused
from web_ui import forms
from web_ui.house import actor, house, kiosk
from web_ui.roles import ADMINISTRATORS, needs
from web_ui.words import sentence
from web_ui.zones import zones

pages = Blueprint("setup", __name__)

INVALID = 422
ASKED = ("enterprise", "site", "contact", "time_zone", "language")


@pages.route("/setup", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def place() -> Response | str | tuple[str, int]:
    """Names, time zone, language."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    form = forms.Place(**{name: values[f"device.{name}"] for name in ASKED})
    form.time_zone.choices = zones()
    if form.validate_on_submit():
        try:
            kiosk().change_settings({f"device.{name}": (form[name].data or "").strip() for name in ASKED}, actor())
        except KioskRefused as refused:
            form.enterprise.errors = (sentence(refused),)
        else:
            house().forget_place()
            flash(_("Written."))
            return redirect(url_for("setup.enterprise"))
    return render_template("setup_place.html", form=form, step=1), INVALID if form.errors else 200


@pages.get("/setup/enterprise")
@needs(ADMINISTRATORS)
def enterprise() -> str:
    """Whether there is a server, and how to join one."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    return render_template("setup_enterprise.html", values=values, status=kiosk().status(), step=2)


@pages.get("/setup/camera")
@needs(ADMINISTRATORS)
def camera() -> str:
    """What the camera says about itself."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    return render_template("setup_camera.html", values=values, status=kiosk().status(), step=3)


@pages.get("/setup/person")
@needs(ADMINISTRATORS)
def person() -> str:
    """The first enrolment."""
    return render_template("setup_person.html", people=kiosk().people_page(limit=5), step=4)


@pages.get("/setup/health")
@needs(ADMINISTRATORS)
def health() -> str:
    """Whether all is well."""
    return render_template("setup_health.html", status=kiosk().status(), machine=kiosk().machine(), step=5)

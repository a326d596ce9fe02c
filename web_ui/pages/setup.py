"""The wizard of a new kiosk: place, enterprise, camera, first person, health. Each step is a page and can be left out."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from device.api import KioskRefused
from web_ui import dangers, forms
from web_ui.house import actor, house, kiosk
from web_ui.pages.settings import write
from web_ui.roles import ADMINISTRATORS, needs
from web_ui.words import sentence
from web_ui.zones import zones

pages = Blueprint("setup", __name__)

INVALID = 422
UNDER_WAY = frozenset({"key", "waiting", "settling"})
ASKED = ("enterprise", "site", "contact", "time_zone", "language")


@pages.route("/setup", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def place() -> Response | str | tuple[str, int]:
    """Names, time zone, language."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    form = forms.Place(**{name: values[f"device.{name}"] for name in ASKED})
    form.time_zone.choices = zones()
    if form.validate_on_submit():
        typed = {f"device.{name}": (form[name].data or "").strip() for name in ASKED}
        if dangers.of(values, typed):  # another name than before: asked again, as wherever it is changed
            return write({setting.name: setting for setting in kiosk().settings()}, typed, dict(typed))
        try:
            kiosk().change_settings(typed, actor())
        except KioskRefused as refused:
            form.enterprise.errors = (sentence(refused),)
        else:
            house().forget_place()
            flash(_("Written."))
            return redirect(url_for("setup.enterprise"))
    return render_template("setup_place.html", form=form, step=1), INVALID if form.errors else 200


@pages.route("/setup/enterprise", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def enterprise() -> Response | str | tuple[str, int]:
    """Whether there is a server, and joining one, which whoever reads the kiosk's screen may do."""
    form, wants_code = forms.Join(), False
    if form.validate_on_submit():
        invitation, code = form.invitation.data.strip(), (form.code.data or "").replace(" ", "")
        try:
            found = kiosk().join_at_kiosk(invitation, code, actor())
        except KioskRefused as refused:
            (form.code if code else form.invitation).errors = (sentence(refused),)
        else:
            if code or found.stage in UNDER_WAY:
                return redirect(url_for("setup.enterprise"))
            wants_code = True
    values = {setting.name: setting.value for setting in kiosk().settings()}
    joining = kiosk().joining()
    return render_template(
        "setup_enterprise.html",
        values=values,
        status=kiosk().status(),
        joining=joining,
        under_way=joining.stage in UNDER_WAY,
        form=form,
        wants_code=wants_code or bool(form.code.errors),
        button=forms.Nothing(),
        step=2,
    ), INVALID if form.errors else 200


@pages.post("/setup/enterprise/end")
@needs(ADMINISTRATORS)
def end_joining() -> Response:
    """Nobody is to confirm it any more."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    kiosk().end_joining(actor())
    return redirect(url_for("setup.enterprise"))


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

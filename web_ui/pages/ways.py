"""The ways without a face: PIN, badge, printed QR code, phone. What is drawn here is shown once and kept nowhere."""

from __future__ import annotations

import segno
from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from device.api import KioskRefused
from web_ui import addresses, forms, people_forms
from web_ui.house import actor, kiosk
from web_ui.roles import OFFICE, needs
from web_ui.words import sentence

pages = addresses.known(Blueprint("ways", __name__))

INVALID = 422


def drawn(text: str) -> Markup:
    """A QR code, drawn into the page."""
    return Markup(
        segno.make(text, error="m").svg_inline(
            scale=4, border=2, svgclass="qr", lineclass=None, omitsize=True, dark="#000", light="#fff"
        )
    )


def confirmed() -> None:
    """A button of ours was pressed."""
    if not forms.Nothing().validate_on_submit():
        abort(400)


@pages.route("/people/<number:number>/ways", methods=["GET", "POST"])
@needs(OFFICE)
def page(number: str) -> Response | str | tuple[str, int]:
    """Everything that a person can use instead of their face; a badge is given here."""
    form = people_forms.Badge()
    if form.validate_on_submit():
        try:
            kiosk().add_badge(number, form.badge.data.strip(), actor())
        except KioskRefused as refused:
            form.badge.errors = (sentence(refused),)
        else:
            flash(_("The badge was given."))
            return redirect(url_for("ways.page", number=number))
    shown = render_template("ways.html", person=kiosk().person(number), form=form, button=forms.Nothing())
    return shown, INVALID if form.errors else 200


@pages.post("/people/<number:number>/ways/pin")
@needs(OFFICE)
def pin(number: str) -> str:
    """A new PIN, shown once, to be changed at first use."""
    confirmed()
    made = kiosk().set_pin(number, "", actor())
    return render_template("way_made.html", person=kiosk().person(number), kind="pin", secret=made.pin, picture="")


@pages.post("/people/<number:number>/ways/code")
@needs(OFFICE)
def code(number: str) -> str:
    """A new QR code to print, shown once."""
    confirmed()
    made = kiosk().new_code(number, actor())
    return render_template("way_made.html", person=kiosk().person(number), kind="code", secret="", picture=drawn(made.code))


@pages.post("/people/<number:number>/ways/phone")
@needs(OFFICE)
def phone(number: str) -> str:
    """A secret for an authenticator on the person's phone, shown once."""
    confirmed()
    made = kiosk().new_phone(number, actor())
    return render_template("way_made.html", person=kiosk().person(number), kind="phone", secret=made.phone, picture=drawn(made.uri))


@pages.post("/people/<number:number>/ways/remove/<kind>")
@needs(OFFICE)
def remove(number: str, kind: str) -> Response:
    """One of them is taken no more."""
    confirmed()
    client = kiosk()
    removals = {
        "pin": client.remove_pin,
        "badges": client.remove_badges,
        "codes": client.remove_codes,
        "phone": client.remove_phone,
    }
    if kind not in removals:
        abort(404)
    removals[kind](number, actor())
    flash(_("Removed; it is taken no more from now on."))
    return redirect(url_for("ways.page", number=number))

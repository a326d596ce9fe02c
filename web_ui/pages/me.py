"""One's own account: password, second factor, open sessions, language and appearance."""

from __future__ import annotations

import re

import pyotp
import segno
from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, logout_user
from markupsafe import Markup
from werkzeug.wrappers import Response

from web_ui import forms, tables
from web_ui.accounts import AccountRefused
from web_ui.house import audit, house, place
from web_ui.pages.accounts import INVALID, SESSIONS, is_really_me
from web_ui.roles import READERS, needs
from web_ui.sessions import hashed

pages = Blueprint("me", __name__)

SECRET = re.compile(r"[A-Z2-7]{32}")


@pages.get("/me")
@needs(READERS)
def page() -> str:
    """What is set, and where this account is signed in."""
    mine = current_user.account
    taste = forms.Taste(language=mine.language, theme=mine.theme)
    table, sessions = tables.cut(house().sessions.of(mine), SESSIONS, "created_at", descending=True)
    this = hashed(current_user.token)
    return render_template("me.html", sessions=sessions, table=table, current=this, taste=taste, button=forms.Nothing())


@pages.post("/me/taste")
@needs(READERS)
def taste() -> Response:
    """Language and light or dark."""
    form = forms.Taste()
    if form.validate_on_submit():
        house().accounts.set_taste(current_user.account, form.language.data, form.theme.data)
    return redirect(url_for("me.page"))


@pages.route("/me/password", methods=["GET", "POST"])
@needs(READERS)
def password() -> Response | str | tuple[str, int]:
    """A new password; every other session ends, and this one begins afresh."""
    form = forms.ChangePassword()
    if form.validate_on_submit() and is_really_me(form):
        try:
            if form.password.data != form.again.data:
                raise AccountRefused(_("The two passwords are not the same."))
            house().accounts.set_password(current_user.account, form.password.data)
        except AccountRefused as refused:
            form.password.errors = (str(refused),)
        else:
            audit("password_changed", "", current_user.account.name)
            logout_user()
            flash(_("The new password holds. Sign in with it."))
            return redirect(url_for("entrance.login"))
    return render_template("my_password.html", form=form), INVALID if form.errors else 200


@pages.route("/me/second-factor", methods=["GET", "POST"])
@needs(READERS)
def second_factor() -> Response | str | tuple[str, int]:
    """A secret for an authenticator application; it counts once a code of it was typed in."""
    form, refused = forms.TotpOn(), False
    if not SECRET.fullmatch(form.secret.data or ""):  # none yet, or not one of ours
        form.secret.data, refused = pyotp.random_base32(), request.method == "POST"
    elif form.validate_on_submit() and is_really_me(form):
        if pyotp.TOTP(form.secret.data).verify(form.code.data.strip(), valid_window=1):
            house().accounts.set_totp(current_user.account, form.secret.data)
            house().sessions.end_others(current_user.account, current_user.token)
            audit("second_factor_on", "", current_user.account.name)
            flash(_("The second factor is on: from now on signing in asks for a code."))
            return redirect(url_for("me.page"))
        refused = True
    if refused:
        form.code.errors = (_("This is not the code of now; check the telephone's clock and try again."),)
    return render_template("second_factor.html", form=form, picture=picture(form.secret.data)), INVALID if form.errors else 200


def picture(secret: str) -> Markup:
    """The QR code that authenticator applications read, drawn into the page."""
    name = f"{place().enterprise or 'Daka'} {place().device}".strip()
    address = pyotp.TOTP(secret).provisioning_uri(name=current_user.account.name, issuer_name=name)
    drawn = segno.make(address, error="m").svg_inline(
        scale=4, border=2, svgclass="qr", lineclass=None, omitsize=True, dark="#000", light="#fff"
    )
    return Markup(drawn)


@pages.route("/me/second-factor/off", methods=["GET", "POST"])
@needs(READERS)
def second_factor_off() -> Response | str | tuple[str, int]:
    """Asked first."""
    form = forms.Confirm()
    if form.validate_on_submit() and is_really_me(form):
        house().accounts.set_totp(current_user.account, "")
        audit("second_factor_off", "", current_user.account.name)
        flash(_("The second factor is off."))
        return redirect(url_for("me.page"))
    page = render_template(
        "confirm.html",
        title=_("Switch the second factor off"),
        consequences=[_("Whoever knows the password can sign in.")],
        action=_("Switch off"),
        back=url_for("me.page"),
        form=form,
    )
    return page, INVALID if form.errors else 200


@pages.post("/me/end-others")
@needs(READERS)
def end_others() -> Response:
    """Signed out everywhere else."""
    if forms.Nothing().validate_on_submit():
        house().sessions.end_others(current_user.account, current_user.token)
        audit("sessions_ended", "", current_user.account.name)
        flash(_("All other sessions have ended."))
    return redirect(url_for("me.page"))

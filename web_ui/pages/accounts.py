"""Accounts and roles: who may use this web UI."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from web_ui import forms, notices, tables
from web_ui.accounts import Account, AccountRefused
from web_ui.house import audit, house
from web_ui.pages.entrance import identified, refusal, second_factor_is_right
from web_ui.roles import ADMINISTRATORS, READERS, Role, needs

pages = Blueprint("accounts", __name__)

INVALID = 422
LISTED = {**tables.columns("name", "role", "last_login_at"), "totp": lambda one: one.totp != ""}
SESSIONS = tables.columns("created_at", "seen_at", "address", "browser")


def is_really_me(form: forms.Really) -> bool:
    """Whether the password in the form, and the code where there is a second factor, are those of whoever is signed in.

    Wrong ones wait as at the door.
    """
    account, wait_s = identified(current_user.account.name, form.current.data)
    if account is None:
        form.current.errors = (refusal(wait_s) if wait_s else str(_("This password is not right.")),)
        return False
    if not account.totp:
        return True
    right, wait_s = second_factor_is_right(account, (form.second.data or "").strip())
    if not right:
        form.second.errors = (refusal(wait_s) if wait_s else str(_("This code is not right, or has been used already.")),)
    return right


@pages.get("/accounts")
@needs(READERS)
def listing() -> str:
    """Everybody who may sign in."""
    table, shown = tables.cut(house().accounts.all(), LISTED, "name")
    return render_template("accounts.html", accounts=shown, table=table)


@pages.route("/accounts/new", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def new() -> Response | str | tuple[str, int]:
    """Another account, with a first password that its owner must change."""
    form = forms.NewAccount()
    if form.validate_on_submit() and is_really_me(form):
        try:
            account = house().accounts.add(
                form.name.data.strip().lower(), Role(form.role.data), form.password.data, must_change=True
            )
        except AccountRefused as refused:
            form.name.errors = (str(refused),)
        else:
            notices.begin(account)
            audit("account_added", "", f"{account.name}: {account.role}")
            flash(_("The account was added. Tell them their first password in person."))
            return redirect(url_for("accounts.listing"))
    return render_template("account_new.html", form=form), INVALID if form.errors else 200


def found(number: int) -> Account:
    """That account, or a page that says there is none."""
    account = house().accounts.by_id(number)
    if account is None:
        abort(404)
    return account


@pages.get("/accounts/<int:number>")
@needs(ADMINISTRATORS)
def account(number: int) -> str:
    """One account, its open sessions, and what can be done."""
    shown = found(number)
    table, sessions = tables.cut(house().sessions.of(shown), SESSIONS, "created_at", descending=True)
    return render_template("account.html", account=shown, sessions=sessions, table=table, button=forms.Nothing())


@pages.route("/accounts/<int:number>/role", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def role(number: int) -> Response | str | tuple[str, int]:
    """Another role."""
    shown = found(number)
    form = forms.Role(role=shown.role)
    if form.validate_on_submit() and is_really_me(form):
        try:
            house().accounts.set_role(shown, Role(form.role.data))
        except AccountRefused as refused:
            form.role.errors = (str(refused),)
        else:
            audit("role_changed", f"{shown.name}: {shown.role}", f"{shown.name}: {form.role.data}")
            flash(_("The role was changed; open sessions of this account have ended."))
            return redirect(url_for("accounts.listing"))
    return render_template("account_role.html", form=form, account=shown), INVALID if form.errors else 200


@pages.route("/accounts/<int:number>/password", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def password(number: int) -> Response | str | tuple[str, int]:
    """A password for somebody who has lost theirs; the second factor goes, too, because it is lost with the telephone."""
    shown, form = found(number), forms.ResetPassword()
    if form.validate_on_submit() and is_really_me(form):
        try:
            house().accounts.set_password(shown, form.password.data, must_change=True)
            house().accounts.set_totp(shown, "")
        except AccountRefused as refused:
            form.password.errors = (str(refused),)
        else:
            audit("password_reset", "", shown.name)
            flash(_("The password was set; its owner chooses another at the next sign-in."))
            return redirect(url_for("accounts.account", number=number))
    return render_template("account_password.html", form=form, account=shown), INVALID if form.errors else 200


@pages.post("/accounts/<int:number>/end-sessions")
@needs(ADMINISTRATORS)
def end_sessions(number: int) -> Response:
    """Everybody who is signed in with this account is signed out."""
    shown = found(number)
    if forms.Nothing().validate_on_submit():
        house().sessions.end_all(shown)
        audit("sessions_ended", "", shown.name)
        flash(_("The sessions of %(name)s have ended.", name=shown.name))
    return redirect(url_for("accounts.account", number=number))


@pages.route("/accounts/<int:number>/remove", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def remove(number: int) -> Response | str | tuple[str, int]:
    """Asked first, with what follows from it."""
    shown, form = found(number), forms.Confirm()
    if form.validate_on_submit() and is_really_me(form):
        try:
            house().accounts.remove(shown)
        except AccountRefused as refused:
            form.current.errors = (str(refused),)
        else:
            audit("account_removed", f"{shown.name}: {shown.role}", "")
            flash(_("The account %(name)s was removed.", name=shown.name))
            return redirect(url_for("accounts.listing"))
    page = render_template(
        "confirm.html",
        title=_("Remove the account %(name)s", name=shown.name),
        consequences=[_("Its open sessions end at once."), _("What it did stays in the audit, under its name.")],
        action=_("Remove"),
        back=url_for("accounts.account", number=number),
        form=form,
    )
    return page, INVALID if form.errors else 200

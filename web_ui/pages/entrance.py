"""Signing in and out, the first administrator, and a new password for whoever stands before the kiosk."""

from __future__ import annotations

import time

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from device import https
from device.api import CodeChecked
from web_ui import forms, languages, notices, passwords
from web_ui.accounts import Account, AccountRefused
from web_ui.house import house, kiosk
from web_ui.roles import NOBODY_YET, READERS, Role, needs
from web_ui.sessions import hashed

pages = Blueprint("entrance", __name__)

FIRST, RECOVERY = "first_administrator", "recovery"  # as device.webcodes calls them
SECOND_FACTOR_WITHIN_S = 300.0
INVALID = 422


@pages.route("/login", methods=["GET", "POST"])
@needs(NOBODY_YET)
def login() -> Response | str | tuple[str, int]:
    """Name and password. Wrong ones wait longer each time, for this name from this address; never for ever."""
    if house().accounts.wants_first():
        return redirect(url_for("entrance.first"))
    if current_user.is_authenticated:
        return redirect(url_for("today.page"))
    form = forms.Login(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return render_template("login.html", form=form), INVALID if form.errors else 200
    account, wait_s = identified(form.name.data, form.password.data)
    if account is None:
        form.password.errors = (refusal(wait_s),)
        return render_template("login.html", form=form), INVALID
    if account.totp:
        session["half"] = [account.id, account.password_changed_at, time.time()]
        return redirect(url_for("entrance.second", next=form.next.data or None))
    return let_in(account, form.next.data)


def identified(name: str, password: str) -> tuple[Account | None, float]:
    """The account, if the password is its own; otherwise None and how long to wait."""
    accounts, sources = house().accounts, house().accounts.sources(name, request.remote_addr)
    if (wait_s := accounts.wait_s(*sources)) > 0:
        return None, wait_s
    account = accounts.by_name(name)
    right = passwords.matches(account.password if account else passwords.nobodys(), password)
    if account is None or not right:
        accounts.failed(*sources)
        house().audit.record_often("sign_in_failed", f"web:{account.name}" if account else "web:nobody")
        return None, accounts.wait_s(*sources)
    accounts.forgiven(sources[0])
    return account, 0.0


def refusal(wait_s: float) -> str:
    """One sentence for a wrong name and a wrong password alike."""
    if wait_s > 0:
        return str(_("This is not right. The next try counts in %(seconds)s seconds.", seconds=round(wait_s + 0.5)))
    return str(_("User name or password is not right."))


def let_in(account: Account, wanted: str) -> Response:
    """A new session with a new token, and on to where they wanted to go."""
    language = session.get("language")
    session.clear()
    if language:
        session["language"] = language
    user = house().sessions.begin(account, request.remote_addr or "", request.headers.get("User-Agent", ""))
    login_user(user)
    house().audit.record("signed_in", f"web:{account.name}")
    return redirect(own_address(wanted))


def own_address(wanted: str | None) -> str:
    """A path of ours; whatever leads elsewhere becomes the first page."""
    if wanted and wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable():
        return wanted
    return url_for("today.page")


@pages.route("/login/second", methods=["GET", "POST"])
@needs(NOBODY_YET)
def second() -> Response | str | tuple[str, int]:
    """The second factor, within five minutes of the first."""
    account = half_signed_in()
    if account is None:
        session.pop("half", None)
        return redirect(url_for("entrance.login"))
    form = forms.SecondFactor(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return render_template("second.html", form=form), INVALID if form.errors else 200
    right, wait_s = second_factor_is_right(account, form.code.data.strip())
    if right:
        return let_in(account, form.next.data)
    form.code.errors = (refusal(wait_s) if wait_s else str(_("This code is not right, or has been used already.")),)
    return render_template("second.html", form=form), INVALID


def second_factor_is_right(account: Account, code: str) -> tuple[bool, float]:
    """Whether it is the code of now, and otherwise how long to wait; wrong ones are counted."""
    accounts = house().accounts
    sources = accounts.sources(account.name, request.remote_addr, "totp:")
    if (wait_s := accounts.wait_s(*sources)) == 0 and accounts.second_factor_fits(account, code):
        accounts.forgiven(sources[0])  # what others got wrong at this address stays
        return True, 0.0
    if wait_s == 0:
        accounts.failed(*sources)
        house().audit.record_often("sign_in_failed", f"web:{account.name}")
    return False, accounts.wait_s(*sources)


def half_signed_in() -> Account | None:
    """Who has given the right password and owes the second factor."""
    half = session.get("half")
    if not half or time.time() - half[2] > SECOND_FACTOR_WITHIN_S:
        return None
    account = house().accounts.by_id(half[0])
    return account if account and account.password_changed_at == half[1] and account.totp else None


@pages.post("/logout")
@needs(READERS)
def logout() -> Response:
    """The session ends here and at the server."""
    house().sessions.end(hashed(current_user.token))
    logout_user()
    session.clear()
    flash(_("You are signed out."))
    answer = redirect(url_for("entrance.login"))
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'  # the cookie of the next session stays
    return answer


@pages.route("/first", methods=["GET", "POST"])
@needs(NOBODY_YET)
def first() -> Response | str | tuple[str, int]:
    """The first administrator: whoever can read the kiosk's screen."""
    if not house().accounts.wants_first():
        return redirect(url_for("entrance.login"))
    form = forms.First()
    if not form.validate_on_submit():
        return render_template("first.html", form=form), INVALID if form.errors else 200
    try:
        _check_new(form.password.data, form.again.data, form.name.data)
        _check_code(FIRST, "", form.code.data)
        account = house().accounts.add(form.name.data.strip().lower(), Role.ADMINISTRATOR, form.password.data, must_change=False)
    except CodeRefused as refused:
        form.code.errors = (str(refused),)
    except AccountRefused as refused:
        form.password.errors = (str(refused),)
    else:
        notices.begin(account)
        house().audit.record("account_added", f"web:{account.name}", "", f"{account.name}: {account.role}")
        return let_in(account, url_for("setup.place"))
    return render_template("first.html", form=form), INVALID


class CodeRefused(AccountRefused):
    """Not the code on the screen."""


def _check_new(password: str, again: str, name: str) -> None:
    """Before the code is used up: a password that would be refused afterwards."""
    if password != again:
        raise AccountRefused(_("The two passwords are not the same."))
    if reason := passwords.shortcoming(password, name):
        raise AccountRefused(reason)


def _check_code(purpose: str, account: str, code: str) -> None:
    digits = "".join(letter for letter in code if letter.isdigit())
    checked: CodeChecked = kiosk().check_code(purpose, account, digits, https.source(request.remote_addr))
    if not checked.right:
        raise CodeRefused(_not_taken(checked.looked_at, round(checked.wait_s + 0.5)))


def _not_taken(looked_at: bool, seconds: int) -> str:
    if not looked_at:
        return str(
            _(
                "That was too soon after the last try, and was not looked at. Type it once more in %(seconds)s seconds.",
                seconds=seconds,
            )
        )
    return str(_("This is not the code on the screen. The next try counts in %(seconds)s seconds.", seconds=seconds))


@pages.route("/recover", methods=["GET", "POST"])
@needs(NOBODY_YET)
def recover() -> Response | str | tuple[str, int]:
    """Have the kiosk show a code. Whether the account exists is not said: the screen shows nothing for one that does not.

    It shows none either for an administrator whom nothing but a password keeps from whoever stands in the hall (ADR 0086).
    """
    form = forms.Recover()
    if not form.validate_on_submit():
        return render_template("recover.html", form=form), INVALID if form.errors else 200
    account = house().accounts.by_name(form.name.data)
    if account is not None:
        kiosk().ask_recovery(account.name, console=account.role == Role.ADMINISTRATOR and not account.totp)
    return redirect(url_for("entrance.recovered", name=form.name.data.strip()))


@pages.route("/recover/code", methods=["GET", "POST"])
@needs(NOBODY_YET)
def recovered() -> Response | str | tuple[str, int]:
    """The code, and a new password. The second factor stays as it is."""
    form, name = forms.Recovered(), request.args.get("name", "")
    if not form.validate_on_submit():
        return render_template("recovered.html", form=form, name=name), INVALID if form.errors else 200
    account = house().accounts.by_name(name)
    try:
        _check_new(form.password.data, form.again.data, name)
        _check_code(RECOVERY, account.name if account else "\0", form.code.data)
        assert account is not None
        house().accounts.set_password(account, form.password.data)
    except CodeRefused as refused:
        form.code.errors = (str(refused),)
    except AccountRefused as refused:
        form.password.errors = (str(refused),)
    else:
        house().audit.record("password_recovered", f"web:{account.name}", "", account.name)
        flash(_("The new password holds. Sign in with it."))
        return redirect(url_for("entrance.login"))
    return render_template("recovered.html", form=form, name=name), INVALID


@pages.post("/language")
@needs(NOBODY_YET)
def language() -> Response:
    """Another language before signing in; whoever is signed in keeps it in their account."""
    if (wanted := request.form.get("language", "")) in languages.NAMES:
        languages.choose(wanted)
    return redirect(own_address(request.form.get("next")))

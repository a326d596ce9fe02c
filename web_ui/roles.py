"""Who may open what. A page that declares no role keeps the whole application from starting."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from web_ui.errors import RoleMissing

View = TypeVar("View", bound=Callable[..., Any])


class Role(enum.StrEnum):
    """What somebody is trusted with."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    AUDITOR = "auditor"


ADMINISTRATORS = frozenset({Role.ADMINISTRATOR})
OFFICE = frozenset({Role.ADMINISTRATOR, Role.OPERATOR})  # may change people and punches
READERS = frozenset(Role)  # may look at everything
NOBODY_YET: frozenset[Role] = frozenset()  # open before anybody has said who they are


def needs(roles: frozenset[Role]) -> Callable[[View], View]:
    """Declare who may open a view; NOBODY_YET: also whoever has not signed in."""

    def declare(view: View) -> View:
        view.roles = roles  # type: ignore[attr-defined]
        return view

    return declare


def declared(app: Flask) -> dict[str, frozenset[Role]]:
    """The declaration of each endpoint; RoleMissing names the ones without."""
    views: dict[str, Any] = dict(app.view_functions)
    silent = sorted(name for name, view in views.items() if not hasattr(view, "roles"))
    if silent:
        raise RoleMissing(f"these pages say for nobody who may open them: {', '.join(silent)}")
    return {name: view.roles for name, view in views.items()}


def to_the_door() -> Response:
    """To sign in, and back to the page afterwards; whoever sent something hears that it was not written."""
    if request.method == "GET":
        return redirect(url_for("entrance.login", next=request.full_path.rstrip("?")))
    flash(_("You are signed out; what you sent was not written."))
    rule = request.url_rule
    return redirect(url_for("entrance.login", next=request.path if rule and "GET" in (rule.methods or ()) else None))


def enforce() -> Response | None:
    """Before each request: signed in, with the right role, and with a password of one's own."""
    if request.endpoint is None:
        return None  # there is no such page; the answer says so
    view: Any = current_app.view_functions[request.endpoint]
    if view.roles == NOBODY_YET:
        return None
    if not current_user.is_authenticated:
        return to_the_door()
    if current_user.account.role not in view.roles:
        abort(403)
    if current_user.account.must_change and request.endpoint not in ("me.password", "entrance.logout"):
        return redirect(url_for("me.password"))
    return None

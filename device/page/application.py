"""The page's small application: every route says who may ask, or nothing starts.

A request with another Host, from another Origin or without the token of this boot is refused; an answer may not be kept by anybody.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, abort, request

from device import server
from device.api import serving
from device.page.address import Address, PageError

TOKEN_HEADER = "Daka-Token"
MOST_BODY_BYTES = 16 * 1024

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types shell"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), serial=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Role(enum.StrEnum):
    """Who may ask. The shell holds nothing of anybody: it has to open before the token is at hand."""

    SHELL = "shell"
    PERSON = "person"  # whoever stands before the screen; the browser there shows the token of this boot


class RoleMissing(PageError):
    """A route for which nobody was named; the page does not start with one."""


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One thing that the page may ask, and the role that it takes."""

    method: str
    path: str
    role: Role
    answer: Callable[[], Any]


def application(routes: tuple[PageRoute, ...], address: Address) -> Flask:
    """A Flask application that answers exactly these routes; RoleMissing if one has no role."""
    app = Flask("daka-page", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY_BYTES
    roles = {f"{route.method} {route.path}": route.role for route in routes}
    for route in routes:
        app.add_url_rule(route.path, f"{route.method} {route.path}", serving.plainly(route.answer), methods=[route.method])
    serving.refuse_plainly(app, server.REFUSALS)
    app.before_request(lambda: _guard(address, roles))
    app.after_request(_with_headers)
    check_roles(app, roles)
    return app


def check_roles(app: Flask, roles: dict[str, Role]) -> None:
    """RoleMissing names the rules that were added by any other way than `application`'s, or without a role."""
    unknown = [str(rule) for rule in app.url_map.iter_rules() if not isinstance(roles.get(rule.endpoint), Role)]
    if unknown:
        raise RoleMissing(f"nobody is named who may ask {', '.join(unknown)}; give the route a role")


def _guard(address: Address, roles: dict[str, Role]) -> None:
    """Other programs of this machine and, on a laptop, other web pages can reach the port: none of them has the token."""
    if request.headers.get("Host") != address.host:
        abort(403)
    origin = request.headers.get("Origin")
    if (origin is None and request.method == "POST") or origin not in (None, address.origin):
        abort(403)
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        abort(403)
    role = roles.get(request.endpoint or "")
    if role is not None and role is not Role.SHELL and not address.is_token(request.headers.get(TOKEN_HEADER, "")):
        abort(401)


def _with_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    return response

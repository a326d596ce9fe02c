"""The application: its pages, who may open them, and what every answer carries."""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from pathlib import Path

from flask import Flask, Response, abort, request, send_from_directory
from flask_babel import Babel
from flask_limiter import Limiter
from flask_login import LoginManager, current_user
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response as Answer

from device import https
from web_ui import languages, photographs, refusals, roles, serve, show, uploads
from web_ui.house import House, house, place
from web_ui.pages import PAGES
from web_ui.roles import ADMINISTRATORS, NOBODY_YET, OFFICE, needs

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 16 * 1024 * 1024  # a photograph, or a table of ten thousand people
MOST_FORM_BYTES = 256 * 1024
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers send `Origin: null` with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), usb=(), bluetooth=()",
    "X-Frame-Options": "DENY",
}
BROUGHT = {  # by whom, and of how many bytes: a backup, a release, photographs
    "backups.restore": (ADMINISTRATORS, serve.MOST_BODY_BYTES),
    "updates.bring": (ADMINISTRATORS, serve.MOST_BODY_BYTES),
    "photographs.bring": (OFFICE, photographs.MOST_ARCHIVE_BYTES + photographs.MOST_TABLE_BYTES),
}
STATIC = Path(__file__).parent / "static"
STATIC_FOR_S = 3_600


def application(parts: House, secret: bytes, catalogues: Path) -> Flask:
    """All pages of one kiosk; RoleMissing if one of them forgot to say who may open it."""
    app = Flask("web_ui", static_folder=None, template_folder="templates")
    app.request_class = uploads.Upload
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME="__Host-daka",  # bound to this very host, over TLS only (RFC 6265bis)
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",  # Strict would sign out whoever follows a bookmarked link from an e-mail
        MAX_CONTENT_LENGTH=MOST_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MOST_FORM_BYTES,
        MAX_FORM_PARTS=1_000,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form left open over lunch is not lost
        WTF_CSRF_SSL_STRICT=False,  # a proxy may strip referrers; Origin is checked below
        RATELIMIT_HEADERS_ENABLED=False,
        BABEL_TRANSLATION_DIRECTORIES=str(catalogues),
        TEMPLATES_AUTO_RELOAD=False,
    )
    app.extensions["daka"] = parts
    app.before_request(_only_this_host)
    app.before_request(_room_for_what_is_brought)  # before the form is read for its token
    _protect(app, parts)
    Babel(app, locale_selector=languages.locale, timezone_selector=lambda: getattr(place().zone, "key", None) or "UTC")
    show.register(app)
    refusals.register(app)
    for pages in PAGES:
        app.register_blueprint(pages)
    app.add_url_rule("/static/<path:filename>", "static", _static)
    _named_by_content(app)
    app.after_request(_headers)
    roles.declared(app)
    return app


def _protect(app: Flask, parts: House) -> None:
    """Sessions, roles, forgery, and how often somebody may ask."""
    manager = LoginManager()
    manager.session_protection = None  # the token is random and kept by its hash; addresses change on a telephone
    manager.user_loader(lambda token: parts.sessions.find(token, in_use="Daka-Live" not in request.headers))
    manager.init_app(app)
    Limiter(_caller, app=app, default_limits=["900 per minute"], storage_uri="memory://", strategy="moving-window")
    CSRFProtect(app)
    app.before_request(roles.enforce)
    app.before_request(languages.switch)


def _caller() -> str:
    return https.source(request.remote_addr)


def _only_this_host() -> None:
    """Answer to our own names only: a page elsewhere whose name is pointed at this address gets nothing (DNS rebinding)."""
    host = request.host.rsplit(":", 1)[0].strip("[]").lower()
    if not (_is_address(host) or host in house().names):
        abort(400)
    origin = request.headers.get("Origin")
    if origin is not None and request.method != "GET" and origin != f"https://{request.host}":
        log.warning("a form from another origin was refused")
        abort(403)


def _room_for_what_is_brought() -> Answer | None:
    """Some forms may be large, for whoever is signed in: what is brought to the kiosk."""
    if not current_user.is_authenticated and (request.content_length or 0) > https.MOST_WAITED_FOR_BYTES:
        return roles.enforce() or abort(413)  # nobody works at a stranger's body as long as they like to send it
    if not current_user.is_authenticated:
        return None
    roles_of, most = BROUGHT.get(request.endpoint or "", ((), 0))
    if current_user.account.role not in roles_of:
        return None
    request.max_content_length = most
    return uploads.refused(most)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _named_by_content(app: Flask) -> None:
    """The address of a style or script changes with it: browsers keep both, and after an upgrade show none of before."""
    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12] for file in STATIC.iterdir()}

    @app.url_defaults
    def add(endpoint: str, values: dict[str, object]) -> None:
        if endpoint == "static":
            values["v"] = digests[str(values["filename"])]


@needs(NOBODY_YET)
def _static(filename: str) -> Response:
    """Style and script of our own; nothing else lies there."""
    return send_from_directory(STATIC, filename, max_age=STATIC_FOR_S)


def _headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)  # a report that somebody brought has a stricter policy of its own
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response

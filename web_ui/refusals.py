"""What a page shows when the answer is no: in words, with a way on, and never with the inside of the program."""

from __future__ import annotations

import errno
import logging

from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from device.api import KioskAway, KioskRefused
from web_ui.errors import StoreError
from web_ui.forms import NEVER_KEPT
from web_ui.words import sentence

log = logging.getLogger(__name__)


def register(app: Flask) -> None:
    """One page for every kind of no."""
    app.register_error_handler(KioskAway, _kiosk_away)
    app.register_error_handler(KioskRefused, _kiosk_refused)
    app.register_error_handler(StoreError, _store)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(OSError, _disk)


def page(status: int, title: str, words: str, kept: list[tuple[str, str]] | None = None) -> Response:
    """A refusal as a page; with what was sent `kept`, it can be sent again from there."""
    return make_response(render_template("refusal.html", title=title, sentence=words, status=status, kept=kept), status)


def _kiosk_away(error: KioskAway) -> Response:
    log.warning("%s", error)
    if request.method == "POST" and g.get("csrf_valid"):  # what another site slipped in would come back with our token
        words = _(
            "The kiosk daemon does not answer; punches go on as soon as it is back. What you sent may not have been written: it is "
            "kept on this page, without passwords, codes and files. Send it again in a moment."
        )
        return page(503, _("The kiosk is away"), words, _sent())
    words = _("The kiosk daemon does not answer. Punches go on as soon as it is back; this page tries again by itself.")
    return page(503, _("The kiosk is away"), words)


def _sent() -> list[tuple[str, str]]:
    """The fields of the form that just came; whoever sends them again is asked anew for the secrets among them."""
    return [(name, text) for name, text in request.form.items(multi=True) if name not in NEVER_KEPT]


def _kiosk_refused(error: KioskRefused) -> Response:
    missing = error.kind in ("PersonUnknown", "Not Found")
    return page(404 if missing else 409, _("Not found") if missing else _("The kiosk said no"), sentence(error))


def _store(error: StoreError) -> Response:
    log.error("%s", error)
    return page(
        507, _("Nothing could be stored"), _("The web UI's own database cannot be written. Check the disk; nothing was changed.")
    )


def _disk(error: OSError) -> Response:
    """A disk that filled up while a file came; every other error of the system is a fault, and the log says where."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    log.error("%s", error)
    words = _("The kiosk's disk has no room for this file beside the records to come. Free some, then bring it again.")
    return page(507, _("No room"), words)


def _forged(_error: CSRFError) -> Response:
    log.warning("a form without its token was refused: %s", request.endpoint)
    words = _("This form is from an earlier session, or from another page. Go back, load it again and send it once more.")
    return page(400, _("The form was not accepted"), words)


def _http(error: HTTPException) -> Response:
    code = error.code or 500
    known = {
        400: (_("Not understood"), _("The address or the form is not one that this web UI makes.")),
        403: (_("Not for your role"), _("Your role may not do this. An administrator can change roles under Accounts.")),
        404: (_("Not found"), _("There is nothing at this address; it may have been removed.")),
        405: (_("Not understood"), _("The address or the form is not one that this web UI makes.")),
        413: (_("Too large"), _("What was sent is too large. A photograph may have 16 MB.")),
        429: (_("Too many requests"), _("Wait a minute, then send it again; nothing was changed.")),
    }
    if code == 403:
        log.warning("refused for its role: %s", request.endpoint)
    title, words = known.get(code, (_("Something went wrong"), _("The log of the web daemon says what. Nothing was changed.")))
    return page(code, title, words)

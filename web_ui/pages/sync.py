"""Sync: what waits for the server, what it has signed for, and whether the chain holds."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from web_ui import forms
from web_ui.house import house, kiosk
from web_ui.jobs import TooMuch
from web_ui.roles import READERS, needs

pages = Blueprint("sync", __name__)

SHOWN = 30


@pages.get("/sync")
@needs(READERS)
def page() -> str:
    """Where the journal stands, and what is not punches in it."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    return render_template(
        "sync.html",
        status=kiosk().status(),
        machine=kiosk().machine(),
        values=values,
        records=kiosk().records(("genesis", "boot", "time", "void", "erasure"), 0, SHOWN),
        button=forms.Nothing(),
    )


@pages.post("/sync/verify")
@needs(READERS)
def verify() -> Response:
    """Walk the whole chain."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    client = kiosk()
    try:
        job = house().jobs.start(current_user.account.id, "verify", lambda job: client.verify())
    except TooMuch:
        abort(429)
    return redirect(url_for("sync.verifying", key=job.key))


@pages.get("/sync/verify/<key>")
@needs(READERS)
def verifying(key: str) -> str:
    """What the walk found."""
    job = house().jobs.find(key, current_user.account.id)
    if job is None:
        abort(404)
    return render_template("verifying.html", job=job, title=_("Check of the whole chain"))

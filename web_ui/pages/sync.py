"""Sync: what waits for the server, what it has signed for, and whether the chain holds."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from device.api import SelfTestStep
from web_ui import forms, words
from web_ui.house import actor, house, kiosk
from web_ui.jobs import TooMuch
from web_ui.pages.audit import records_of
from web_ui.roles import OFFICE, READERS, needs

pages = Blueprint("sync", __name__)

MILESTONES = ("genesis", "boot", "time", "void", "erasure")
UNDER_WAY = frozenset({"waiting", "running"})
DATES = "certificate dates"  # stands in the place of TLS where dates do not fit


@pages.get("/sync")
@needs(READERS)
def page() -> str:
    """Where the journal stands, and what is not punches in it."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    table, records = records_of(MILESTONES, "milestones")
    return render_template(
        "sync.html",
        status=kiosk().status(),
        machine=kiosk().machine(),
        values=values,
        records=records,
        table=table,
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
        job = house().jobs.start(current_user.account.id, "verify", lambda job: client.verify(job.key))
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


@pages.post("/sync/test")
@needs(OFFICE)
def begin_test() -> Response:
    """The uplink tries the way to the server; this daemon connects nowhere."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    if kiosk().self_test().stage not in UNDER_WAY:
        kiosk().begin_self_test(actor())
    return redirect(url_for("sync.test"))


@pages.get("/sync/test")
@needs(READERS)
def test() -> str:
    """Step by step, as far as it has come."""
    found = kiosk().self_test()
    shown = found.stage not in ("none", "off")
    return render_template(
        "self_test.html",
        test=found,
        under_way=found.stage in UNDER_WAY,
        ahead=ahead(found.steps) if shown else [],
        values={setting.name: setting.value for setting in kiosk().settings()},
        button=forms.Nothing(),
    )


def ahead(steps: tuple[SelfTestStep, ...]) -> list[str]:
    """The steps that have not been tried."""
    tried = [step.check for step in steps]
    return [name for name in words.CHECKS if name not in tried and name != DATES]

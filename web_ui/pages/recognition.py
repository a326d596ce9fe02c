"""Recognition: how often it may be wrong, in words; what this site's own templates say; liveness."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from web_ui import forms
from web_ui.house import actor, house, kiosk
from web_ui.jobs import TooMuch
from web_ui.pages.settings import write
from web_ui.roles import ADMINISTRATORS, READERS, needs

pages = Blueprint("recognition", __name__)

RATES = (0.1, 0.05, 0.01, 0.001, 0.0001)  # of strangers' attempts may name somebody
RATE = "recognition.strangers_named"


@pages.get("/recognition")
@needs(READERS)
def page() -> str:
    """The chosen rate, and what follows from it."""
    settings = {setting.name: setting for setting in kiosk().settings()}
    others = [setting for name, setting in settings.items() if name.startswith(("recognition.", "liveness."))]
    rate = float(settings[RATE].value)
    rates = sorted({*RATES, rate}, reverse=True)
    return render_template(
        "recognition.html",
        rate=rate,
        rates=rates,
        settings=others,
        liveness=liveness_policy({name: setting.value for name, setting in settings.items()}),
        status=kiosk().status(),
        button=forms.Nothing(),
    )


def liveness_policy(values: dict[str, Any]) -> list[str]:
    """What happens to whoever holds up a picture, in sentences: what is looked for, when something is asked, what stays open."""
    steps, seconds = values["liveness.challenge_steps"], round(values["liveness.challenge_answer_s"])
    asked = {
        "never": _("When the signs leave it open, nobody is asked to do anything, and the punch says that it was not assessed."),
        "unsure": _("When the signs leave it open, the kiosk asks for actions: blink, turn, smile or open the mouth."),
        "always": _("At every walk-up the kiosk asks for actions: blink, turn, smile or open the mouth."),
    }
    policy = [
        _("At every walk-up the kiosk looks for signs of a print or a screen, and refuses whoever clearly shows them.")
        if values["liveness.passive"]
        else _("Nothing looks for signs of a print or a screen."),
        asked[values["liveness.challenge"]],
        _("Before a contract lock these actions are always asked for; a photograph alone opens none."),
        _("They are %(steps)s in random order, %(seconds)s seconds for each.", steps=steps, seconds=seconds),
        _("Whoever cannot or will not do them clocks in by number and PIN, badge or QR code."),
        _("This was not measured on video of living people: it makes an attack harder and does not rule it out."),
    ]
    if not values["liveness.passive"] and values["liveness.challenge"] != "always":
        policy[1] = _("No actions are asked for either: at the clock a good picture of somebody may pass, and the punch says so.")
    return policy


@pages.post("/recognition/rate")
@needs(ADMINISTRATORS)
def choose() -> Response | str | tuple[str, int]:
    """Another rate; it holds after the kiosk's next start. A looser one is asked again, as every dangerous setting is."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    found = {setting.name: setting for setting in kiosk().settings()}
    typed = request.form.get("rate", "")
    try:
        rate = float(typed)
    except ValueError:
        abort(400)
    return write(found, {RATE: typed}, {RATE: rate})


@pages.post("/recognition/evaluate")
@needs(ADMINISTRATORS)
def evaluate() -> Response:
    """Measure this site's own templates."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    client, by = kiosk(), actor()
    try:
        job = house().jobs.start(current_user.account.id, "evaluate", lambda job: client.evaluate_site(by))
    except TooMuch:
        abort(429)
    return redirect(url_for("recognition.evaluated", key=job.key))


@pages.get("/recognition/evaluate/<key>")
@needs(ADMINISTRATORS)
def evaluated(key: str) -> str:
    """What the measurement says."""
    job = house().jobs.find(key, current_user.account.id)
    if job is None:
        abort(404)
    return render_template("evaluated.html", job=job, title=_("Measurement of this site"))

"""Recognition: how often it may be wrong, in words; what this site's own templates say; liveness."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from web_ui import forms, reports, tables
from web_ui.house import actor, audit, house, kiosk
from web_ui.jobs import TooMuch
from web_ui.pages.settings import write
from web_ui.roles import ADMINISTRATORS, OFFICE, READERS, needs

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
    standing = kiosk().recognition()
    pairs_table, pairs = tables.cut(standing.look_alikes, {"one": itemgetter(0), "other": itemgetter(1)}, "one", name="pairs")
    kept = tables.columns("name", "at", "by", "size")
    reports_table, brought = tables.cut(reports.listed(house().store), kept, "at", descending=True, name="reports")
    return render_template(
        "recognition.html",
        rate=rate,
        rates=rates,
        settings=others,
        liveness=liveness_policy({name: setting.value for name, setting in settings.items()}),
        standing=standing,
        pairs=pairs,
        pairs_table=pairs_table,
        reports=brought,
        reports_table=reports_table,
        form=forms.Report(),
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
        job = house().jobs.start(current_user.account.id, "evaluate", lambda job: client.evaluate_site(by, job.key))
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


@pages.post("/recognition/reports")
@needs(OFFICE)
def bring() -> Response:
    """An auditor's report, kept as it came."""
    form = forms.Report()
    if not form.validate_on_submit():
        flash(" ".join(str(error) for errors in form.errors.values() for error in errors), "error")
        return redirect(url_for("recognition.page"))
    file = form.report.data
    try:
        reports.keep(house().store, file.filename or "", file.read(reports.MOST_BYTES + 1), actor())
    except reports.ReportRefused as refused:
        flash(str(refused), "error")
    else:
        audit("report_kept", "", (file.filename or "")[:100])
        flash(_("The report is kept."))
    return redirect(f"{url_for('recognition.page')}#reports")


def _report(number: int) -> tuple[reports.Report, bytes]:
    found = reports.content(house().store, number)
    if found is None:
        abort(404)
    return found


@pages.get("/recognition/reports/<int:number>")
@needs(READERS)
def report(number: int) -> str:
    """What it says: a document as a table, a page through a window of its own in which nothing can act."""
    found, content = _report(number)
    figures = reports.figures(content) if found.kind == "json" else []
    return render_template("report.html", report=found, figures=figures, form=forms.Confirm(), button=forms.Nothing())


@pages.get("/recognition/reports/<int:number>/page")
@needs(READERS)
def shown(number: int) -> Response:
    """The page as it came, in a sandbox: neither script nor picture, and no way to anything of ours."""
    found, content = _report(number)
    if found.kind != "html":
        abort(404)
    answer = Response(content, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = reports.POLICY
    return answer


@pages.get("/recognition/reports/<int:number>/file")
@needs(READERS)
def download(number: int) -> Response:
    """The file as it came."""
    found, content = _report(number)
    answer = Response(content, mimetype="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="evaluation-{found.id}.{found.kind}"'
    return answer


@pages.post("/recognition/reports/<int:number>/remove")
@needs(ADMINISTRATORS)
def remove(number: int) -> Response:
    """It is kept no more."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    found, _content = _report(number)
    reports.remove(house().store, number)
    audit("report_removed", found.name, "")
    return redirect(f"{url_for('recognition.page')}#reports")

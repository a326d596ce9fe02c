"""Photographs of many people at once: looked at first, then made into templates, then gone."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from web_ui import export, forms, people_forms, photographs, uploads
from web_ui.house import actor, house, kiosk
from web_ui.jobs import Job, TooMuch
from web_ui.photographs import ArchiveRefused, Outcome
from web_ui.roles import OFFICE, needs
from web_ui.words import sentence

pages = Blueprint("photographs", __name__)

INVALID = 422
LOOK, ENROL = "photographs", "enrolment"
SOON_S = 1.0  # a handful is looked at before the page would renew itself


@pages.route("/people/photographs", methods=["GET", "POST"])
@needs(OFFICE)
def bring() -> Response | str | tuple[str, int]:
    """A ZIP and its table; the kiosk looks at every photograph and keeps none yet."""
    form = people_forms.Photographs(encoding=people_forms.usual_encoding())
    if form.validate_on_submit():
        table = form.table.data.read(photographs.MOST_TABLE_BYTES + 1) if form.table.data else b""
        file = uploads.kept(form.archive.data)
        try:
            album = photographs.opened(file, table, form.encoding.data)
        except ArchiveRefused as refused:
            file.close()
            form.archive.errors = (str(refused),)
        else:
            house().jobs.drop(current_user.account.id, LOOK)
            try:
                return _begin(LOOK, album)
            except TooMuch:
                album.close()
                abort(429)
    return render_template("photographs.html", form=form), INVALID if form.errors else 200


def _begin(kind: str, album: photographs.Album) -> Response:
    """Beside the pages; the album is closed by whoever uses it last. TooMuch, and it is still the caller's, otherwise."""
    client, by, keep = kiosk(), actor(), kind == ENROL

    def work(job: Job) -> photographs.Report:
        if not keep:
            job.held = album
            return photographs.shown_to(client, album, by, job, keep=False)
        try:
            return photographs.shown_to(client, album, by, job, keep=True)
        finally:
            album.close()

    job = house().jobs.start(current_user.account.id, kind, work)
    job.ended.wait(SOON_S)
    return redirect(url_for("photographs.report", key=job.key))


@pages.get("/people/photographs/<key>")
@needs(OFFICE)
def report(key: str) -> str:
    """How far it is, and what came of each; a look is here until it is used, dropped, or an hour is over."""
    return render_template("photographs_report.html", job=_found(key), title=_("Bring photographs"), button=forms.Nothing())


@pages.post("/people/photographs/<key>/enrol")
@needs(OFFICE)
def enrol(key: str) -> Response:
    """Templates of everybody who was not refused; the photographs are gone afterwards."""
    _pressed()
    _looked(key)
    job = house().jobs.take(key, current_user.account.id)
    if job is None:
        abort(404)
    try:
        return _begin(ENROL, job.held)
    except TooMuch:
        house().jobs.give_back(job)
        abort(429)


@pages.post("/people/photographs/<key>/drop")
@needs(OFFICE)
def drop(key: str) -> Response:
    """Nothing becomes of them."""
    _pressed()
    _looked(key)
    house().jobs.drop(current_user.account.id, LOOK)
    flash(_("The photographs are gone; nothing was made of them."))
    return redirect(url_for("people.listing"))


@pages.get("/people/photographs/<key>/report.csv")
@needs(OFFICE)
def lines(key: str) -> Response:
    """The report as a file."""
    job = _found(key)
    if job.result is None:
        abort(404)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((_("Line"), _("Employee number"), _("Photographs"), _("What becomes of it"), _("Why")))
    for one in job.result.ordered():
        became = _("Good") if one.is_good else _("Refused")
        writer.writerow([export.harmless(cell) for cell in (one.line, one.number, one.pictures, became, why(one))])
    answer = Response(text.getvalue().encode("utf-8-sig"), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="photographs.csv"'
    return answer


@pages.app_template_global()
def why(one: Outcome) -> str:
    """Why somebody is refused, in the reader's language; "" where they are not."""
    return sentence(one.refused) if one.refused else str(one.why)


def _pressed() -> None:
    if not forms.Nothing().validate_on_submit():
        abort(400)


def _found(key: str) -> Job:
    job = house().jobs.find(key, current_user.account.id)
    if job is None or job.kind not in (LOOK, ENROL):
        abort(404)
    return job


def _looked(key: str) -> None:
    """That it is a look, and over."""
    job = _found(key)
    if job.kind != LOOK or job.running or job.result is None:
        abort(404)

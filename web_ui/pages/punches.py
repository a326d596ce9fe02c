"""Punches: find, look closely, take along as CSV, XLSX or signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from flask import Blueprint, Response, abort, flash, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from device.api import KioskRefused
from web_ui import export, forms, tables, words
from web_ui.house import actor, day_bounds, house, kiosk, on_wire, place, today
from web_ui.jobs import Job, TooMuch
from web_ui.roles import OFFICE, READERS, needs
from web_ui.show import moment
from web_ui.words import sentence
from web_ui.zones import meant

pages = Blueprint("punches", __name__)

USUAL_DAYS = 7
INVALID = 422
TWICE = ("first", "second")  # of a time that the clock shows twice, by its fold
SORTS = ("at", "number", "name", "direction", "method", "state", "quality", "seq")


@dataclass(frozen=True, slots=True)
class Filter:
    """What the address asks for."""

    first: date
    last: date
    search: str
    direction: str
    method: str
    review: bool
    state: str

    def wanted(self) -> dict[str, str | int]:
        """As the kiosk's socket takes it."""
        return {
            "since": day_bounds(self.first)[0],
            "until": day_bounds(self.last)[1],
            "search": self.search,
            "direction": self.direction,
            "method": self.method,
            "review": int(self.review),
            "state": self.state,
        }


def asked() -> Filter:
    """From the address; what makes no sense counts as not said."""
    last = _date("last", today())
    first = _date("first", last - timedelta(days=USUAL_DAYS - 1))
    direction, method = request.args.get("direction", ""), request.args.get("method", "")
    state = request.args.get("state", "")
    return Filter(
        min(first, last),
        max(first, last),
        request.args.get("search", "").strip()[:64],
        direction if direction in words.DIRECTIONS else "",
        method if method in words.METHODS else "",
        request.args.get("review") == "1",
        state if state in words.STATES else "",
    )


def _date(name: str, usual: date) -> date:
    try:
        return min(max(date.fromisoformat(request.args.get(name, "")), date(2000, 1, 1)), date(2200, 1, 1))
    except ValueError:
        return usual


@pages.get("/punches")
@needs(READERS)
def listing() -> str:
    """The punches that match, newest first."""
    chosen, table = asked(), tables.asked(SORTS, "at", descending=True)
    wanted = {**chosen.wanted(), "sort": table.sort, "descending": int(table.descending)}
    counted, found = tables.part(table, lambda offset, limit: kiosk().punch_page(**wanted, offset=offset, limit=limit))
    return render_template("punches.html", punches=found.punches, table=counted, chosen=chosen, button=forms.Nothing())


@pages.get("/punches/<int:seq>")
@needs(READERS)
def punch(seq: int) -> str:
    """One punch and its record."""
    row, record = kiosk().punch(seq)
    return render_template("punch.html", punch=row, record=record, said=kiosk().amendments([seq])[seq])


@pages.route("/punches/<int:seq>/correct", methods=["GET", "POST"])
@needs(OFFICE)
def correct(seq: int) -> AnyResponse | str | tuple[str, int]:
    """The punch as it should have been; the first one stays in the chain."""
    row, _record = kiosk().punch(seq)
    stood = datetime.fromisoformat(row.at).replace(microsecond=0)
    wall = moment(stood)
    twice = TWICE[wall.fold] if len(meant(wall.replace(tzinfo=None), place().zone)) > 1 else ""
    form = forms.Correction(direction=row.direction, at=wall.replace(tzinfo=None), twice=twice)
    if form.validate_on_submit() and (at := _moment_typed(form)):
        try:
            changed = "" if at == stood else on_wire(at)
            done = kiosk().correct(seq, form.direction.data, changed, form.reason.data.strip(), actor())
        except KioskRefused as refused:
            form.reason.errors = (sentence(refused),)
        else:
            flash(_("Corrected; record %(seq)s counts from now on, the first one stays in the chain.", seq=done.counts))
            return redirect(url_for("punches.punch", seq=done.counts))
    return render_template("punch_correct.html", punch=row, form=form), INVALID if form.errors else 200


@pages.route("/punches/<int:seq>/void", methods=["GET", "POST"])
@needs(OFFICE)
def void(seq: int) -> AnyResponse | str | tuple[str, int]:
    """The punch counts no more."""
    row, _record = kiosk().punch(seq)
    form = forms.Void()
    if form.validate_on_submit():
        try:
            kiosk().void(seq, form.reason.data.strip(), actor())
        except KioskRefused as refused:
            form.reason.errors = (sentence(refused),)
        else:
            flash(_("The punch counts no more; it stays in the chain."))
            return redirect(url_for("punches.punch", seq=seq))
    return render_template("punch_void.html", punch=row, form=form), INVALID if form.errors else 200


@pages.route("/punches/new", methods=["GET", "POST"])
@needs(OFFICE)
def forgotten() -> AnyResponse | str | tuple[str, int]:
    """A punch that nobody made."""
    form = forms.ForgottenPunch(number=request.args.get("number", ""))
    if form.validate_on_submit() and (at := _moment_typed(form)):
        try:
            done = kiosk().add_punch(form.number.data.strip(), form.direction.data, on_wire(at), form.reason.data.strip(), actor())
        except KioskRefused as refused:
            (form.number if refused.kind == "PersonUnknown" else form.at).errors = (sentence(refused),)
        else:
            flash(_("The punch was added."))
            return redirect(url_for("punches.punch", seq=done.counts))
    return render_template("punch_new.html", form=form), INVALID if form.errors else 200


def _moment_typed(form: forms.Correction) -> datetime | None:
    """What was typed, UTC; None, and said beside it, where the place's clock never shows it or it is not said which of two."""
    found = meant(form.at.data, place().zone)
    if not found:
        form.at.errors = (_("There is no such time: in that night the clock is put forward over it."),)
    elif len(found) > 1 and not form.twice.data:
        form.twice.errors = (_("Say which of the two it was."),)
    else:
        return found[-1] if form.twice.data == TWICE[1] else found[0]
    return None


@pages.post("/punches/export/<kind>")
@needs(READERS)
def begin_export(kind: str) -> AnyResponse:
    """Start the work; a page shows how far it is."""
    if kind not in export.KINDS or not forms.Nothing().validate_on_submit():
        abort(404)
    chosen, client, zone = asked(), kiosk(), place().zone
    wanted, titles = chosen.wanted(), export.titles()
    auditor, by, days = house().audit, actor(), f"{chosen.first} to {chosen.last}"

    def work(job: Job) -> Path:
        file = export.KINDS[kind](job, client, wanted, zone, titles)
        auditor.record("exported", by, "", f"{kind}, {job.extent or days}")  # before anybody can have it
        return file

    try:
        job = house().jobs.start(current_user.account.id, kind, work)
    except TooMuch:
        abort(429)
    return redirect(url_for("punches.exporting", key=job.key))


@pages.get("/punches/exports/<key>")
@needs(READERS)
def exporting(key: str) -> str:
    """How far the work is."""
    job = house().jobs.find(key, current_user.account.id)
    if job is None:
        abort(404)
    return render_template("exporting.html", job=job, title=_("Export of punches"), back=url_for("punches.listing"))


@pages.get("/punches/exports/<key>/file")
@needs(READERS)
def exported(key: str) -> Response:
    """The file, as often as it is asked for within the hour."""
    job = house().jobs.find(key, current_user.account.id)
    if job is None or not isinstance(job.result, Path) or not job.result.exists():
        abort(404)
    return send_file(
        job.result, export.TYPES[job.kind], as_attachment=True, download_name=f"punches-{today()}.{export.SUFFIXES[job.kind]}"
    )

"""Punches: find, look closely, take along as CSV, XLSX or signed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from flask import Blueprint, Response, abort, render_template, request, send_file, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response as AnyResponse

from web_ui import export, forms, tables, words
from web_ui.house import audit, day_bounds, house, kiosk, place, today
from web_ui.jobs import TooMuch
from web_ui.roles import READERS, needs

pages = Blueprint("punches", __name__)

USUAL_DAYS = 7


@dataclass(frozen=True, slots=True)
class Filter:
    """What the address asks for."""

    first: date
    last: date
    search: str
    direction: str
    method: str
    review: bool

    def wanted(self) -> dict[str, str | int]:
        """As the kiosk's socket takes it."""
        return {
            "since": day_bounds(self.first)[0],
            "until": day_bounds(self.last)[1],
            "search": self.search,
            "direction": self.direction,
            "method": self.method,
            "review": int(self.review),
        }


def asked() -> Filter:
    """From the address; what makes no sense counts as not said."""
    last = _date("last", today())
    first = _date("first", last - timedelta(days=USUAL_DAYS - 1))
    direction, method = request.args.get("direction", ""), request.args.get("method", "")
    return Filter(
        min(first, last),
        max(first, last),
        request.args.get("search", "").strip()[:64],
        direction if direction in words.DIRECTIONS else "",
        method if method in words.METHODS else "",
        request.args.get("review") == "1",
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
    chosen, table = asked(), tables.asked(("at",), "at", descending=True)
    found = kiosk().punch_page(**chosen.wanted(), descending=int(table.descending), offset=table.offset, limit=table.size)
    counted = tables.Table(table.sort, table.descending, table.page, table.size, found.total)
    return render_template("punches.html", punches=found.punches, table=counted, chosen=chosen, button=forms.Nothing())


@pages.get("/punches/<int:seq>")
@needs(READERS)
def punch(seq: int) -> str:
    """One punch and its record."""
    row, record = kiosk().punch(seq)
    return render_template("punch.html", punch=row, record=record)


@pages.post("/punches/export/<kind>")
@needs(READERS)
def begin_export(kind: str) -> AnyResponse:
    """Start the work; a page shows how far it is."""
    if kind not in export.KINDS or not forms.Nothing().validate_on_submit():
        abort(404)
    chosen, client, here = asked(), kiosk(), place()
    titles = export.titles()
    try:
        job = house().jobs.start(
            current_user.account.id, kind, lambda job: export.KINDS[kind](job, client, chosen.wanted(), here.zone, titles)
        )
    except TooMuch:
        abort(429)
    audit("exported", "", f"{kind}, {chosen.first} to {chosen.last}")
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

"""Privacy: the texts, how long what stays, where what lies, whom the device talks to, and what people have asked."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from operator import itemgetter
from sqlite3 import Row
from typing import Any

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from device.api import KioskRefused, Person
from web_ui import forms, notices, tables, words
from web_ui.house import actor, audit, house, kiosk, now, place, today
from web_ui.notices import notice_of
from web_ui.pages.accounts import is_really_me
from web_ui.pages.audit import records_of
from web_ui.roles import ADMINISTRATORS, OFFICE, READERS, needs
from web_ui.store import written
from web_ui.words import sentence

pages = Blueprint("privacy", __name__)

Asked = tuple[Row, Person | None]  # what somebody asked, and who it was as far as they are still known
REQUESTS: dict[str, Callable[[Asked], Any]] = {
    "who": lambda one: one[1].name if one[1] else one[0]["person"],
    "kind": lambda one: one[0]["kind"],
    "opened_at": lambda one: one[0]["opened_at"],
    "due_at": lambda one: one[0]["due_at"],
    # "" while it is open: those come first, the most pressing ahead; the others by the day that stands beside the word
    "outcome": lambda one: (one[0]["outcome"], one[0]["closed_at"]),
}

INVALID = 422
MOST_PEOPLE = 1_000  # that the kiosk hands out at once
ANSWER_WITHIN = timedelta(days=15)  # China's PIPL leaves the time to the rules; GB/T 35273-2020, 8.7, has thirty days; ours is half


@pages.get("/privacy")
@needs(READERS)
def page() -> str:
    """Texts, retention, places, addresses, components."""
    values = {setting.name: setting.value for setting in kiosk().settings()}
    texts = kiosk().consent_texts()
    table, acts = records_of(("erasure", "consent"), "acts")
    return render_template(
        "privacy.html",
        texts=texts,
        values=values,
        data=where_data_lies(values),
        addresses=outside_addresses(values),
        read=notices.is_read(current_user.account, notice_of(texts[0].version)),
        acts=acts,
        table=table,
        open_requests=len(house().store.rows("SELECT 1 FROM request WHERE closed_at = ''")),
        button=forms.Nothing(),
    )


def where_data_lies(values: dict[str, object]) -> list[tuple[str, str, str]]:
    """Each class of data: what, where it lies, how long it stays."""
    templates = _("people.db on the kiosk, sealed with a key of each person's own")
    if values["people.kiosks"]:
        templates = _("%(here)s; sealed also to %(kiosks)s", here=templates, kiosks=values["people.kiosks"])
    return [
        (_("Camera pictures"), _("Memory of the kiosk daemon, never a disk"), _("Moments; none is kept")),
        (
            _("Face templates"),
            templates,
            _("Until withdrawal or erasure"),
        ),
        (_("Names and employee numbers"), _("people.db on the kiosk"), _("Until the person leaves")),
        (
            _("Punches and other records"),
            _("journal.db on the kiosk; the enterprise's database"),
            _("Here until signed for, and as set under Settings"),
        ),
        (_("Consents"), _("people.db; as records in the journal"), _("With the person; the record with the journal")),
        (_("Accounts of this web UI"), _("web.db in the web daemon's own folder"), _("Until they are removed")),
        (_("Requests about personal data"), _("web.db, under opaque ids"), _("Until they are removed")),
        (
            _("Backups"),
            _("backups/ on the kiosk, sealed with a passphrase; copies elsewhere are yours"),
            _("The last three, and none after an erasure"),
        ),
        (_("Evaluation reports"), _("web.db in the web daemon's own folder"), _("Until they are removed")),
        (_("Logs"), _("The system's log; no name, no score"), _("As the system's log is kept")),
    ]


def outside_addresses(values: dict[str, object]) -> list[tuple[str, str, str]]:
    """Every address that this device may talk to: who, where, and for what."""
    broker = f"{values['uplink.host']}:{values['uplink.port']}" if values["uplink.enabled"] and values["uplink.host"] else _("none")
    return [
        (_("Uplink daemon"), str(broker), _("Records out, acknowledgements back; TLS with certificates of both sides")),
        (
            _("Uplink daemon"),
            str(values["uplink.renew_url"] or _("none")),
            _(
                "A new certificate, before the old one ends; updates, as far as they are switched on; at a start the server's "
                "share, where it opens the templates"
            ),
        ),
        (_("Kiosk daemon"), _("none"), _("It sees the camera and has no network")),
        (_("Web daemon"), _("none"), _("It is asked from the local network and asks nobody")),
        (_("System clock"), _("as the system is set up"), _("NTP, by the operating system")),
        (_("Usage statistics"), _("none"), _("Switched off in every component that has them")),
    ]


@pages.get("/privacy/retention")
@needs(READERS)
def retention() -> str:
    """What is older than it may be: only looked for. Records have their own time."""
    found = kiosk().purge(actor(), dry_run=True)
    table, items = tables.cut(found.items, tables.columns("kind", "since", "number", "name"), "since")
    return render_template("retention.html", found=found, items=items, table=table, button=forms.Nothing())


@pages.post("/privacy/retention")
@needs(OFFICE)
def purge() -> Response:
    """Destroy it now."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    done = kiosk().purge(actor(), dry_run=False)
    flash(_("Destroyed: %(count)s. Each is on record.", count=len(done.items)))
    return redirect(url_for("privacy.retention"))


@pages.route("/privacy/texts", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def texts() -> Response | str | tuple[str, int]:
    """The enterprise's own consent text, in three languages at once."""
    words_now = {text.language: text.words for text in kiosk().consent_texts()}
    form = forms.ConsentTexts(zh_cn=words_now["zh-CN"], zh_tw=words_now["zh-TW"], en=words_now["en"])
    if form.validate_on_submit() and is_really_me(form):
        written_words = {"zh-CN": form.zh_cn.data, "zh-TW": form.zh_tw.data, "en": form.en.data}
        try:
            kiosk().publish_consent_text(
                "face_recognition", form.version.data.strip(), written_words, actor(), asks_again=form.asks_again.data
            )
        except KioskRefused as refused:
            form.version.errors = (sentence(refused),)
        else:
            flash(_("The text is published; the kiosk shows it from now on."))
            return redirect(url_for("privacy.page"))
    return render_template("texts.html", form=form), INVALID if form.errors else 200


@pages.get("/privacy/components")
@needs(READERS)
def components() -> str:
    """Every third-party part, with its version and licence."""
    table, shown = tables.cut(installed(), {"name": lambda one: one[0].lower(), "licence": itemgetter(2)}, "name")
    return render_template("components.html", components=shown, table=table)


@cache
def installed() -> list[tuple[str, str, str]]:
    """Name, version and licence of every installed distribution."""
    found = {}
    for part in importlib.metadata.distributions():
        name = part.metadata["Name"]
        found[name.lower()] = (name, part.version, _licence(part.metadata.json))
    return [found[name] for name in sorted(found)]


def _licence(metadata: dict[str, str | list[str]]) -> str:
    """The SPDX expression if there is one, else the classifier, else the first line of the text."""
    if expression := metadata.get("license_expression"):
        return str(expression)
    classified = [line.rsplit(" :: ", 1)[-1] for line in metadata.get("classifier", []) if line.startswith("License ::")]
    return ", ".join(classified) or str(metadata.get("license", "")).strip().split("\n")[0][:60]


@pages.post("/privacy/notice")
@needs(READERS)
def notice_read() -> Response:
    """Read and understood."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    notice = notice_of(kiosk().consent_texts()[0].version)
    notices.keep(current_user.account, notice)
    audit("notice_read", "", notice)
    return redirect(url_for("privacy.page"))


@pages.route("/privacy/requests", methods=["GET", "POST"])
@needs(READERS)
def requests() -> Response | str | tuple[str, int]:
    """What people have asked, with the days that are left; a new one from whoever may."""
    form = forms.Request(opened=today())
    if request.method == "POST" and current_user.account.role not in OFFICE:
        abort(403)
    if form.validate_on_submit():
        try:
            person = kiosk().person(form.number.data.strip())
        except KioskRefused as refused:
            form.number.errors = (sentence(refused),)
        else:
            opened = datetime.combine(form.opened.data, datetime.min.time(), place().zone).astimezone(UTC)
            _open(person.person, form.kind.data, opened)
            flash(_("The request is open; it is due within 15 days."))
            return redirect(url_for("privacy.requests"))
    rows = house().store.rows("SELECT * FROM request ORDER BY due_at, id")
    names = known({row["person"] for row in rows})
    table, shown = tables.cut([(row, names.get(row["person"])) for row in rows], REQUESTS, "outcome")
    page = render_template("requests.html", requests=shown, table=table, form=form, now=written(now()), outcome=forms.Outcome())
    return page, INVALID if form.errors else 200


def known(wanted: set[str]) -> dict[str, Person]:
    """Those of them who are still in the directory, by their opaque ids."""
    people = sorted(wanted)
    parts = [set(people[first : first + MOST_PEOPLE]) for first in range(0, len(people), MOST_PEOPLE)]
    return {one.person: one for part in parts for one in kiosk().people_by_id(part)}


def _open(person: str, kind: str, opened: datetime) -> None:
    row = (person, kind, written(opened), actor(), written(opened + ANSWER_WITHIN))
    with house().store.transaction() as connection:
        connection.execute("INSERT INTO request (person, kind, opened_at, opened_by, due_at) VALUES (?, ?, ?, ?, ?)", row)
    audit("request_opened", "", kind)


@pages.post("/privacy/requests/<int:number>/close")
@needs(OFFICE)
def close(number: int) -> Response:
    """What became of it."""
    form = forms.Outcome()
    row = house().store.row("SELECT kind FROM request WHERE id = ? AND closed_at = ''", number)
    if row is None or not form.validate_on_submit() or form.outcome.data not in words.OUTCOMES:
        abort(404)
    with house().store.transaction() as connection:
        closed = (written(now()), actor(), form.outcome.data, number)
        connection.execute("UPDATE request SET closed_at = ?, closed_by = ?, outcome = ? WHERE id = ?", closed)
    audit("request_closed", row["kind"], form.outcome.data)
    return redirect(url_for("privacy.requests"))

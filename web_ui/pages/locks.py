"""Contract locks: how they are, what may be stamped, what they reported; pairing with numbers compared, and what is done at one."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from device.api import KioskRefused
from device.api.bridge import STILL, LockJob
from web_ui import forms, tables
from web_ui.house import actor, house, kiosk
from web_ui.jobs import TooMuch
from web_ui.pages.audit import records_of
from web_ui.roles import ADMINISTRATORS, READERS, needs
from web_ui.words import sentence

pages = Blueprint("locks", __name__)

LOCKS = {**tables.columns("battery", "firmware", "events", "seen_at"), "name": lambda one: one.name or one.lock}
APPROVALS = tables.columns("label", "name", "lock", "used", "expires_at")
WORKS = ("test", "log", "identify")


def pressed() -> None:
    """A button of ours, and nobody else's page."""
    if not forms.Nothing().validate_on_submit():
        abort(400)


def begun(lock: str, work: str, argument: str = "") -> Response:
    """To the page that watches it, or back with the reason."""
    try:
        job = kiosk().locks.begin(lock, work, argument, actor())
    except KioskRefused as refused:
        flash(sentence(refused), "error")
        return redirect(url_for("locks.page"))
    return redirect(url_for("locks.work", job=job.id))


@pages.get("/locks")
@needs(READERS)
def page() -> str:
    """Everything at a glance; a bridge that is down is a sentence."""
    known, approvals = kiosk().locks.here(), kiosk().locks.approvals()
    locks_table, locks = tables.cut(known.bridge.locks, LOCKS, "name", name="locks")
    approvals_table, shown = tables.cut(approvals, APPROVALS, "expires_at", name="approvals")
    reports_table, records = records_of(("lock",), "reports")
    return render_template(
        "locks.html",
        known=known,
        locks=locks,
        locks_table=locks_table,
        approvals=shown,
        approvals_table=approvals_table,
        records=records,
        reports_table=reports_table,
        button=forms.Nothing(),
    )


@pages.post("/locks/search")
@needs(ADMINISTRATORS)
def search() -> Response:
    """Listen for locks nearby; it takes as long as a scan."""
    pressed()
    client = kiosk().locks
    try:
        job = house().jobs.start(current_user.account.id, "locks", lambda _job: client.heard())
    except TooMuch:
        abort(429)
    return redirect(url_for("locks.found", key=job.key))


@pages.get("/locks/search/<key>")
@needs(ADMINISTRATORS)
def found(key: str) -> str:
    """What was heard, each with a way to pair it."""
    job = house().jobs.find(key, current_user.account.id)
    if job is None:
        abort(404)
    enrolled = kiosk().locks.here().enrolled
    return render_template("locks_found.html", job=job, enrolled=enrolled, button=forms.Nothing(), title=_("Locks nearby"))


@pages.post("/locks/pair")
@needs(ADMINISTRATORS)
def pair() -> Response:
    """Begin pairing; the number to compare is on the next page and on the lock."""
    pressed()
    try:
        job = kiosk().locks.pair(request.form.get("lock", ""), request.form.get("address", ""), actor())
    except KioskRefused as refused:
        flash(sentence(refused), "error")
        return redirect(url_for("locks.page"))
    return redirect(url_for("locks.work", job=job.id))


@pages.get("/locks/job/<job>")
@needs(ADMINISTRATORS)
def work(job: str) -> str:
    """How it goes; the page renews itself until it is over."""
    shown = _job(job)
    return render_template("lock_work.html", job=shown, running=shown.state == STILL, button=forms.Nothing())


@pages.post("/locks/job/<job>/compare")
@needs(ADMINISTRATORS)
def compare(job: str) -> Response:
    """Whether both displays show the same number."""
    pressed()
    try:
        kiosk().locks.compare(job, request.form.get("same") == "yes")
    except KioskRefused as refused:
        flash(sentence(refused), "error")
    return redirect(url_for("locks.work", job=job))


@pages.post("/locks/<lock>/do/<what>")
@needs(ADMINISTRATORS)
def do(lock: str, what: str) -> Response:
    """Test it, read its log, or let it light up."""
    pressed()
    if what not in WORKS:
        abort(404)
    return begun(lock, what)


@pages.route("/locks/<lock>/rename", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def rename(lock: str) -> Response | str:
    """Another name for it."""
    form = forms.LockName()
    if form.validate_on_submit():
        return begun(lock, "rename", form.name.data.strip())
    return render_template("lock_rename.html", form=form, lock=lock)


@pages.route("/locks/<lock>/remove", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def remove(lock: str) -> Response | str:
    """From this kiosk; what follows from it is named first."""
    form = forms.Nothing()
    if form.validate_on_submit():
        return begun(lock, "remove")
    consequences = (
        _("The kiosk forgets the pairing; to use the lock here again, somebody at both compares numbers anew."),
        _("Approvals stay; other kiosks are not concerned."),
        _("What the lock has reported stays in the journal."),
    )
    title = _("Remove %(lock)s from this kiosk", lock=lock)
    return render_template(
        "confirm.html", form=form, title=title, consequences=consequences, action=_("Remove"), back=url_for("locks.page")
    )


def _job(job: str) -> LockJob:
    try:
        return kiosk().locks.job(job)
    except KioskRefused:
        abort(404)

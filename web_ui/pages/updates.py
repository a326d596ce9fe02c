"""Updates: what runs, what is offered or was brought, what came of the last one, and exactly what an upgrade check says."""

from __future__ import annotations

import json
from typing import IO

from flask import Blueprint, abort, flash, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from device.api import KioskRefused, WebClient
from device.sentences import say
from web_ui import forms, uploads
from web_ui.house import actor, house, kiosk
from web_ui.jobs import Job, TooMuch
from web_ui.pages.accounts import is_really_me
from web_ui.roles import ADMINISTRATORS, READERS, needs
from web_ui.words import sentence

pages = Blueprint("updates", __name__)

INVALID = 422
PIECE_BYTES = 4 * 2**20
SIGNATURE = ".targets.json"
SOON_S = 1.0  # a small one is there before the page would renew itself


@pages.get("/updates")
@needs(READERS)
def page() -> str:
    """How it stands."""
    found = kiosk().upgrades()
    return render_template(
        "updates.html",
        found=found,
        standing=found.standing,
        said=list(json.loads(found.would_send).items()) if found.would_send else [],
        waiting=kiosk().release_waiting(),
        button=forms.Nothing(),
    )


@pages.post("/updates/check")
@needs(ADMINISTRATORS)
def check() -> Response:
    """The uplink asks the enterprise now."""
    if not forms.Nothing().validate_on_submit():
        abort(400)
    kiosk().ask_for_upgrades(actor())
    flash(_("The enterprise is asked within half a minute; look here again then."))
    return redirect(url_for("updates.page"))


@pages.route("/updates/bring", methods=["GET", "POST"])
@needs(ADMINISTRATORS)
def bring() -> Response | str | tuple[str, int]:
    """A signed release from here; root verifies it before anything of it runs."""
    form = forms.Release()
    if form.validate_on_submit() and is_really_me(form):
        archive, signature = form.archive.data, form.signature.data
        if signature.filename != archive.filename + SIGNATURE:
            form.archive.errors = (sentence(KioskRefused("ReleaseRefused", say("release.other_signature"))),)
        else:
            return _begin(archive, signature)
    return render_template("updates_bring.html", form=form), INVALID if form.errors else 200


def _begin(archive: FileStorage, signature: FileStorage) -> Response:
    """Beside the pages: a release has hundreds of megabytes."""
    client, by = kiosk(), actor()
    parts = [(doing, str(one.filename), uploads.kept(one)) for doing, one in (("archive", archive), ("signature", signature))]

    def work(job: Job) -> str:
        with parts[0][2], parts[1][2]:
            for doing, name, file in parts:
                _hand_over(job, doing, client, name, file, by)
        return parts[0][1]

    try:
        job = house().jobs.start(current_user.account.id, "release", work)
    except TooMuch:
        abort(429)
    job.ended.wait(SOON_S)
    return redirect(url_for("updates.brought", key=job.key))


def _hand_over(job: Job, doing: str, client: WebClient, name: str, file: IO[bytes], by: str) -> None:
    job.doing, job.done, job.total = doing, 0, uploads.size(file)
    while piece := file.read(PIECE_BYTES):
        client.release_piece(name, job.done, piece, by)
        job.done += len(piece)


@pages.get("/updates/bring/<key>")
@needs(ADMINISTRATORS)
def brought(key: str) -> str:
    """How far it is; once it is there root looks at it, and this page says what came of that."""
    job = house().jobs.find(key, current_user.account.id)
    if job is None or job.kind != "release":
        abort(404)
    found, waiting = kiosk().upgrades(), kiosk().release_waiting()
    shown = {"found": found, "standing": found.standing, "waiting": waiting if waiting == job.result else ""}
    return render_template("updates_brought.html", job=job, title=_("Bring a signed release"), **shown)

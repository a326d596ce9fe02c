"""Updates: what runs, what is offered or was brought, what came of the last one, and exactly what an upgrade check says."""

from __future__ import annotations

import json
from typing import IO

from flask import Blueprint, abort, flash, render_template, url_for
from flask_babel import gettext as _
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from device.api import KioskRefused
from device.sentences import say
from web_ui import forms
from web_ui.house import actor, kiosk
from web_ui.pages.accounts import is_really_me
from web_ui.roles import ADMINISTRATORS, READERS, needs
from web_ui.words import sentence

pages = Blueprint("updates", __name__)

INVALID = 422
PIECE_BYTES = 4 * 2**20
SIGNATURE = ".targets.json"


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
        try:
            if signature.filename != archive.filename + SIGNATURE:
                raise KioskRefused("ReleaseRefused", say("release.other_signature"))
            _hand_over(archive.filename, archive.stream)
            _hand_over(signature.filename, signature.stream)
        except KioskRefused as refused:
            form.archive.errors = (sentence(refused),)
        else:
            flash(_("The release waits for its turn; whether it holds is shown here."))
            return redirect(url_for("updates.page"))
    return render_template("updates_bring.html", form=form), INVALID if form.errors else 200


def _hand_over(name: str, stream: IO[bytes]) -> None:
    offset, client, by = 0, kiosk(), actor()
    while piece := stream.read(PIECE_BYTES):
        client.release_piece(name, offset, piece, by)
        offset += len(piece)

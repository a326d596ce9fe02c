"""Audit: who changed what, as the journal has it under its chain."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from web_ui import words
from web_ui.house import kiosk
from web_ui.roles import READERS, needs

pages = Blueprint("audit", __name__)

SHOWN = 50
KINDS = ("audit", "consent", "person", "void", "correction", "dispute", "desired", "erasure", "lock", "time", "boot", "genesis")


@pages.get("/audit")
@needs(READERS)
def page() -> str:
    """The newest first; older ones by the number they come before."""
    kind, before = request.args.get("kind", ""), request.args.get("before", 0, type=int)
    kinds = (kind,) if kind in KINDS else KINDS
    records = kiosk().records(kinds, min(max(before, 0), 2**53), SHOWN + 1)
    more = records[SHOWN - 1]["seq"] if len(records) > SHOWN else 0
    return render_template(
        "audit.html", records=records[:SHOWN], more=more, kind=kind, kinds=[one for one in KINDS if one in words.KINDS]
    )

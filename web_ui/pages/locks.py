"""Locks: the place of the contract lock."""

from __future__ import annotations

from flask import Blueprint, render_template

from web_ui.house import kiosk
from web_ui.roles import READERS, needs

pages = Blueprint("locks", __name__)

SHOWN = 50


@pages.get("/locks")
@needs(READERS)
def page() -> str:
    """What the locks have reported, as the journal has it."""
    return render_template("locks.html", records=kiosk().records(("lock",), 0, SHOWN))

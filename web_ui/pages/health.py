"""Health: camera, clock, disk, memory, temperature; the last day as plots."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_babel import gettext as _

from web_ui import plots
from web_ui.house import kiosk
from web_ui.roles import READERS, needs

pages = Blueprint("health", __name__)


@pages.get("/health")
@needs(READERS)
def page() -> str:
    """How the kiosk is."""
    machine = kiosk().machine()
    samples = machine.samples
    drawn = (
        plots.line(_("Temperature"), "°C", [(one[0], one[1]) for one in samples if one[1]]),
        plots.line(_("Free disk"), "MB", [(one[0], one[2]) for one in samples]),
        plots.line(_("Available memory"), "MB", [(one[0], one[3]) for one in samples]),
        plots.line(_("Records that wait for the server"), "", [(one[0], float(one[4])) for one in samples]),
    )
    shown = [plot for plot in drawn if plot]
    return render_template("health.html", status=kiosk().status(), machine=machine, health=machine.health, plots=shown)

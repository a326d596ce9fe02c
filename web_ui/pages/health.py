"""Health: camera, clock, disk, memory, temperature, frame rate, waits; the last day as plots."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template
from flask_babel import gettext as _

from device.api import Sample
from web_ui import plots
from web_ui.house import kiosk
from web_ui.roles import READERS, needs

pages = Blueprint("health", __name__)


@pages.get("/health")
@needs(READERS)
def page() -> str:
    """How the kiosk is."""
    machine = kiosk().machine()
    return render_template(
        "health.html", status=kiosk().status(), machine=machine, health=machine.health, plots=drawn(machine.samples)
    )


def drawn(samples: Sequence[Sample]) -> list[plots.Plot]:
    """What there is to plot: a machine without a sensor has no temperature, an hour without anybody no wait."""
    lines = (
        plots.line(_("Pictures a second"), "/s", [(one.at, one.frames_per_second) for one in samples]),
        plots.line(_("From face to record"), "s", [(one.at, one.wait_s) for one in samples]),
        plots.line(_("Temperature"), "°C", [(one.at, one.temperature_c or None) for one in samples]),
        plots.line(_("Free disk"), "MB", [(one.at, one.disk_free_mb) for one in samples]),
        plots.line(_("Available memory"), "MB", [(one.at, one.memory_available_mb) for one in samples]),
        plots.line(_("Records that wait for the server"), "", [(one.at, float(one.backlog)) for one in samples]),
    )
    return [plot for plot in lines if plot]

"""Health: camera, clock, disk, memory, temperature, frame rate, waits; the last day as plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from device.api import Machine, Sample
from web_ui import plots, tables
from web_ui.house import kiosk
from web_ui.roles import READERS, needs

pages = Blueprint("health", __name__)

ALARMS = tables.columns("name", "first_at", "last_at", "active")
ENDED = tables.columns("daemon", "why", "count", "last_at")
FIGURES = {
    **tables.columns("at", "temperature_c", "disk_free_mb", "memory_available_mb", "backlog"),
    "frames_per_second": lambda one: -1.0 if one.frames_per_second is None else one.frames_per_second,
    "wait_s": lambda one: -1.0 if one.wait_s is None else one.wait_s,
}


@pages.get("/health")
@needs(READERS)
def page() -> str:
    """How the kiosk is."""
    machine = kiosk().machine()
    shown = {"machine": machine, "health": machine.health, "plots": drawn(machine.samples)}
    return render_template("health.html", status=kiosk().status(), **shown, **listed(machine))


def listed(machine: Machine) -> dict[str, Any]:
    """Its tables."""
    alarms_table, alarms = tables.cut(machine.health.alarms, ALARMS, "last_at", descending=True, name="alarms")
    ended_table, ended = tables.cut(machine.health.ended, ENDED, "last_at", descending=True, name="restarts")
    figures_table, figures = tables.cut(machine.samples, FIGURES, "at", descending=True, name="figures")
    return {
        "alarms": alarms,
        "alarms_table": alarms_table,
        "ended": ended,
        "ended_table": ended_table,
        "figures": figures,
        "figures_table": figures_table,
        "figures_asked": any(name.startswith("figures-") for name in request.args),
    }


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

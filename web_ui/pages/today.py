"""Today: who is in, the last punches, and what needs somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from device import api
from web_ui import tables
from web_ui.house import day_bounds, house, kiosk, kiosk_status, now, today
from web_ui.roles import READERS, needs
from web_ui.store import written

pages = Blueprint("today", __name__)

SHOWN = 12
PRESENT = ("at", "number", "name")
PLACES = {"inside": _l("Who is in"), "resting": _l("Who is on a break")}
BACKLOG_ALARM_S = 3_600
DISK_ALARM_BYTES = 500 * 2**20


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that needs somebody: what, how bad, and where to see to it."""

    words: str
    grave: bool
    link: str


@pages.get("/")
@needs(READERS)
def page() -> str:
    """The first page."""
    return render_template("today.html", **shown())


@pages.get("/today/live")
@needs(READERS)
def live() -> str:
    """The part that renews itself."""
    return render_template("today_live.html", **shown())


@pages.get("/today/people")
@needs(READERS)
def present() -> str:
    """All who are in, or on a break."""
    place = request.args.get("place", "")
    place = place if place in PLACES else "inside"
    table = tables.asked(PRESENT, "at")
    since = day_bounds(today())[0]
    wanted: dict[str, str | int] = {"sort": table.sort, "descending": int(table.descending)}
    counted, found = tables.part(
        table, lambda offset, limit: kiosk().present_page(since, place, **wanted, offset=offset, limit=limit)
    )
    return render_template("present.html", people=found.people, table=counted, place_shown=place, places=PLACES)


def shown() -> dict[str, Any]:
    """What both show."""
    since, until = day_bounds(today())
    status, machine = kiosk_status(), kiosk().machine()
    punches = kiosk().punch_page(since=since, until=until, state="counts", descending=1, limit=SHOWN)
    return {
        "status": status,
        "presence": kiosk().presence(since),
        "punches": punches,
        "alarms": alarms(status, machine),
        "at": now(),
    }


def alarms(status: api.Status, machine: api.Machine) -> list[Alarm]:
    """The worst first."""
    found = []
    if status.trouble:
        found.append(Alarm(_("The last punch could not be recorded: %(why)s", why=status.trouble), True, url_for("health.page")))
    if status.camera_state == "away":
        found.append(
            Alarm(
                _("The camera is away: no face and no QR code is seen; number and PIN and the badge go on."),
                True,
                url_for("health.page"),
            )
        )
    if machine.disk_free_bytes < DISK_ALARM_BYTES:
        found.append(Alarm(_("The disk is nearly full; without room no punch can be recorded."), True, url_for("health.page")))
    if machine.owed and machine.oldest_unacknowledged_s > BACKLOG_ALARM_S:
        found.append(Alarm(_("The server has signed for nothing for over an hour; nothing is lost."), False, url_for("sync.page")))
    if status.clock_quality == "unsynced":
        found.append(Alarm(_("Nobody has told this kiosk the time yet; times are corrected later."), False, url_for("health.page")))
    if status.clock_disagrees_s:
        found.append(Alarm(_("The server's time and NTP disagree."), True, url_for("health.page")))
    if status.simulated:
        found.append(Alarm(_("The camera is simulated; these punches are for demonstrations."), False, url_for("settings.page")))
    disputed = kiosk().punch_page(state="disputed", limit=1).total
    if disputed:
        words = _("Disputed punches: %(count)s; look at them and correct or void them.", count=disputed)
        found.append(Alarm(words, False, url_for("punches.listing", state="disputed", first="2020-01-01")))
    due = house().store.rows("SELECT due_at FROM request WHERE closed_at = '' ORDER BY due_at")
    if due:
        late = due[0]["due_at"] < written(now())
        found.append(Alarm(_("Open requests about personal data: %(count)s.", count=len(due)), late, url_for("privacy.requests")))
    return sorted(found, key=lambda alarm: not alarm.grave)

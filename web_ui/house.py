"""What every page has at hand: the kiosk, the accounts, the place where this is, and how an audit record is written."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from flask import current_app, g
from flask_login import current_user

from device.api import BackupsClient, KioskAway, KioskError, Status, WebClient, Work, zone_of
from device.api.people import HoldingsClient
from web_ui import tls
from web_ui.accounts import Accounts
from web_ui.jobs import Job, Jobs
from web_ui.sessions import Sessions
from web_ui.store import Store

log = logging.getLogger(__name__)

OFTEN_S = 60.0
PLACE_FOR_S = 10.0  # settings of the kiosk change seldom; every page needs them


@dataclass(frozen=True, slots=True)
class Place:
    """Where this kiosk is and how people there read times."""

    device: str
    enterprise: str
    site: str
    zone: tzinfo
    language: str


class Auditor:
    """Changes to the web UI's own accounts become records of the journal, later if the kiosk daemon is away now."""

    def __init__(self, kiosk: WebClient, store: Store, now_s: Callable[[], float] = time.monotonic) -> None:
        self._kiosk, self._store, self._now_s = kiosk, store, now_s
        self._handing_on = threading.Lock()
        self._often: dict[tuple[str, str], tuple[float, int]] = {}

    def record(self, action: str, by: str, before: str = "", after: str = "") -> None:
        """Remember it here first, so that nothing is forgotten, and hand it on."""
        with self._store.transaction() as connection:
            connection.execute(
                "INSERT INTO owed_audit (action, by, before, after) VALUES (?, ?, ?, ?)", (action, by, before, after)
            )
        self.settle()

    def record_often(self, action: str, by: str) -> None:
        """What strangers can do as often as they like: at once the first time, and once a minute how often it was since (×7)."""
        with self._handing_on:
            minute, more = self._often.get((action, by), (-1.0, 0))
            soon = minute >= 0 and self._now_s() - minute < OFTEN_S
            self._often[action, by] = (minute, more + 1) if soon else (self._now_s(), 0)
        if not soon:
            self.record(action, by, "", f"×{more + 1}" if more else "")

    def count_up(self) -> None:
        """Tell what was only counted for a minute."""
        with self._handing_on:
            past = {key: one for key, one in self._often.items() if self._now_s() - one[0] >= OFTEN_S}
            for key in past:
                del self._often[key]
        for (action, by), (_, more) in past.items():
            if more:
                self.record(action, by, "", f"×{more}")

    def settle(self) -> None:
        """Hand on what is owed, in order and once, however many pages are asked for at this moment."""
        with self._handing_on:
            self._hand_on()

    def _hand_on(self) -> None:
        for row in self._store.rows("SELECT * FROM owed_audit ORDER BY id"):
            try:
                self._kiosk.audit(row["action"], row["by"], row["before"], row["after"])
            except KioskError as error:
                log.warning("an audit record waits for the kiosk daemon: %s", error)
                return
            with self._store.transaction() as connection:
                connection.execute("DELETE FROM owed_audit WHERE id = ?", (row["id"],))


@dataclass
class House:
    """Built once at start."""

    kiosk: WebClient
    holdings: HoldingsClient
    backups: BackupsClient
    store: Store
    accounts: Accounts
    sessions: Sessions
    audit: Auditor
    jobs: Jobs
    identity: tls.Identity
    names: tuple[str, ...]
    _place: Place | None = None
    _place_at_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self) -> Place:
        """The place's settings, asked of the kiosk every few seconds; the last known ones while it is away."""
        with self._lock:
            if self._place is None or time.monotonic() - self._place_at_s > PLACE_FOR_S:
                try:
                    self._place = read_place(self.kiosk)
                except KioskAway:
                    self._place = self._place or Place("", "", "", UTC, "zh-CN")
                self._place_at_s = time.monotonic()
            return self._place

    def forget_place(self) -> None:
        """Settings have changed."""
        with self._lock:
            self._place = None


def read_place(kiosk: WebClient) -> Place:
    """From the kiosk's settings."""
    values: dict[str, Any] = {setting.name: setting.value for setting in kiosk.settings()}
    zone = zone_of(values["device.time_zone"])
    device, enterprise, site = (values[f"device.{name}"] for name in ("id", "enterprise", "site"))
    return Place(device, enterprise, site, zone, values["device.language"])


def house() -> House:
    """The parts of the running application."""
    found = current_app.extensions["daka"]
    assert isinstance(found, House)
    return found


def kiosk() -> WebClient:
    """The kiosk daemon."""
    return house().kiosk


def kiosk_status() -> Status:
    """How the kiosk is; one answer for the whole of a request."""
    if "status" not in g:
        g.status = kiosk().status()
    found = g.status
    assert isinstance(found, Status)
    return found


def place() -> Place:
    """Where this is; one answer for the whole of a request."""
    if "place" not in g:
        g.place = house().place()
    found = g.place
    assert isinstance(found, Place)
    return found


def actor() -> str:
    """Who does this, as records name them."""
    return f"web:{current_user.account.name}" if current_user.is_authenticated else "web:nobody"


def how_far(job: Job) -> Work:
    """How far a piece of work is: as the kiosk tells it under the job's key, else as the job itself does."""
    own = Work(job.doing, job.done, job.total)
    if not job.running:
        return own
    try:
        told = kiosk().work(job.key)
    except KioskError:
        return own  # the daemon is away for a moment; the page asks again
    return told if told.doing else own


def audit(action: str, before: str = "", after: str = "") -> None:
    """Write down what was done to the web UI's own accounts."""
    house().audit.record(action, actor(), before, after)


def day_bounds(day: date) -> tuple[str, str]:
    """Start and end of a day at this place, as the kiosk's socket takes times."""
    zone = place().zone
    return on_wire(datetime(day.year, day.month, day.day, tzinfo=zone)), on_wire(
        datetime(*(day + timedelta(days=1)).timetuple()[:3], tzinfo=zone)
    )


def on_wire(at: datetime) -> str:
    """RFC 3339, UTC, six digits of microseconds, as records write times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def now() -> datetime:
    """The kiosk's time, by which punches are listed; one answer for the whole of a request.

    The daemon follows the server's time and never sets the machine's clock, which counts only where the daemon tells none.
    """
    if "now" not in g:
        g.now = _told() or datetime.now(UTC)
    found = g.now
    assert isinstance(found, datetime)
    return found


def _told() -> datetime | None:
    try:
        told = kiosk_status().now
    except KioskError:
        return None
    return datetime.fromisoformat(told) if told else None


def today() -> date:
    """The date at this place."""
    return now().astimezone(place().zone).date()

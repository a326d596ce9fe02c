"""What the pages call today and now is the kiosk's: the daemon follows the server's time and never sets the machine's clock."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import flask
import pytest

from device import api, attend, clock, desk, gauges, journal, messages, people, state, timekeeping, web_counter, web_lists, webcodes
from device.server import Route
from tests.device import parts
from tests.device.test_server import serve
from tests.web_ui.running import alone
from web_ui.house import House, Place, now, today
from web_ui.pages import punches
from web_ui.pages import today as first_page
from web_ui.store import written

ZONE = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2031, 3, 2, 23, 30, tzinfo=ZONE).astimezone(UTC)
POLICY = attend.Policy(timedelta(0), timedelta(hours=14), True, longest_break=timedelta(hours=2))


@dataclass
class NeverSet:
    """The clock of a machine without a battery, some seconds after its start."""

    seconds: float = 20.0

    def now(self) -> clock.Moment:
        at_us = round(self.seconds * 1_000_000)
        return clock.Moment(clock.from_microseconds(at_us), at_us, parts.OTHER_BOOT_ID, clock.Quality.UNSYNCED)


@dataclass
class Booted:
    """A kiosk that woke up in 1970, and the web UI's pages beside it."""

    journal: journal.Journal
    desk: desk.Desk
    keeper: timekeeping.Timekeeper
    house: House
    app: flask.Flask
    machine: NeverSet
    tells_now: bool = field(default=True)

    def is_told(self, at: datetime) -> None:
        """The server says what time it is."""
        self.keeper.hear(at, self.machine.now(), self.machine.now())

    def punch(self, person: str, way: messages.Direction = messages.Direction.IN) -> None:
        self.journal.append(parts.punch(person, way), self.keeper.now())

    def status(self) -> api.Status:
        found = self.desk.status()
        return found if self.tells_now else dataclasses.replace(found, now="")

    @contextlib.contextmanager
    def asked(self, path: str) -> Iterator[None]:
        """While a page is made."""
        with self.app.test_request_context(path, headers={"Accept-Language": "en"}):
            yield


@pytest.fixture
def booted() -> Iterator[Booted]:
    with tempfile.TemporaryDirectory(prefix="daka-") as name, contextlib.ExitStack() as ends:
        folder, machine = Path(name), NeverSet()
        opened = ends.enter_context(contextlib.closing(parts.open_journal(folder)))
        directory = ends.enter_context(contextlib.closing(people.Directory(folder / "people.db", bytes(32))))
        keeper = timekeeping.Timekeeper(machine)
        keeper.resume((), opened.append)
        opened.append(messages.Boot("0.1.0"), keeper.now())
        office = desk.Desk(opened, directory, keeper, lambda: pytest.fail("nobody is looked at"))
        house, app = alone(folder)
        house._place, house._place_at_s = Place("kiosk-7", "", "", ZONE, "en"), time.monotonic()
        found = Booted(opened, office, keeper, house, app, machine)
        readings = gauges.Gauges(opened, keeper, folder)
        kiosk = web_counter.Kiosk(opened, keeper, webcodes.WebCodes(), readings, state.Folder(folder), threading.Event())
        lists = web_lists.Lists(directory, opened, keeper, lambda way: attend.holds_for(way, POLICY))
        routes = (
            *web_counter.web_routes(web_counter.WebCounter(kiosk), (Route("GET", "/v1/status", found.status),)),
            *lists.routes(),
        )
        ends.callback(house.store.close)
        ends.callback(serve(folder / "nobody.sock", "web", routes))
        yield found


def test_today_is_the_day_that_the_server_has_told_the_kiosk(booted: Booted) -> None:
    booted.is_told(EVENING)
    booted.punch(parts.BOB, messages.Direction.OUT)
    booted.machine.seconds += 5_400
    booted.punch(parts.ADA)
    with booted.asked("/"):
        shown = first_page.shown()
    assert (shown["punches"].total, shown["punches"].punches[0].person) == (1, parts.ADA)
    assert (shown["presence"].inside, shown["presence"].gone) == (1, 0), "Bob went before midnight"
    assert shown["at"] == EVENING + timedelta(seconds=5_400)
    with booted.asked("/punches"):
        chosen = punches.asked()
    assert (chosen.first, chosen.last) == (date(2031, 2, 25), date(2031, 3, 3)), "what is listed and exported ends with today"


def test_while_nobody_has_told_the_time_today_is_where_punches_are_put_meanwhile(booted: Booted) -> None:
    booted.punch(parts.ADA)
    with booted.asked("/"):
        assert first_page.shown()["punches"].total == 1
        assert today() == parts.START.astimezone(ZONE).date(), "right after what this kiosk knows for sure"


def test_a_request_is_late_by_the_kiosks_time(booted: Booted) -> None:
    booted.is_told(EVENING)
    row = ("p-" + "0" * 32, "access", written(EVENING - timedelta(days=16)), "web:li", written(EVENING - timedelta(days=1)))
    with booted.house.store.transaction() as connection:
        connection.execute("INSERT INTO request (person, kind, opened_at, opened_by, due_at) VALUES (?, ?, ?, ?, ?)", row)
    with booted.asked("/"):
        late = [alarm.grave for alarm in first_page.shown()["alarms"] if "personal data" in alarm.words]
    assert late == [True]


def test_beside_a_daemon_that_tells_no_time_the_wall_clock_counts(booted: Booted, tmp_path: Path) -> None:
    booted.tells_now = False
    house, away = alone(tmp_path)
    for app in (booted.app, away):
        with app.test_request_context("/"):
            assert abs(now() - datetime.now(UTC)) < timedelta(minutes=1)
    house.store.close()

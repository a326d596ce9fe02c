"""Daylight saving: a punch of July read in November, the hour that comes twice, and the one that never comes."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from device import api
from device.api import wall_clock
from device.config import Config
from device.hours import calendar
from tests.web_ui import running
from tests.web_ui.running import Browser, text_of
from web_ui.house import read_place
from web_ui.zones import meant

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose own zone is Berlin's: a link into the system's zones, as every Debian has."""
    zones = tmp_path / "zoneinfo" / "Europe" / "Berlin"
    zones.parent.mkdir(parents=True)
    source = next(Path(one) for one in zoneinfo.TZPATH if (Path(one) / "Europe/Berlin").is_file())
    zones.write_bytes((source / "Europe/Berlin").read_bytes())
    link = tmp_path / "localtime"
    link.symlink_to(zones)
    monkeypatch.setattr(wall_clock, "MACHINE_ZONE", link)
    monkeypatch.delenv("TZ", raising=False)
    return link


def test_a_punch_of_july_is_read_in_summer_time_on_a_machine_in_winter(machine: Path) -> None:
    sections = Config().model_dump().items()
    values = {f"{section}.{key}": value for section, settings in sections for key, value in settings.items()}
    shown = SimpleNamespace(settings=lambda: [SimpleNamespace(name=name, value=value) for name, value in values.items()])
    zone = read_place(shown).zone  # type: ignore[arg-type]
    assert datetime(2026, 7, 1, 6, tzinfo=UTC).astimezone(zone).hour == 8
    assert datetime(2026, 12, 1, 6, tzinfo=UTC).astimezone(zone).hour == 7
    assert str(zone) == "Europe/Berlin"
    assert calendar(Config()).zone.utcoffset(datetime(2026, 7, 1)) == zone.utcoffset(datetime(2026, 7, 1)), "as shifts count"


def test_the_zone_of_the_place_goes_before_the_machines_and_a_machine_without_one_counts_by_utc(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.zone_of("Asia/Taipei") == ZoneInfo("Asia/Taipei")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert api.zone_of("") == ZoneInfo("Asia/Tokyo"), "as for every other program"
    monkeypatch.setenv("TZ", "/nowhere")
    machine.unlink()
    assert api.zone_of("") is UTC


def test_a_time_on_the_clock_means_one_moment_two_or_none() -> None:
    assert meant(datetime(2026, 7, 1, 8), BERLIN) == (datetime(2026, 7, 1, 6, tzinfo=UTC),)
    assert meant(datetime(2026, 3, 29, 2, 30), BERLIN) == ()
    assert [at.hour for at in meant(datetime(2026, 10, 25, 2, 30), BERLIN)] == [0, 1]


@pytest.fixture
def berlin(afresh: dict[str, Browser]) -> Iterator[None]:
    afresh["administrator"].submit("/setup", time_zone="Europe/Berlin")
    yield
    afresh["administrator"].submit("/setup", time_zone="Asia/Shanghai")


def shown(answer_to: Browser, where: str) -> list[str]:
    return re.findall(r'datetime="(2026-(?:10|03)[^"]*)"', answer_to.get(where).text)


def test_a_time_that_never_was_is_refused_and_one_that_came_twice_is_asked_about(afresh: dict[str, Browser], berlin: None) -> None:
    operator = afresh["operator"]
    typed = {"number": "1012", "direction": "in", "reason": "forgot the badge"}
    skipped = operator.submit("/punches/new", at="2026-03-29T02:30", **typed)
    assert skipped.status_code == 422
    assert "There is no such time" in text_of(skipped)
    asked = operator.submit("/punches/new", at="2026-10-25T02:30", **typed)
    assert asked.status_code == 422
    assert "Which of the two" in text_of(asked)
    answer = operator.send(asked, twice="second")
    assert shown(operator, answer.headers["location"])[0] == "2026-10-25T02:30:00+01:00"


def test_correcting_another_minute_of_the_second_hour_stays_in_it(
    office: running.Office, afresh: dict[str, Browser], berlin: None
) -> None:
    operator = afresh["operator"]
    with office.admin() as client:
        seq = client.add_punch("1011", "in", "2026-10-25T01:30:00.000000Z", "a test", "cli:test").counts
    answer = operator.submit(f"/punches/{seq}/correct", at="2026-10-25T02:31:00", reason="one minute later")
    assert "2026-10-25T02:31:00+01:00" in shown(operator, answer.headers["location"])
    other = operator.submit(f"{answer.headers['location']}/correct", twice="first", reason="the hour before")
    assert "2026-10-25T02:31:00+02:00" in shown(operator, other.headers["location"])

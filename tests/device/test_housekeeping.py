"""What is done every minute goes on, whatever one round of it ran into."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from device import clock, config, database, gauges, housekeeping, policy
from device.messages import Content
from tests.device import parts

NAME = "Wang Fang"


class Breaks:
    """Stands where the journal, the retention and the machine are asked; counts, and stops the round after the second."""

    def __init__(self, stop: threading.Event, error: Exception) -> None:
        self._stop, self._error, self.asked = stop, error, 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*given: object, **named: object) -> None:
            self.asked += 1
            if self.asked >= 2:
                self._stop.set()
            raise self._error

        return ask


@pytest.mark.timeout(20)
def test_a_round_that_nobody_foresaw_is_not_the_last_one_and_names_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.0)
    stop = threading.Event()
    broken: Any = Breaks(stop, KeyError(NAME))
    governed = policy.Governed(config.parse({}), Content())
    with caplog.at_level(logging.DEBUG):
        housekeeping.keep(broken, governed, broken, (), parts.Clock(), stop)
    assert broken.asked == 2
    assert "KeyError" in caplog.text
    assert NAME not in caplog.text


@pytest.mark.timeout(20)
def test_a_disk_that_fails_for_a_moment_costs_one_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(gauges, "EVERY_S", 0.0)
    stop = threading.Event()
    broken: Any = Breaks(stop, database.StorageFailing("the disk fails"))
    clocks: clock.Clock = parts.Clock()
    gauges.Gauges(broken, clocks, tmp_path).keep(stop)
    assert broken.asked == 2


@pytest.mark.timeout(20)
def test_what_is_half_done_is_tried_every_minute_by_whatever_clock_and_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "EVERY_S", 0.0)
    stop = threading.Event()
    tried: list[str] = []

    def fails() -> None:
        tried.append("fails")
        raise database.StorageFull("the disk is full")

    def works() -> None:
        tried.append("works")
        if len(tried) == 4:
            stop.set()

    class Unsure(parts.Clock):
        def now(self) -> clock.Moment:
            return dataclasses.replace(super().now(), quality=clock.Quality.UNSYNCED)

    anything: Any = Breaks(stop, AssertionError())
    monkeypatch.setattr(anything, "set_room_aside", lambda: None)
    housekeeping.keep(anything, policy.Governed(config.parse({}), Content()), anything, (fails, works), Unsure(), stop)
    assert tried == ["fails", "works"] * 2

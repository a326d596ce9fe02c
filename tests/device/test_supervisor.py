"""Daemons under one parent: each is tried for as long as it takes, and ends when it is told to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from device import supervisor, uplink
from enterprise import mqtt, service

A_LONG_TIME = 100_000  # failures in a row: weeks


def test_a_daemon_that_has_failed_for_weeks_is_still_tried() -> None:
    pauses = [supervisor.pause_s(failures) for failures in (0, 1, 5, A_LONG_TIME)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1.0
    assert pauses[-1] == supervisor.MOST_PAUSE_S


def test_a_kiosk_daemon_that_was_away_for_weeks_is_asked_again() -> None:
    assert uplink.pause_s(1, 30.0) < 1.0
    assert uplink.pause_s(A_LONG_TIME, 30.0) == 30.0


def test_a_broker_or_database_that_was_away_for_weeks_is_tried_again() -> None:
    assert mqtt.SOONEST_S <= mqtt.pause_s(A_LONG_TIME) <= mqtt.LATEST_S
    assert service.SOONEST_RETRY_S <= service.pause_s(A_LONG_TIME) <= service.LATEST_RETRY_S


@pytest.mark.timeout(30)
def test_a_disk_that_takes_no_note_of_a_process_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    (tmp_path / "sleeper.pid").mkdir()  # so that nothing can be written there
    stop = threading.Event()
    running = threading.Thread(target=supervisor.keep_running, args=({"sleeper": ("sleep", "300")}, tmp_path, stop), daemon=True)
    running.start()
    stop.wait(0.5)
    stop.set()
    running.join(15.0)
    assert not running.is_alive()

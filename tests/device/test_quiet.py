"""When the daemon may end for an update or for settings: nobody is there, also where no picture says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from device import camera, config, following, kiosk, pictures, sight, state, terms, timekeeping, upgrades
from device.kiosk import running, watch
from tests.device import parts

Pixels = Callable[[str], NDArray[np.uint8]]
SOMEBODY = "somebody stands at the kiosk"


@dataclass
class Daemon:
    """A daemon's inside with real models, before a camera that shows nothing by itself."""

    inside: kiosk.Inside
    upgrading: upgrades.Upgrades
    clock: parts.Clock
    picture: NDArray[np.uint8]

    def shows_somebody(self, from_s: float, to_s: float) -> None:
        """The camera sees somebody who stands there, and is pulled out at `to_s`."""
        for tenth in range(round(from_s * 10), round(to_s * 10)):
            self.clock.seconds = tenth / 10
            self.inside.walk.take(camera.Frame(self.picture, self.clock.now()))
        self.clock.seconds = to_s

    def waits(self) -> str:
        """Why no update is installed now."""
        return self.upgrading.shown().waits_for


@pytest.fixture
def daemon(tmp_path: Path, eyes: sight.Sight, pixels: Pixels) -> Iterator[Daemon]:
    settings, clock = config.parse({"updates": {"window": ""}}), parts.Clock()
    folder = state.Folder(tmp_path / "kiosk")
    files = kiosk.open_files(folder, parts.DEVICE, clock, replace_damaged=True)
    (tmp_path / "stage").mkdir()
    source = camera.open_source(f"stage:{tmp_path / 'stage'}", clock)
    keeper = timekeeping.Timekeeper(clock, terms.time_limits(settings))
    inside = kiosk.assemble(files, settings, eyes, source, keeper)
    known = following.Following(folder, settings)
    seen = watch.watching(inside, folder, known, lambda: False)
    yield Daemon(inside, seen.upgrading, clock, np.asarray(pictures.fit(pixels("biden"), (640, 480)), dtype=np.uint8))
    known.kept.close()
    source.close()
    files.directory.close()
    files.journal.close()


def test_a_kiosk_whose_camera_has_shown_nothing_since_the_start_takes_updates(daemon: Daemon) -> None:
    assert daemon.waits() == ""


def test_a_camera_that_fails_while_somebody_stands_there_keeps_no_update_waiting(daemon: Daemon) -> None:
    daemon.shows_somebody(0, 3)
    assert daemon.waits() == SOMEBODY
    daemon.clock.seconds += daemon.inside.config.recognition.asleep_after_s
    assert daemon.waits() == ""


def test_a_kiosk_whose_templates_are_locked_takes_updates(daemon: Daemon) -> None:
    daemon.inside.walk.locked = lambda: "waits for the server"
    daemon.shows_somebody(0, 8)
    assert daemon.waits() == ""


def test_somebody_who_types_a_pin_before_a_camera_that_shows_nothing_is_there(daemon: Daemon) -> None:
    daemon.inside.walk.suspend(daemon.clock.now(), timedelta(seconds=60))
    daemon.clock.seconds = 59
    assert daemon.waits() == SOMEBODY
    daemon.clock.seconds = 60
    assert daemon.waits() == ""


def test_a_camera_that_fails_while_a_sheet_is_open_keeps_no_update_waiting_once_it_is_closed(daemon: Daemon) -> None:
    daemon.inside.walk.suspend(daemon.clock.now(), timedelta(seconds=60))
    daemon.shows_somebody(0, 3)
    daemon.clock.seconds = 61
    assert daemon.waits() == ""


def test_settings_that_need_a_start_come_into_force_where_the_camera_shows_nothing(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "QUIET_LOOK_S", 0.02)
    stop = threading.Event()
    daemon.inside.walk.suspend(daemon.clock.now(), timedelta(seconds=60))
    thread = threading.Thread(target=kiosk.restart_when_quiet, args=(daemon.inside.is_quiet, stop))
    thread.start()
    assert not stop.wait(0.2), "somebody types a PIN"
    daemon.clock.seconds = 60
    assert stop.wait(5)
    thread.join(5)

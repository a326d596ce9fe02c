"""The stage: walk-up files that a director puts into a folder are played before a simulated camera."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from device import camera, clock, walkups

SIZE = (160, 120)
GREEN = np.array((40, 200, 40), dtype=np.uint8)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    folder = tmp_path / "stage"
    folder.mkdir()
    return folder


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A green picture: nothing in the hall is green."""
    path = tmp_path / "li-na.png"
    assert cv2.imwrite(str(path), np.full((200, 200, 3), GREEN, dtype=np.uint8))
    return path


def walkup(photograph: Path, seconds: float = 0.5) -> walkups.WalkUp:
    person = walkups.Person(photograph=photograph, face=(70, 60, 60, 80), approach=(0.3, 0.4))
    return walkups.WalkUp(seconds=seconds, seed=1, person=(person,))


def playing(stage: Path) -> camera.Camera:
    return camera.open_source(f"stage:{stage}", clock.SystemClock(), size=SIZE, frames_per_second=50)


def has_somebody(frame: camera.Frame) -> bool:
    blue, green, red = (frame.pixels[:, :, channel].astype(int) for channel in range(3))
    return int(((green - blue > 60) & (green - red > 60)).sum()) > 30


def watch(frames: Iterator[camera.Frame], until: Callable[[], bool], seconds: float = 8.0) -> list[bool]:
    """Whether somebody was seen, frame by frame, up to the moment when `until` holds."""
    seen, deadline = [], time.monotonic() + seconds
    for frame in frames:
        seen.append(has_somebody(frame))
        if until():
            return seen
        assert time.monotonic() < deadline, "it did not happen in time"
    raise AssertionError("the stage ended")


def names(stage: Path) -> list[str]:
    return sorted(path.name for path in stage.iterdir())


def test_walk_ups_play_once_in_the_order_of_their_names_and_the_hall_is_empty_before_and_after(
    stage: Path, photograph: Path
) -> None:
    with playing(stage) as source:
        assert source.simulated
        frames = source.frames()
        assert not any(has_somebody(next(frames)) for _ in range(5))
        for number in (1, 2):
            walkups.write(walkup(photograph), stage / f"{number}.part")
        for number in (2, 1):  # both are there within one look, the second a moment earlier
            (stage / f"{number}.part").rename(stage / f"000{number}.toml")
        seen = watch(frames, lambda: names(stage) == ["0001.toml.played", "0002.toml.played"])
        assert any(seen)
        assert source.status().state is camera.State.STREAMING
        assert not has_somebody(next(frames))
        assert not has_somebody(next(frames))
        stamps = [(stage / f"000{number}.toml.played").stat().st_ctime_ns for number in (1, 2)]
        assert stamps[0] < stamps[1]


def test_a_walk_up_is_called_playing_while_it_plays_and_stays_so_when_the_kiosk_stops(stage: Path, photograph: Path) -> None:
    walkups.write(walkup(photograph, seconds=30), stage / "0007.toml")
    with playing(stage) as source:
        watch(source.frames(), lambda: names(stage) == ["0007.toml.playing"])
    assert names(stage) == ["0007.toml.playing"]


def test_what_a_killed_kiosk_left_behind_is_left_alone_until_the_director_puts_it_on_again(stage: Path, photograph: Path) -> None:
    walkups.write(walkup(photograph), stage / "0007.toml.playing")
    with playing(stage) as source:
        frames = source.frames()
        assert not any(has_somebody(next(frames)) for _ in range(20))
        assert names(stage) == ["0007.toml.playing"]
        (stage / "0007.toml.playing").rename(stage / "0007.toml")
        assert any(watch(frames, lambda: names(stage) == ["0007.toml.played"]))


def test_a_walk_up_with_an_unknown_key_is_refused_by_its_name_and_the_camera_goes_on(
    stage: Path, photograph: Path, caplog: pytest.LogCaptureFixture
) -> None:
    walkups.write(walkup(photograph), stage / "good.toml")
    text = (stage / "good.toml").read_text(encoding="utf-8")
    (stage / "bad.toml").write_text("speed = 3\n" + text, encoding="utf-8")
    with playing(stage) as source, caplog.at_level(logging.DEBUG):
        frames = source.frames()
        assert any(watch(frames, lambda: names(stage) == ["bad.toml.refused", "good.toml.played"]))
        assert source.status().state is camera.State.STREAMING
    assert "'bad.toml' is refused: 'speed'" in caplog.text
    assert "li-na" not in caplog.text


def test_a_photograph_that_is_missing_is_refused_without_its_name_in_the_log(
    stage: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    walkups.write(walkup(tmp_path / "wang-wei.jpg"), stage / "1.toml")
    with playing(stage) as source, caplog.at_level(logging.DEBUG):
        watch(source.frames(), lambda: names(stage) == ["1.toml.refused"])
    assert "'person 1 photograph': there is no such file" in caplog.text
    assert "wang-wei" not in caplog.text


def test_a_stage_whose_folder_disappears_is_away_and_comes_back_with_it(stage: Path, photograph: Path) -> None:
    with playing(stage) as source:
        frames = source.frames()
        next(frames)
        stage.rmdir()
        deadline = time.monotonic() + 20
        while source.status().state is not camera.State.AWAY:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert "folder cannot be read" in source.status().sentence
        threading.Timer(0.1, stage.mkdir).start()
        assert not has_somebody(next(frames))
        walkups.write(walkup(photograph), stage / "1.toml")
        assert any(watch(frames, lambda: names(stage) == ["1.toml.played"]))

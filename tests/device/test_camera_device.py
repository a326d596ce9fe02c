"""The camera with a device behind it: real OpenCV for a missing one, and captures that fail as USB does."""

from __future__ import annotations

import errno
import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from device import camera, clock
from device.camera import hardware
from device.pictures import Pixels

Shot = tuple[bool, Pixels | None]

LIVE = np.full((48, 64, 3), 120, dtype=np.uint8)
FAILED: Shot = (False, None)


def picture(level: int = 120) -> Shot:
    return True, np.full((48, 64, 3), level, dtype=np.uint8)


class Plug:
    """A capture that plays `shots`, a hundred a second, and then fails for ever, as if it were unplugged."""

    def __init__(self, shots: Iterator[Shot]) -> None:
        self._shots = shots
        self.threads: list[int] = []
        self.grabbed = 0
        self.released = threading.Event()

    def read(self) -> Shot:
        self.threads.append(threading.get_ident())
        time.sleep(0.01)
        return next(self._shots, FAILED)

    def grab(self) -> bool:
        self.grabbed += 1
        return self.read()[0]

    def release(self) -> None:
        self.threads.append(threading.get_ident())
        self.released.set()


class LeapingClock:
    """The system's clock, which a test can move ahead."""

    def __init__(self) -> None:
        self._system, self.ahead = clock.SystemClock(), timedelta()

    def now(self) -> clock.Moment:
        moment = self._system.now()
        later_us = moment.monotonic_us + self.ahead // timedelta(microseconds=1)
        return replace(moment, at=moment.at + self.ahead, monotonic_us=later_us)


def opened(open_capture: hardware.OpenCapture, time_source: clock.Clock | None = None, path: str = "/dev/null") -> camera.Camera:
    """A camera that is plugged in as long as `path` is there."""
    return camera.open_source(f"device:{path}", time_source or clock.SystemClock(), open_capture=open_capture)


def wait_until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def states_of(source: camera.Camera) -> camera.State:
    return source.status().state


def test_a_device_that_is_not_there_is_away_and_says_what_to_do() -> None:
    with camera.open_source("device:97", clock.SystemClock()) as source:
        assert source.status().state is camera.State.OPENING
        frames = source.frames()
        wait_until(lambda: states_of(source) is camera.State.AWAY)
        assert source.status().sentence == ("There is no camera at /dev/video97: no such device. Plug one in, or name another one.")
        assert not source.simulated
        threading.Timer(0.2, source.close).start()
        assert list(frames) == []


def test_a_device_that_is_no_camera_is_away_and_says_so() -> None:
    with camera.open_source("device:/dev/null", clock.SystemClock()) as source:
        source.frames()
        wait_until(lambda: states_of(source) is camera.State.AWAY)
        assert "busy, or it is no camera" in source.status().sentence


def test_a_path_below_dev_that_is_no_device_is_away_and_says_so() -> None:
    with camera.open_source("device:/dev/fd", clock.SystemClock()) as source:
        source.frames()
        wait_until(lambda: states_of(source) is camera.State.AWAY)
        assert "/dev/fd is not a camera device" in source.status().sentence


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "Put its user into the group video"),
        (errno.EBUSY, "another program uses it"),
        (errno.ENODEV, "no such device"),
        (errno.EIO, "Unplug it and plug it in again"),
    ],
)
def test_each_refusal_of_the_kernel_comes_with_what_to_do(number: int, words: str) -> None:
    sentence = hardware.sentence_for(Path("/dev/video0"), OSError(number, "reason"))
    assert "/dev/video0" in sentence
    assert words in sentence


def test_a_camera_that_is_unplugged_comes_back_by_itself() -> None:
    first, second = Plug(iter([picture(100)] * 5)), Plug(itertools.repeat(picture(200)))
    tries: list[hardware.Target] = []

    def open_capture(target: hardware.Target) -> hardware.Capture:
        tries.append(target)
        if len(tries) == 1:
            return first
        if len(tries) == 2:
            raise camera.CameraAway(hardware.why_it_stopped(target.path))
        return second

    with opened(open_capture, path="/dev/video97") as source:
        frames = source.frames()
        assert next(frames).pixels[0, 0, 0] == 100
        wait_until(lambda: states_of(source) is camera.State.AWAY)
        assert "was unplugged" in source.status().sentence
        assert "comes back by itself" in source.status().sentence
        level = next(frame.pixels[0, 0, 0] for frame in frames)
        assert level == 200, "a frame from before the camera was unplugged is no longer true"
        assert states_of(source) is camera.State.STREAMING
    assert len(tries) == 3
    assert first.released.is_set()
    assert tries[0] == hardware.Target(Path("/dev/video97"), (640, 480), 15.0)


def test_a_camera_that_was_unplugged_is_let_go_at_once_so_that_its_name_is_free_again() -> None:
    plug = Plug(iter([picture()] * 3))
    with opened(lambda target: plug, path="/dev/video97") as source:
        next(source.frames())
        wait_until(plug.released.is_set, hardware.GIVE_UP_S / 2)


def test_a_camera_that_comes_back_under_another_number_is_found_where_it_is_plugged_in(tmp_path: Path) -> None:
    devices, dev = tmp_path / "class", tmp_path / "dev"
    dev.mkdir()

    def plug_in(name: str, port: str, index: str = "0") -> None:
        (tmp_path / port).mkdir(exist_ok=True)
        (devices / name).mkdir(parents=True)
        (devices / name / "device").symlink_to(tmp_path / port)
        (devices / name / "index").write_text(f"{index}\n")
        (dev / name).touch()

    def unplug(name: str) -> None:
        shutil.rmtree(devices / name)
        (dev / name).unlink()

    opened_at: list[str] = []

    def open_capture(target: hardware.Target) -> hardware.Capture:
        opened_at.append(target.path.name)
        if not target.path.exists():
            raise camera.CameraAway("not there")
        return Plug(itertools.repeat(picture()))

    plug_in("video0", "port-1")
    device = hardware.Device(hardware.Target(dev / "video0", (640, 480), 15.0), open_capture, devices)
    device.open()
    unplug("video0")
    plug_in("video1", "port-2")  # somebody else's
    plug_in("video2", "port-1", "1")  # this camera's other stream
    with pytest.raises(camera.CameraAway):
        device.open()
    plug_in("video3", "port-1")
    device.open()
    unplug("video3")
    plug_in("video0", "port-1")
    device.open()
    assert opened_at == ["video0", "video0", "video3", "video0"]


def test_waiting_for_a_camera_becomes_slower_but_never_stops() -> None:
    from device.camera import live

    pauses = list(itertools.islice(live._pauses(), 100))
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert set(pauses[4:]) == {5.0}


def test_single_lost_frames_do_not_make_a_camera_go_away() -> None:
    tries = 0

    def open_capture(target: hardware.Target) -> hardware.Capture:
        nonlocal tries
        tries += 1
        return Plug(itertools.cycle([picture(), FAILED, FAILED]))

    with opened(open_capture) as source:
        deadline = time.monotonic() + 1.5
        for _ in source.frames():
            assert states_of(source) is camera.State.STREAMING
            if time.monotonic() > deadline:
                break
    assert tries == 1


def test_a_driver_that_hangs_is_reported_and_does_not_hold_up_the_end() -> None:
    let_go, time_source = threading.Event(), LeapingClock()

    def shots() -> Iterator[Shot]:
        yield picture()
        let_go.wait(20)
        yield picture()

    plug = Plug(shots())
    source = opened(lambda target: plug, time_source)
    frames = source.frames()
    next(frames)
    assert states_of(source) is camera.State.STREAMING
    time_source.ahead = timedelta(seconds=10)
    assert states_of(source) is camera.State.AWAY
    assert "hangs: no picture for 10 s" in source.status().sentence

    started = time.monotonic()
    source.close()
    assert list(frames) == []
    assert time.monotonic() - started < 5  # the driver would return in twenty
    assert not plug.released.is_set()
    let_go.set()
    assert plug.released.wait(5), "the device is let go as soon as the driver returns"
    wait_until(lambda: states_of(source) is camera.State.ENDED)


def test_a_frame_that_has_become_old_is_not_handed_out() -> None:
    let_go, time_source = threading.Event(), LeapingClock()

    def shots() -> Iterator[Shot]:
        yield picture(100)
        let_go.wait(20)
        yield from itertools.repeat(picture(200))

    with opened(lambda target: Plug(shots()), time_source) as source:
        source.frames()
        wait_until(lambda: states_of(source) is camera.State.STREAMING)
        time_source.ahead = timedelta(seconds=10)
        threading.Timer(0.2, let_go.set).start()
        assert next(source.frames()).pixels[0, 0, 0] == 200


def test_an_error_that_nobody_foresaw_is_counted_and_the_camera_comes_back() -> None:
    tries = 0

    def open_capture(target: hardware.Target) -> hardware.Capture:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("a driver from another world")
        return Plug(itertools.repeat(picture()))

    with opened(open_capture) as source:
        next(source.frames())
        assert source.status().faults == 1


def test_one_thread_alone_touches_the_device() -> None:
    plug = Plug(itertools.repeat(picture()))
    with opened(lambda target: plug) as source:
        next(source.frames())
    assert plug.released.wait(5)
    assert len(set(plug.threads)) == 1
    assert threading.get_ident() not in plug.threads


def test_a_reading_error_of_the_driver_is_away_and_not_an_exception() -> None:
    def shots() -> Iterator[Shot]:
        yield from [picture(100)] * 3
        raise OSError(errno.EIO, "Input/output error")

    plugs = iter([Plug(shots()), Plug(itertools.repeat(picture(200)))])
    with opened(lambda target: next(plugs)) as source:
        frames = source.frames()
        assert next(frames).pixels[0, 0, 0] == 100
        wait_until(lambda: "failed while reading" in source.status().sentence)
        assert states_of(source) is camera.State.AWAY
        assert next(frames).pixels[0, 0, 0] == 200, "what was seen before the failure is no longer true"


def test_pictures_that_nobody_wants_are_taken_from_the_driver_and_left_packed() -> None:
    plug = Plug(itertools.repeat(picture(100)))
    with camera.open_source("device:97", clock.SystemClock(), frames_per_second=50, open_capture=lambda target: plug) as source:
        frames = source.frames()
        next(frames)
        assert plug.grabbed == 0
        source.pace(5.0)
        next(frames)
        ends, shown = time.monotonic() + 1.0, 0
        while time.monotonic() < ends:
            next(frames)
            shown += 1
    assert shown <= 7
    assert plug.grabbed > 2 * shown

"""Inside a bare machine: the product's camera before a live V4L2 device (vivid), and what happens to such a device.

Each thing that holds is a line on the serial line; the first that does not ends it.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from device import camera, clock
from device.camera import State

DRIVER = Path("/sys/bus/platform/drivers/vivid")
VIVID = "vivid.0"
LONGEST_S = 60.0


def knob(setting: str) -> None:
    subprocess.run(("v4l2-ctl", "-d", "/dev/video0", "-c", setting), check=True)


def plug(what: str) -> None:
    """`unbind` or `bind`: the device goes, and is back."""
    (DRIVER / what).write_text(VIVID)


class Checks:
    """Says what holds, and what the camera says of itself then."""

    def __init__(self, line: int) -> None:
        self._line = line

    def say(self, sentence: str) -> None:
        os.write(self._line, f"holds: {sentence}\n".encode())

    def until(self, what: str, source: camera.Camera, holds: Callable[[camera.CameraStatus], bool]) -> None:
        started = time.monotonic()
        while not holds(source.status()):
            assert time.monotonic() - started < LONGEST_S, f"{what}: {source.status()}"
            time.sleep(0.05)
        self.say(f"{what}, after {time.monotonic() - started:.1f} s: {source.status().sentence}")

    def is_(self, what: str, source: camera.Camera, state: State) -> None:
        self.until(what, source, lambda status: status.state is state)


def check(checks: Checks) -> None:
    with camera.open_source("device:0", clock.SystemClock()) as source:
        frame = next(source.frames())
        assert frame.pixels.shape == (480, 640, 3)
        assert 10 < frame.pixels.mean() < 245
        assert not source.simulated
        checks.say("a picture of 640 x 480 in colour")
        plug("unbind")
        checks.is_("unplugged", source, State.AWAY)
        plug("bind")
        nodes = sorted(path.name for path in Path("/dev").glob("video*"))
        checks.is_(f"plugged in again, as {nodes[0]}", source, State.STREAMING)
        plug("unbind")
        time.sleep(2.0)
        plug("bind")
        checks.is_("plugged in again two seconds later", source, State.STREAMING)
        knob("percentage_of_dropped_buffers=100")
        checks.is_("a driver that gives no picture", source, State.AWAY)
        knob("percentage_of_dropped_buffers=0")
        checks.is_("a driver that gives pictures again", source, State.STREAMING)
        knob("inject_fatal_streaming_error=1")
        checks.is_("a driver that fails", source, State.AWAY)
        checks.is_("and is opened anew", source, State.STREAMING)
        knob("brightness=0,contrast=0")
        checks.is_("black", source, State.BLACK)
        knob("brightness=128,contrast=128")
        checks.is_("light again", source, State.STREAMING)
    for asked, got in (((1280, 720), (720, 1280)), ((160, 120), (180, 320))):
        with camera.open_source("device:0", clock.SystemClock(), size=asked) as source:
            assert next(source.frames()).pixels.shape[:2] == got
            checks.say(f"asked for {asked[0]} x {asked[1]}, the device gives its nearest, {got[1]} x {got[0]}")
    busy = subprocess.Popen(
        ("v4l2-ctl", "-d", "/dev/video0", "--stream-mmap"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(2.0)
    with camera.open_source("device:0", clock.SystemClock()) as source:
        source.frames()
        checks.until("another program streams", source, lambda status: "busy" in status.sentence)
        busy.kill()
        checks.is_("that one ends", source, State.STREAMING)


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout)
    subprocess.run(("modprobe", "vivid", "n_devs=1", "node_types=0x1"), check=True)
    time.sleep(1.0)
    line = os.open("/dev/ttyS1", os.O_WRONLY | os.O_NOCTTY)
    try:
        check(Checks(line))
        os.write(line, b"the end\n")
    except BaseException as error:
        os.write(line, f"FAILED: {error!r}\n".encode())
        raise


if __name__ == "__main__":
    main()

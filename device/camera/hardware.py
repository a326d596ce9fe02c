"""A real camera: V4L2 through OpenCV, USB cameras above all.

Promises one sentence for each way in which a camera fails, with what to do about it. Never keeps a picture of
its own: the driver's queue has one place.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from device.camera.status import CameraAway
from device.pictures import Pixels
from device.sentences import say

# A cable with a bad contact loses single frames; after this long without any the device is opened anew.
GIVE_UP_S = 1.0
DEVICES = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Target:
    """Which device, and what is wished from it; the driver may give its nearest size and rate instead."""

    path: Path
    size: tuple[int, int]
    frames_per_second: float


@dataclass(frozen=True, slots=True)
class Socket:
    """Where a camera is plugged in (the kernel's path of the device) and which of its streams this is; its number may change."""

    device: Path
    index: str


class Capture(Protocol):
    """An opened camera; cv2.VideoCapture is one."""

    def read(self) -> tuple[bool, Pixels | None]: ...

    def grab(self) -> bool: ...

    def release(self) -> None: ...


OpenCapture = Callable[[Target], Capture]


class Device:
    """`device:0` or `device:/dev/video0`.

    A path below /dev/v4l/by-id keeps its name when several cameras are plugged in again. One that is plugged in again at the same
    socket, and that the kernel gives another number, is found there.
    """

    simulated = False
    skipped = 0

    def __init__(self, target: Target, open_capture: OpenCapture, devices: Path = DEVICES) -> None:
        self._target, self._open_capture, self._devices = target, open_capture, devices
        self._path = target.path
        self._socket: Socket | None = None
        self._capture: Capture | None = None
        self._last_good_s = 0.0

    def open(self) -> None:
        self.close()
        path = again(self._target.path, self._socket, self._devices)
        self._capture = self._open_capture(replace(self._target, path=path))
        self._path, self._socket = path, socket_of(path, self._devices) or self._socket
        self._last_good_s = time.monotonic()

    def read(self) -> Pixels | None:
        if self._capture is None:
            raise CameraAway(say("camera.not_open", path=self._target.path))
        good, pixels = self._read_from(self._capture)
        if good and pixels is not None and pixels.size:
            self._last_good_s = time.monotonic()
            return pixels
        if time.monotonic() - self._last_good_s > GIVE_UP_S or not self._path.exists():
            # Let go of one that was unplugged at once: while it is held, the kernel gives its number to no other.
            raise CameraAway(why_it_stopped(self._path))
        return None

    def skip(self) -> bool:
        """Take the driver's picture and leave it packed: unpacking a JPEG is most of what a frame costs."""
        if self._capture is None:
            return False
        try:
            return self._capture.grab()
        except (cv2.error, OSError):
            return False  # the next read says what is wrong

    def close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _read_from(self, capture: Capture) -> tuple[bool, Pixels | None]:
        try:
            return capture.read()
        except (cv2.error, OSError) as error:
            raise CameraAway(say("camera.reading", path=self._target.path, why=error)) from error


def socket_of(path: Path, devices: Path = DEVICES) -> Socket | None:
    """Where the camera at `path` is plugged in; None where the kernel does not say."""
    try:
        found = devices / path.resolve().name
        return Socket((found / "device").resolve(strict=True), (found / "index").read_text().strip())
    except OSError:
        return None


def again(path: Path, socket: Socket | None, devices: Path = DEVICES) -> Path:
    """The camera at `path`, or, when that is gone, the one that is now plugged in where it was."""
    if socket is None or path.exists():
        return path
    others = (path.with_name(found.name) for found in sorted(devices.glob("video*")))
    return next((other for other in others if socket_of(other, devices) == socket), path)


def open_v4l2(target: Target) -> Capture:
    """The real camera, delivering MJPG and queueing one frame. Raises CameraAway with the reason."""
    if reason := why_not(target.path):
        raise CameraAway(reason)
    capture = cv2.VideoCapture(str(target.path), cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        raise CameraAway(busy_or_no_camera(target.path))
    # MJPG first: uncompressed, most USB cameras do not reach 15 frames a second at useful sizes, and the size
    # depends on the format.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, target.size[0])
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, target.size[1])
    capture.set(cv2.CAP_PROP_FPS, target.frames_per_second)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return _Opened(capture)


def why_not(path: Path) -> str | None:
    """Why this device cannot be opened, with what to do; None when the kernel has no objection."""
    try:
        if not stat.S_ISCHR(path.stat().st_mode):
            return say("camera.no_camera", path=path)
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        return sentence_for(path, error)
    return None


def why_it_stopped(path: Path) -> str:
    """Why a camera that worked gives no pictures any more."""
    if not path.exists():
        return say("camera.unplugged", path=path)
    return say("camera.no_pictures", path=path)


def busy_or_no_camera(path: Path) -> str:
    """The device is there and may be opened, yet does not stream."""
    return say("camera.busy_or_second", path=path)


def sentence_for(path: Path, error: OSError) -> str:
    """What the kernel's refusal means, and what to do."""
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return say("camera.missing", path=path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return say("camera.permission", path=path)
    if error.errno == errno.EBUSY:
        return say("camera.busy", path=path)
    return say("camera.cannot_open", path=path, why=error.strerror)


class _Opened:
    """cv2.VideoCapture with the types of `Capture`."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture

    def read(self) -> tuple[bool, Pixels | None]:
        good, pixels = self._capture.read()
        return good, np.asarray(pixels, dtype=np.uint8) if good else None

    def grab(self) -> bool:
        return self._capture.grab()

    def release(self) -> None:
        self._capture.release()

"""The camera: frames from a device, or from pictures, videos and staged walk-ups that stand in for one.

Promises the newest frame or none, and a sentence about what is wrong. A frame is never written, never logged.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from device import clock
from device.camera import hardware
from device.camera.hardware import Capture, OpenCapture, Target
from device.camera.live import Camera
from device.camera.sources import Folder, OnePicture, Source, Video
from device.camera.stage import Stage
from device.camera.status import (
    BadSource,
    CameraAway,
    CameraError,
    CameraStatus,
    Frame,
    PictureUnreadable,
    State,
)

__all__ = [
    "BadSource",
    "Camera",
    "CameraAway",
    "CameraError",
    "CameraStatus",
    "Capture",
    "Frame",
    "OpenCapture",
    "PictureUnreadable",
    "State",
    "Target",
    "open_source",
]

FORMS = "device:0, device:/dev/video0, file:PICTURE, folder:FOLDER, video:FILE or stage:FOLDER"
SIDE = range(16, 3841)  # pixels; below, no face has room, above, no kiosk follows
MOST_FRAMES_PER_SECOND = 240.0


def open_source(
    source: str,
    time_source: clock.Clock,
    *,
    size: tuple[int, int] = (640, 480),
    frames_per_second: float = 15.0,
    open_capture: OpenCapture = hardware.open_v4l2,
) -> Camera:
    """The camera that `source` names.

    `size` is (width, height) in pixels, which a device may answer with its nearest.

    A device that is not there is no error: the camera is away and comes back. Everything but `device:` is
    simulated, is fitted into `size` and plays in real time. Raises BadSource for a source that cannot be,
    PictureUnreadable for a picture or video that cannot be shown.
    """
    if size[0] not in SIDE or size[1] not in SIDE or not 0 < frames_per_second <= MOST_FRAMES_PER_SECOND:
        wished = f"{size[0]} x {size[1]} pixels and {frames_per_second} frames a second"
        raise BadSource(f"A camera of {wished} cannot be; try 640 x 480 and 15.")
    kind, _, rest = source.partition(":")
    makers: dict[str, Callable[[], Source]] = {
        "device": lambda: hardware.Device(Target(_device_path(rest), size, frames_per_second), open_capture),
        "file": lambda: OnePicture(Path(rest), size),
        "folder": lambda: Folder(Path(rest), size),
        "video": lambda: Video(Path(rest), size, frames_per_second),
        "stage": lambda: Stage(Path(rest), size, frames_per_second),
    }
    if kind not in makers or not rest:
        raise BadSource(f"{source!r} names no camera. Write one of: {FORMS}.")
    # A stand-in is named by its kind alone in the log: files of faces are often named after people.
    return Camera(source if kind == "device" else kind, makers[kind](), time_source, frames_per_second)


def _device_path(text: str) -> Path:
    if text.isascii() and text.isdigit():
        return Path(f"/dev/video{int(text)}")
    if text.startswith("/dev/"):
        return Path(text)
    raise BadSource(f"'device:{text}' names no camera. Write its number or path: device:0 or device:/dev/video0.")

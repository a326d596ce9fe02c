"""What a camera says about itself: frames, states and errors.

A frame goes nowhere but to the display beside it. It is never written and never logged: even its `repr` shows
no pixel.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from device import clock
from device.errors import DeviceError
from device.pictures import Pixels


class CameraError(DeviceError):
    """Anything that a camera can do to us."""


class BadSource(CameraError):
    """The source named in the configuration cannot be used at all: somebody has to name another one."""


class PictureUnreadable(CameraError):
    """The picture or video that the source names cannot be shown: somebody has to replace that file."""


class CameraAway(CameraError):
    """No pictures at the moment.

    The camera tries again by itself. The text becomes the sentence of the status.
    """


class State(enum.StrEnum):
    """What a camera is doing."""

    OPENING = "opening"
    STREAMING = "streaming"
    AWAY = "away"
    BLACK = "black"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One look: `pixels` (height, width, 3) uint8 BGR, read-only; `moment` is when it left the camera."""

    pixels: Pixels = field(repr=False)
    moment: clock.Moment


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """`state` since `since`.

    `sentence` says what happened, why and what to do. `skipped` counts pictures that a folder could not show,
    `faults` counts errors that nobody foresaw.
    """

    state: State
    since: clock.Moment
    sentence: str
    skipped: int = 0
    faults: int = 0

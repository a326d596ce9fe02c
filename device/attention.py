"""Where the kiosk looks and how hard: the detector runs when it is worth it, flow follows the faces in between, and an empty hall
costs next to nothing.

Keeps one small grey picture to compare the next frame with, in memory, and nothing of anybody who has left.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device import attend
from device.camera import Frame
from device.clock import Moment
from models import track
from models.detect import Face

MOTION_GRID = 8  # every 8th pixel of the small grey picture, both ways: 1,200 numbers
MOTION_LEVELS = 12  # of 255: above sensor noise, below anybody's coat
MOTION_SHARE = 0.004  # of the samples: five of them; a face of 40 pixels far away covers about six


class Detector(Protocol):
    """Finds faces, nearest first; models.detect has the real one. `closer` looks again at one of them in full resolution."""

    def faces(self, pixels: NDArray[np.uint8]) -> tuple[Face, ...]: ...
    def closer(self, pixels: NDArray[np.uint8], face: Face) -> Face | None: ...


class Alertness(enum.StrEnum):
    """Whether anybody may be there."""

    AWAKE = "awake"
    ASLEEP = "asleep"


@dataclass(frozen=True, slots=True)
class Effort:
    """How often the detector runs while somebody is there and while nobody is, and when the kiosk falls asleep.

    `closer_below_px`: faces less tall than this are looked at again in full resolution, pixels of the frame.
    """

    detect_interval: timedelta
    asleep_after: timedelta
    asleep_interval: timedelta
    closer_below_px: float


@dataclass(frozen=True, slots=True)
class Seen:
    """The faces of one frame, nearest first. `fresh`: the detector saw them in this very frame, so their landmarks may be used."""

    faces: tuple[Face, ...]
    fresh: bool


class Attention:
    """Looks at one frame after the other."""

    def __init__(self, detector: Detector, effort: Effort) -> None:
        self._detector, self._effort = detector, effort
        self._grey: track.Grey | None = None
        self._faces: tuple[Face, ...] = ()
        self._detected_at: Moment | None = None
        self._stirred_at: Moment | None = None
        self._looked_at: Moment | None = None
        self.alertness = Alertness.AWAKE
        self.detections = 0

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces of the newest frame, nearest first."""
        return self._faces

    def has_somebody(self, now: Moment) -> bool:
        """Whether anybody may be there, as far as was looked a moment ago. Where nothing shows anybody, nobody is waited for: not
        even while the camera fails, which an update may put right."""
        looked = self._looked_at
        is_known = looked is not None and attend.elapsed(looked, now) < self._effort.asleep_after
        return is_known and self.alertness is Alertness.AWAKE

    def look(self, frame: Frame) -> Seen:
        """The faces in `frame`. Any movement wakes the kiosk in the frame that shows it."""
        before, now = self._grey, track.small_grey(frame.pixels)
        self._grey, self._looked_at = now, frame.moment
        if self._faces or before is None or before.shape != now.shape or moved(before, now):
            self._stirred_at = frame.moment
        self._fall_asleep_or_wake(frame.moment)
        if self._is_due(frame.moment, before):
            self._faces = self._detected(frame)
            return Seen(self._faces, fresh=True)
        assert before is not None
        self._faces = self._followed(before, now, frame.pixels.shape[1])
        return Seen(self._faces, fresh=False)

    def _fall_asleep_or_wake(self, now: Moment) -> None:
        quiet = self._stirred_at is not None and attend.elapsed(self._stirred_at, now) >= self._effort.asleep_after
        woke = self.alertness is Alertness.ASLEEP and not quiet
        self.alertness = Alertness.ASLEEP if quiet else Alertness.AWAKE
        if woke:
            self._detected_at = None

    def _is_due(self, now: Moment, before: track.Grey | None) -> bool:
        if before is None or self._detected_at is None:
            return True
        asleep = self.alertness is Alertness.ASLEEP
        interval = self._effort.asleep_interval if asleep else self._effort.detect_interval
        return attend.elapsed(self._detected_at, now) >= interval

    def _detected(self, frame: Frame) -> tuple[Face, ...]:
        self._detected_at = frame.moment
        self.detections += 1
        faces = self._detector.faces(frame.pixels)
        if not faces or faces[0].box.height >= self._effort.closer_below_px:
            return faces
        closer = self._detector.closer(frame.pixels, faces[0])
        return faces if closer is None else tuple(sorted((closer, *faces[1:]), key=lambda face: -face.box.height))

    def _followed(self, before: track.Grey, now: track.Grey, width_px: int) -> tuple[Face, ...]:
        found = (track.follow(before, now, face, width_px) for face in self._faces)
        return tuple(sorted((face for face in found if face is not None), key=lambda face: -face.box.height))


def moved(before: track.Grey, now: track.Grey) -> bool:
    """Whether enough of the picture changed; a change of light everywhere counts, too, and costs one run of the detector."""
    old, new = before[::MOTION_GRID, ::MOTION_GRID], now[::MOTION_GRID, ::MOTION_GRID]
    changed = np.abs(new.astype(np.int16) - old.astype(np.int16)) > MOTION_LEVELS
    return bool(changed.mean() > MOTION_SHARE)

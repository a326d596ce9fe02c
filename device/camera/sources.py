"""Where pictures come from: the port that every kind of camera fills, and the files that stand in for one.

A stand-in says that it is `simulated`, so that its punches carry liveness `not_assessed`. Never fetches
anything: paths are files of this machine.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from device import pictures
from device.camera.status import BadSource, CameraError, PictureUnreadable
from device.pictures import Pixels
from device.sentences import say

log = logging.getLogger(__name__)


class EndOfPictures(CameraError):
    """The source has shown all that it had."""


class Source(Protocol):
    """One kind of camera.

    All four methods are called by one thread only, because drivers are not safe against a second one.
    """

    @property
    def simulated(self) -> bool: ...

    @property
    def skipped(self) -> int:
        """Pictures that could not be shown so far."""
        ...

    def open(self) -> None:
        """Get ready to read, again after a failure too. Raises CameraAway."""
        ...

    def read(self) -> Pixels | None:
        """The next picture, (height, width, 3) uint8 BGR.

        None when this one try brought none. Raises CameraAway, EndOfPictures.
        """
        ...

    def skip(self) -> bool:
        """Pass over one picture without unpacking it, as it comes; False where pictures wait until they are read."""
        ...

    def close(self) -> None:
        """Let go of the device or file; allowed at any time, also twice."""
        ...


class OnePicture:
    """`file:PATH`: one picture, shown again and again, fitted into `size`."""

    simulated = True
    skipped = 0

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        try:
            self._picture = pictures.fit(pictures.read(path), size)
        except pictures.PictureError as error:
            raise PictureUnreadable(f"The picture {path.name} cannot be shown: {error}.") from error

    def open(self) -> None: ...

    def read(self) -> Pixels:
        return self._picture

    def skip(self) -> bool:
        return False

    def close(self) -> None: ...


class Folder:
    """`folder:PATH`: its JPEG and PNG pictures in the order of their names, once.

    One that cannot be read is skipped and counted.
    """

    simulated = True

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._paths = _pictures_in(path)
        self._size = size
        self._next = 0
        self.skipped = 0

    def open(self) -> None: ...

    def read(self) -> Pixels | None:
        if self._next == len(self._paths):
            raise EndOfPictures(say("camera.folder_over", count=len(self._paths), skipped=self.skipped))
        path, self._next = self._paths[self._next], self._next + 1
        try:
            return pictures.fit(pictures.read(path), self._size)
        except pictures.PictureError as error:
            self.skipped += 1
            # By position and not by name: files of faces are often named after people.
            log.warning("picture %d of %d of the folder was skipped: %s", self._next, len(self._paths), error)
            return None

    def skip(self) -> bool:
        return False

    def close(self) -> None: ...


class Video:
    """`video:PATH`: plays in its own time, once.

    Frames between two looks are passed over, and a slow video shows a frame twice.
    """

    simulated = True
    skipped = 0

    def __init__(self, path: Path, size: tuple[int, int], frames_per_second: float) -> None:
        if not path.is_file():
            raise BadSource(f"There is no video file at {path}; name one that exists: video:PATH.")
        self._path, self._size, self._looks_per_second = path, size, frames_per_second
        self._video = self._start()
        self._looks = 0
        self._taken = 0
        self._shown: Pixels | None = None

    def open(self) -> None: ...

    def read(self) -> Pixels:
        wanted = int(self._looks * self._steps) + 1
        self._looks += 1
        fresh = self._shown is None
        while self._taken < wanted:
            if not self._video.grab():
                raise EndOfPictures(say("camera.video_over"))
            self._taken, fresh = self._taken + 1, True
        return self._retrieved() if fresh or self._shown is None else self._shown

    def skip(self) -> bool:
        return False

    def close(self) -> None:
        self._video.release()

    def _retrieved(self) -> Pixels:
        good, pixels = self._video.retrieve()
        if not good:
            raise EndOfPictures(say("camera.video_damaged"))
        self._shown = pictures.fit(np.asarray(pixels, dtype=np.uint8), self._size)
        return self._shown

    def _start(self) -> cv2.VideoCapture:
        video = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not video.isOpened():
            raise PictureUnreadable(f"The video {self._path.name} cannot be played: it is damaged or unknown; try an MP4 file.")
        own_rate = video.get(cv2.CAP_PROP_FPS)
        self._steps = own_rate / self._looks_per_second if 0 < own_rate < 1000 else 1.0
        return video


def _pictures_in(folder: Path) -> tuple[Path, ...]:
    if not folder.is_dir():
        raise BadSource(f"There is no folder at {folder}; name one that exists: folder:PATH.")
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    paths = tuple(sorted(path for path in visible if path.suffix.lower() in pictures.SUFFIXES))
    if not paths:
        raise BadSource(f"The folder {folder} holds no JPEG or PNG picture; put some into it.")
    return paths

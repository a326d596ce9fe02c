"""`stage:FOLDER`: a simulated camera before which staged people walk up, for demonstrations and fault tests.

Promises to play each walk-up file once, in the order of their names, and to show the empty hall between them,
for ever. Never writes a frame; a log line names a walk-up file and nothing in it.

Whoever directs puts `0007.toml` into the folder (`walkups.write`, which renames it into place). It becomes
`0007.toml.playing` while it plays and `0007.toml.played` at its end, or `0007.toml.refused` when it cannot be
played. A kiosk that is killed leaves `.playing` behind, and so does one that is closed: the director sees it
and may put it on again; the stage leaves it alone.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from pathlib import Path

from device import walkups
from device.camera.status import BadSource, CameraAway
from device.pictures import Pixels
from device.sentences import say

log = logging.getLogger(__name__)


class Stage:
    """The source of `stage:FOLDER`; frames are of `size` (width, height)."""

    simulated = True
    skipped = 0

    def __init__(self, folder: Path, size: tuple[int, int], frames_per_second: float) -> None:
        if not folder.is_dir():
            raise BadSource(f"There is no folder at {folder}; make it first: stage:FOLDER.")
        self._folder, self._size, self._frames_per_second = folder, size, frames_per_second
        self._empty = walkups.empty(size)
        self._playing: Path | None = None
        self._frames: Iterator[Pixels] = iter(())

    def open(self) -> None: ...

    def read(self) -> Pixels:
        if self._playing is None:
            self._begin()
        pixels = next(self._frames, None)
        if pixels is not None:
            return pixels
        self._finish()
        return next(self._empty)

    def skip(self) -> bool:
        return False

    def close(self) -> None: ...

    def _begin(self) -> None:
        waiting = self._next_file()
        if waiting is None:
            return
        playing = _renamed(waiting, ".playing")
        if playing is None:
            return
        try:
            frames = walkups.render(walkups.read(playing), self._size, self._frames_per_second)
            first = next(frames)  # opens the photographs: a bad one is refused here and not shown in part
        except walkups.WalkUpRefused as refused:
            log.warning("walk-up %r is refused: %s", waiting.name, refused)
            _renamed(playing, ".refused", instead_of=".playing")
            return
        self._playing, self._frames = playing, itertools.chain((first,), frames)

    def _finish(self) -> None:
        playing, self._playing = self._playing, None
        if playing is not None:
            _renamed(playing, ".played", instead_of=".playing")

    def _next_file(self) -> Path | None:
        try:
            return min(filter(_is_waiting, self._folder.iterdir()), default=None)
        except OSError as error:
            raise CameraAway(say("camera.stage_folder", why=error.strerror)) from error


def _is_waiting(path: Path) -> bool:
    return path.suffix == ".toml" and not path.name.startswith(".") and path.is_file()


def _renamed(path: Path, suffix: str, instead_of: str = "") -> Path | None:
    """`path` under its new name; None when somebody else has taken it away meanwhile."""
    try:
        return path.rename(path.with_name(path.name.removesuffix(instead_of) + suffix))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CameraAway(say("camera.stage_rename", why=error.strerror)) from error

"""Settings as their files say now: a daemon whose part of them has changed ends, and whoever keeps it running starts it anew.

Only files are compared and parsed here; the library that checks settings is loaded by nobody for this.
"""

from __future__ import annotations

import logging
import threading
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from device.errors import DeviceError

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class Section:
    """One part of the settings, as it was when this was made; `files` says it, None for one that is not used here."""

    def __init__(self, files: Iterable[Path | None], name: str) -> None:
        self._paths, self._name = tuple(path for path in files if path is not None), name
        self._known = [_part(path, name, None) for path in self._paths]

    def has_changed(self) -> bool:
        """Whether it is another one now. Half a file, or none that can be read, is no change."""
        return any(_part(path, self._name, old) != old for path, old in zip(self._paths, self._known, strict=True))


def end_on_change(section: Section, stop: threading.Event, is_idle: Callable[[], bool] = lambda: True) -> None:
    """Until `stop`, which a change sets as soon as nothing is under way."""
    while not stop.wait(LOOK_EVERY_S):
        if section.has_changed() and is_idle():
            log.info("the settings of this daemon are others by now")
            stop.set()


class Switch:
    """A switch as the files say now, read anew when they change; as it was last where they cannot be used."""

    def __init__(self, files: Iterable[Path | None], read: Callable[[], bool]) -> None:
        self._paths = tuple(path for path in files if path is not None)
        self._read, self._lock = read, threading.Lock()
        self._stamps, self._is_on = self._now(), read()

    def __call__(self) -> bool:
        with self._lock:
            if (stamps := self._now()) != self._stamps:
                self._stamps = stamps
                try:
                    self._is_on = self._read()
                except DeviceError as error:
                    log.warning("the settings cannot be used as they are now: %s", error)
            return self._is_on

    def _now(self) -> list[tuple[int, int, int] | None]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _part(path: Path, name: str, otherwise: Any) -> Any:
    try:
        return tomllib.loads(path.read_text("utf-8")).get(name, {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return otherwise

"""What a person should look at: each alarm with the time it was first and last true, kept over restarts.

The names are a closed list, the same on the page, in the state that goes to the enterprise, and in docs/operations.md.
"""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path

import cattrs

from device import durable, messages
from device.api.health import Alarm

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=30)
MOST_KEPT = 50


class Book:
    """The alarms of one kiosk, in `path`; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, threading.Lock()
        self._alarms = _read(path)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Those that go on first, then the latest."""
        return tuple(sorted(self._alarms, key=lambda one: (one.active, one.last_at), reverse=True))

    def look(self, true_now: frozenset[str], now: datetime) -> None:
        """What is true at this moment. One that ended and comes back is a new one, with a first time of its own."""
        at = messages.write_time(now)
        with self._lock:
            before = {one.name for one in self._alarms if one.active}
            kept = [self._aged(one, true_now, at) for one in self._alarms]
            kept += [Alarm(name, at, at, True) for name in sorted(true_now - before)]
            kept = [one for one in kept if one.active or now - messages.read_time(one.last_at) < KEPT_FOR]
            self._alarms = sorted(kept, key=lambda one: (one.active, one.last_at))[-MOST_KEPT:]
            if before != true_now:
                self._say(true_now - before, before - true_now)
                self._keep()

    def _aged(self, one: Alarm, true_now: frozenset[str], at: str) -> Alarm:
        if not one.active:
            return one
        return replace(one, last_at=at) if one.name in true_now else replace(one, active=False)

    def _say(self, begun: frozenset[str] | set[str], over: frozenset[str] | set[str]) -> None:
        for name in sorted(begun):
            log.warning("alarm: %s", name)
        for name in sorted(over):
            log.info("alarm over: %s", name)

    def _keep(self) -> None:
        """A disk that takes nothing costs the memory of alarms, and is one itself."""
        try:
            durable.keep(self._path, json.dumps([asdict(one) for one in self._alarms]).encode("ascii"))
        except durable.NotKept as error:
            log.warning("%s", error)


def _read(path: Path) -> list[Alarm]:
    try:
        return [messages.CODEC.structure(one, Alarm) for one in json.loads(path.read_text("ascii"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, cattrs.BaseValidationError) as error:
        log.warning("%s cannot be read (%s); alarms begin anew", path, type(error).__name__)
        return []

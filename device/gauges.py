"""The machine's own state, now and over the last day: disk, memory, temperature, load, records that wait, and how the line runs."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

import psutil

from device import api, clock, messages, pulse
from device.errors import DeviceError
from device.journal import Journal

log = logging.getLogger(__name__)

KEPT = 288  # samples: a day, one every five minutes
EVERY_S, SAMPLED = 30.0, 10
MEGABYTE = 2**20


class Gauges:
    """Readings of one kiosk; `root` lies on the disk that matters."""

    def __init__(
        self,
        journal: Journal,
        time_source: clock.Clock,
        root: Path,
        health: Callable[[], api.Health] = api.Health,
        watched: Callable[[api.Machine], None] = lambda machine: None,
        beat: pulse.Pulse | None = None,
        owed: Callable[[], bool] = lambda: True,
    ) -> None:
        """`health` says what is to be known beside the machine itself; `watched` is told each reading, for alarms.

        `owed`: whether a server is to have the records.
        """
        self._journal, self._clock, self._root = journal, time_source, root
        self._health, self._watched, self._owed = health, watched, owed
        self._lap = (beat or pulse.Pulse()).laps()
        self._samples: deque[api.Sample] = deque(maxlen=KEPT)

    def keep(self, stop: threading.Event) -> None:
        """Alarms every half minute, and of every tenth reading a sample, until `stop`."""
        for number in itertools.count():
            try:
                now = self.read()
                self._watched(now)
                if number % SAMPLED == 0:
                    self.sample(now)
            except (DeviceError, OSError) as error:  # a disk that fails for a moment costs one sample
                log.warning("the machine's state could not be read: %s", error)
            except Exception:  # whatever it is, the next reading may show what has to be said
                log.exception("the machine's state could not be read")
            if stop.wait(EVERY_S):
                return

    def sample(self, now: api.Machine) -> None:
        """Remember how things are."""
        at = messages.write_time(self._clock.now().at)
        free, available = round(now.disk_free_bytes / MEGABYTE, 1), round(now.memory_available_bytes / MEGABYTE, 1)
        lap = self._lap()
        self._samples.append(api.Sample(at, now.temperature_c, free, available, now.backlog, lap.frames_per_second, lap.wait_s))

    def read(self) -> api.Machine:
        """How things are now, with the samples of the last day."""
        disk, memory, head = shutil.disk_usage(self._root), psutil.virtual_memory(), self._journal.head()
        oldest, now = self._journal.oldest_unacknowledged(), self._clock.now()
        return api.Machine(
            disk_free_bytes=disk.free,
            disk_total_bytes=disk.total,
            memory_available_bytes=memory.available,
            memory_total_bytes=memory.total,
            load=os.getloadavg()[0],
            temperature_c=temperature_c(),
            uptime_s=now.monotonic_us / 1_000_000,
            backlog=head.seq - head.acknowledged,
            oldest_unacknowledged_s=max(0, int((now.at - oldest).total_seconds())) if oldest else 0,
            samples=tuple(self._samples),
            health=self._health(),
            owed=self._owed(),
        )


def temperature_c() -> float:
    """The hottest sensor in degrees Celsius; 0 where there is none."""
    sensors = psutil.sensors_temperatures()
    return max((reading.current for found in sensors.values() for reading in found), default=0.0)

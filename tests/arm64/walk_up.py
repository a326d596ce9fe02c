"""Somebody before the product's own line from frame to record, on a processor that takes seconds for each look.

The clock goes by the frames, 15 a second, as a real processor would see them. By the wall clock the emulated one sees a face once
in some seconds, and the kiosk rightly takes nobody for the one whom it saw so long before.

usage: walk_up.py STATE WEIGHTS      exit status: 0 somebody was named and is on record, 1 nobody in all the frames
"""

from __future__ import annotations

import dataclasses
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from device import api, clock, config, kiosk, sight, state, terms, timekeeping
from device.camera import Frame
from models.landmarks.choice import Wanted

FRAMES_PER_SECOND = 15
MOST_FRAMES = 90  # six seconds before the camera


class FrameClock:
    """Begins now, and stands still between two frames."""

    def __init__(self) -> None:
        self._began, self.frames = clock.SystemClock().now(), 0

    def now(self) -> clock.Moment:
        since = timedelta(seconds=self.frames / FRAMES_PER_SECOND)
        monotonic_us = self._began.monotonic_us + since // timedelta(microseconds=1)
        return dataclasses.replace(self._began, at=self._began.at + since, monotonic_us=monotonic_us)


def decision(folder: state.Folder, weights: Path) -> api.Decision | None:
    """The first about whoever stands before the camera of the settings: with the kiosk's own models, rules and journal."""
    ticks, settings = FrameClock(), config.read(folder.config, folder.layer, folder.enterprise)
    time_source = timekeeping.Timekeeper(ticks, terms.time_limits(settings))
    files = kiosk.open_files(folder, settings.device.id, time_source, replace_damaged=False)
    eyes = sight.load(weights, settings.recognition, Wanted(settings.models.landmarks))
    with closing(eyes.landmarker), terms.open_camera(settings, time_source) as source:
        inside = kiosk.assemble(files, settings, eyes, source, time_source)
        for ticks.frames, shown in zip(range(MOST_FRAMES), source.frames(), strict=False):
            inside.walk.take(Frame(shown.pixels, ticks.now()))
            if inside.board.count:
                return inside.board.after(0, 0.0)[-1]
    return None


def main() -> int:
    found = decision(state.Folder(Path(sys.argv[1])), Path(sys.argv[2]))
    print("nobody was named" if found is None else f"{found.outcome}: {found.why or f'record {found.seq}'}")
    return 0 if found is not None and found.seq else 1


if __name__ == "__main__":
    sys.exit(main())

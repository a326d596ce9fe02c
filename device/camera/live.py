"""A camera that runs: one thread reads the source, and whoever asks gets the newest frame.

What was unplugged comes back by itself.
Promises that `frames()` never raises because a camera is away and that `close()` ends it at once. Never
queues frames and never blocks on a slow reader.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import math
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from device import clock
from device.camera.newest import Newest
from device.camera.sources import EndOfPictures, Source
from device.camera.status import CameraAway, CameraStatus, Frame, State
from device.pictures import Pixels
from device.sentences import say

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = (
    0.5,
    5.0,
)  # whoever has plugged the camera in again waits for the second at most
STALE_S = 1.0  # an older frame shows somebody who may have left
STALLED_S = 3.0  # a driver that hangs says nothing; after this long without a frame the status does
STUCK_S = 30.0  # after this long the watchdog may end the whole process
LEAVE_S = 0.3  # how long close() waits for the reading thread, which may hang in a driver

BLACK_MEAN = 5.0  # of 255: what a sensor gives behind a closed cover
BLACK_CONTRAST = 3.0  # of 255, standard deviation: noise alone; a lit window in a dark room has more
BLACK_AFTER_S = 2.0  # cameras start dark while they find their exposure
LUMINANCE_STRIDE = 8  # every 8th pixel of every 8th row: 5 kB of a 640 x 480 frame


class Camera:
    """A source that runs.

    It starts with the first `frames()`, so that a folder or video loses nothing while models load.
    """

    def __init__(self, name: str, source: Source, time_source: clock.Clock, frames_per_second: float) -> None:
        self._name, self._source, self._clock = name, source, time_source
        self._period_s = self._pace_s = 1 / frames_per_second
        self._newest = Newest()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._last_frame: clock.Moment | None = None
        self._dark_since: clock.Moment | None = None
        self._status = CameraStatus(State.OPENING, time_source.now(), say("camera.opening", name=name))

    @property
    def simulated(self) -> bool:
        """True for everything but a device: a punch from it carries liveness `not_assessed`."""
        return self._source.simulated

    def status(self) -> CameraStatus:
        """What the camera is doing now.

        A driver that hangs counts as away, although nothing has failed yet.
        """
        status, last = self._status, self._last_frame
        if last is None or status.state not in (State.STREAMING, State.BLACK):
            return status
        silent_s = self._age_s(last)
        if silent_s <= max(STALLED_S, 5 * self._period_s):
            return status
        sentence = say("camera.hangs", name=self._name, seconds=round(silent_s))
        return dataclasses.replace(status, state=State.AWAY, since=last, sentence=sentence)

    def is_stuck(self) -> bool:
        """Whether the driver has hung for so long that only a new process lets the device go."""
        status = self.status()
        hangs = status.state is State.AWAY and self._status.state in (State.STREAMING, State.BLACK)
        return hangs and self._age_s(status.since) > STUCK_S

    def frames(self) -> Iterator[Frame]:
        """The newest frame, again and again, until `close()` or the end of a folder or video.

        Waits while the camera is away. A caller who is slower than the camera misses frames; several callers
        do not disturb each other.
        """
        with self._starting:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._run, name=f"camera {self._name}", daemon=True)
                self._thread.start()
        return self._frames(self._newest.begin())

    def pace(self, frames_per_second: float | None) -> None:
        """Show fewer frames from now on, or as many as the camera gives (None); each is still the newest one."""
        self._pace_s = self._period_s if frames_per_second is None else max(self._period_s, 1 / frames_per_second)

    def close(self) -> None:
        """End every `frames()` and let go of the device; from any thread, also twice."""
        with self._starting:
            self._closing.set()
            thread = self._thread
        self._newest.close()
        if thread is not None and thread is not threading.current_thread():
            # A thread that hangs in a driver is left behind: it lets the device go when the driver returns.
            thread.join(LEAVE_S)
        self._become(State.ENDED, say("camera.closed"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _frames(self, seen: int) -> Iterator[Frame]:
        while (taken := self._newest.after(seen, self._is_fresh)) is not None:
            seen, frame = taken
            yield frame

    def _is_fresh(self, frame: Frame) -> bool:
        return self._age_s(frame.moment) <= max(STALE_S, 2 * self._period_s)

    def _age_s(self, moment: clock.Moment) -> float:
        return (self._clock.now().monotonic_us - moment.monotonic_us) / 1e6

    def _run(self) -> None:
        pauses = _pauses()
        while not self._closing.is_set():
            before = self._last_frame
            try:
                self._stream()
            except EndOfPictures as end:
                self._become(State.ENDED, str(end))
                self._newest.end()
                break
            except CameraAway as away:
                self._go_away(str(away))
            except Exception:
                # A loop's top: whatever it was, the kiosk goes on and the camera gets another chance.
                log.exception("camera %s failed in a way that nobody foresaw", self._name)
                self._status = dataclasses.replace(self._status, faults=self._status.faults + 1)
                self._go_away(say("camera.failed", name=self._name))
            if self._last_frame is not before:  # it had worked: begin with short pauses again
                pauses = _pauses()
            self._closing.wait(next(pauses))
        self._let_go()

    def _stream(self) -> None:
        """Open and read until something ends it; a device keeps its own time, a stand-in is held to one."""
        self._source.open()
        due_s = time.monotonic()
        shown_s = -math.inf
        while not self._closing.is_set():
            if self._is_early(time.monotonic() - shown_s) and self._source.skip():
                continue
            pixels = self._source.read()
            if pixels is not None:
                self._show(pixels)
                shown_s = time.monotonic()
            if self._source.simulated or pixels is None:
                due_s = max(due_s + self._pace_s, time.monotonic() - self._pace_s)
                self._closing.wait(max(0.0, due_s - time.monotonic()))

    def _is_early(self, since_shown_s: float) -> bool:
        """Whether fewer frames are wanted than come, and the last one was shown only just now."""
        return self._pace_s > self._period_s and since_shown_s < self._pace_s - self._period_s / 2

    def _show(self, pixels: Pixels) -> None:
        pixels.setflags(write=False)
        moment = self._last_frame = self._clock.now()
        if self._is_black(pixels, moment):
            self._become(State.BLACK, say("camera.black"))
        else:
            skipped = self._source.skipped
            self._become(State.STREAMING, say("camera.working_but", skipped=skipped) if skipped else say("camera.working"))
        self._newest.put(Frame(pixels, moment))

    def _is_black(self, pixels: Pixels, moment: clock.Moment) -> bool:
        sample = pixels[::LUMINANCE_STRIDE, ::LUMINANCE_STRIDE]
        if sample.mean() >= BLACK_MEAN or sample.std() >= BLACK_CONTRAST:
            self._dark_since = None
            return False
        self._dark_since = self._dark_since or moment
        return self._age_s(self._dark_since) >= BLACK_AFTER_S

    def _go_away(self, sentence: str) -> None:
        self._newest.forget()
        self._dark_since = None
        self._become(State.AWAY, sentence)
        self._let_go()

    def _let_go(self) -> None:
        try:
            self._source.close()
        except Exception:
            # Part of the loop's top: a driver that fails while closing changes nothing for us.
            log.exception("camera %s could not be closed", self._name)

    def _become(self, state: State, sentence: str) -> None:
        """Replace the status.

        `since` stays while the state does. A closed camera stays closed, whatever its thread finds out late.
        """
        old = self._status
        if self._closing.is_set() and state is not State.ENDED:
            return
        since = old.since if state is old.state else self._clock.now()
        skipped = self._source.skipped
        self._status = dataclasses.replace(old, state=state, since=since, sentence=sentence, skipped=skipped)
        if state is not old.state:
            level = logging.WARNING if state in (State.AWAY, State.BLACK) else logging.INFO
            log.log(level, "camera %s is %s: %s", self._name, state, sentence)


def _pauses() -> Iterator[float]:
    """How long to wait before each new attempt to open: doubling up to a cap, for ever."""
    return (min(FIRST_PAUSE_S * 2 ** min(attempt, 10), LONGEST_PAUSE_S) for attempt in itertools.count())

"""What time is trusted now, and what of it is written down.

Trusted are: the server's signed answer to this connection's nonce; below it the kernel's clock while somebody disciplines it (NTP).
From the first trusted time of a boot on, every moment is counted from it by the monotonic clock, whatever the wall clock does. The
wall clock is only compared, never set. Nothing here asks the network.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from device import clock
from device.clock import Moment, Quality
from device.messages import Anchor, Audit, Body, Source, TimeBody, timeline

log = logging.getLogger(__name__)

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # before this software was written; whoever says so has no idea
NTP_UNCERTAINTY_US = 100_000  # an assumption: chrony and timesyncd hold a LAN far below it, a poor Internet link about there
DRIFT_PPM = 100  # what a crystal may drift while nothing trusted is heard
MOST_ANSWER_US = 60_000_000  # an answer that took longer says too little about the time
STEP_US = 500_000  # a wall clock that moves by more than this against the monotonic one was set by somebody
DISAGREE = "clock_sources_disagree"
AGREE_AGAIN = "clock_sources_agree"
BY = "timekeeping"

Write = Callable[[Body, Moment], object]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far server and NTP may be apart, and how far the followed time may be off before it is renewed."""

    disagreement_us: int = 5_000_000
    drift_us: int = 500_000


@dataclass(frozen=True, slots=True)
class Standing:
    """Whose time is followed (`none`: nobody's), how sure it is, and by how much server and NTP disagree (0: they do not)."""

    source: str
    uncertainty_us: int
    disagrees_by_us: int


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known in this boot: anchors on record that hold together, the server's last answer, the wall clock's offset."""

    line: tuple[Anchor, ...] = ()
    server: Anchor | None = None
    wall_offset_us: int | None = None
    disagrees_by_us: int = 0


@dataclass(frozen=True, slots=True)
class News:
    """What a reading changes, and the records that have to be written before it holds."""

    trust: Trust
    bodies: tuple[Body, ...] = ()


class Timekeeper:
    """The kiosk's clock: the machine's clocks seen through what is trusted. Safe to use from several threads."""

    def __init__(self, machine: clock.Clock, limits: Limits | None = None) -> None:
        self._machine, self._limits = machine, limits or Limits()
        self._lock = threading.Lock()
        self._trust = Trust()
        self._write: Write | None = None

    def now(self) -> Moment:
        """All clocks at once; `at` is the trusted time where there is one, else what the wall clock says."""
        return seen(self._machine.now(), self._trust.line)

    def resume(self, anchors: Iterable[Anchor], write: Write) -> None:
        """Go on from what this boot has on record; `write` makes a record durable, or raises and is tried again at a later look."""
        line = timeline.consistent(anchors)
        server = next((anchor for anchor in reversed(line) if anchor.source is Source.SERVER), None)
        with self._lock:
            self._write, self._trust = write, Trust(line, server)

    def look(self) -> None:
        """Compare the wall clock with what is known; to be called every few seconds. Raises what `write` raises."""
        with self._lock:
            reading = self._machine.now()
            self._take(looked(self._trust, reading, self._limits), reading)

    def hear(self, said: datetime, asked: Moment, answered: Moment) -> None:
        """The server's signed time in answer to the nonce that went out at `asked`. Raises what `write` raises."""
        anchor = answer(said, asked, answered)
        if anchor is None:
            log.warning("the server's time is not used: it came too late after it was asked for, or lies before 2026")
            return
        with self._lock:
            reading = self._machine.now()
            self._take(heard(self._trust, anchor, reading, self._limits), reading)

    def standing(self) -> Standing:
        """For the status page and the state topic."""
        trust, now = self._trust, self._machine.now()
        if not trust.line:
            return Standing("none", 0, trust.disagrees_by_us)
        return Standing(trust.line[-1].source, uncertain(trust.line[-1], now.monotonic_us), trust.disagrees_by_us)

    def _take(self, news: News, reading: Moment) -> None:
        """What is not on record is not followed."""
        if self._write is None:
            return
        for body in news.bodies:
            self._write(body, seen(reading, news.trust.line))
            log.info("%s", body.action if isinstance(body, Audit) else "the clock follows a trusted time that is now on record")
        self._trust = news.trust


def seen(reading: Moment, line: tuple[Anchor, ...]) -> Moment:
    """The reading with its time counted from the last anchor; `synced` where the wall clock is right, else `corrected`."""
    if not line:
        plausible = reading.at >= EARLIEST
        return reading if plausible else replace(reading, quality=Quality.UNSYNCED)
    at_us = timeline.on_line(line, reading.monotonic_us)
    right = abs(at_us - timeline.microseconds(reading.at)) <= timeline.AGREES_US
    return replace(reading, at=timeline.moment(at_us), quality=Quality.SYNCED if right else Quality.CORRECTED)


def answer(said: datetime, asked: Moment, answered: Moment) -> Anchor | None:
    """The server read its clock at some moment between the question and the answer: half the round trip is the uncertainty."""
    trip_us = answered.monotonic_us - asked.monotonic_us
    if asked.boot_id != answered.boot_id or not 0 <= trip_us <= MOST_ANSWER_US or said < EARLIEST:
        return None
    half_us = (trip_us + 1) // 2
    return Anchor(answered.boot_id, asked.monotonic_us + half_us, timeline.microseconds(said), Source.SERVER, half_us)


def heard(trust: Trust, anchor: Anchor, reading: Moment, limits: Limits) -> News:
    """The server's answer: followed if there was nothing yet, or if what is followed is off by more than drift and uncertainty."""
    known = trust.server
    sharper = known is None or anchor.uncertainty_us <= uncertain(known, anchor.monotonic_us) or not timeline.agree(known, anchor)
    trust = replace(trust, server=anchor if sharper else known)
    first = followed(trust, anchor, reading) if is_needed(trust.line, anchor, limits) else News(trust)
    known_step = replace(first.trust, wall_offset_us=None) if first.bodies else first.trust  # the record says what the wall says
    then = looked(known_step, reading, limits)
    return News(then.trust, first.bodies + then.bodies)


def looked(trust: Trust, reading: Moment, limits: Limits) -> News:
    """The wall clock: a step is put on record; under NTP's discipline it is a trusted time of its own, below the server's."""
    offset_us = timeline.microseconds(reading.at) - reading.monotonic_us
    stepped = trust.wall_offset_us is not None and abs(offset_us - trust.wall_offset_us) > STEP_US
    found = disciplined(reading)
    apart_us = disagreement(trust.server, found, limits)
    bodies: tuple[Body, ...] = ()
    if bool(apart_us) is not bool(trust.disagrees_by_us):
        bodies = (Audit(DISAGREE if apart_us else AGREE_AGAIN, BY),)
    trust = replace(trust, wall_offset_us=offset_us, disagrees_by_us=apart_us)
    if found is not None and not apart_us and is_needed(trust.line, found, limits):
        news = followed(trust, found, reading)
        if news.bodies:
            return News(news.trust, bodies + news.bodies)
    if stepped and trust.line:
        bodies += (_record(trust.line[-1], reading),)
    return News(trust, bodies)


def disciplined(reading: Moment) -> Anchor | None:
    """The wall clock as a trusted time, while somebody disciplines it and it shows a time that can be."""
    if reading.quality is not Quality.SYNCED or reading.at < EARLIEST:
        return None
    wall_us = timeline.microseconds(reading.at)
    return Anchor(reading.boot_id, reading.monotonic_us, wall_us, Source.NTP, NTP_UNCERTAINTY_US)


def disagreement(server: Anchor | None, found: Anchor | None, limits: Limits) -> int:
    """How far NTP is from what the server said, where that is more than the limit and the drift since then; 0 otherwise."""
    if server is None or found is None:
        return 0
    apart_us = off_by(server, found)
    return apart_us if apart_us > limits.disagreement_us + uncertain(server, found.monotonic_us) else 0


def is_needed(line: tuple[Anchor, ...], anchor: Anchor, limits: Limits) -> bool:
    """Whether an anchor says more than what is followed: nothing was, or it is off, or it was coarse."""
    if not line:
        return True
    last = line[-1]
    sharper = last.uncertainty_us > timeline.FINE_US >= anchor.uncertainty_us
    return sharper or off_by(last, anchor) > max(limits.drift_us, anchor.uncertainty_us)


def followed(trust: Trust, anchor: Anchor, reading: Moment) -> News:
    """The anchor on record and in use, unless it cannot be true together with what ranks above it."""
    line = timeline.consistent((*trust.line, anchor))
    if anchor not in line:
        return News(trust)
    return News(replace(trust, line=line), (_record(anchor, reading),))


def off_by(anchor: Anchor, other: Anchor) -> int:
    """Microseconds between two anchors of one boot, both counted to the same moment."""
    return abs((other.utc_us - other.monotonic_us) - (anchor.utc_us - anchor.monotonic_us))


def uncertain(anchor: Anchor, monotonic_us: int) -> int:
    """The anchor's uncertainty at another moment: a crystal drifts meanwhile."""
    return anchor.uncertainty_us + abs(monotonic_us - anchor.monotonic_us) * DRIFT_PPM // 1_000_000


def _record(anchor: Anchor, reading: Moment) -> TimeBody:
    utc = timeline.moment(anchor.utc_us)
    return TimeBody(anchor.boot_id, anchor.monotonic_us, utc, anchor.source, anchor.uncertainty_us, reading.at)

"""When a record really was made: the one correction that kiosk, ingester and exports all apply. Values in, values out.

Within a boot the monotonic clock counts on, whatever the wall clock does; an anchor says which UTC belonged to one reading of it.
With an anchor every record of that boot has a time, earlier ones too, and their order stays. A boot that never got one lies between
its neighbours in the chain: its times are bounded by them, estimated, and marked for a person to review. What a record says is
never changed.
"""

from __future__ import annotations

import bisect
import enum
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from device.messages.records import Record, Source, Stamp, TimeBody, read_body

DRIFT_PPM = 200  # a Raspberry Pi's crystal is good for about 100; twice that is no drift but another time
FINE_US = 1_000_000  # an anchor that is less certain counts only where there is no better one
AGREES_US = 1_000_000  # a wall clock this near to the trusted time is right
RANK = {Source.OPERATOR: 0, Source.NTP: 1, Source.SERVER: 2}
IMPLAUSIBLE_US = 1_577_836_800_000_000  # 2020: before any kiosk of ours; a clock that says so was never set
UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # the calendar's years 1 to 9999


class Quality(enum.StrEnum):
    """How far a record's time can be trusted."""

    SYNCED = "synced"
    CORRECTED = "corrected"
    UNSYNCED = "unsynced"


@dataclass(frozen=True, slots=True)
class Anchor:
    """At `monotonic_us` of this boot it was `utc_us` (microseconds since 1970), give or take `uncertainty_us`."""

    boot_id: str
    monotonic_us: int
    utc_us: int
    source: Source
    uncertainty_us: int


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot as its records show it: number, both clocks and quality of the first one, monotonic clock of the last."""

    boot_id: str
    first_seq: int
    first_at_us: int
    first_monotonic_us: int
    first_quality: str
    last_monotonic_us: int


@dataclass(frozen=True, slots=True)
class Window:
    """When a boot without a trusted time began: estimate and, where neighbours give them, bounds; microseconds since 1970."""

    start_us: int
    earliest_us: int | None
    latest_us: int | None


@dataclass(frozen=True, slots=True)
class Corrected:
    """A record's time as it should be read. `earliest` and `latest` bound an estimate; `review`: a person must look at it."""

    at: datetime
    quality: Quality
    review: bool = False
    earliest: datetime | None = None
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is known about the boots of one journal; `of` makes it."""

    lines: Mapping[str, tuple[Anchor, ...]]
    windows: Mapping[str, Window]

    def correct(self, stamp: Stamp) -> Corrected:
        """The time of a record with this stamp. It depends on boot and monotonic clock alone where that boot has an anchor."""
        if line := self.lines.get(stamp.boot_id):
            at_us = on_line(line, stamp.monotonic_us)
            right = stamp.time_quality == Quality.SYNCED and abs(at_us - microseconds(stamp.at)) <= AGREES_US
            return Corrected(moment(at_us), Quality.SYNCED if right else Quality.CORRECTED)
        if stamp.time_quality in (Quality.SYNCED, Quality.CORRECTED):  # a newer version's own word is as good as none
            return Corrected(stamp.at, Quality(stamp.time_quality))
        window = self.windows.get(stamp.boot_id)
        if window is None:
            return Corrected(stamp.at, Quality.UNSYNCED, review=True)
        earliest, latest = (
            None if bound is None else moment(bound + stamp.monotonic_us) for bound in (window.earliest_us, window.latest_us)
        )
        return Corrected(moment(window.start_us + stamp.monotonic_us), Quality.UNSYNCED, True, earliest, latest)


def of(boots: Iterable[Boot], anchors: Iterable[Anchor]) -> Timeline:
    """The timeline of one journal (one epoch of one device), in whatever order boots and anchors come."""
    by_boot: dict[str, list[Anchor]] = {}
    for anchor in anchors:
        by_boot.setdefault(anchor.boot_id, []).append(anchor)
    lines = {boot_id: consistent(found) for boot_id, found in by_boot.items()}
    return Timeline(lines, _windows(sorted(boots, key=lambda boot: boot.first_seq), lines))


def read(records: Iterable[Record]) -> Timeline:
    """The timeline that a journal's records themselves give, as whoever holds only an export would compute it."""
    boots: dict[str, Boot] = {}
    anchors = []
    for record in records:
        stamp = record.stamp
        known = boots.get(stamp.boot_id)
        boots[stamp.boot_id] = begun(record.seq, stamp) if known is None else merged(known, begun(record.seq, stamp))
        body = read_body(record) if record.kind == "time" else None
        if isinstance(body, TimeBody):
            anchors.append(anchor_of(body))
    return of(boots.values(), anchors)


def anchor_of(body: TimeBody) -> Anchor:
    """The anchor that a `time` record states."""
    return Anchor(body.boot_id, body.monotonic_us, microseconds(body.utc), Source(body.source), body.uncertainty_us)


def begun(seq: int, stamp: Stamp) -> Boot:
    """A boot of which only this record is known."""
    return Boot(stamp.boot_id, seq, microseconds(stamp.at), stamp.monotonic_us, stamp.time_quality, stamp.monotonic_us)


def merged(one: Boot, other: Boot) -> Boot:
    """Two views of the same boot as one."""
    first = min(one, other, key=lambda boot: boot.first_seq)
    last = max(one.last_monotonic_us, other.last_monotonic_us)
    return Boot(first.boot_id, first.first_seq, first.first_at_us, first.first_monotonic_us, first.first_quality, last)


def consistent(anchors: Iterable[Anchor]) -> tuple[Anchor, ...]:
    """The anchors of one boot that can be true together, ascending: the best source first, of two equal ones the later.

    What contradicts a kept neighbour by more than both uncertainties and the drift between them is left out; so is what would let
    time stand still. Coarse anchors count only where there is no fine one.
    """
    found = list(anchors)
    fine = [anchor for anchor in found if anchor.uncertainty_us <= FINE_US]
    kept: list[Anchor] = []
    for anchor in sorted(fine or found, key=_preference, reverse=True):
        place = bisect.bisect(kept, anchor.monotonic_us, key=lambda other: other.monotonic_us)
        before, after = kept[max(place - 1, 0) : place], kept[place : place + 1]
        if all(itertools.starmap(agree, [*((one, anchor) for one in before), *((anchor, one) for one in after)])):
            kept.insert(place, anchor)
    return tuple(kept)


def _preference(anchor: Anchor) -> tuple[int, int, int, int]:
    """A total order, so that it does not matter in which order anchors come."""
    return RANK[anchor.source], anchor.monotonic_us, anchor.utc_us, -anchor.uncertainty_us


def agree(earlier: Anchor, later: Anchor) -> bool:
    """Whether a drifting crystal and the two uncertainties explain both anchors of one boot."""
    counted, passed = later.monotonic_us - earlier.monotonic_us, later.utc_us - earlier.utc_us
    tolerated = earlier.uncertainty_us + later.uncertainty_us + counted * DRIFT_PPM // 1_000_000
    return counted > 0 and passed > 0 and abs(passed - counted) <= tolerated


def on_line(line: tuple[Anchor, ...], monotonic_us: int) -> int:
    """UTC (microseconds since 1970) at `monotonic_us`: interpolated between two anchors, counted on from the nearest outside."""
    place = bisect.bisect(line, monotonic_us, key=lambda anchor: anchor.monotonic_us)
    if place == 0 or place == len(line):
        nearest = line[max(place - 1, 0)]
        return nearest.utc_us + monotonic_us - nearest.monotonic_us
    before, after = line[place - 1], line[place]
    passed = (monotonic_us - before.monotonic_us) * (after.utc_us - before.utc_us)
    return before.utc_us + passed // (after.monotonic_us - before.monotonic_us)


def _windows(boots: list[Boot], lines: Mapping[str, tuple[Anchor, ...]]) -> dict[str, Window]:
    """A boot began after the one before it had ended, and ended before the next one began; monotonic clocks count from the boot."""
    trusted = {boot.boot_id: start for boot in boots if (start := _trusted_start(boot, lines)) is not None}
    latest = _latest_starts(boots, trusted)
    windows: dict[str, Window] = {}
    floor: int | None = None  # the end of the nearest earlier trusted boot, and what was counted since
    ended: int | None = None  # the end of the boot before, as estimated
    for boot in boots:
        start = trusted.get(boot.boot_id)
        if start is None:
            ceiling = latest[boot.boot_id]
            start = _estimate(boot.first_at_us - boot.first_monotonic_us, ended, ceiling)
            windows[boot.boot_id] = Window(start, floor, ceiling)
            floor = None if floor is None else floor + boot.last_monotonic_us
        else:
            floor = (
                on_line(lines[boot.boot_id], boot.last_monotonic_us) if boot.boot_id in lines else start + boot.last_monotonic_us
            )
        ended = floor if boot.boot_id in trusted else start + boot.last_monotonic_us
    return windows


def _latest_starts(boots: list[Boot], trusted: Mapping[str, int]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    ceiling: int | None = None
    for boot in reversed(boots):
        if boot.boot_id in trusted:
            ceiling = trusted[boot.boot_id]
        elif ceiling is not None:
            ceiling -= boot.last_monotonic_us
        found[boot.boot_id] = ceiling
    return found


def _trusted_start(boot: Boot, lines: Mapping[str, tuple[Anchor, ...]]) -> int | None:
    if boot.boot_id in lines:
        return on_line(lines[boot.boot_id], 0)
    return None if boot.first_quality == Quality.UNSYNCED else boot.first_at_us - boot.first_monotonic_us


def _estimate(wall_us: int, ended: int | None, ceiling: int | None) -> int:
    """The wall clock's own word where the neighbours allow it, else the nearest moment that they do."""
    if ended is not None:
        wall_us = max(wall_us, ended)
    if ceiling is not None and (wall_us > ceiling or wall_us < IMPLAUSIBLE_US):
        return ceiling
    return wall_us


def microseconds(at: datetime) -> int:
    """Since 1970, exactly."""
    return (at - UNIX_EPOCH) // timedelta(microseconds=1)


def moment(utc_us: int) -> datetime:
    """The aware UTC time, held within the calendar: a forged anchor must not stop a listing."""
    return UNIX_EPOCH + timedelta(microseconds=min(max(utc_us, FIRST_US), LAST_US))

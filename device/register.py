"""The register: punches as the administrators' pages list them, found by person, time and way without reading the journal through.

Columns in memory, about 40 bytes a punch, filled when first asked for and kept up from there. The journal stays the truth: the
register only says which records to show and in which order, by their corrected times.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device import messages
from device.errors import DeviceError
from device.journal import Brief, Journal
from device.messages import Direction, Stamp, Timeline, timeline
from device.messages.attendance import Disputes

COUNTS, DISPUTED, VOIDED = "counts", "disputed", "voided"
STATES = (COUNTS, DISPUTED, VOIDED)
SORTS = ("at", "seq", "person", "direction", "method", "state", "quality")
FEWEST_ROWS = 1_024
MOST_KEPT = 2  # as much as the web daemon writes at once; 8 MB each for 360,000 punches
PAGE = 5_000  # rows a step: no punch waits long for the journal's lock behind it


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which punches; None and empty mean any. `since` counts, `until` does not; `people` are opaque ids.

    `state`: counts (disputed ones count, too), disputed, or voided. `sort` is one of SORTS; those who are equal in it stand by
    their times. `ranks` is whose place is where, by opaque ids, for `sort` person; whoever has none stands last.
    """

    since: datetime | None = None
    until: datetime | None = None
    people: frozenset[str] | None = None
    direction: str = ""
    method: str = ""
    review: bool = False
    state: str = ""
    descending: bool = True
    sort: str = "at"
    ranks: Mapping[str, int] = field(default_factory=dict)
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A punch in the register: its record, whose it is, the time that it is to be read with, and whether it counts."""

    seq: int
    person: str
    direction: str
    at: datetime
    quality: str
    review: bool
    state: str


@dataclass(frozen=True, slots=True)
class Found:
    """The asked-for part of the punches that match, in the order of their times, and how many match in all."""

    total: int
    punches: tuple[Listed, ...]

    @property
    def seqs(self) -> tuple[int, ...]:
        return tuple(punch.seq for punch in self.punches)


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Who is inside, who is on a break, and how many were here on this day and have gone."""

    inside: Found
    resting: Found
    gone: int


class ListGone(DeviceError):
    """A list that was kept for its reader is not here any more."""


HoldsFor = Callable[[Direction], timedelta]  # how long somebody is where such a punch brought them; device.attend has it


class Register:
    """One journal's punches by column; safe to use from several threads."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._rows = Rows()
        self._line: Timeline | None = None
        self._kept: dict[str, Rows] = {}  # the one that was read longest ago stands first

    def find(self, wanted: Wanted) -> Found:
        """The punches that match, newest first unless asked otherwise."""
        with self._lock:
            rows = self._caught_up()
            return _part(rows, _ordered(rows, wanted), wanted.offset, wanted.limit)

    def keep(self, wanted: Wanted) -> str:
        """Keep the list of what matches now, whatever is voided, added or put right while somebody reads it; the key for `kept`."""
        with self._lock:
            rows, key = self._caught_up(), secrets.token_urlsafe(16)
            while len(self._kept) >= MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = rows.taken(_ordered(rows, wanted))
            return key

    def kept(self, key: str, offset: int, limit: int) -> Found:
        """A part of that list; it goes with its last part. ListGone if it went before."""
        with self._lock:
            rows = self._kept.pop(key, None)
            if rows is None or rows.epoch != self._journal.head().epoch:
                raise ListGone("the list is not kept any more: the kiosk has restarted, or others were begun since; begin again")
            if offset + limit < rows.count:
                self._kept[key] = rows
            return _part(rows, np.arange(rows.count), offset, limit)

    def fill(self) -> None:
        """Read the journal now, so that the first page need not wait for it."""
        with self._lock:
            self._caught_up()

    def punch(self, seq: int) -> Listed | None:
        """One punch by its record's number, or None."""
        with self._lock:
            rows = self._caught_up()
            place = rows.place(seq)
            return None if place is None else rows.listed(place)

    def whereabouts(self, day: datetime, now: datetime, holds_for: HoldsFor, most: int | None = None) -> Whereabouts:
        """Where everybody is `now`, by their latest punch that counts; `most` of each place are listed, whoever came first first.

        `day` is when the day began: whoever went before it is not told as gone.
        """
        with self._lock:
            rows = self._caught_up()
            spans = {way: round(holds_for(way).total_seconds() * 1_000_000) for way in Direction}
            now_us, day_us = timeline.microseconds(now), timeline.microseconds(day)
            latest = _latest(rows, min(day_us, now_us - max(spans.values())))
            ages, ways = now_us - rows.at_us[latest], rows.direction[latest]
            holds = np.zeros(len(latest), np.bool_)
            for way, span in spans.items():
                holds |= np.isin(ways, rows.directions.known([way])) & (ages >= 0) & (ages < span)
            resting = holds & np.isin(ways, rows.directions.known([Direction.BREAK]))
            gone = int(np.count_nonzero(~holds & (rows.at_us[latest] >= day_us)))
            return Whereabouts(_found(rows, latest[holds & ~resting], most), _found(rows, latest[resting], most), gone)

    def _caught_up(self) -> Rows:
        head = self._journal.head()
        if self._rows.epoch != head.epoch:  # a new journal has begun
            self._rows, self._line = Rows(epoch=head.epoch), None
        while briefs := self._journal.brief_punches(self._rows.last, PAGE):
            self._rows.extend(briefs)
        line = self._journal.timeline()
        if line is not self._line:
            self._rows.corrected_to = 0
            self._line = line
        self._rows.correct(line)
        self._rows.forget_before(head.kept_from)
        return self._rows


class Words:
    """Small numbers for repeated texts."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._words: list[str] = []

    def code(self, word: str) -> int:
        """The number of a text, given out when it is first seen."""
        if (code := self._codes.get(word)) is None:
            code = self._codes[word] = len(self._words)
            self._words.append(word)
        return code

    def known(self, words: Iterable[str]) -> list[int]:
        """The numbers of those texts that were ever seen."""
        return [self._codes[word] for word in words if word in self._codes]

    def word(self, code: int) -> str:
        """The text of a number."""
        return self._words[code]

    def ranks(self, place: Callable[[str], Any] = str) -> NDArray[np.int64]:
        """By number: where its text stands among all of them, by what `place` makes of it; equal ones stand at one place."""
        places = {found: rank for rank, found in enumerate(sorted({place(word) for word in self._words}))}
        return np.array([places[place(word)] for word in self._words], np.int64)


COLUMNS = {
    "seq": np.int64,
    "at_us": np.int64,
    "said_us": np.int64,
    "monotonic_us": np.int64,
    "boot": np.int32,
    "person": np.int32,
    "quality": np.int8,
    "direction": np.int8,
    "method": np.int8,
    "review": np.bool_,
    "fixed": np.bool_,  # the office said when it was: no clock corrects that
    "state": np.int8,
    "told": np.int8,  # how far the corrected time can be trusted
}

SHOWN = ("seq", "at_us", "person", "direction", "told", "review", "state")


class Rows:
    """The columns, grown by doubling; `at_us` is the corrected time, `said_us` what the wall clock said."""

    def __init__(self, epoch: str = "") -> None:
        self.epoch, self.last, self.count, self.corrected_to = epoch, 0, 0, 0
        self.people, self.boots, self.qualities, self.directions, self.methods = (Words() for _ in range(5))
        self._columns: dict[str, NDArray[Any]] = {name: np.zeros(FEWEST_ROWS, kind) for name, kind in COLUMNS.items()}
        self._disputes = Disputes()
        self._timed_by: dict[int, int] = {}  # which record's time a correction has that states none

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name not in COLUMNS:
            raise AttributeError(name)
        return self._columns[name][: self.count]

    def extend(self, briefs: list[Brief]) -> None:
        """More punches and what was said about earlier ones, in the order of their numbers."""
        while self.count + len(briefs) > len(self._columns["seq"]):
            more = max(FEWEST_ROWS, len(self._columns["seq"]))  # a full register of which all was forgotten has no room at all
            self._columns = {name: np.concatenate((column, np.zeros(more, column.dtype))) for name, column in self._columns.items()}
        for brief in briefs:
            if brief.kind == "void":
                self._mark(brief.about, VOIDED)
                continue
            if brief.kind == "dispute":
                for seq in self._disputes.dispute(brief.about):
                    self._mark(seq, DISPUTED)
                continue
            if brief.kind == "correction" and not brief.punched_at and self.place(brief.about) is None:
                continue  # what it replaces was removed, and its time with it
            for name, value in self._values(brief):
                self._columns[name][self.count] = value
            self.count += 1
            if brief.kind == "correction":
                self._place(self.count - 1, brief)
                if self._disputes.correct(brief.seq, brief.about, brief.by):
                    self._mark(brief.seq, DISPUTED)
        self.last = briefs[-1].seq

    def taken(self, places: NDArray[np.int64]) -> Rows:
        """Copies of some rows, in the order of `places`: as much of each as `listed` needs."""
        taken = Rows(self.epoch)
        taken.people, taken.qualities, taken.directions = self.people, self.qualities, self.directions
        taken._columns = {name: self._columns[name][places] for name in SHOWN}
        taken.count = len(places)
        return taken

    def place(self, seq: int) -> int | None:
        """Where the punch with that number stands, or None."""
        place = int(np.searchsorted(self.seq, seq))
        return place if place < self.count and self.seq[place] == seq else None

    def listed(self, place: int) -> Listed:
        """The punch at that place."""
        column = self._columns
        at, state = timeline.moment(int(column["at_us"][place])), STATES[int(column["state"][place])]
        quality = self.qualities.word(int(column["told"][place]))
        person, direction = self.people.word(int(column["person"][place])), self.directions.word(int(column["direction"][place]))
        return Listed(int(column["seq"][place]), person, direction, at, quality, bool(column["review"][place]), state)

    def _mark(self, seq: int, state: str) -> None:
        """A voided punch stays voided, whoever disputes it afterwards."""
        if (place := self.place(seq)) is not None:
            self._columns["state"][place] = max(int(self._columns["state"][place]), STATES.index(state))

    def _place(self, place: int, brief: Brief) -> None:
        """A correction's time: the one that the office stated, else that of the punch which it replaces."""
        column = self._columns
        if brief.punched_at:
            column["fixed"][place] = True
            column["said_us"][place] = timeline.microseconds(messages.read_time(brief.punched_at))
        elif (old := self.place(brief.about)) is not None:
            self._timed_by[brief.seq] = self._timed_by.get(brief.about, brief.about)
            for name in ("said_us", "monotonic_us", "boot", "quality", "fixed"):
                column[name][place] = column[name][old]

    def _values(self, brief: Brief) -> Iterator[tuple[str, int]]:
        yield "seq", brief.seq
        yield "said_us", timeline.microseconds(messages.read_time(brief.at))
        yield "monotonic_us", brief.monotonic_us
        yield "boot", self.boots.code(brief.boot_id)
        yield "person", self.people.code(brief.person)
        yield "quality", self.qualities.code(brief.time_quality)
        yield "direction", self.directions.code(brief.direction)
        yield "method", self.methods.code(brief.method)
        yield "state", 0
        yield "fixed", 0
        yield "told", 0

    def correct(self, line: Timeline) -> None:
        """Give each punch that has none yet the time that it should be read with."""
        at_us, review, told = (self._columns[name] for name in ("at_us", "review", "told"))
        for place in range(self.corrected_to, self.count):
            if self._columns["fixed"][place]:
                at_us[place], review[place] = self._columns["said_us"][place], False
                told[place] = self.qualities.code(messages.Quality.SYNCED)
                continue
            found = line.correct(self._stamp(place))
            at_us[place], review[place] = timeline.microseconds(found.at), found.review
            told[place] = self.qualities.code(found.quality)
        self.corrected_to = self.count

    def _stamp(self, place: int) -> Stamp:
        column = self._columns
        return Stamp(
            timeline.moment(int(column["said_us"][place])),
            self.boots.word(int(column["boot"][place])),
            int(column["monotonic_us"][place]),
            self.qualities.word(int(column["quality"][place])),
        )

    def forget_before(self, kept_from: int) -> None:
        """Records that the journal has removed are shown no more, nor corrections that had the time of one."""
        gone = int(np.searchsorted(self.seq, kept_from))
        if gone:
            kept = np.ones(len(self._columns["seq"]), np.bool_)  # the room for more, too
            kept[:gone] = False
            kept[np.searchsorted(self.seq, [seq for seq, timed_by in self._timed_by.items() if timed_by < kept_from])] = False
            self._timed_by = {seq: timed_by for seq, timed_by in self._timed_by.items() if timed_by >= kept_from}
            self._columns = {name: column[kept] for name, column in self._columns.items()}
            self.count, self.corrected_to = (int(np.count_nonzero(kept[:upto])) for upto in (self.count, self.corrected_to))


def _latest(rows: Rows, since_us: int) -> NDArray[np.int64]:
    """Where the latest punch of each person that counts stands, none before `since_us`; in the order of their times."""
    places = np.flatnonzero((rows.at_us >= since_us) & (rows.state != STATES.index(VOIDED)))
    ordered = places[np.lexsort((rows.seq[places], rows.at_us[places]))]
    _, last = np.unique(rows.person[ordered[::-1]], return_index=True)
    return ordered[np.sort(len(ordered) - 1 - last)]


def _ordered(rows: Rows, wanted: Wanted) -> NDArray[np.int64]:
    """Where all that match stand, in the order that is wanted."""
    places = np.flatnonzero(_matching(rows, wanted))
    ordered = places[np.lexsort((rows.seq[places], rows.at_us[places], _sorted_by(rows, wanted)[places]))]
    return ordered[::-1] if wanted.descending else ordered


def _part(rows: Rows, places: NDArray[np.int64], offset: int, limit: int) -> Found:
    return Found(len(places), tuple(rows.listed(int(place)) for place in places[offset : offset + limit]))


def _sorted_by(rows: Rows, wanted: Wanted) -> NDArray[Any]:
    """What the rows are sorted by, as numbers in that order."""
    if wanted.sort in ("at", "seq", "state"):
        return {"at": rows.at_us, "seq": rows.seq, "state": rows.state}[wanted.sort]
    if wanted.sort == "person":
        last = len(wanted.ranks)
        return _taken(rows.people.ranks(lambda person: wanted.ranks.get(person, last)), rows.person)
    words, column = {
        "direction": (rows.directions, rows.direction),
        "method": (rows.methods, rows.method),
        "quality": (rows.qualities, rows.told),
    }[wanted.sort]
    return _taken(words.ranks(), column)


def _taken(ranks: NDArray[np.int64], codes: NDArray[Any]) -> NDArray[Any]:
    taken: NDArray[Any] = ranks[codes]
    return taken


def _found(rows: Rows, places: NDArray[np.int64], most: int | None) -> Found:
    return Found(len(places), tuple(rows.listed(int(place)) for place in places[:most]))


def _matching(rows: Rows, wanted: Wanted) -> NDArray[np.bool_]:
    matches = np.ones(rows.count, np.bool_)
    if wanted.since is not None:
        matches &= rows.at_us >= timeline.microseconds(wanted.since)
    if wanted.until is not None:
        matches &= rows.at_us < timeline.microseconds(wanted.until)
    if wanted.people is not None:
        matches &= np.isin(rows.person, rows.people.known(wanted.people))
    if wanted.direction:
        matches &= np.isin(rows.direction, rows.directions.known([wanted.direction]))
    if wanted.method:
        matches &= np.isin(rows.method, rows.methods.known([wanted.method]))
    if wanted.state:
        allowed = (0, 1) if wanted.state == COUNTS else (STATES.index(wanted.state),)
        matches &= np.isin(rows.state, allowed)
    if wanted.review:
        matches &= rows.review.astype(np.bool_)
    return matches

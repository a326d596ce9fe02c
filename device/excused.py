"""Who has just been enrolled before this camera, and by which face: they are not clocked in by it until they step away.

A sitting takes faces from farther away than people clock in from, so it is the face that is excused, wherever it stands. Geometry
and time alone decide when that is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from device import attend, tracks
from device.clock import Moment
from device.tracks import Crowd, Track


@dataclass(frozen=True, slots=True)
class Excuse:
    """One person, and how tall their face was then, pixels of the frame."""

    person: str
    height: float


class Excused:
    """Follows whoever was enrolled from frame to frame. `put` is for any thread, the rest for the one that sees."""

    def __init__(self, least_height_px: float, lead: float) -> None:
        """Whoever is less tall than `least_height_px`, and `lead` times less than when they were enrolled, has stepped away."""
        self._least_height_px, self._lead = least_height_px, lead
        self._waiting = ""
        self._since: Moment | None = None
        self._excuses: dict[int, frozenset[Excuse]] = {}

    def put(self, person: str) -> None:
        """Somebody has just been enrolled: the nearest face is theirs."""
        self._waiting = person

    def covers(self, track: Track, person: str) -> bool:
        """Whether this face has just made `person` known, or can be the one that did."""
        return any(excuse.person == person for excuse in self._excuses.get(track.number, ()))

    def follow(self, crowd: Crowd, now: Moment) -> None:
        """One more frame. Where it is in doubt which of several faces it is, none of them clocks that person in."""
        self._excuses = {track.number: found for track in crowd.tracks if (found := self._of(track))}
        if self._waiting:
            self._bind(crowd.seen, now)

    def _of(self, track: Track) -> frozenset[Excuse]:
        before = (self._excuses.get(number, frozenset()) for number in (track.number, *track.instead_of))
        return frozenset(one for found in before for one in found if not self._has_stepped_away(track, one))

    def _has_stepped_away(self, track: Track, excuse: Excuse) -> bool:
        return track.height < self._least_height_px and track.height * self._lead < excuse.height

    def _bind(self, seen: Sequence[Track], now: Moment) -> None:
        self._since = self._since or now
        for nearest in seen[:1]:
            own = self._excuses.get(nearest.number, frozenset())
            self._excuses[nearest.number] = own | {Excuse(self._waiting, nearest.height)}
        if seen or attend.elapsed(self._since, now) > tracks.LOST_AFTER:
            self._waiting, self._since = "", None

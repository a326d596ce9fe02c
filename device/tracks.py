"""Which face is which from one frame to the next, and which of them stand at the kiosk. Geometry and time alone; knows nobody.

A face keeps its track by not jumping. Where a face could be either of two, neither track goes on: both faces begin anew, because a
wrong name is worse than a second more.
"""

from __future__ import annotations

import enum
import itertools
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from device import attend
from device.clock import Moment
from models.detect import Box, Face

LOST_AFTER = timedelta(milliseconds=700)  # longer than a blink of the detector, shorter than two people changing places
STALLED = timedelta(seconds=2)  # a picture that stands still for less is no sign that anybody has left
OUT_OF_SIGHT = timedelta(milliseconds=250)  # longer than two frames at 15 a second
MOST_COMPARED = 4  # faces that are compared at once, the nearest
MOST_FOLLOWED = 12  # and that are told apart, so that a fifth never takes the place of one of the four
SAME_PLACE = 0.6  # of the face's width: how far a face moves between two frames at 15 a second
SPEED = 8.0  # widths a second, a walk: where a face was out of sight it may have gone farther, and doubt reaches as far
FARTHEST = 1.5  # widths: after that it is another face, whatever the pause
PLAIN = 0.25  # of the width: who moved less from one frame to the next, alone in their place, is plainly the same
SAME_SIZE = 1.6  # ratio of heights between two frames
STILL = 0.35  # of the face's width: whoever moved less while they settled stands there; walking past is five times as fast
KEPT_FOR = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Step:
    """Where a face was: the middle of its box and its width, pixels."""

    moment: Moment
    x: float
    y: float
    width: float


@dataclass(slots=True, eq=False)
class Track:
    """One face followed over frames.

    `instead_of`: the tracks, one of which this face had, nobody knows which. `returned_at`: when it was last back after a gap.
    """

    number: int
    face: Face
    first_seen: Moment
    last_seen: Moment
    instead_of: frozenset[int] = frozenset()
    returned_at: Moment | None = None
    steps: deque[Step] = field(default_factory=deque)

    def goes_on(self, face: Face, now: Moment) -> Track:
        """The same face a frame later."""
        if attend.elapsed(self.last_seen, now) >= OUT_OF_SIGHT:
            self.returned_at = now
        self.face, self.last_seen = face, now
        self.steps.append(Step(now, *_middle(face.box), face.box.width))
        while attend.elapsed(self.steps[0].moment, now) > KEPT_FOR:
            self.steps.popleft()
        return self

    @property
    def is_doubtful(self) -> bool:
        """Whether it is in this very frame that the face cannot be told from another by where it is."""
        return bool(self.instead_of) and self.first_seen == self.last_seen

    @property
    def height(self) -> float:
        """Of the face, pixels of the frame."""
        return self.face.box.height

    def has_settled(self, now: Moment, settle: timedelta) -> bool:
        """Whether the face has been here for `settle`, and has hardly moved in it."""
        earlier = [step for step in self.steps if attend.elapsed(step.moment, now) >= settle]
        if not earlier:
            return False
        then, (x, y) = earlier[-1], _middle(self.face.box)
        return max(abs(x - then.x), abs(y - then.y)) <= STILL * max(then.width, self.face.box.width)


class Crowd:
    """Follows every face of the picture."""

    def __init__(self) -> None:
        self.tracks: tuple[Track, ...] = ()
        self._numbers = itertools.count(1)
        self._now: Moment | None = None

    @property
    def seen(self) -> tuple[Track, ...]:
        """Those whose face the newest frame shows, nearest first."""
        return tuple(sorted((one for one in self.tracks if one.last_seen == self._now), key=lambda one: -one.height))

    def follow(self, faces: Sequence[Face], now: Moment) -> None:
        """The faces of one more frame, nearest first."""
        faces = faces[:MOST_FOLLOWED]
        pause = timedelta(0) if self._now is None else attend.elapsed(self._now, now)
        before = [track for track in self.tracks if self._may_still_be_there(track, pause, now)]
        may_be = [self._may_be(face.box, before, now) for face in faces]
        claims = Counter(one.number for found in may_be for one in found)
        unseen = tuple(one for one in before if one.number not in claims)
        self._now = now
        self.tracks = unseen + tuple(self._continued(face, found, claims) for face, found in zip(faces, may_be, strict=True))

    def _may_still_be_there(self, track: Track, pause: timedelta, now: Moment) -> bool:
        was_there = track.last_seen == self._now and pause <= STALLED
        return was_there or attend.elapsed(track.last_seen, now) <= LOST_AFTER

    def _may_be(self, box: Box, before: Sequence[Track], now: Moment) -> tuple[Track, ...]:
        """Whose face this can be. A wrong answer here is a wrong name; a doubt is a second more."""
        here = tuple(one for one in before if is_same_face(one.face.box, box))
        if len(here) == 1 and here[0].last_seen == self._now and is_same_face(here[0].face.box, box, PLAIN):
            return here
        return tuple(one for one in before if is_same_face(one.face.box, box, reach_of(attend.elapsed(one.last_seen, now))))

    def _continued(self, face: Face, may_be: tuple[Track, ...], claims: Counter[int]) -> Track:
        """The track of this face: its own, or a new one where two faces or two tracks could be meant."""
        assert self._now is not None
        if len(may_be) == 1 and claims[may_be[0].number] == 1:
            return may_be[0].goes_on(face, self._now)
        instead_of = frozenset(track.number for track in may_be)
        return Track(next(self._numbers), face, self._now, self._now, instead_of).goes_on(face, self._now)


def reach_of(pause: timedelta) -> float:
    """How far a face may have moved in `pause`, in widths of the face."""
    return min(max(SAME_PLACE, SPEED * pause.total_seconds()), FARTHEST)


def is_same_face(before: Box, now: Box, reach: float = SAME_PLACE) -> bool:
    """Whether a face can have moved from one box to the other."""
    (x, y), (now_x, now_y) = _middle(before), _middle(now)
    grown = max(before.height, now.height) / max(min(before.height, now.height), 1.0)
    return max(abs(x - now_x), abs(y - now_y)) <= reach * max(before.width, now.width) and grown <= SAME_SIZE


class Place(enum.StrEnum):
    """Where somebody stands."""

    AT_THE_KIOSK = "at_the_kiosk"
    FAR = "far"
    BEHIND = "behind"  # of somebody who stands nearer: passing by, or next in the queue


def places(seen: Iterable[Track], least_height_px: float, lead: float) -> dict[int, Place]:
    """By the number of their track. At the kiosk are the nearest and whoever is beside them: not `lead` times less tall."""
    nearest_first = sorted(seen, key=lambda track: -track.height)
    tallest = nearest_first[0].height if nearest_first else 0.0
    found: dict[int, Place] = {}
    for rank, track in enumerate(nearest_first):
        is_behind = rank >= MOST_COMPARED or tallest >= lead * track.height
        near = Place.BEHIND if is_behind else Place.AT_THE_KIOSK
        found[track.number] = Place.FAR if track.height < least_height_px else near
    return found


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2

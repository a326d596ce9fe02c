"""Scenes of one to four people at a kiosk, drawn with a fixed seed, and what is right in each of them, by the script alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bench import cast
from bench.trials import hall
from device import config, tracks, walkups
from device.walkups.rendering import LEAVING_BEGINS
from models.detect import Box

SECONDS = 3.6
COUNT = round(SECONDS * hall.FRAMES_PER_SECOND)
SURE = 1.1  # of a limit: nearer to it than that, the script does not say who is right
STANDS_S, EACH_S = 0.6, 0.3  # who stands so long, and so much longer for each who comes near, is to be recorded
APART = 0.9  # of the face's height: nearer to each other, faces hide each other, or cannot be told apart by where they are

Approach = tuple[float, float]
NEAREST_PX = max(config.Recognition().min_face_px, config.Liveness().min_face_px)
LEAD = config.Recognition().nearest_lead


@dataclass(frozen=True, slots=True)
class Standing:
    """One person of a scene: an opaque id (empty: a stranger), a photograph, and how they come: height and x, first and last."""

    person: str
    photograph: cast.Photograph
    approach: Approach
    across: tuple[float, float]

    def height(self, frame: int) -> float:
        """Of the face, pixels."""
        return hall.face_height(self.approach, frame, COUNT)

    def x(self, frame: int) -> float:
        """Of the middle of the face, pixels."""
        return hall.centre_x(self.approach, self.across, frame, COUNT)

    def staged(self) -> walkups.Person:
        """For the stage."""
        path = ((self.across[0], 0.45), (self.across[1], 0.5))
        return walkups.Person(self.photograph.path, self.photograph.face, approach=self.approach, path=path)


class Scene(Protocol):
    """Who stands there."""

    def __call__(self) -> tuple[Standing, ...]: ...


def to_be_recorded(standing: tuple[Standing, ...]) -> frozenset[str]:
    """Who stands at the kiosk beyond doubt, long enough for a kiosk that looks at one face after the other."""
    near = sum(max(one.approach) * hall.SIZE[1] * SURE >= NEAREST_PX for one in standing)
    least = round((STANDS_S + EACH_S * near) * hall.FRAMES_PER_SECOND)
    return frozenset(one.person for one in standing if one.person and _frames_at(one, standing) >= least)


def never_at_the_kiosk(standing: tuple[Standing, ...]) -> frozenset[str]:
    """Who is beyond doubt too far away, or behind somebody, or out of the picture, all the time."""
    frames = range(COUNT)
    return frozenset(one.person for one in standing if one.person and not any(_may_be_at(one, standing, at) for at in frames))


def _frames_at(one: Standing, standing: tuple[Standing, ...]) -> int:
    """The longest stretch in which they stand there and nobody is in their place."""
    longest = stretch = 0
    for frame in range(round(COUNT * LEAVING_BEGINS)):
        height = one.height(frame)
        others = [other for other in standing if other is not one]
        near = height >= NEAREST_PX * SURE and all(other.height(frame) * SURE < LEAD * height for other in others)
        free = all(_is_apart(one, other, frame) for other in others)
        stretch = stretch + 1 if near and free else 0
        longest = max(longest, stretch)
    return longest


def _is_apart(one: Standing, other: Standing, frame: int) -> bool:
    """Beside each other, or so much smaller behind that neither hides nor is taken for this one."""
    tall, taller = one.height(frame), max(one.height(frame), other.height(frame))
    return abs(other.x(frame) - one.x(frame)) > APART * taller or other.height(frame) * tracks.SAME_SIZE < tall


def _may_be_at(one: Standing, standing: tuple[Standing, ...], frame: int) -> bool:
    height = one.height(frame)
    is_behind = any(other.height(frame) > LEAD * SURE * height for other in standing if other is not one)
    return height * SURE >= NEAREST_PX and not is_behind and 0 <= one.x(frame) <= hall.SIZE[0]


def who_is_at(box: Box, standing: tuple[Standing, ...], frame: int) -> str:
    """Whose face this is, by the script: the one whose place and size fit best."""

    def misfit(one: Standing) -> float:
        height = one.height(frame)
        return abs(one.x(frame) - box.x - box.width / 2) / height + abs(math.log(height / box.height))

    return min(standing, key=misfit).person


class Lots:
    """Draws scenes with a fixed seed."""

    def __init__(self, known: dict[str, cast.Member], strangers: tuple[cast.Photograph, ...]) -> None:
        self._known, self._strangers = known, strangers
        self._random = np.random.default_rng(859)
        self._kinds: tuple[Scene, ...] = (
            self._in_front,
            self._change_places,
            self._cross,
            self._stranger_beside,
            self._side_by_side,
            self._three_abreast,
            self._passing_by,
        )

    def alone(self) -> tuple[Standing, ...]:
        """One person."""
        return (self._member([], (0.16, 0.45), (0.5, 0.5)),)

    def several(self) -> tuple[Standing, ...]:
        """Two to four: two or three of a kind, and perhaps others far behind."""
        standing = self._kinds[int(self._random.integers(len(self._kinds)))]()
        for place in (0.08, 0.92)[: int(self._random.integers(5 - len(standing)))]:
            taken = [one.person for one in standing]
            if any(person not in taken for person in self._known):
                standing = (*standing, self._member(taken, (0.1, 0.18), (place, place)))
        return standing

    def _in_front(self) -> tuple[Standing, ...]:
        near = self._member([], (0.16, 0.45), (0.4, 0.4))
        return near, self._member([near.person], (0.14, self._between(0.2, 0.34)), (0.8, 0.8))

    def _change_places(self) -> tuple[Standing, ...]:
        first = self._member([], (0.42, 0.24), (0.45, 0.2))
        return first, self._member([first.person], (0.22, 0.45), (0.85, 0.5))

    def _cross(self) -> tuple[Standing, ...]:
        """At the same size, through each other's place."""
        size = self._between(0.28, 0.36)
        first = self._member([], (0.26, size), (0.2, 0.74))
        return first, self._member([first.person], (0.26, size * self._between(0.95, 1.05)), (0.8, 0.27))

    def _stranger_beside(self) -> tuple[Standing, ...]:
        photograph = self._strangers[int(self._random.integers(len(self._strangers)))]
        stranger = Standing("", photograph, (0.18, 0.42), (0.3, 0.3))
        return stranger, self._member([], (0.14, self._between(0.2, 0.42)), (0.76, 0.76))

    def _side_by_side(self) -> tuple[Standing, ...]:
        left = self._member([], (0.16, 0.36), (0.27, 0.27))
        return left, self._member([left.person], (0.16, self._between(0.33, 0.40)), (0.73, 0.73))

    def _three_abreast(self) -> tuple[Standing, ...]:
        chosen = self._random.permutation(list(self._known))[:3]
        places = zip((str(person) for person in chosen), (0.17, 0.5, 0.83), strict=False)
        return tuple(Standing(person, self._seen(person), (0.2, self._between(0.29, 0.31)), (x, x)) for person, x in places)

    def _passing_by(self) -> tuple[Standing, ...]:
        """Somebody walks past behind whoever comes to the kiosk."""
        near = self._member([], (0.2, 0.45), (0.5, 0.5))
        return near, self._member([near.person], (0.27, 0.27), (-0.3, 1.4))

    def _member(self, taken: list[str], approach: Approach, across: tuple[float, float]) -> Standing:
        free = [person for person in self._known if person not in taken]
        person = free[int(self._random.integers(len(free)))]
        return Standing(person, self._seen(person), approach, across)

    def _seen(self, person: str) -> cast.Photograph:
        seen = self._known[person].seen
        return seen[int(self._random.integers(len(seen)))]

    def _between(self, low: float, high: float) -> float:
        return float(self._random.uniform(low, high))

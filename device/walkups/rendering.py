"""From a walk-up to its frames.

Promises the same frames for the same walk-up, size and rate. The timeline of a walk-up: until 55 % of its
seconds everybody comes nearer, from the first to the second value of `approach` and of `path`, in even steps
that become slower at the end; until 85 % they stand, swaying a little; then they leave the picture by the
side that is nearer. In the first 0.2 s they fade in. `light` goes from its first to its second value over the
whole time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from device.pictures import Pixels
from device.walkups import cutout, hall, presentation
from device.walkups.script import Medium, Person, WalkUp

APPROACH_ENDS, LEAVING_BEGINS = 0.55, 0.85  # fractions of the walk-up
FADE_IN_S = 0.2

STEPS_PER_SECOND = 1.8  # an unhurried walk
BOB, SWAY = 0.02, 0.03  # of the face's height: down and up with each step, and from side to side
SWAY_DEG = 1.5
SMEAR = 0.05  # of the face's height: a head that moves at 0.2 m/s during an exposure of 1/20 s

Matrix = NDArray[np.float64]  # (2, 3), affine


@dataclass(frozen=True, slots=True)
class Instant:
    """A point of the timeline: `part` of the whole in 0..1, and seconds since the beginning."""

    part: float
    seconds: float

    @property
    def walked(self) -> float:
        """How much of the way is behind them, 0..1."""
        to_go: float = 1 - min(1.0, self.part / APPROACH_ENDS)
        return 1 - math.pow(to_go, 1.5)

    @property
    def left(self) -> float:
        """How much of leaving is done, 0..1, picking up speed."""
        return math.pow(max(0.0, (self.part - LEAVING_BEGINS) / (1 - LEAVING_BEGINS)), 1.5)


def empty(size: tuple[int, int], seed: int = 0) -> Iterator[Pixels]:
    """The hall with nobody in it, for ever:

    (height, width, 3) uint8 BGR, with noise. `size` is (width, height).
    """
    background, grain = hall.background(size), hall.Grain(size, np.random.default_rng(seed))
    while True:
        yield grain.over(background)


def render(walkup: WalkUp, size: tuple[int, int], frames_per_second: float) -> Iterator[Pixels]:
    """The frames of `walkup`, (height, width, 3) uint8 BGR each; `size` is (width, height).

    Raises WalkUpRefused before the first frame when a photograph cannot be used.
    """
    randomness = np.random.default_rng(walkup.seed)
    actors = [Actor(number, person, size, randomness) for number, person in enumerate(walkup.person, 1)]
    background, grain = hall.background(size), hall.Grain(size, randomness)
    count = max(1, round(walkup.seconds * frames_per_second))
    for index in range(count):
        now = Instant(index / count, index / frames_per_second)
        frame = background.copy()
        # The farther ones first: the nearer stand before them.
        for actor in sorted(actors, key=lambda one: one.face_height(now)):
            actor.draw(frame, now)
        yield grain.over(frame)


class Actor:
    """One person, and where that person is at each instant."""

    def __init__(self, number: int, person: Person, size: tuple[int, int], randomness: np.random.Generator) -> None:
        self._person, self._size, self._randomness = person, size, randomness
        self._phase = float(randomness.uniform(0, 2 * math.pi))
        self._levels = cutout.levels(person, number, max(person.approach) * size[1])

    def face_height(self, now: Instant) -> float:
        """Pixels of the frame. Even steps change the distance evenly, and height is one over distance."""
        first, last = self._person.approach
        return self._size[1] / ((1 - now.walked) / first + now.walked / last)

    def draw(self, frame: Pixels, now: Instant) -> None:
        """Put this person onto `frame`, in place."""
        # Drawn by lot for everybody in every frame, also out of sight, so that nothing that follows depends
        # on it.
        smeared = self._randomness.random() < self._person.blur_frames
        height = self.face_height(now)
        level = self._level_for(height)
        matrix = self._placement(level, height, now)
        left, top, right, bottom = _bounds(matrix, level.cover.shape, self._size)
        if left >= right or top >= bottom:
            return
        matrix[:, 2] -= np.array((left, top), dtype=np.float64)
        inner = (right - left, bottom - top)
        pixels = cv2.warpAffine(level.pixels, matrix, inner, borderMode=cv2.BORDER_REPLICATE)
        cover = cv2.warpAffine(level.cover, matrix, inner)
        if smeared:
            width = 2 * math.ceil(height * SMEAR / 2) + 1
            pixels, cover = cv2.blur(pixels, (width, 1)), cv2.blur(cover, (width, 1))
        if self._person.medium is Medium.SCREEN:
            pixels = presentation.beating(np.asarray(pixels, dtype=np.uint8), height / self._size[1])
        lit = cv2.convertScaleAbs(pixels, alpha=self._gain(now))
        visible = cv2.convertScaleAbs(cover, alpha=min(1.0, now.seconds / FADE_IN_S))
        _lay_over(frame[top:bottom, left:right], lit, visible)

    def _gain(self, now: Instant) -> float:
        first, last = self._person.light
        return first + (last - first) * now.part

    def _level_for(self, height: float) -> cutout.Level:
        """The smallest level that is at least as large as what is shown."""
        large_enough = (level for level in reversed(self._levels) if level.face_height >= height)
        return next(large_enough, self._levels[0])

    def _placement(self, level: cutout.Level, height: float, now: Instant) -> Matrix:
        """From the level's pixels to the frame's."""
        scale = height / level.face_height
        swing = math.pi * STEPS_PER_SECOND * now.seconds + self._phase
        roll_deg = self._person.roll_deg + SWAY_DEG * math.sin(swing / 2)
        x, y = self._centre(height, now)
        x += SWAY * height * math.sin(swing / 3)
        if now.walked < 1 or now.left > 0:
            y += BOB * height * abs(math.sin(swing))
        beyond = scale * max(level.cover.shape)
        x += now.left * (self._size[0] - x + beyond if x > self._size[0] / 2 else -x - beyond)
        matrix = np.asarray(cv2.getRotationMatrix2D(level.centre, -roll_deg, scale), dtype=np.float64)
        matrix[:, 2] += np.array((x - level.centre[0], y - level.centre[1]))
        return matrix

    def _centre(self, height: float, now: Instant) -> tuple[float, float]:
        """Who walks straight on in space moves in the picture in step with the size."""
        first, last = (fraction * self._size[1] for fraction in self._person.approach)
        done = now.walked if first == last else (height - first) / (last - first)
        (x0, y0), (x1, y1) = self._person.path
        return (x0 + (x1 - x0) * done) * self._size[0], (y0 + (y1 - y0) * done) * self._size[1]


def _lay_over(part: Pixels, pixels: MatLike, cover: MatLike) -> None:
    """Mix `pixels` into `part`, in place; 255 of `cover` hides it. In whole numbers, which is faster."""
    shown = cv2.merge((cover, cover, cover))
    hidden = cv2.multiply(part, cv2.bitwise_not(shown), scale=1 / 255)
    part[:] = cv2.add(cv2.multiply(pixels, shown, scale=1 / 255), hidden)


def _bounds(matrix: Matrix, shape: tuple[int, ...], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what a picture of `shape` covers in the frame.

    left >= right or top >= bottom when it is out of sight.
    """
    height, width = shape[:2]
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1), (width, height, 1)]) @ matrix.T
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    return max(0, int(left)), max(0, int(top)), min(size[0], int(right)), min(size[1], int(bottom))

"""Two to four faces in view: whether the one who is named is the one who stands in front. And the work for each punch."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import cast
from bench.trials import hall
from bench.trials.rates import rate
from device import config, sight, walkups

SECONDS = 3.0
SETTINGS = hall.settings(liveness=True)

Approach = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """One person of a scene: an opaque id (empty: a stranger), a photograph, and how they come."""

    person: str
    photograph: cast.Photograph
    approach: Approach
    path: tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Scene:
    """Who stands there, and whether one of them should be clocked in: nobody of two side by side, or behind a stranger."""

    standing: tuple[Standing, ...]
    names_somebody: bool


@dataclass(frozen=True, slots=True)
class Crowded:
    """What came of many walk-ups. `swapped`: somebody was named while somebody else was the nearest.

    `passed_over`: walk-ups in which somebody should have been named and nobody was.
    """

    walk_ups: int
    punches: int
    swapped: int
    passed_over: int
    embeddings: tuple[int, ...]
    liveness_runs: tuple[int, ...]

    def document(self) -> dict[str, object]:
        """For machines."""
        return {
            "walk_ups": self.walk_ups,
            "punches": self.punches,
            "swapped": rate(self.swapped, self.walk_ups),
            "passed_over": self.passed_over,
            "embeddings_a_punch": _spread(self.embeddings),
            "liveness_runs_a_punch": _spread(self.liveness_runs),
        }


def _spread(values: tuple[int, ...]) -> dict[str, int]:
    return {str(value): values.count(value) for value in sorted(set(values))}


def crowds(weights: Path, faces: Path | None, count: int, people: int = 40, alone: bool = False) -> Crowded:
    """`count` walk-ups of two to four people, or of one."""
    eyes = sight.load(weights, config.Recognition())
    found = cast.gathered(weights, faces, eyes, people)
    eyes.landmarker.close()
    with tempfile.TemporaryDirectory(prefix="daka-crowd-") as scratch, hall.opened(Path(scratch), weights, SETTINGS) as place:
        lots = Lots({person: member for member in found.members if (person := place.enrol(member)) is not None}, found.strangers)
        played = [_one(place, lots.alone() if alone else lots.several(), number) for number in range(count)]
    answers = [answer for _, _, punches in played for answer in punches]
    return Crowded(
        count,
        len(answers),
        sum(swapped for swapped, _, _ in played),
        sum(passed_over for _, passed_over, _ in played),
        tuple(answer.embeddings for answer in answers),
        tuple(answer.liveness_runs for answer in answers),
    )


def _one(place: hall.Hall, drawn: Scene, seed: int) -> tuple[int, bool, tuple[hall.Answer, ...]]:
    """Swapped names, whether somebody should have been named and was not, and the punches."""
    persons = tuple(
        walkups.Person(one.photograph.path, one.photograph.face, approach=one.approach, path=one.path) for one in drawn.standing
    )
    answers = place.play(walkups.WalkUp(SECONDS, seed, persons))
    punches = tuple(answer for answer in answers if answer.decision.outcome == "punched")
    return sum(is_swapped(answer, drawn.standing) for answer in punches), drawn.names_somebody and not punches, punches


def is_swapped(answer: hall.Answer, standing: tuple[Standing, ...]) -> bool:
    """Whether the one who was named is not the nearest in the frame of the last vote, by the script of the walk-up."""
    count = round(SECONDS * hall.FRAMES_PER_SECOND)
    nearest = max(standing, key=lambda one: hall.face_height(one.approach, answer.frame, count))
    return answer.decision.person != nearest.person


class Lots:
    """Draws scenes with a fixed seed: somebody in front of others, two who change places, a stranger in front, two side by side."""

    def __init__(self, known: dict[str, cast.Member], strangers: tuple[cast.Photograph, ...]) -> None:
        self._known, self._strangers = known, strangers
        self._random = np.random.default_rng(859)

    def alone(self) -> Scene:
        """One person."""
        return Scene((self._member([], (0.16, 0.45), (0.5, 0.5)),), names_somebody=True)

    def several(self) -> Scene:
        """Two to four."""
        kinds = (self._in_front, self._in_front, self._change_places, self._stranger_in_front, self._side_by_side)
        drawn = kinds[int(self._random.integers(len(kinds)))]()
        standing = drawn.standing
        for place in (0.08, 0.92)[: int(self._random.integers(3))]:
            taken = [one.person for one in standing]
            if any(person not in taken for person in self._known):
                standing = (*standing, self._member(taken, (0.1, 0.18), (place, place)))
        return Scene(standing, drawn.names_somebody)

    def _in_front(self) -> Scene:
        near = self._member([], (0.16, 0.45), (0.4, 0.45))
        behind = self._member([near.person], (0.14, float(self._random.uniform(0.2, 0.34))), (0.8, 0.78))
        return Scene((near, behind), names_somebody=True)

    def _change_places(self) -> Scene:
        first = self._member([], (0.42, 0.24), (0.45, 0.2))
        return Scene((first, self._member([first.person], (0.22, 0.45), (0.85, 0.5))), names_somebody=True)

    def _stranger_in_front(self) -> Scene:
        photograph = self._strangers[int(self._random.integers(len(self._strangers)))]
        stranger = Standing("", photograph, (0.18, 0.45), ((0.4, 0.45), (0.45, 0.5)))
        return Scene((stranger, self._member([], (0.14, 0.3), (0.8, 0.78))), names_somebody=False)

    def _side_by_side(self) -> Scene:
        left = self._member([], (0.16, 0.36), (0.25, 0.28))
        right = self._member([left.person], (0.16, float(self._random.uniform(0.33, 0.40))), (0.75, 0.72))
        return Scene((left, right), names_somebody=False)

    def _member(self, taken: list[str], approach: Approach, across: tuple[float, float]) -> Standing:
        free = [person for person in self._known if person not in taken]
        person = free[int(self._random.integers(len(free)))]
        seen = self._known[person].seen
        photograph = seen[int(self._random.integers(len(seen)))]
        return Standing(person, photograph, approach, ((across[0], 0.45), (across[1], 0.5)))

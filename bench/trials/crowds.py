"""Two to four faces in view: whether everybody at the kiosk is recorded and nobody else, in nobody's place, and at what cost."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import cast
from bench.trials import hall, scenes
from bench.trials.rates import rate
from bench.trials.scenes import SECONDS, Lots, Standing
from device import config, pictures, recognise, sight, walkups
from models import quality

SETTINGS = hall.settings(liveness=True)
LOOKS_AHEAD = 0.8 * recognise.NEIGHBOUR_TURN  # a photograph turned farther shows somebody who does not look at the kiosk


@dataclass(frozen=True, slots=True)
class Came:
    """One walk-up: who should have been recorded and who was, and the two ways in which that can be wrong.

    `swapped`: punches that named somebody else than the one whose face they were about; `not_meant`: of people who were never at
    the kiosk. `embeddings` and `liveness_runs`: of each punch, as the recogniser has it; beside it the runs of the models
    until the first answer, and all of them.
    """

    due: frozenset[str]
    recorded: frozenset[str]
    swapped: int
    not_meant: int
    embeddings: tuple[int, ...]
    liveness_runs: tuple[int, ...]
    first_embeddings: int
    first_liveness_runs: int
    all_embeddings: int
    all_liveness_runs: int


@dataclass(frozen=True, slots=True)
class Crowded:
    """What came of many walk-ups."""

    came: tuple[Came, ...]

    @property
    def punches(self) -> int:
        return sum(len(one.embeddings) for one in self.came)

    @property
    def swapped(self) -> int:
        return sum(one.swapped for one in self.came)

    @property
    def not_meant(self) -> int:
        return sum(one.not_meant for one in self.came)

    @property
    def due(self) -> int:
        return sum(len(one.due) for one in self.came)

    @property
    def passed_over(self) -> int:
        """People who should have been recorded and were not."""
        return sum(len(one.due - one.recorded) for one in self.came)

    @property
    def embeddings(self) -> tuple[int, ...]:
        return tuple(count for one in self.came for count in one.embeddings)

    @property
    def liveness_runs(self) -> tuple[int, ...]:
        return tuple(count for one in self.came for count in one.liveness_runs)

    def document(self) -> dict[str, object]:
        """For machines."""
        return {
            "walk_ups": len(self.came),
            "punches": self.punches,
            "swapped": rate(self.swapped, len(self.came)),
            "not_at_the_kiosk_and_named": rate(self.not_meant, len(self.came)),
            "to_be_recorded": self.due,
            "passed_over": rate(self.passed_over, self.due),
            "embeddings_a_punch": _spread(self.embeddings),
            "liveness_runs_a_punch": _spread(self.liveness_runs),
            "embeddings_without_a_punch": sum(one.all_embeddings for one in self.came) - sum(self.embeddings),
            "most_embeddings_a_walk_up": max((one.all_embeddings for one in self.came), default=0),
        }


def _spread(values: tuple[int, ...]) -> dict[str, int]:
    return {str(value): values.count(value) for value in sorted(set(values))}


def crowds(weights: Path, faces: Path | None, count: int, people: int = 40, alone: bool = False) -> Crowded:
    """`count` walk-ups of two to four people, or of one."""
    eyes = sight.load(weights, config.Recognition())
    found = cast.gathered(weights, faces, eyes, people)
    ahead = [member for member in (_looking_ahead(member, eyes) for member in found.members) if member.seen]
    eyes.landmarker.close()
    with tempfile.TemporaryDirectory(prefix="daka-crowd-") as scratch, hall.opened(Path(scratch), weights, SETTINGS) as place:
        lots = Lots({person: member for member in ahead if (person := place.enrol(member)) is not None}, found.strangers)
        return Crowded(tuple(_one(place, lots.alone() if alone else lots.several(), number) for number in range(count)))


def _looking_ahead(member: cast.Member, eyes: sight.Sight) -> cast.Member:
    """Only with the photographs in which they look at the camera: beside somebody else, nobody else is compared."""
    seen = ((one, eyes.faces_in_photograph(pictures.read(one.path))[0]) for one in member.seen)
    return dataclasses.replace(member, seen=tuple(one for one, face in seen if abs(quality.turn(face.landmarks)) <= LOOKS_AHEAD))


def _one(place: hall.Hall, standing: tuple[Standing, ...], seed: int) -> Came:
    played = place.play(walkups.WalkUp(SECONDS, seed, tuple(one.staged() for one in standing)))
    punches = tuple(answer for answer in played.answers if answer.decision.outcome == "punched")
    never = scenes.never_at_the_kiosk(standing)
    return Came(
        scenes.to_be_recorded(standing),
        frozenset(answer.decision.person for answer in punches),
        sum(is_swapped(answer, standing) for answer in punches),
        sum(answer.decision.person in never for answer in punches),
        tuple(answer.embeddings for answer in punches),
        tuple(answer.liveness_runs for answer in punches),
        *played.at_first,
        *played.in_all,
    )


def is_swapped(answer: hall.Answer, standing: tuple[Standing, ...]) -> bool:
    """Whether the one who was named is not the one whose face it is, by the script of the walk-up."""
    return answer.decision.person != scenes.who_is_at(answer.box, standing, answer.frame)

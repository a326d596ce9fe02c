"""A kiosk whose clock goes by the frames it is shown: the real line from frame to record, and every embedding counted."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import cast
from device import api, camera, clock, config, enrolment, kiosk, sight, state, terms, timekeeping, walkups
from device.attend import Identity, Stranger
from device.walkups.rendering import Instant
from models import weights as models
from models.arrays import Pixels, Vector
from models.detect import Box
from models.embed import Embedder
from models.liveness import AntiSpoofing

SIZE, FRAMES_PER_SECOND = (640, 480), 15.0
PAUSE_FRAMES = 14  # nobody for longer than a face stays remembered
BY = "trial"


@dataclass(slots=True)
class FrameClock:
    """Stands still between two frames."""

    frames: int = 0
    boot_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def now(self) -> clock.Moment:
        at = datetime(2026, 1, 5, 8, 59, tzinfo=UTC) + timedelta(seconds=self.frames / FRAMES_PER_SECOND)
        return clock.Moment(at, round(self.frames / FRAMES_PER_SECOND * 1e6), self.boot_id, clock.Quality.SYNCED)


class CountedEmbedder(Embedder):
    """The real one, counting its runs."""

    runs = 0

    def embed(self, chip: Pixels) -> Vector:
        self.runs += 1
        return super().embed(chip)


class CountedAntiSpoofing(AntiSpoofing):
    """The real one, counting its runs."""

    runs = 0

    def live(self, pixels: Pixels, box: Box) -> float:
        self.runs += 1
        return super().live(pixels, box)


@dataclass(frozen=True, slots=True)
class Work:
    """Who does what costs most."""

    embedder: CountedEmbedder
    antispoofing: CountedAntiSpoofing | None

    @property
    def done(self) -> tuple[int, int]:
        """Embeddings and liveness runs so far."""
        return self.embedder.runs, self.antispoofing.runs if self.antispoofing else 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One decision, in which frame of its walk-up it fell, which face it is about, and what its attempt cost."""

    decision: api.Decision
    frame: int
    box: Box
    embeddings: int
    liveness_runs: int


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one walk-up: embeddings and liveness runs until the first answer, and all of them, whatever they led to."""

    answers: tuple[Answer, ...]
    at_first: tuple[int, int]
    in_all: tuple[int, int]


class Hall:
    """People walk up; what the kiosk decided about them."""

    def __init__(self, inside: kiosk.Inside, work: Work, ticks: FrameClock) -> None:
        self._inside, self._work, self._ticks = inside, work, ticks
        self._empty = walkups.empty(SIZE)
        self._seen: Identity | Stranger | None = None
        inside.walk.witness = self._witness

    def _witness(self, seen: Identity | Stranger) -> None:
        """Whoever is decided about; the line goes on as if nobody had looked."""
        self._seen = seen

    def enrol(self, member: cast.Member) -> str | None:
        """The opaque id of somebody who agreed and is enrolled now; None where the office refuses the photograph."""
        office, number = self._inside.office, f"n{len(self._inside.office.people())}"
        person = office.add_person(number, f"Employee {number}", "en", BY)
        office.give_consent(number, "en", "consent", BY)
        try:
            office.enrol(number, member.enrolled.path.read_bytes(), BY)
        except enrolment.EnrolmentRefused:
            return None
        return person.person

    def play(self, walkup: walkups.WalkUp) -> Played:
        """Every decision about one walk-up; afterwards the hall is empty and forgotten."""
        answers: list[Answer] = []
        before, at_first = self._work.done, (0, 0)
        frames = self._shown(walkups.render(walkup, SIZE, FRAMES_PER_SECOND))
        for index, decision in enumerate(frames):
            if decision is not None:
                at_first = at_first if answers else _since(before, self._work.done)
                answers.append(self._answer(decision, index))
        for _ in self._shown(next(self._empty) for _ in range(PAUSE_FRAMES)):
            pass
        return Played(tuple(answers), at_first, _since(before, self._work.done))

    def _answer(self, decision: api.Decision, frame: int) -> Answer:
        box = next(one.box for one in self._inside.recogniser.outlines if one.face == decision.face)
        cost = (self._seen.embeddings, self._seen.liveness_runs) if isinstance(self._seen, Identity) else (0, 0)
        return Answer(decision, frame, box, *cost)

    def _shown(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[api.Decision | None]:
        board = self._inside.board
        for pixels in frames:
            self._ticks.frames += 1
            before = board.count
            self._inside.walk.take(camera.Frame(pixels, self._ticks.now()))
            found = board.after(before, 0.0) if board.count > before else ()
            yield found[-1] if found else None


def _since(before: tuple[int, int], now: tuple[int, int]) -> tuple[int, int]:
    return now[0] - before[0], now[1] - before[1]


@contextmanager
def opened(folder: Path, weights: Path, settings: config.Config) -> Iterator[Hall]:
    """A kiosk with nobody enrolled, in a new state folder."""
    ticks = FrameClock()
    time_source = timekeeping.Timekeeper(ticks, terms.time_limits(settings))
    files = kiosk.open_files(state.Folder(folder), settings.device.id, time_source, replace_damaged=False)
    eyes, ready = sight.load(weights, settings.recognition), models.ready(weights)
    antispoofing = CountedAntiSpoofing(*ready.antispoofing) if ready.antispoofing else None
    work = Work(CountedEmbedder(ready.embedder), antispoofing)
    watched = dataclasses.replace(eyes, embedder=work.embedder, antispoofing=work.antispoofing)
    stage = folder / "stage"
    stage.mkdir()
    source = camera.open_source(f"stage:{stage}", time_source)
    try:
        yield Hall(kiosk.assemble(files, settings, watched, source, time_source), work, ticks)
    finally:
        source.close()
        eyes.landmarker.close()
        files.journal.close()
        files.directory.close()


def settings(liveness: bool = False) -> config.Config:
    """A kiosk that takes staged people at any time."""
    return config.parse({"attend": {"allow_simulated": True, "min_gap_s": 0.0}, "liveness": {"simulated": liveness}})


def face_height(approach: tuple[float, float], frame: int, count: int) -> float:
    """Pixels of the frame, as `device.walkups` renders it: even steps of distance, and height is one over distance."""
    walked = Instant(frame / count, frame / FRAMES_PER_SECOND).walked
    return SIZE[1] / ((1 - walked) / approach[0] + walked / approach[1])


def centre_x(approach: tuple[float, float], across: tuple[float, float], frame: int, count: int) -> float:
    """Pixels of the frame: where the middle of the face is while they walk up and stand, but for their swaying."""
    first, last = (fraction * SIZE[1] for fraction in approach)
    now = Instant(frame / count, frame / FRAMES_PER_SECOND)
    done = now.walked if first == last else (face_height(approach, frame, count) - first) / (last - first)
    return (across[0] + (across[1] - across[0]) * done) * SIZE[0]

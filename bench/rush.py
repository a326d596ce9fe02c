"""Eight fifty-nine: people walk up one after the other, in real time, before a real daemon; how many are clocked in, and how soon.

`python -m bench.rush --minutes 5`, or `make rush`. Step-in is the first frame in which the face is as tall as the kiosk asks for,
by the walk-up's own script; the end is the decision in a client's hands, after the durable receipt.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import platformdirs

from bench import cast, daemon
from bench.registry import percentile
from bench.trials.hall import FRAMES_PER_SECOND, face_height
from device import api, config, sight, state, walkups

SECONDS = 2.85  # a walk-up; with the time to open its photographs about 20 come in a minute
APPROACH = (0.16, 0.45)
BY = "bench"
SETTINGS = "[liveness]\nsimulated = true\n"


@dataclass(frozen=True, slots=True)
class Came:
    """One walk-up: whose, when it began to play (seconds, wall clock), and the punch that came of it, if any."""

    name: str
    began: float
    named: str
    took_s: float | None


@dataclass(frozen=True, slots=True)
class Rushed:
    """What came of a rush."""

    minutes: float
    came: tuple[Came, ...]

    @property
    def delays_s(self) -> tuple[float, ...]:
        return tuple(one.took_s for one in self.came if one.took_s is not None and one.named == one.name)

    @property
    def wrong(self) -> int:
        """Punches of somebody else than who stood there."""
        return sum(one.named not in ("", one.name) for one in self.came)

    def document(self) -> dict[str, object]:
        """For machines; no name."""
        delays = self.delays_s
        return {
            "minutes": round(self.minutes, 2),
            "walk_ups": len(self.came),
            "punches": len(delays),
            "punches_a_minute": round(len(delays) / self.minutes, 2),
            "wrong_names": self.wrong,
            "median_s": round(percentile(delays, 0.5), 3) if delays else None,
            "p95_s": round(percentile(delays, 0.95), 3) if delays else None,
        }


def enrol(kiosk: daemon.Daemon, found: cast.Cast) -> dict[str, str]:
    """Everybody of the cast agrees and is enrolled by the office; their opaque ids and names. Who is refused does not walk up."""
    ids: dict[str, str] = {}
    with kiosk.client() as client:
        for number, member in enumerate(found.members):
            person = client.add_person(f"c{number}", f"Employee c{number}", "en", BY)
            client.give_consent(person.number, "en", "consent", BY)
            try:
                client.enrol(person.number, member.enrolled.path.read_bytes(), BY)
            except api.KioskRefused:
                continue
            ids[person.person] = member.name
    return ids


def step_in_s(needed_px: float, approach: tuple[float, float] = APPROACH, seconds: float = SECONDS) -> float:
    """Seconds from the beginning of a walk-up to the first frame whose face is `needed_px` tall."""
    count = round(seconds * FRAMES_PER_SECOND)
    for index in range(count):
        if face_height(approach, index, count) >= needed_px:
            return index / FRAMES_PER_SECOND
    return seconds


def rush(weights: Path, faces: Path | None, minutes: float) -> Rushed:
    """The whole of it; takes `minutes` and the daemon's start."""
    eyes = sight.load(weights, config.Recognition())
    found = cast.gathered(weights, faces, eyes)
    del eyes
    with (
        tempfile.TemporaryDirectory(prefix="daka-rush-") as scratch,
        daemon.running(state.Folder(Path(scratch) / "kiosk"), weights, SETTINGS) as kiosk,
    ):
        ids = enrol(kiosk, found)
        known = cast.Cast(tuple(member for member in found.members if member.name in ids.values()), found.strangers)
        return _played(kiosk, known, ids, minutes)


def _played(kiosk: daemon.Daemon, found: cast.Cast, ids: dict[str, str], minutes: float) -> Rushed:
    count = round(minutes * 60 / (SECONDS + 0.15))
    names = [_write(kiosk.stage, number, found) for number in range(count)]
    began: dict[int, float] = {}
    told: list[tuple[api.Decision, float]] = []
    started = time.time()
    with kiosk.client() as client:
        seen = client.status().decisions
        while len(list(kiosk.stage.glob("*.played"))) < count and time.time() < started + minutes * 60 + 60:
            for decision in client.decisions(seen, wait_s=0.2):
                seen = decision.number
                told.append((decision, datetime.now(UTC).timestamp()))
            _note_beginnings(kiosk.stage, began)
    lasted = (time.time() - started) / 60
    return Rushed(lasted, tuple(_came(number, names, began, told, ids) for number in range(count)))


def _write(stage: Path, number: int, found: cast.Cast) -> str:
    member = found.members[number % len(found.members)]
    photograph = member.seen[(number // len(found.members)) % len(member.seen)]
    across = 0.42 + 0.08 * (number % 3)
    walkups.write(walkups.WalkUp(SECONDS, number, (cast.person(photograph, APPROACH, across),)), stage / f"{number:04d}.toml")
    return member.name


def _note_beginnings(stage: Path, began: dict[int, float]) -> None:
    """A walk-up is renamed when it begins: the time of that change, before its photographs are opened."""
    for path in stage.glob("*.playing"):
        number = int(path.name[:4])
        if number not in began:
            try:
                began[number] = path.stat().st_ctime
            except FileNotFoundError:
                continue


def _came(
    number: int, names: list[str], began: dict[int, float], told: list[tuple[api.Decision, float]], ids: dict[str, str]
) -> Came:
    """The first punch between this walk-up's beginning and the next one's."""
    start, end = began.get(number, 0.0), began.get(number + 1, float("inf"))
    needed = max(config.Recognition().min_face_px, config.Liveness().min_face_px)
    for decision, at in told:
        if decision.outcome == "punched" and start <= _seen_at(decision) < end:
            return Came(names[number], start, ids.get(decision.person, "somebody else"), at - start - step_in_s(needed))
    return Came(names[number], start, "", None)


def _seen_at(decision: api.Decision) -> float:
    return datetime.fromisoformat(decision.at).timestamp()


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0.2), default=5.0, show_default=True)
@click.option("--weights", type=click.Path(path_type=Path), default=lambda: platformdirs.user_cache_path("daka") / "weights")
@click.option(
    "--faces", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Labelled photographs, a folder a person."
)
def main(minutes: float, weights: Path, faces: Path | None) -> None:
    """Play eight fifty-nine and print what came of it as one line of JSON."""
    click.echo(json.dumps(rush(weights, faces, minutes).document()))


if __name__ == "__main__":
    main()

"""Puts one walk-up after the other on the stage and notes what the kiosk decided; a person whose kiosk went away tries again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from device import api, walkups
from device.demonstration import script
from device.demonstration.script import MIN_GAP_S, Scene
from device.demonstration.theatre import DemonstrationFailed, House

PATIENCE_S = 6.0  # beyond a scene's own length, for its decision
MOST_TRIES = 5
RESTART_S = 30.0


@dataclass(frozen=True, slots=True)
class Played:
    """A scene and what came of it; `number` is the employee number, or the stranger. `tries` is 1 unless the kiosk went away."""

    scene: Scene
    number: str
    outcome: str
    why: str
    direction: str
    votes: int
    seq: int
    hash: str
    tries: int

    @property
    def right(self) -> bool:
        """Whether the decision is the one that the scene calls for."""
        wanted = self.scene
        return (self.number, self.outcome, self.why, self.direction) == (
            wanted.person,
            wanted.outcome,
            wanted.why,
            wanted.direction,
        )


class Director:
    """Plays scenes one at a time; `make` turns a scene into a walk-up."""

    def __init__(self, client: api.AdminClient, house: House, make: Callable[[Scene, int], walkups.WalkUp]) -> None:
        self._client, self._house, self._make = client, house, make
        self._last_punch_at: dict[str, float] = {}

    def play(self, scenes: tuple[Scene, ...]) -> Iterator[Played]:
        """What came of each scene, in order."""
        numbers = {person.person: person.number for person in self._client.people()}
        for index, scene in enumerate(scenes, start=1):
            if scene.rests:
                self._rest(scene.person)
            played = self._play(index, scene, numbers)
            if played.outcome == "punched":
                self._last_punch_at[played.number] = time.monotonic()
            yield played

    def _rest(self, number: str) -> None:
        since = time.monotonic() - self._last_punch_at.get(number, 0.0)
        time.sleep(max(0.0, MIN_GAP_S + 1.0 - since))

    def _play(self, index: int, scene: Scene, numbers: dict[str, str]) -> Played:
        before = self._status()
        for attempt in range(1, MOST_TRIES + 1):
            walk_up = self._make(scene, index)
            file = self._house.stage / f"{index:04d}-{attempt}.toml"
            walkups.write(walk_up, file)
            decision = self._decision(scene, before)
            if decision is not None:
                let_the_scene_end(file)
                return _played(scene, decision, numbers, attempt)
            now = self._status()
            if scene.outcome == "punched" and (recorded := self._recorded_since(before.last)) is not None:
                return _played(scene, recorded, numbers, attempt)
            before = now
        raise DemonstrationFailed(
            f"'{scene.title}' came to no decision in {MOST_TRIES} tries; the logs in {self._house.logs} say why"
        )

    def _decision(self, scene: Scene, before: api.Status) -> api.Decision | None:
        """The first decision after `before`; None when there is none in time, or the daemon went away and forgot its screen."""
        deadline = time.monotonic() + scene.seconds + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                found = self._client.decisions(before.decisions, wait_s=1.0)
                if found:
                    return found[0]
                if self._client.status().boot != before.boot:
                    return None
            except api.KioskAway:
                return None
        return None

    def _recorded_since(self, seq: int) -> api.Decision | None:
        """A punch that was on the disk before the daemon went away, though nobody saw its screen."""
        for record in self._client.punches(seq):
            body = record["body"]
            return api.Decision(
                number=0,
                at=record["at"],
                outcome="punched",
                why="",
                person=body["person"],
                name="",
                direction=body["direction"],
                votes=body["votes"],
                score_band=body["score_band"],
                seq=record["seq"],
                hash="",
            )
        return None

    def _status(self) -> api.Status:
        """The kiosk's status, waiting for a daemon that is being restarted."""
        deadline = time.monotonic() + RESTART_S
        while True:
            try:
                return self._client.status()
            except api.KioskAway:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def let_the_scene_end(file: Path) -> None:
    """Nobody walks up while somebody stands there; a daemon that went away just now plays nothing to its end."""
    deadline, playing = time.monotonic() + PATIENCE_S, file.with_name(file.name + ".playing")
    while playing.exists() and time.monotonic() < deadline:
        time.sleep(0.1)


def _played(scene: Scene, decision: api.Decision, numbers: dict[str, str], tries: int) -> Played:
    number = numbers.get(decision.person, script.STRANGER)
    return Played(
        scene, number, decision.outcome, decision.why, decision.direction, decision.votes, decision.seq, decision.hash, tries
    )

"""Whoever stands before the challenge, as sequences of looks: people who follow it, and recordings of such people.

Made from numbers, not from video: reaction times, ways and noise are assumptions. They show that the rules hold together, no more.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from models import challenge
from models.challenge import Action, Limits, Look, State

FRAMES_PER_S = 12.0
MOST_S = 90.0
PER_S = {"turn_deg": 130.0, "shut": 12.0, "smile": 3.0, "open": 4.0}  # how fast a head, eyes and a mouth move
NOISE = {"turn_deg": 0.8, "shut": 0.02, "smile": 0.02, "open": 0.02}  # what the landmarks tremble by from frame to frame


@dataclass
class Person:
    """Follows the prompts, and blinks every few seconds without being asked. `still` is the face at rest."""

    chance: random.Random
    still: Look = field(default_factory=lambda: Look(0.0, 0.0, 0.08, 0.05, 0.02))
    reaction_s: tuple[float, float] = (0.35, 1.2)
    _heard: str = challenge.FORWARD
    _acts_at_s: float = 0.0
    _far: float = 1.0
    _blinks_at_s: float = 2.0
    _now: Look | None = None

    def look(self, at_s: float, asked: str) -> Look:
        """How the face is at this moment."""
        if asked != self._heard:
            self._heard, self._acts_at_s = asked, at_s + self.chance.uniform(*self.reaction_s)
            self._far = self.chance.uniform(0.65, 1.0)
        before = self._now or replace(self.still, at_s=at_s)
        wanted = self._wanted(at_s) if at_s >= self._acts_at_s else self._blinking(before, at_s)
        passed = at_s - before.at_s
        moved = {name: _towards(getattr(before, name), getattr(wanted, name), rate * passed) for name, rate in PER_S.items()}
        self._now = Look(at_s, **moved)
        return Look(at_s, **{name: value + self.chance.gauss(0, NOISE[name]) for name, value in moved.items()})

    def _wanted(self, at_s: float) -> Look:
        rested = self._blinking(self.still, at_s)
        if self._heard not in set(Action):
            return rested
        if self._heard in challenge.TURNS:
            side = 1 if self._heard == Action.TURN_LEFT else -1
            return replace(rested, turn_deg=self.still.turn_deg + side * 45 * self._far)
        name = {Action.BLINK: "shut", Action.SMILE: "smile", Action.OPEN_MOUTH: "open"}[Action(self._heard)]
        start = getattr(self.still, name)
        return replace(rested, **{name: start + (1 - start) * self._far})

    def _blinking(self, look: Look, at_s: float) -> Look:
        if at_s > self._blinks_at_s + 0.1:
            self._blinks_at_s = at_s + self.chance.uniform(1.5, 5.0)
        return replace(look, shut=0.8 if at_s >= self._blinks_at_s else min(look.shut, self.still.shut))


def _towards(now: float, wanted: float, most: float) -> float:
    return now + max(-most, min(most, wanted - now))


def moments(chance: random.Random) -> Iterator[float]:
    """When frames come: 12 a second, a little unevenly."""
    at_s = 0.0
    while at_s < MOST_S:
        yield at_s
        at_s += chance.uniform(0.8, 1.2) / FRAMES_PER_S


def attempt(person: Person, chance: random.Random, limits: Limits) -> tuple[State, list[Look]]:
    """A walk-up of somebody who follows: how it ended, and what a camera would have recorded."""
    state, seen = challenge.begin(0.0, limits), []
    for at_s in moments(chance):
        look = person.look(at_s, state.asked)
        seen.append(look)
        state = challenge.advance(state, look, limits, chance)
        if state.is_over:
            break
    return state, seen


def played(recording: list[Look], chance: random.Random, limits: Limits) -> State:
    """A recording before the camera, from some moment on, again and again until the challenge is over."""
    state, start = challenge.begin(0.0, limits), chance.randrange(len(recording))
    length = recording[-1].at_s + 1 / FRAMES_PER_S
    for turn in range(1_000):
        for look in recording[start if turn == 0 else 0 :]:
            at_s = look.at_s - recording[start].at_s + turn * length
            state = challenge.advance(state, replace(look, at_s=at_s), limits, chance)
            if state.is_over:
                return state
    return state

"""Passive liveness on rendered prints and screens beside the same photographs as if they were the people themselves.

Indicative: nothing here lives, and no real print or screen is shown. An attempt is a whole walk-up, judged by the kiosk's own
attention, quality gate and guard; who it is does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import cast
from bench.trials import hall
from bench.trials.rates import rate
from device import attend, attention, camera, config, liveness, sight, terms, walkups
from device.liveness import Verdict
from device.walkups import Medium
from models import align

SECONDS = 2.4
SIGNS = liveness.MOST_LOOKS


@dataclass(frozen=True, slots=True)
class Judged:
    """Verdicts on the attempts of one medium, and on how many photographs they rest."""

    medium: Medium
    photographs: int
    verdicts: dict[Verdict, int]
    unseen: int

    @property
    def attempts(self) -> int:
        return sum(self.verdicts.values())

    def document(self) -> dict[str, object]:
        """For machines. Attacks that passed: APCER without the challenge; of the living, failed: refused, unsure: challenged."""
        shares = {verdict.value: self._share(count) for verdict, count in self.verdicts.items()}
        return {"photographs": self.photographs, "attempts": self.attempts, "without_a_verdict": self.unseen, **shares}

    def _share(self, count: int) -> dict[str, object]:
        return rate(count, self.attempts)


def attacks(weights: Path, faces: Path | None, each: int, most: int = 60) -> dict[str, object]:
    """`each` walk-ups of every photograph in every medium; the level says what the kiosk could know."""
    settings = hall.settings(liveness=True)
    eyes = sight.load(weights, settings.recognition)
    found = cast.gathered(weights, faces, eyes, most)
    photographs = [photograph for member in found.members for photograph in (member.enrolled, *member.seen)][: 2 * most]
    photographs = [*photographs, *found.strangers]
    guard = liveness.Guard(eyes.antispoofing, liveness.Limits(), settings.liveness.min_face_px)
    judged = [_judged(medium, photographs, each, eyes, guard, settings) for medium in Medium]
    eyes.landmarker.close()
    return {"level": guard.level.value, **{one.medium.value: one.document() for one in judged}}


def _judged(
    medium: Medium, photographs: list[cast.Photograph], each: int, eyes: sight.Sight, guard: liveness.Guard, settings: config.Config
) -> Judged:
    verdicts, unseen, random = dict.fromkeys(Verdict, 0), 0, np.random.default_rng(2)
    for number, photograph in enumerate(photographs):
        for attempt in range(each):
            person = _staged(photograph, medium, random)
            frames = walkups.render(walkups.WalkUp(SECONDS, number * each + attempt, (person,)), hall.SIZE, hall.FRAMES_PER_SECOND)
            verdict = judge(frames, eyes, guard, settings)
            if verdict is None:
                unseen += 1
            else:
                verdicts[verdict] += 1
    return Judged(medium, len(photographs), verdicts, unseen)


def _staged(photograph: cast.Photograph, medium: Medium, random: np.random.Generator) -> walkups.Person:
    """At another size, place and light each time."""
    near, across = float(random.uniform(0.32, 0.48)), float(random.uniform(0.4, 0.6))
    light = float(random.uniform(0.75, 1.15))
    return cast.person(photograph, (0.2, near), across, medium=medium, light=(light, light))


def judge(frames: Iterator[NDArray[np.uint8]], eyes: sight.Sight, guard: liveness.Guard, settings: config.Config) -> Verdict | None:
    """The guard's verdict once it has had its looks, or at the end; None where no look passed the gate."""
    watching, gate = attention.Attention(eyes.detector, terms.effort(settings)), terms.gate(settings, eyes.landmarker)
    pause, ticks = terms.recognition_policy(settings).look_interval, hall.FrameClock()
    signs: list[liveness.Sign] = []
    brightness: list[liveness.Brightness] = []
    looked_at = None
    for pixels in frames:
        ticks.frames += 1
        now = ticks.now()
        seen = watching.look(camera.Frame(pixels, now))
        if not seen.faces or seen.faces[0].box.height < guard.min_face_px:
            continue
        face = seen.faces[0]
        brightness.append(liveness.brightness(pixels, face.box))
        due = looked_at is None or attend.elapsed(looked_at, now) >= pause
        if seen.fresh and due and not gate(pixels, face, align.chip(pixels, face.landmarks)):
            looked_at = now
            signs.append(guard.look(pixels, face.box))
        if len(signs) == SIGNS:
            break
    return guard.verdict(signs, brightness) if signs else None

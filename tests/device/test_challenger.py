"""Who has to show that they are there, and what comes of it: a scripted camera, and a real photograph before real models."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from device import api, attend, camera, config, line, pictures, recognise, sight, terms
from device.attend import Claim, Identity, Stranger
from device.challenger import Challenger, Demand
from device.liveness import Guard, Verdict
from device.liveness import Limits as GuardLimits
from device.messages import Capture, Liveness
from device.recognise import Waiting
from models import align, challenge
from models.challenge import Limits, Look
from models.detect import Box, Face
from models.landmarks import BLENDSHAPES, Mesh, Pose
from tests.device import parts
from tests.device.test_recognise import ADA, BOB, GALLERY, KNOWN, POLICY, Hall, Someone, looking, open_gate
from tests.device.test_recognise_photographs import watching
from tests.models.performers import Person

RATE = 12.0
LIMITS = Limits()


def mesh_of(look: Look) -> Mesh:
    shapes = np.zeros(52, dtype=np.float32)
    for name, value in (
        ("eye_blink_left", look.shut),
        ("eye_blink_right", look.shut),
        ("mouth_smile_left", look.smile),
        ("mouth_smile_right", look.smile),
        ("jaw_open", look.open),
    ):
        shapes[BLENDSHAPES.index(name)] = value
    return Mesh(np.zeros((478, 3), dtype=np.float32), shapes, Pose(look.turn_deg, 0.0, 0.0))


@dataclass
class Performer:
    """A face that follows what it was last asked; `asked` is what the screen showed with the frame before."""

    person: Person = field(default_factory=lambda: Person(random.Random(4)))
    asked: str = challenge.FORWARD
    at_s: float = 0.0
    follows: bool = True
    looks: int = 0

    def find(self, pixels: NDArray[np.uint8], face: Face) -> Mesh | None:
        self.looks += 1
        return mesh_of(self.person.look(self.at_s, self.asked if self.follows else challenge.FORWARD))


class Unsure:
    """A learned model that cannot tell."""

    def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
        return 0.15


class Sure:
    def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
        return 0.9


@dataclass
class Said:
    answers: list[Identity | Stranger]
    prompts: list[api.Prompt]
    waits: list[Waiting]


SCRIPT: tuple[list[Someone], ...] = ([Someone(ADA)], [Someone(BOB)], [])  # who stands there, by number
SHE, HE, NO_ONE = range(3)


def stood(
    demand: Demand,
    performer: Performer,
    who: Callable[[float], int] = lambda at_s: SHE,
    *,
    guard: Guard | None = None,
    claimed: recognise.Claimed | None = None,
    capture: Capture = Capture.CAMERA,
    seconds: float = 30.0,
    sheet: Callable[[float], bool] = lambda at_s: False,
) -> Said:
    """What is said while somebody stands there; `sheet`: when one is open for another way, and nobody is looked at."""
    hall, said = Hall(SCRIPT), Said([], [], [])
    asked = Challenger(performer, demand, LIMITS, random.Random(6))
    recogniser = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, POLICY, capture, guard, asked)
    if claimed is not None:
        recogniser.claim(claimed)
    for number in range(int(seconds * RATE)):
        performer.at_s = number / RATE
        frame = hall.frame(who(performer.at_s), performer.at_s)
        if sheet(performer.at_s):
            recogniser.watch(frame)
            performer.asked = challenge.FORWARD
            continue
        seen = recogniser.see(frame)
        performer.asked = seen.action if isinstance(seen, api.Prompt) else challenge.FORWARD
        if isinstance(seen, api.Prompt):
            said.prompts.append(seen)
        elif isinstance(seen, Waiting):
            said.waits.append(seen)
        else:
            said.answers.append(seen)
    return said


def only(said: Said) -> Identity:
    (answer,) = said.answers
    assert isinstance(answer, Identity)
    return answer


def test_whoever_follows_the_prompts_is_live_and_named_once() -> None:
    said = stood(Demand.ALWAYS, Performer())
    who = only(said)
    assert (who.person, who.liveness) == (parts.ADA, Liveness.PASSED)
    actions = [action for action, _ in itertools.groupby(prompt.action for prompt in said.prompts)]
    assert len([action for action in actions if action != challenge.FORWARD]) == LIMITS.steps
    assert {prompt.of for prompt in said.prompts} == {LIMITS.steps}
    assert max(prompt.step for prompt in said.prompts) == LIMITS.steps
    assert all(prompt.seconds_left <= LIMITS.answer_within_s for prompt in said.prompts)
    assert any(prompt.seconds_left > 0 for prompt in said.prompts)


def test_whoever_does_nothing_is_refused_with_a_reason() -> None:
    who = only(stood(Demand.ALWAYS, Performer(follows=False)))
    assert who.liveness is Liveness.FAILED
    refused = attend.decide(who, None, attend.Policy(POLICY.stranger_after, POLICY.stranger_after, False))
    assert isinstance(refused, attend.Refused)
    assert refused.why is attend.Why.LIVENESS_FAILED


def test_somebody_else_who_does_it_for_a_picture_is_not_taken_for_the_pictured() -> None:
    """The picture is recognised, then its bearer steps in the same place and does all that is asked."""
    said = stood(Demand.ALWAYS, Performer(), lambda at_s: SHE if at_s < 1.0 else HE, seconds=20.0)
    named = [answer.person for answer in said.answers if isinstance(answer, Identity) and answer.liveness is Liveness.PASSED]
    assert parts.ADA not in named


def test_a_face_that_goes_away_in_between_has_shown_nothing() -> None:
    said = stood(Demand.ALWAYS, Performer(), lambda at_s: NO_ONE if 3.0 <= at_s < 4.5 else SHE, seconds=12.0)
    assert said.answers == []
    assert Waiting.NOBODY in said.waits


@pytest.mark.parametrize(
    ("demand", "model", "asked"),
    [
        (Demand.NEVER, Unsure(), False),
        (Demand.UNSURE, Unsure(), True),
        (Demand.UNSURE, Sure(), False),
        (Demand.ALWAYS, Sure(), True),
    ],
)
def test_the_challenge_is_asked_for_when_the_policy_says_so(demand: Demand, model: Unsure | Sure, asked: bool) -> None:
    guard = Guard(model, GuardLimits(live_from=0.3, spoof_below=0.05))
    performer = Performer()
    said = stood(demand, performer, guard=guard, seconds=30.0)
    assert bool(said.prompts) is asked
    assert bool(performer.looks) is asked, "the mesh costs nothing where nobody is asked"
    passed = asked or isinstance(model, Sure)
    assert only(said).liveness is (Liveness.PASSED if passed else Liveness.NOT_ASSESSED)


def test_a_lock_asks_for_it_whatever_the_policy_is() -> None:
    claimed = recognise.Claimed(parts.ADA, Claim.NUMBER, GALLERY.of_person(parts.ADA), parts.moment(0), challenge=True)
    said = stood(Demand.NEVER, Performer(), claimed=claimed)
    assert said.prompts
    assert (only(said).liveness, only(said).claim) == (Liveness.PASSED, Claim.NUMBER)


def test_whoever_has_failed_already_and_whoever_is_not_known_is_asked_for_nothing() -> None:
    asked = Challenger(Performer(), Demand.ALWAYS, LIMITS)
    assert not asked.is_due(Verdict.FAILED, asked_for=True)
    assert asked.is_due(Verdict.NOT_ASSESSED, asked_for=False)


@pytest.mark.parametrize("times", [1, 5])
def test_whoever_opens_a_sheet_in_the_middle_of_a_challenge_has_not_failed_it_and_is_asked_anew(times: int) -> None:
    """However often: each time it is a whole challenge from its first step, which nobody passes by opening sheets."""
    last_s = 8.0 * times
    said = stood(Demand.ALWAYS, Performer(), sheet=lambda at_s: at_s < last_s and at_s % 8 >= 4, seconds=last_s + 30.0)
    who = only(said)
    assert (who.person, who.liveness, who.embeddings) == (parts.ADA, Liveness.PASSED, 4)
    assert attend.elapsed(parts.moment(last_s), who.first_attempt).total_seconds() > -0.1, "no look from before the sheet counts"
    steps = [step for step, _ in itertools.groupby(prompt.step for prompt in said.prompts)]
    assert steps[-LIMITS.steps :] == [1, 2, 3, 4]


def test_a_sheet_passes_no_challenge_for_whoever_does_nothing() -> None:
    said = stood(Demand.ALWAYS, Performer(follows=False), sheet=lambda at_s: 2 <= at_s < 5, seconds=60.0)
    assert only(said).liveness is Liveness.FAILED
    assert attend.elapsed(parts.moment(6), only(said).seen_at).total_seconds() > 0


def test_nothing_is_claimed_of_a_camera_that_is_none() -> None:
    assert only(stood(Demand.ALWAYS, Performer(), capture=Capture.SIMULATED)).liveness is Liveness.NOT_ASSESSED


def test_the_work_of_a_punch_is_counted_and_bounded() -> None:
    guard = Guard(Sure(), GuardLimits())
    who = only(stood(Demand.UNSURE, Performer(), guard=guard, seconds=3.0))
    assert (who.embeddings, who.liveness_runs) == (3, 3)
    assert guard.looks == 3


class Prompting:
    """A recogniser that asks for a smile."""

    def __init__(self, said: list[recognise.Seen]) -> None:
        self._said = iter(said)

    def see(self, frame: camera.Frame) -> recognise.Seen:
        return next(self._said)

    def watch(self, frame: camera.Frame) -> None:
        """Whoever is asked is so no more."""


def test_the_board_shows_what_to_do_and_forgets_it_when_it_is_over() -> None:
    board, asked = line.Board(), api.Prompt("smile", 2, 4, 1.5)
    walk = line.Line(Prompting([asked, Waiting.NOBODY]), *(None,) * 2, board, None, None, "")  # type: ignore[arg-type]
    frame = camera.Frame(np.zeros((4, 4, 3), np.uint8), parts.moment(0))
    walk.take(frame)
    assert (board.waiting, board.prompt) == (Waiting.CHALLENGE, asked)
    walk.take(frame)
    assert (board.waiting, board.prompt) == (Waiting.NOBODY, api.Prompt())


def test_nobody_is_told_to_smile_while_another_way_is_used() -> None:
    board = line.Board()
    walk = line.Line(Prompting([api.Prompt("smile", 2, 4, 1.5)]), *(None,) * 2, board, None, None, "")  # type: ignore[arg-type]
    pixels = np.zeros((4, 4, 3), np.uint8)
    walk.take(camera.Frame(pixels, parts.moment(0)))
    walk.suspend(parts.moment(1), timedelta(seconds=60))
    walk.take(camera.Frame(pixels, parts.moment(1)))
    assert (board.waiting, board.prompt) == (Waiting.OTHER_WAY, api.Prompt())


def test_pictures_from_a_file_are_asked_only_where_the_settings_want_it_always(eyes: sight.Sight, tmp_path: object) -> None:
    stage = camera.open_source(f"stage:{tmp_path}", parts.Clock())
    settings = {"liveness": {"simulated": True, "challenge": "always"}}
    assert terms.challenger_of(config.Config(), eyes, stage) is None
    assert terms.challenger_of(config.parse({"liveness": {"simulated": True}}), eyes, stage) is None
    assert terms.challenger_of(config.parse(settings), eyes, stage) is not None


def test_a_real_photograph_before_the_real_models_passes_no_challenge(
    eyes: sight.Sight, pixels: Callable[[str], NDArray[np.uint8]]
) -> None:
    """Held still, then shaken and bent: the mesh trembles and turns, and nobody is called live."""
    whole = pixels("obama")
    face = eyes.faces_in_photograph(whole)[0]
    known = recognise.Known(KNOWN.gallery.with_template("p-photograph", vector(eyes, whole, face)), 0.45, 0.45)
    settings = config.Config()
    recogniser = recognise.Recogniser(
        watching(eyes),
        terms.gate(settings, eyes.landmarker),
        eyes.embedder,
        known,
        terms.recognition_policy(settings),
        Capture.CAMERA,
        None,
        Challenger(eyes.landmarker, Demand.ALWAYS, LIMITS, random.Random(1)),
    )
    said = [recogniser.see(frame) for frame in moved(pictures.fit(pixels("obama2"), (640, 480)))]
    assert any(isinstance(one, api.Prompt) for one in said)
    assert not [one for one in said if isinstance(one, Identity) and one.liveness is Liveness.PASSED]


def vector(eyes: sight.Sight, whole: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
    return eyes.embedder.embed(align.chip(whole, face.landmarks))


def moved(picture: NDArray[np.uint8]) -> Iterator[camera.Frame]:
    """Fourteen seconds at five frames a second: still at first, then shaken, and turned about its upright axis like a card."""
    height, width = picture.shape[:2]
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
    chance = np.random.default_rng(2)
    for number in range(70):
        swing = 0.0 if number < 10 else float(np.sin(number / 4))
        near = np.array([(0, -1), (0, 1), (0, -1), (0, 1)], dtype=np.float32) * swing * 0.12 * height
        shaken = corners + near + chance.normal(0, 0.0 if number < 10 else 2.0, 2).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(corners, np.asarray(shaken, dtype=np.float32))
        seen = cv2.warpPerspective(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        yield camera.Frame(np.asarray(seen, dtype=np.uint8), parts.moment(number / 5))

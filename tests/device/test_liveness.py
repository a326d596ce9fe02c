"""From signs to a verdict, and from a staged print or screen to a refusal; nothing is claimed that is not known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from device import attend, attention, camera, config, liveness, pictures, recognise, sight, terms, walkups
from device.attend import Identity, Stranger
from device.liveness import Brightness, Guard, Level, Limits, Sign, Verdict
from device.messages import Capture, Liveness
from models import align, match
from models import manifest as manifests
from models.detect import Box
from tests.device import parts

WEIGHTS = platformdirs.user_cache_path("daka") / "weights"
FRAME = (640, 480)
RATE = 15


class Model:
    """A learned model that always says the same."""

    def __init__(self, says: float) -> None:
        self.says = says

    def live(self, pixels: NDArray[np.uint8], box: Box) -> float:
        return self.says


@pytest.mark.parametrize(
    ("live", "verdict"),
    [(0.0, Verdict.FAILED), (0.049, Verdict.FAILED), (0.051, Verdict.UNSURE), (0.29, Verdict.UNSURE), (0.31, Verdict.PASSED)],
)
def test_the_learned_model_is_believed_where_it_is_sure(live: float, verdict: Verdict) -> None:
    guard = Guard(Model(live), Limits())
    assert guard.level is Level.LEARNED
    assert guard.verdict([Sign(live, 5.0)] * 3, []) is verdict


def test_without_the_learned_model_nobody_is_called_live() -> None:
    guard = Guard(None, Limits())
    assert guard.level is Level.RASTER
    assert guard.verdict([Sign(None, 5.0)] * 3, []) is Verdict.NOT_ASSESSED
    assert guard.verdict([Sign(None, 50.0)] * 3, []) is Verdict.FAILED
    assert guard.verdict([], []) is Verdict.NOT_ASSESSED


def test_a_raster_refuses_whatever_the_learned_model_says_and_in_one_frame_alone_it_is_for_the_challenge() -> None:
    guard = Guard(Model(1.0), Limits())
    assert guard.verdict([Sign(1.0, 50.0)] * 3, []) is Verdict.FAILED
    assert guard.verdict([Sign(1.0, 5.0), Sign(1.0, 50.0), Sign(1.0, 5.0)], []) is Verdict.UNSURE


def test_a_flickering_face_in_a_steady_room_is_for_the_challenge_to_settle() -> None:
    beat = [Brightness(120 + 30 * (number % 2), 110) for number in range(20)]
    assert Guard(Model(1.0), Limits()).verdict([Sign(1.0, 5.0)], beat) is Verdict.UNSURE


@given(st.lists(st.builds(Sign, st.floats(0, 1), st.floats(0, 100)), min_size=1, max_size=3), st.floats(0, 0.5))
def test_a_face_that_looks_less_live_never_fares_better(signs: list[Sign], less: float) -> None:
    order = [Verdict.FAILED, Verdict.UNSURE, Verdict.PASSED]
    guard = Guard(Model(0.0), Limits())
    worse = [Sign(max(0.0, (sign.live or 0.0) - less), sign.raster) for sign in signs]
    assert order.index(guard.verdict(worse, [])) <= order.index(guard.verdict(signs, []))


def staged(eyes: sight.Sight, medium: walkups.Medium, photograph: str) -> Iterator[camera.Frame]:
    path = WEIGHTS / manifests.load().entry(photograph).file
    box = eyes.faces_in_photograph(pictures.read(path))[0].box
    face = (max(0.0, box.x), max(0.0, box.y), box.width, box.height)
    person = walkups.Person(path, face, approach=(0.12, 0.42), medium=medium)
    frames = walkups.render(walkups.WalkUp(4.0, 7, (person,)), FRAME, RATE)
    return (camera.Frame(pixels, parts.moment(number / RATE)) for number, pixels in enumerate(frames))


def walk(eyes: sight.Sight, medium: walkups.Medium, photograph: str, capture: Capture) -> tuple[Identity | Stranger, Guard]:
    whole = pictures.read(WEIGHTS / manifests.load().entry("obama").file)
    template = eyes.embedder.embed(align.chip(whole, eyes.faces_in_photograph(whole)[0].landmarks))
    settings = config.Config()
    guard = Guard(eyes.antispoofing, Limits())
    recogniser = recognise.Recogniser(
        attention.Attention(eyes.detector, terms.effort(settings)),
        terms.gate(settings, eyes.landmarker),
        eyes.embedder,
        recognise.Known(match.Gallery.of([(parts.ADA, template)]), 0.45, 0.45),
        terms.recognition_policy(settings),
        capture,
        guard,
    )
    seen = (recogniser.see(frame) for frame in staged(eyes, medium, photograph))
    return next(one for one in seen if isinstance(one, Identity | Stranger)), guard


@pytest.mark.parametrize("photograph", ["obama2", "obama3", "impostor_1"])
def test_a_screen_that_is_held_up_is_recognised_and_refused_with_at_most_three_looks(eyes: sight.Sight, photograph: str) -> None:
    who, guard = walk(eyes, walkups.Medium.SCREEN, photograph, Capture.CAMERA)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.FAILED
    assert guard.looks <= liveness.MOST_LOOKS
    policy = attend.Policy(timedelta(seconds=60), timedelta(hours=16), allow_simulated=True)
    answer = attend.decide(who, None, policy)
    assert isinstance(answer, attend.Refused)
    assert answer.why is attend.Why.LIVENESS_FAILED


def test_a_staged_person_is_not_refused_and_nothing_is_claimed_of_a_stage(eyes: sight.Sight) -> None:
    who, _ = walk(eyes, walkups.Medium.LIVE, "obama2", Capture.SIMULATED)
    assert isinstance(who, Identity)
    assert who.liveness is Liveness.NOT_ASSESSED


def test_a_simulated_camera_is_not_guarded_unless_the_settings_say_so(eyes: sight.Sight, tmp_path: Path) -> None:
    stage = camera.open_source(f"stage:{tmp_path}", parts.Clock())
    asked = config.parse({"liveness": {"simulated": True}})
    assert terms.guard(config.Config(), eyes, stage) is None
    assert terms.guard(asked, eyes, stage) is not None
    assert terms.guard(config.parse({"liveness": {"passive": False}}), eyes, stage) is None


def test_limits_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(config.ConfigError, match="must not lie above"):
        config.parse({"liveness": {"spoof_below": 0.4, "live_from": 0.3}})

"""The short form of the trials: the real kiosk, the sample photographs, and that each trial is able to find what it looks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest

from bench import cast, rush
from bench.trials import attacks, crowds, hall, scenes, wearing
from bench.trials.wearing import Wearing
from device import api, config, liveness, pictures, sight, walkups
from device.liveness import Verdict
from device.walkups import Medium
from models.detect import Box

WEIGHTS = platformdirs.user_cache_path("daka") / "weights"


@pytest.fixture(scope="module")
def eyes() -> Iterator[sight.Sight]:
    found = sight.load(WEIGHTS, config.Recognition())
    yield found
    found.landmarker.close()


@pytest.fixture(scope="module")
def people(eyes: sight.Sight) -> cast.Cast:
    return cast.gathered(WEIGHTS, None, eyes)


def test_one_person_after_the_other_is_clocked_in_with_three_embeddings_each() -> None:
    found = crowds.crowds(WEIGHTS, None, 4, alone=True)
    assert (found.punches, found.swapped, found.passed_over) == (4, 0, 0)
    assert set(found.embeddings) == {3}
    assert {one.first_embeddings for one in found.came} == {3}, "by the model's own count"
    assert max(one.first_liveness_runs for one in found.came) <= 3


def test_of_two_to_four_in_view_everybody_at_the_kiosk_is_recorded_and_nobody_in_anothers_place() -> None:
    found = crowds.crowds(WEIGHTS, None, 4)
    assert (found.swapped, found.not_meant, found.passed_over) == (0, 0, 0)
    assert found.punches >= found.due >= 4
    assert max(found.embeddings) <= 3
    assert max(found.liveness_runs) <= 3


def test_three_people_in_three_seconds_are_three_records(people: cast.Cast, tmp_path: Path) -> None:
    with hall.opened(tmp_path / "kiosk", WEIGHTS, hall.settings()) as place:
        ids = [place.enrol(member) for member in people.members]
        abreast = tuple(
            cast.person(member.seen[-1], (0.2, 0.31), across)
            for member, across in zip(people.members, (0.17, 0.5, 0.83), strict=True)
        )
        played = place.play(walkups.WalkUp(3.6, 5, abreast))
    punches = [answer for answer in played.answers if answer.decision.outcome == "punched"]
    assert sorted(answer.decision.person for answer in punches) == sorted(str(person) for person in ids)
    assert max(answer.frame for answer in punches) <= 3.0 * hall.FRAMES_PER_SECOND


def test_the_script_says_who_is_at_the_kiosk_who_is_not_and_whose_face_it_is(people: cast.Cast) -> None:
    photograph = people.members[0].seen[0]
    near = scenes.Standing("p-near", photograph, (0.16, 0.36), (0.27, 0.27))
    beside = scenes.Standing("p-beside", photograph, (0.16, 0.33), (0.73, 0.73))
    behind = scenes.Standing("p-behind", photograph, (0.1, 0.18), (0.92, 0.92))
    hidden = scenes.Standing("p-hidden", photograph, (0.16, 0.36), (0.3, 0.3))
    assert scenes.to_be_recorded((near, beside, behind)) == {"p-near", "p-beside"}
    assert scenes.never_at_the_kiosk((near, beside, behind)) == {"p-behind"}
    assert scenes.to_be_recorded((near, hidden)) == frozenset()
    box = Box(0.73 * 640 - 60, 160, 120, 150)
    told = hall.Answer(_decision("p-beside"), 40, box, 3, 3)
    assert not crowds.is_swapped(told, (near, beside, behind))
    assert crowds.is_swapped(replace(told, decision=_decision("p-near")), (near, beside, behind))


def _decision(person: str) -> api.Decision:
    return api.Decision(1, "2026-01-05T08:59:00Z", "punched", "", person, "", "in", 3, 60, 1, "")


@pytest.mark.parametrize("worn", [Wearing.THIN_GLASSES, Wearing.THICK_GLASSES, Wearing.HAT])
def test_people_of_the_samples_are_found_with_glasses_and_with_a_hat(tmp_path: Path, eyes: sight.Sight, worn: Wearing) -> None:
    found = cast.gathered(WEIGHTS, None, eyes)
    with hall.opened(tmp_path / "kiosk", WEIGHTS, hall.settings()) as place:
        ids = {member.name: place.enrol(member) for member in found.members}
        for number, member in enumerate(found.members):
            photograph = _put_on(member.seen[0], worn, eyes, tmp_path / f"{number}.png")
            (answer,) = place.play(walkups.WalkUp(2.4, number, (cast.person(photograph, (0.25, 0.45)),))).answers
            assert answer.decision.outcome == "punched"
            assert answer.decision.person == ids[member.name]


def _put_on(photograph: cast.Photograph, worn: Wearing, eyes: sight.Sight, path: Path) -> cast.Photograph:
    pixels = pictures.read(photograph.path)
    shown = wearing.dressed(pixels, eyes.faces_in_photograph(pixels)[0].landmarks, worn)
    assert np.any(shown != pixels)
    assert cv2.imwrite(str(path), shown)
    return replace(photograph, path=path)


def test_a_rendered_screen_is_refused_and_the_same_photograph_as_a_person_is_not(eyes: sight.Sight, people: cast.Cast) -> None:
    settings = hall.settings(liveness=True)
    guard = liveness.Guard(eyes.antispoofing, liveness.Limits(), settings.liveness.min_face_px)
    said = {}
    for medium in Medium:
        person = cast.person(people.members[0].seen[0], (0.2, 0.42), medium=medium)
        frames = walkups.render(walkups.WalkUp(attacks.SECONDS, 1, (person,)), hall.SIZE, hall.FRAMES_PER_SECOND)
        said[medium] = attacks.judge(frames, eyes, guard, settings)
    assert said[Medium.SCREEN] is Verdict.FAILED
    assert said[Medium.LIVE] in (Verdict.PASSED, Verdict.NOT_ASSESSED)


def test_step_in_is_the_first_frame_with_a_face_as_tall_as_the_kiosk_asks_for() -> None:
    count = round(rush.SECONDS * hall.FRAMES_PER_SECOND)
    frame = round(rush.step_in_s(120) * hall.FRAMES_PER_SECOND)
    assert hall.face_height(rush.APPROACH, frame - 1, count) < 120 <= hall.face_height(rush.APPROACH, frame, count)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_hundred_walk_ups_of_two_to_four_faces_swap_no_name() -> None:
    found = crowds.crowds(WEIGHTS, None, 500)
    assert (found.swapped, found.not_meant) == (0, 0)
    assert found.passed_over <= 0.01 * found.due
    assert max(found.embeddings) <= 3
    assert max(found.liveness_runs) <= 3


@pytest.mark.long
def test_whoever_comes_alone_costs_three_embeddings_and_three_liveness_runs_at_most() -> None:
    found = crowds.crowds(WEIGHTS, None, 100, alone=True)
    assert found.punches == 100
    assert max(one.first_embeddings for one in found.came) <= 3
    assert max(one.first_liveness_runs for one in found.came) <= 3


@pytest.mark.long
@pytest.mark.timeout(900)
def test_eight_fifty_nine_in_real_time() -> None:
    found = rush.rush(WEIGHTS, None, minutes=5.0).document()
    assert found["wrong_names"] == 0
    assert float(str(found["punches_a_minute"])) >= 20
    assert float(str(found["median_s"])) <= 1.0
    assert float(str(found["p95_s"])) <= 1.5

"""What only the mesh shows, each reason with real photographs brought to just inside and just outside its limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from models import covering, quality, weights
from models.detect import Detector
from models.landmarks import Landmarker, Mesh
from models.landmarks.with_opencv import WithOpenCv
from models.quality import Limits, Reason, Shortfall
from tests import coverings
from tests.coverings import Picture
from tests.models.conftest import Photograph

LIMITS = Limits()
STEPS = 7  # halvings
PHOTOGRAPHS = ("obama", "obama2", "obama3", "biden", "person_a_2", "person_b_1", "person_b_2", "impostor_1", "impostor_2")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "faces"


@dataclass(frozen=True)
class Case:
    """`degrade(picture, mesh, amount)`: at 0 all is well, at `bad` the reason is there."""

    name: str
    reason: Reason
    degrade: Callable[[Picture, Mesh, float], Picture]
    bad: float


def tilted(picture: Picture, mesh: Mesh, degrees: float) -> Picture:
    middle = mesh.points[:, :2].mean(axis=0)
    return coverings.rolled(picture, (float(middle[0]), float(middle[1])), degrees - mesh.pose.tilt_deg)


def in_a_blue_mask(picture: Picture, mesh: Mesh, opacity: float) -> Picture:
    return coverings.masked(picture, mesh, coverings.MASKS["blue"], opacity)


CASES = [
    Case("tilted", Reason.TILTED, tilted, 35.0),
    Case("tilted the other way", Reason.TILTED, lambda picture, mesh, degrees: tilted(picture, mesh, -degrees), 35.0),
    Case("mask", Reason.MOUTH_COVERED, in_a_blue_mask, 1.0),
    Case("hand before the mouth", Reason.MOUTH_COVERED, coverings.hand_before_the_mouth, 1.0),
    Case("hand before the eyes", Reason.EYES_COVERED, coverings.hand_before_the_eyes, 1.0),
    Case("dark glasses", Reason.EYES_COVERED, coverings.in_dark_glasses, 1.0),
]


@pytest.fixture(scope="module")
def finder(ready: weights.Ready) -> Detector:
    return Detector(ready.detector, working_size=(640, 640))


@pytest.fixture(scope="module")
def landmarker(ready: weights.Ready) -> Landmarker:
    return WithOpenCv(ready.landmarker)


def shrunk(photograph: Picture) -> Picture:
    scale = min(1.0, 700 / max(photograph.shape[:2]))
    return np.asarray(cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def mesh_on(picture: Picture, finder: Detector, landmarker: Landmarker) -> Mesh:
    mesh = landmarker.find(picture, finder.faces(picture)[0])
    assert mesh is not None, "the mesh was lost before the limit"
    return mesh


def judged(picture: Picture, finder: Detector, landmarker: Landmarker) -> dict[Reason, Shortfall]:
    found = quality.assess_mesh(picture, mesh_on(picture, finder, landmarker), LIMITS)
    return {shortfall.reason: shortfall for shortfall in found}


@pytest.mark.parametrize("name", ["obama", "person_b_2", "impostor_2"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.name))
def test_a_reason_appears_at_its_limit_and_not_before(
    case: Case, name: str, photograph: Photograph, finder: Detector, landmarker: Landmarker
) -> None:
    plain = shrunk(photograph(name))
    mesh = mesh_on(plain, finder, landmarker)
    good, bad = 0.0, case.bad
    for _ in range(STEPS):
        middle = (good + bad) / 2
        if case.reason in judged(case.degrade(plain, mesh, middle), finder, landmarker):
            bad = middle
        else:
            good = middle
    inside = judged(case.degrade(plain, mesh, good), finder, landmarker)
    outside = judged(case.degrade(plain, mesh, bad), finder, landmarker)
    assert case.reason not in inside
    shortfall = outside[case.reason]
    assert shortfall.measured == pytest.approx(shortfall.limit, rel=0.15), "just outside means near the limit"
    assert bad < case.bad, "it would have been seen only at the very end"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_plain_photograph_has_none_of_these_reasons(
    name: str, photograph: Photograph, finder: Detector, landmarker: Landmarker
) -> None:
    assert judged(shrunk(photograph(name)), finder, landmarker) == {}


@pytest.mark.parametrize("colour", list(coverings.MASKS))
def test_a_mask_of_any_colour_covers_the_mouth(
    colour: str, photograph: Photograph, finder: Detector, landmarker: Landmarker
) -> None:
    seen = 0
    for name in PHOTOGRAPHS[::2]:
        plain = shrunk(photograph(name))
        worn = coverings.masked(plain, mesh_on(plain, finder, landmarker), coverings.MASKS[colour])
        mesh = landmarker.find(worn, finder.faces(worn)[0])
        assert mesh is None or covering.balance(worn, mesh) < LIMITS.most_balance
        seen += mesh is not None and Reason.MOUTH_COVERED in {one.reason for one in quality.assess_mesh(worn, mesh, LIMITS)}
    assert seen >= len(PHOTOGRAPHS[::2]) - 1


def test_blur_and_darkness_that_the_gate_allows_do_not_look_like_a_covering(
    photograph: Photograph, finder: Detector, landmarker: Landmarker
) -> None:
    for name in PHOTOGRAPHS:
        plain = shrunk(photograph(name))
        width = finder.faces(plain)[0].box.width
        soft = np.asarray(cv2.GaussianBlur(plain, (0, 0), width / 60), dtype=np.uint8)
        dark = np.asarray(np.clip(plain * 0.25, 0, 255), dtype=np.uint8)
        assert judged(soft, finder, landmarker) == {}, name
        assert judged(dark, finder, landmarker) == {}, name


def test_of_dozens_of_uncovered_faces_next_to_none_is_called_covered(finder: Detector, landmarker: Landmarker) -> None:
    if not SHARED.is_dir():
        pytest.skip("the labelled photographs are not here")
    covered = looked_at = 0
    for path in sorted(SHARED.glob("*/*.jpg"))[5::48]:
        picture = np.asarray(cv2.imread(str(path)), dtype=np.uint8)
        mesh = landmarker.find(picture, finder.faces(picture)[0])
        if mesh is not None:
            looked_at += 1
            covered += not LIMITS.least_balance <= covering.balance(picture, mesh) <= LIMITS.most_balance
    assert looked_at >= 40
    assert covered <= 1

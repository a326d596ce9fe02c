"""Staged walk-ups: the file, and the frames that are made from it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import platformdirs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device import pictures, walkups
from models import align, detect, embed, weights
from models.errors import ModelError

SIZE = (320, 240)
RATE = 15.0
FACE = (60.0, 60.0, 60.0, 80.0)  # not in the middle of the photograph
GREEN, RED = (40, 200, 40), (40, 40, 200)


@pytest.fixture
def green(tmp_path: Path) -> Path:
    """A grey photograph in which the box of the face is green."""
    return painted(tmp_path / "green.png", GREEN)


@pytest.fixture
def red(tmp_path: Path) -> Path:
    return painted(tmp_path / "red.png", RED)


def painted(path: Path, colour: tuple[int, int, int], scale: int = 1) -> Path:
    photograph = np.full((300 * scale, 220 * scale, 3), 110, dtype=np.uint8)
    x, y, width, height = (round(value * scale) for value in FACE)
    photograph[y : y + height, x : x + width] = colour
    assert cv2.imwrite(str(path), photograph)
    return path


def person(photograph: Path, **changes: Any) -> walkups.Person:
    return walkups.Person(photograph=photograph, face=FACE, **changes)


def frames_of(*persons: walkups.Person, seed: int = 1, seconds: float = 4) -> list[pictures.Pixels]:
    return list(walkups.render(walkups.WalkUp(seconds=seconds, seed=seed, person=persons), SIZE, RATE))


def green_part(frame: pictures.Pixels) -> NDArray[np.bool_]:
    blue, green, red = (frame[:, :, channel].astype(int) for channel in range(3))
    return np.asarray((green - blue > 60) & (green - red > 60))


def face_in(frame: pictures.Pixels) -> tuple[float, float, float]:
    """Centre x, centre y and height of the green box, in pixels."""
    rows, columns = np.nonzero(green_part(frame))
    return float(columns.mean()), float(rows.mean()), float(rows.max() - rows.min() + 1)


def test_what_is_written_is_what_is_read(green: Path, red: Path, tmp_path: Path) -> None:
    first = person(green, approach=(0.1, 0.4), path=((0.2, 0.4), (0.6, 0.5)), light=(0.5, 1.25))
    second = person(red, blur_frames=0.25, roll_deg=-7.5, mirrored=True)
    walkup = walkups.WalkUp(seconds=4.5, seed=2**53 - 1, person=(first, second))
    walkups.write(walkup, tmp_path / "0001.toml")
    assert walkups.read(tmp_path / "0001.toml") == walkup
    assert [path.name for path in tmp_path.iterdir() if "0001" in path.name] == ["0001.toml"]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1))
def test_any_name_of_a_photograph_survives_the_file(name: str, tmp_path: Path) -> None:
    walkup = walkups.WalkUp(seconds=1.0, seed=0, person=(person(Path("/photographs") / name),))
    walkups.write(walkup, tmp_path / "walkup.toml")
    assert walkups.read(tmp_path / "walkup.toml") == walkup


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"speed": 3}, "'speed'"),
        ({"seconds": 0}, "'seconds'"),
        ({"seconds": "four"}, "'seconds'"),
        ({"seconds": float("nan")}, "'seconds'"),
        ({"seed": -1}, "'seed'"),
        ({"seed": True}, "'seed'"),
        ({"person": []}, "'person'"),
        ({"person": [{"hat": True}]}, "'person 1 photograph'"),
        ({"photograph": "li-na.jpg"}, "'person 1 photograph': Value error, write an absolute path"),
        ({"approach": [0.1, 9.0]}, "'person 1 approach 2'"),
        ({"approach": [0.1]}, "'person 1 approach"),
        ({"path": [[0.5, 0.5], [0.5, "x"]]}, "'person 1 path 2 2'"),
        ({"light": [0.0, 1.0]}, "'person 1 light 1'"),
        ({"blur_frames": 1.5}, "'person 1 blur_frames'"),
        ({"roll_deg": 90}, "'person 1 roll_deg'"),
        ({"mirrored": "yes"}, "'person 1 mirrored'"),
        ({"hat": True}, "'person 1 hat'"),
        ({"face": [0, 0, 2, 2]}, "'person 1 face 3'"),
    ],
)
def test_a_wrong_key_or_value_is_refused_by_its_name(change: dict[str, Any], complaint: str) -> None:
    one = {"photograph": "/secret/li-na.jpg", "face": [1, 2, 30, 40]}
    table: dict[str, Any] = {"seconds": 4, "seed": 1, "person": [one]}
    top = change.keys() <= {"speed", "seconds", "seed", "person"}
    (table if top else one).update(change)
    with pytest.raises(walkups.WalkUpRefused, match=re.escape(complaint)) as refused:
        walkups.from_table(table)
    assert "li-na" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"seconds = ", "not TOML"), (b"\xff\xfe", "not UTF-8"), (b"#" * 70_000, "larger than 64 kB")],
)
def test_a_file_that_is_no_walk_up_is_refused_with_the_reason(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "0001.toml").write_bytes(content)
    with pytest.raises(walkups.WalkUpRefused, match=reason):
        walkups.read(tmp_path / "0001.toml")


def test_a_file_written_by_hand_needs_only_the_photograph_and_the_face(green: Path) -> None:
    text = f'seconds = 4\nseed = 1\n[[person]]\nphotograph = "{green}"\nface = [60, 60, 60, 80]\n'
    walkup = walkups.from_table(tomllib.loads(text))
    assert walkup.person == (person(green),)


def test_a_face_outside_its_photograph_is_refused(green: Path) -> None:
    outside = replace(person(green), face=(200.0, 60.0, 60.0, 80.0))
    with pytest.raises(walkups.WalkUpRefused, match="'person 1 face': it lies outside the photograph, 220 x 300"):
        frames_of(outside)


def test_a_damaged_photograph_names_the_person_and_not_the_file(green: Path, tmp_path: Path) -> None:
    (tmp_path / "li-na.jpg").write_bytes(b"broken")
    with pytest.raises(walkups.WalkUpRefused, match="'person 2 photograph'") as refused:
        frames_of(person(green), person(tmp_path / "li-na.jpg"))
    assert "li-na" not in str(refused.value)


def test_the_same_seed_gives_the_same_frames_and_another_seed_others(green: Path) -> None:
    once, again = frames_of(person(green, blur_frames=0.5)), frames_of(person(green, blur_frames=0.5))
    other = frames_of(person(green, blur_frames=0.5), seed=2)
    assert len(once) == 60
    assert all(frame.shape == (240, 320, 3) and frame.dtype == np.uint8 for frame in once)
    assert all(np.array_equal(one, two) for one, two in zip(once, again, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(once, other, strict=True))


def test_the_face_has_the_size_and_place_that_were_asked_for(green: Path) -> None:
    frames = frames_of(person(green, approach=(0.15, 0.4), path=((0.3, 0.4), (0.6, 0.5))))
    begins = face_in(frames[4])  # a quarter of a second in: still close to where it began
    assert begins == pytest.approx((0.3 * 320, 0.4 * 240, 0.15 * 240), abs=10)
    stands = face_in(frames[40])
    assert stands == pytest.approx((0.6 * 320, 0.5 * 240, 0.4 * 240), abs=5)


def test_a_face_stays_in_its_place_when_it_is_mirrored_or_comes_from_a_large_photograph(green: Path, tmp_path: Path) -> None:
    x, y, width, height = (9 * value for value in FACE)
    large = replace(person(painted(tmp_path / "large.png", GREEN, scale=9)), face=(x, y, width, height))
    plain = face_in(frames_of(person(green))[40])
    assert face_in(frames_of(person(green, mirrored=True))[40]) == pytest.approx(plain, abs=2)
    assert face_in(frames_of(large)[40]) == pytest.approx(plain, abs=2)


def test_people_come_nearer_then_stand_and_then_leave_the_picture(green: Path) -> None:
    areas = [int(green_part(frame).sum()) for frame in frames_of(person(green))]
    walking, standing = areas[5:33:7], areas[34:50]
    assert walking == sorted(walking)
    assert walking[-1] > 5 * walking[0] > 0
    assert max(standing) < 1.05 * min(standing)
    assert areas[-1] == 0


def test_the_nearer_person_stands_in_front(green: Path, red: Path) -> None:
    near, far = person(green, approach=(0.2, 0.4)), person(red, approach=(0.1, 0.2))
    for order in ((near, far), (far, near)):
        blue, greenness, redness = frames_of(*order)[40][120, 160].astype(int)
        assert greenness > redness + 60, f"green, the nearer one, is hidden: {blue, greenness, redness}"


def test_light_makes_people_darker_and_brighter_and_leaves_the_hall_alone(green: Path) -> None:
    dark, bright = frames_of(person(green, light=(0.4, 0.4))), frames_of(person(green, light=(1.2, 1.2)))
    assert int(bright[40][120, 160, 1]) > 2 * int(dark[40][120, 160, 1])
    assert abs(float(bright[40][:40, :40].mean()) - float(dark[40][:40, :40].mean())) < 1


def test_the_asked_fraction_of_frames_is_blurred(green: Path) -> None:
    def sharpness(frame: pictures.Pixels) -> float:
        return float(np.abs(np.diff(frame[120, :, 1].astype(int))).max())

    sharp = [sharpness(frame) for frame in frames_of(person(green), seconds=20)[180:250]]
    mixed = [sharpness(frame) for frame in frames_of(person(green, blur_frames=0.5), seconds=20)[180:250]]
    blurred = sum(value < 0.7 * min(sharp) for value in mixed)
    assert 20 <= blurred <= 50


def test_the_empty_hall_is_never_twice_the_same_and_never_black() -> None:
    frames = walkups.empty(SIZE)
    first, second = next(frames), next(frames)
    assert first.shape == (240, 320, 3)
    assert not np.array_equal(first, second)
    assert 60 < first.mean() < 200
    assert 1 < (first.astype(int) - second).std() < 10


class Eyes:
    """The real detector and embedder, and the sample photographs beside their weights."""

    def __init__(self, folder: Path) -> None:
        ready = weights.ready(folder)
        self.folder = folder
        self.detector, self._embedder = detect.Detector(ready.detector), embed.Embedder(ready.embedder)

    def nearest(self, pixels: pictures.Pixels) -> tuple[detect.Box, NDArray[np.float32]] | None:
        """Box and vector of the nearest face, if there is one."""
        faces = self.detector.faces(pixels)
        if not faces:
            return None
        return faces[0].box, self._embedder.embed(align.chip(pixels, faces[0].landmarks))

    def person(self, name: str, **changes: Any) -> walkups.Person:
        box = self.detector.faces(pictures.read(self.folder / name))[0].box
        face = (box.x, box.y, box.width, box.height)
        return walkups.Person(photograph=self.folder / name, face=face, **changes)


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    folder = platformdirs.user_cache_path("daka") / "weights"
    if not (folder / "obama.jpg").exists():
        pytest.skip("the sample photographs are not here; run: daka models fetch --with-samples")
    try:
        return Eyes(folder)
    except ModelError as error:
        pytest.skip(f"the weights are not here: {error}")


APPROACHES: dict[str, dict[str, Any]] = {
    "straight on": {},
    "from the side, tilted, into the light": {
        "path": ((0.3, 0.42), (0.6, 0.5)),
        "light": (0.6, 1.2),
        "roll_deg": 6.0,
    },
    "from the other side, into the shade, some frames blurred": {
        "path": ((0.7, 0.42), (0.45, 0.5)),
        "light": (1.2, 0.7),
        "blur_frames": 0.2,
        "roll_deg": -5.0,
    },
}


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize(
    ("enrolled", "photograph", "is_the_same"),
    [
        ("obama.jpg", "obama2.jpg", True),
        ("obama.jpg", "obama3.jpg", True),
        ("person_b_1.jpg", "person_b_2.jpg", True),
        ("obama.jpg", "impostor_2.jpg", False),
    ],
)
def test_a_staged_person_is_found_on_the_way_and_recognised_from_another_photograph(
    enrolled: str, photograph: str, is_the_same: bool, approach: str, eyes: Eyes
) -> None:
    template = eyes.nearest(pictures.read(eyes.folder / enrolled))
    assert template is not None
    staged = eyes.person(photograph, **APPROACHES[approach])
    frames = list(walkups.render(walkups.WalkUp(seconds=4, seed=3, person=(staged,)), (640, 480), 5.0))
    seen = [eyes.nearest(frame) for frame in frames[:17]]  # until people begin to leave
    found = [face for face in seen if face is not None]
    assert len(found) >= 16
    cosines = [float(vector @ template[1]) for box, vector in found if box.height >= 90]
    assert len(cosines) >= 10
    assert min(cosines) > 0.5 if is_the_same else max(cosines) < 0.25


def test_of_two_people_the_nearer_one_is_the_larger_face(eyes: Eyes) -> None:
    far = eyes.person("obama3.jpg", approach=(0.08, 0.22), path=((0.25, 0.4), (0.2, 0.42)))
    near = eyes.person("person_b_2.jpg", path=((0.7, 0.4), (0.65, 0.5)))
    frames = list(walkups.render(walkups.WalkUp(seconds=4, seed=4, person=(near, far)), (640, 480), 5.0))
    faces = eyes.detector.faces(frames[15])
    assert len(faces) == 2
    assert faces[0].box.x > 320 > faces[1].box.x
    assert faces[0].box.height > 1.5 * faces[1].box.height

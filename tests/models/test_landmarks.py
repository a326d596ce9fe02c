"""The mesh on a face: two ways to the same numbers, the pose on turned pictures, and a library that stays quiet."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from models import weights
from models.arrays import Pixels
from models.detect import Box, Detector, Face
from models.errors import ModelError, RuntimeUnfit
from models.landmarks import BLENDSHAPES, Landmarker, choice, drawn, probe, quiet, region
from models.landmarks.choice import Wanted, Way
from models.landmarks.probe import Answer
from models.landmarks.with_mediapipe import WithMediaPipe
from models.landmarks.with_opencv import WithOpenCv
from models.manifest import Manifest
from tests.models.conftest import Photograph
from tests.models.test_session import home, traced

__all__ = ["home"]

PHOTOGRAPHS = ("obama", "obama2", "obama3", "biden", "person_a_1", "person_a_2", "person_b_1", "person_b_2", "impostor_2")
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "faces"

LOOK = """
import sys, time
from pathlib import Path
from models.landmarks import drawn, with_mediapipe
landmarker = with_mediapipe.WithMediaPipe(Path(sys.argv[1]).read_bytes())
assert landmarker.find(drawn.picture(), drawn.face()) is not None
time.sleep(float(sys.argv[2]))
landmarker.close()
time.sleep(2)
"""
LOUD = """
import sys
from models.landmarks import quiet
quiet.forbid_sockets = lambda: None
"""


@pytest.fixture(scope="module")
def task(ready: weights.Ready) -> bytes:
    return ready.landmarker


@pytest.fixture(scope="module")
def with_mediapipe(task: bytes) -> Iterator[Landmarker]:
    made = WithMediaPipe(task)
    yield made
    made.close()


@pytest.fixture(scope="module")
def with_opencv(task: bytes) -> Landmarker:
    return WithOpenCv(task)


@pytest.fixture(scope="module")
def finder(ready: weights.Ready) -> Detector:
    return Detector(ready.detector, working_size=(640, 640))


def shrunk(pixels: Pixels) -> Pixels:
    scale = min(1.0, 800 / max(pixels.shape[:2]))
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def rolled(pixels: Pixels, centre: tuple[float, float], degrees: float) -> Pixels:
    """Clockwise in the picture."""
    matrix = cv2.getRotationMatrix2D(centre, -degrees, 1.0)
    return np.asarray(cv2.warpAffine(pixels, matrix, pixels.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def apart(one: Landmarker, other: Landmarker, pixels: Pixels, face: Face) -> tuple[float, float]:
    """The largest distance between two points, in pixels of a face 200 pixels tall; of two blendshapes."""
    first, second = one.find(pixels, face), other.find(pixels, face)
    assert first is not None
    assert second is not None
    distance = np.linalg.norm(first.points[:, :2] - second.points[:, :2], axis=1).max()
    return float(distance * min(1.0, 200 / face.box.height)), float(np.abs(first.blendshapes - second.blendshapes).max())


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_both_ways_agree_on_a_photograph_within_a_pixel_and_a_twentieth(
    name: str, photograph: Photograph, finder: Detector, with_mediapipe: Landmarker, with_opencv: Landmarker
) -> None:
    pixels = shrunk(photograph(name))
    (points, shapes) = apart(with_mediapipe, with_opencv, pixels, finder.faces(pixels)[0])
    assert points <= 1.0
    assert shapes <= 0.05


def test_both_ways_agree_on_faces_that_neither_was_built_with(
    finder: Detector, with_mediapipe: Landmarker, with_opencv: Landmarker
) -> None:
    if not SHARED.is_dir():
        pytest.skip("the labelled photographs are not here")
    compared, both_none = 0, 0
    for path in sorted(SHARED.glob("*/*.jpg"))[::76]:
        pixels = np.asarray(cv2.imread(str(path)), dtype=np.uint8)
        face = finder.faces(pixels)[0]
        if with_mediapipe.find(pixels, face) is None or with_opencv.find(pixels, face) is None:
            assert with_mediapipe.find(pixels, face) is with_opencv.find(pixels, face) is None
            both_none += 1
            continue
        points, shapes = apart(with_mediapipe, with_opencv, pixels, face)
        assert points <= 1.0
        assert shapes <= 0.05
        compared += 1
    assert compared >= 25
    assert both_none <= 1


def test_a_mesh_has_478_points_on_the_face_and_52_named_coefficients(
    photograph: Photograph, finder: Detector, with_opencv: Landmarker
) -> None:
    pixels = shrunk(photograph("obama"))
    face = finder.faces(pixels)[0]
    mesh = with_opencv.find(pixels, face)
    assert mesh is not None
    assert mesh.points.shape == (478, 3)
    assert mesh.blendshapes.shape == (52,) == (len(set(BLENDSHAPES)),)
    assert mesh.shape("mouth_smile_left") > 0.8, "he smiles"
    assert mesh.shape("jaw_open") < 0.3
    inside = (mesh.points[:, 0] > face.box.x - 40) & (mesh.points[:, 0] < face.box.x + face.box.width + 40)
    assert inside.all()
    assert not mesh.points.flags.writeable
    assert "Mesh(...)" in f"{mesh}", "a face's points stay out of logs"


@pytest.mark.parametrize("degrees", [-25.0, -10.0, 10.0, 25.0])
def test_a_picture_rolled_by_so_much_is_tilted_by_so_much(
    degrees: float, photograph: Photograph, finder: Detector, with_opencv: Landmarker
) -> None:
    pixels = shrunk(photograph("obama"))
    box = finder.faces(pixels)[0].box
    upright = with_opencv.find(pixels, finder.faces(pixels)[0])
    turned = rolled(pixels, (box.x + box.width / 2, box.y + box.height / 2), degrees)
    mesh = with_opencv.find(turned, finder.faces(turned)[0])
    assert mesh is not None
    assert upright is not None
    assert mesh.pose.tilt_deg - upright.pose.tilt_deg == pytest.approx(degrees, abs=2.0)
    assert mesh.pose.turn_deg == pytest.approx(upright.pose.turn_deg, abs=5.0)


def test_a_mirrored_face_turns_the_other_way(photograph: Photograph, finder: Detector, with_opencv: Landmarker) -> None:
    pixels = shrunk(photograph("biden"))
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    one, other = (with_opencv.find(picture, finder.faces(picture)[0]) for picture in (pixels, mirrored))
    assert one is not None
    assert other is not None
    assert abs(one.pose.turn_deg) > 5
    assert other.pose.turn_deg == pytest.approx(-one.pose.turn_deg, abs=4.0)


def test_the_mesh_of_somebody_beside_is_not_taken_for_the_faces_own(
    photograph: Photograph, finder: Detector, with_opencv: Landmarker
) -> None:
    pixels = shrunk(photograph("obama"))
    face = finder.faces(pixels)[0]
    beside = Face(
        Box(face.box.x + 0.5 * face.box.width, face.box.y, face.box.width, face.box.height),
        np.asarray(face.landmarks + np.array([0.5 * face.box.width, 0]), dtype=np.float32),
        0.9,
    )
    assert with_opencv.find(pixels, beside) is None
    assert with_opencv.find(np.full_like(pixels, 127), face) is None
    assert region.cut(pixels, Face(Box(-900, -900, 50, 60), face.landmarks, 0.9)) is None


def test_a_damaged_bundle_is_a_sentence_with_a_remedy(task: bytes) -> None:
    for damaged in (b"", task[: len(task) // 2], b"PK" + task[2:100]):
        with pytest.raises(ModelError, match="daka models fetch"):
            WithOpenCv(damaged)


def test_both_answer_within_a_frame(
    photograph: Photograph, finder: Detector, with_mediapipe: Landmarker, with_opencv: Landmarker
) -> None:
    """The figures stand in the bench; here only that nothing is grossly wrong."""
    pixels = shrunk(photograph("obama"))
    face = finder.faces(pixels)[0]
    for landmarker in (with_mediapipe, with_opencv):
        taken = []
        for _ in range(5):
            started = time.perf_counter()
            landmarker.find(pixels, face)
            taken.append(time.perf_counter() - started)
        assert min(taken) < 0.15


def test_mediapipe_opens_no_socket_and_writes_no_file_while_it_looks_and_when_it_ends(home: Path, weights_directory: Path) -> None:
    suspicious = traced(LOOK, home, str(weights_directory / "face_landmarker.task"), "3")
    assert [line for line in suspicious if not is_refused(line)] == []
    assert list(home.iterdir()) == []


@pytest.mark.long
@pytest.mark.timeout(300)
def test_mediapipe_gets_no_socket_when_it_wants_to_report_after_a_minute(home: Path, weights_directory: Path) -> None:
    """It posts a minute after its start; without the refusal it gets a socket, so the wait is long enough."""
    task = str(weights_directory / "face_landmarker.task")
    assert [line for line in traced(LOOK, home, task, "75", patience_s=150) if not is_refused(line)] == []
    loud = traced(LOUD + LOOK, home, task, "75", patience_s=150)
    assert any("socket(AF_INET" in line and not is_refused(line) for line in loud)


def is_refused(line: str) -> bool:
    return "EAFNOSUPPORT" in line


def test_importing_mediapipe_leaves_the_plotting_library_to_be_imported_by_others() -> None:
    program = """
import sys
from models.landmarks import with_mediapipe
with with_mediapipe._nothing_besides():
    import mediapipe
print("matplotlib" in sys.modules, "sounddevice" in sys.modules)
import matplotlib.pyplot
print(matplotlib.pyplot.subplots.__name__)
"""
    assert run_child(program).split() == ["False", "False", "subplots"]


def test_the_thread_that_gave_up_sockets_and_its_children_get_no_socket_and_the_rest_do() -> None:
    program = """
import socket, threading
from models.landmarks import quiet
def attempt():
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        try:
            socket.socket(family, socket.SOCK_STREAM).close()
            print("got", end=" ")
        except OSError as error:
            print(error.errno, end=" ")
def start():
    child = threading.Thread(target=attempt)
    child.start()
    child.join()
    attempt()
quiet.made_without_sockets(start)
attempt()
"""
    assert run_child(program).split() == ["97"] * 6 + ["got"] * 3


ALREADY = """
from models.landmarks import quiet
quiet.forbid_sockets()
quiet.PR_SET_SECCOMP = 9_999  # now the kernel takes no filter any more, and none is needed
print(quiet.made_without_sockets(lambda: "made"))
"""


def test_a_process_that_gets_no_socket_needs_no_filter_of_its_own() -> None:
    assert run_child(ALREADY) == "made\n"


def test_where_sockets_cannot_be_forbidden_it_is_said_and_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "PR_SET_SECCOMP", 9_999)
    made: list[str] = []
    with pytest.raises(RuntimeUnfit, match=r"does not let a thread give up sockets"):
        quiet.made_without_sockets(lambda: made.append("made"))
    assert made == []


def test_every_thread_of_the_library_descends_from_the_quiet_one(task: bytes) -> None:
    def filtered() -> dict[str, bool]:
        tasks = Path("/proc/self/task")
        return {one.name: "Seccomp:\t2" in (one / "status").read_text() for one in tasks.iterdir()}

    cv2.resize(drawn.picture(), (640, 640), interpolation=cv2.INTER_AREA)  # OpenCV begins its own workers at first use
    before = filtered()
    landmarker = WithMediaPipe(task)
    landmarker.find(drawn.picture(), drawn.face())
    started = {name: quietened for name, quietened in filtered().items() if name not in before}
    landmarker.close()
    assert started
    assert all(started.values())


def run_child(program: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_the_probe_runs_both_ways_here(weights_directory: Path) -> None:
    task = weights_directory / "face_landmarker.task"
    for way in Way:
        answer = probe.probe(way.value, task)
        assert answer.why == ""
        assert answer.milliseconds is not None
        assert answer.milliseconds < 500


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("kill -ILL $$", "SIGILL: this processor is too old"),
        ("kill -ABRT $$", "it died of SIGABRT"),
        ('echo \'{"milliseconds": null, "why": "it is not for this system"}\'', "not for this system"),
        ("exit 3", "code 3"),
        ("echo nonsense", "no answer"),
    ],
)
def test_a_child_that_dies_is_an_answer_and_no_outage(tmp_path: Path, body: str, why: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    answer = probe.probe("mediapipe", tmp_path / "x.task", str(program))
    assert answer.milliseconds is None
    assert why in answer.why


def test_a_bundle_that_is_none_is_an_answer_of_the_probe(tmp_path: Path) -> None:
    (tmp_path / "x.task").write_bytes(b"nothing")
    for way in Way:
        answer = probe.probe(way.value, tmp_path / "x.task")
        assert answer.milliseconds is None
        assert answer.why


def died(way: str, task: Path) -> Answer:
    return Answer(None, "it died of SIGILL") if way == Way.MEDIAPIPE.value else Answer(20.0)


def test_where_mediapipe_dies_the_other_way_is_taken_and_says_why(tmp_path: Path, manifest: Manifest) -> None:
    entry = manifest.entry(weights.LANDMARKER)
    record = choice.record(tmp_path / entry.file, entry.sha256, died)
    (tmp_path / choice.RECORD).write_text(record.model_dump_json())
    chosen = choice.here(Wanted.AUTO, tmp_path, entry)
    assert chosen.way is Way.OPENCV
    assert "SIGILL" in chosen.sentence
    assert "20 ms" in chosen.sentence


def test_a_record_of_another_processor_or_version_is_not_believed(tmp_path: Path, manifest: Manifest) -> None:
    entry = manifest.entry(weights.LANDMARKER)
    record = choice.record(tmp_path / entry.file, entry.sha256, died)
    strangers: list[dict[str, object]] = [
        {"processor": "another"},
        {"versions": {"mediapipe": "0.0.1", "opencv": "5"}},
        {"bundle": "0" * 64},
        {"version": 99},
    ]
    for other in strangers:
        (tmp_path / choice.RECORD).write_text(record.model_copy(update=other).model_dump_json())
        assert choice.read(tmp_path, entry.sha256) is None
    (tmp_path / choice.RECORD).write_text("{")
    assert choice.read(tmp_path, entry.sha256) is None


def test_a_setting_takes_opencv_without_asking_anybody(tmp_path: Path, manifest: Manifest, task: bytes) -> None:
    chosen = choice.here(Wanted.OPENCV, tmp_path, manifest.entry(weights.LANDMARKER))
    assert chosen.way is Way.OPENCV
    assert isinstance(choice.opened(chosen, task), WithOpenCv)

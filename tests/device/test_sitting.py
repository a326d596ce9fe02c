"""Enrolment before the kiosk's camera with the real models: three poses of one person, or a reason and nothing kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from device import admin, api, camera, desk, journal, line, liveness, messages, people, pictures, sight, sitting
from device.commands.main import daka
from device.enrolment import EnrolmentRefused
from device.people import ConsentMissing
from device.recognise import Waiting
from device.sitting import POSES, Pose, Sittings, State
from models.detect import Box, Face
from models.landmarks import Landmarker, Mesh
from tests import coverings
from tests.device import parts
from tests.device.test_desk import chain
from tests.device.test_recognise_photographs import watching
from tests.device.test_server import serve

Picture = NDArray[np.uint8]
Pixels = Callable[[str], Picture]
FRAME = (640, 480)
BY = "cli:hr"
STEP_S = 0.2


@dataclass
class Room:
    """A kiosk without a camera: frames are handed in, one every fifth of a second."""

    office: desk.Desk
    journal: journal.Journal
    directory: people.Directory
    eyes: sight.Sight
    clock: parts.Clock = field(default_factory=parts.Clock)

    def sittings(
        self, *, guard: liveness.Guard | None = None, allowed: bool = True, landmarker: Landmarker | None = None
    ) -> Sittings:
        seen = self.eyes if landmarker is None else replace(self.eyes, landmarker=landmarker)
        return Sittings(watching(self.eyes), seen, guard, self.office, self.clock, allowed)

    def show(self, sittings: Sittings, picture: Picture, frames: int = 4) -> list[object]:
        said: list[object] = []
        for _ in range(frames):
            self.clock.seconds += STEP_S
            said.append(sittings.see(camera.Frame(picture, self.clock.now())))
        return said

    def templates(self) -> list[int]:
        return [person.templates for person in self.office.people()]


@pytest.fixture
def room(tmp_path: Path, opened: journal.Journal, eyes: sight.Sight) -> Iterator[Room]:
    """Ada (1) and Bob (2) are known and have agreed; nobody is enrolled."""
    directory, clock = people.Directory(tmp_path / "people.db", bytes(range(32))), parts.Clock()
    office = desk.Desk(opened, directory, clock, lambda: eyes)
    for number, name in (("1", "Ada"), ("2", "Bob")):
        office.add_person(number, name, "en", BY)
        office.give_consent(number, "en", "consent", BY)
    yield Room(office, opened, directory, eyes, clock)
    directory.close()


@pytest.fixture
def poses(pixels: Pixels) -> dict[Pose, Picture]:
    """One person from the front, and turned by 15 degrees to either side: the same photograph, mirrored."""
    turned = pictures.fit(pixels("obama2"), FRAME)
    return {
        Pose.FRONT: pictures.fit(pixels("obama"), FRAME),
        Pose.LEFT: np.ascontiguousarray(turned[:, ::-1]),
        Pose.RIGHT: turned,
    }


def test_three_poses_make_three_templates_and_one_record(room: Room, poses: dict[Pose, Picture]) -> None:
    sittings = room.sittings()
    sittings.begin("1", BY, "")
    progress = [sittings.standing(-1, 0)]
    for pose in POSES:
        room.show(sittings, poses[pose])
        progress.append(sittings.standing(-1, 0))
    assert [told.done for told in progress] == [0, 1, 2, 3]
    assert [told.pose for told in progress[:3]] == [Pose.FRONT, Pose.LEFT, Pose.RIGHT]
    assert (progress[-1].state, progress[-1].templates) == (State.DONE, 3)
    assert room.templates() == [3, 0]
    assert chain(room.journal)[-1] == messages.Audit("templates_made_at_kiosk", BY, room.office.people()[0].person)
    assert sittings.see(camera.Frame(poses[Pose.FRONT], room.clock.now())) is None, "the line has its frames back"


def test_sitting_down_again_takes_the_place_of_what_was_made_before(room: Room, poses: dict[Pose, Picture]) -> None:
    for _ in range(2):
        sittings = room.sittings()
        sittings.begin("1", BY, "")
        for pose in POSES:
            room.show(sittings, poses[pose])
    assert room.templates() == [3, 0]


def test_a_pose_is_taken_only_when_it_is_held_and_only_in_its_turn(room: Room, poses: dict[Pose, Picture]) -> None:
    sittings = room.sittings()
    sittings.begin("1", BY, "")
    (asked,) = room.show(sittings, poses[Pose.LEFT], frames=1)
    assert asked == api.Prompt("forward", 1, 3, 0.0), "the screen says what is wanted"
    room.show(sittings, poses[Pose.LEFT], frames=6)
    room.show(sittings, poses[Pose.FRONT], frames=1)
    room.show(sittings, poses[Pose.RIGHT], frames=1)
    assert sittings.standing(-1, 0).done == 0


def test_what_is_in_the_way_is_named(room: Room, poses: dict[Pose, Picture]) -> None:
    sittings, front = room.sittings(), poses[Pose.FRONT]
    sittings.begin("1", BY, "")
    mesh = room.eyes.landmarker.find(front, room.eyes.detector.faces(front)[0])
    assert mesh is not None
    shown = {
        Waiting.NOBODY: np.full_like(front, 127),
        Waiting.MOUTH_COVERED: coverings.masked(front, mesh, coverings.MASKS["blue"]),
        Waiting.TOO_DARK: np.asarray(front * 0.06, dtype=np.uint8),
        Waiting.TILTED: coverings.rolled(front, (320, 240), 25),
    }
    for hint, picture in shown.items():
        assert room.show(sittings, picture, frames=3)[-1] is hint
        assert sittings.standing(-1, 0).hint == hint
    assert room.templates() == [0, 0]


@dataclass
class Turned:
    """The real mesh, its head turned by so many degrees more."""

    real: Landmarker
    degrees: float = 0.0

    def find(self, pixels: Picture, face: Face) -> Mesh | None:
        mesh = self.real.find(pixels, face)
        return None if mesh is None else replace(mesh, pose=replace(mesh.pose, turn_deg=mesh.pose.turn_deg + self.degrees))

    def close(self) -> None: ...


def test_somebody_else_in_a_later_pose_ends_it_and_nothing_is_kept(room: Room, poses: dict[Pose, Picture], pixels: Pixels) -> None:
    turned = Turned(room.eyes.landmarker)
    sittings = room.sittings(landmarker=turned)
    sittings.begin("1", BY, "")
    room.show(sittings, poses[Pose.FRONT])
    turned.degrees = 20.0
    room.show(sittings, pictures.fit(pixels("person_b_2"), FRAME))
    told = sittings.standing(-1, 0)
    assert told.state == State.REFUSED
    assert "not that of the first pose" in told.why
    assert room.templates() == [0, 0]


def test_a_face_that_is_enrolled_under_another_number_is_refused_whole(
    room: Room, poses: dict[Pose, Picture], photograph: Callable[[str], bytes]
) -> None:
    room.office.enrol("2", photograph("obama3"), BY)
    sittings = room.sittings()
    sittings.begin("1", BY, "")
    for pose in POSES:
        room.show(sittings, poses[pose])
    told = sittings.standing(-1, 0)
    assert told.state == State.REFUSED
    assert "enrolled already, under employee number 2" in told.why
    assert room.templates() == [0, 1]


def test_nobody_sits_without_consent_and_a_withdrawal_meanwhile_leaves_nothing(room: Room, poses: dict[Pose, Picture]) -> None:
    sittings = room.sittings()
    room.office.withdraw_consent("2", BY)
    with pytest.raises(ConsentMissing):
        sittings.begin("2", BY, "")
    sittings.begin("1", BY, "")
    room.show(sittings, poses[Pose.FRONT])
    room.office.withdraw_consent("1", BY)
    for pose in (Pose.LEFT, Pose.RIGHT):
        room.show(sittings, poses[pose])
    assert sittings.standing(-1, 0).state == State.REFUSED
    assert room.templates() == [0, 0]
    assert not [body for body in chain(room.journal) if isinstance(body, messages.Audit) and body.action.startswith("templates")]


class Fake:
    """A learned model that takes everything for a picture."""

    def live(self, pixels: Picture, box: Box) -> float:
        return 0.0


def test_a_picture_that_is_held_up_makes_no_template(room: Room, poses: dict[Pose, Picture]) -> None:
    sittings = room.sittings(guard=liveness.Guard(Fake(), liveness.Limits()))
    sittings.begin("1", BY, "")
    room.show(sittings, poses[Pose.FRONT])
    assert "no picture, no screen" in sittings.standing(-1, 0).why
    assert room.templates() == [0, 0]


def test_one_person_at_a_time_and_not_for_ever(room: Room, poses: dict[Pose, Picture]) -> None:
    sittings = room.sittings()
    sittings.begin("1", BY, "")
    with pytest.raises(EnrolmentRefused, match="somebody is being enrolled"):
        sittings.begin("2", BY, "")
    assert sittings.end().state == State.ENDED
    sittings.begin("2", BY, "")
    room.clock.seconds += sitting.LASTS_S
    room.show(sittings, poses[Pose.FRONT], frames=1)
    assert "begin again" in sittings.standing(-1, 0).why
    assert room.templates() == [0, 0]


def test_an_enrolment_before_a_camera_that_went_away_ends_by_the_clock(room: Room) -> None:
    sittings = room.sittings()
    sittings.begin("1", BY, "")
    room.clock.seconds += sitting.LASTS_S - 1
    assert sittings.standing(0, 0.0).state == State.SITTING
    room.clock.seconds += 1
    told = sittings.standing(0, 0.0)
    assert told.state == State.REFUSED
    assert "begin again" in told.why


def test_a_file_that_stands_in_for_a_camera_enrols_nobody(room: Room) -> None:
    with pytest.raises(EnrolmentRefused, match="this camera is a file"):
        room.sittings(allowed=False).begin("1", BY, "")


def test_while_somebody_sits_the_line_sees_no_frame(room: Room, poses: dict[Pose, Picture]) -> None:
    class Unused:
        def see(self, frame: camera.Frame) -> Waiting:
            raise AssertionError("the recogniser saw a frame")

    board, sittings = line.Board(), room.sittings()
    walk = line.Line(Unused(), *(None,) * 2, board, None, None, "")  # type: ignore[arg-type]
    walk.sitter = sittings.see
    sittings.begin("1", BY, "")
    walk.take(camera.Frame(poses[Pose.RIGHT], room.clock.now()))
    assert (board.waiting, board.prompt.action) == (Waiting.CHALLENGE, "forward")


def test_the_command_guides_through_the_poses(room: Room, poses: dict[Pose, Picture], short_folder: Path) -> None:
    sittings, over = room.sittings(), threading.Event()
    stop = serve(short_folder / "run" / api.ADMIN_SOCKET, "admin", admin.sitting_routes(sittings))

    def sit() -> None:
        while not over.wait(0.05):
            wanted = sittings.standing(-1, 0).pose
            if wanted:
                room.show(sittings, poses[Pose(wanted)], frames=1)

    person = threading.Thread(target=sit)
    person.start()
    done = CliRunner().invoke(daka, ["--state", str(short_folder), "enrol", "1", "--at-kiosk"])
    over.set()
    person.join()
    stop()
    assert done.exit_code == 0, done.output
    assert "1 is enrolled, 3 template(s)" in done.output
    assert "turn to your left" in done.output
    assert room.templates() == [3, 0]

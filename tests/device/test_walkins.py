"""Clips before the product's own attention, gate and guard: rendered walk-ups as video files, and what the command says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest
from click.testing import CliRunner

from device import pictures, sight, walkins, walkups
from device.commands.main import daka
from device.walkins import FolderRefused
from models import manifest as manifests
from models.evaluation.presentation import Outcome

WEIGHTS = platformdirs.user_cache_path("daka") / "weights"
FRAME, RATE = (640, 480), 15.0


def clip(path: Path, eyes: sight.Sight, photograph: str, medium: walkups.Medium, seconds: float = 3.0) -> None:
    """A rendered walk-up as a video file, hardly compressed."""
    source = WEIGHTS / manifests.load().entry(photograph).file
    box = eyes.faces_in_photograph(pictures.read(source))[0].box
    person = walkups.Person(source, (max(0.0, box.x), max(0.0, box.y), box.width, box.height), approach=(0.25, 0.45), medium=medium)
    path.parent.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), RATE, FRAME)
    video.set(cv2.VIDEOWRITER_PROP_QUALITY, 98)
    for frame in walkups.render(walkups.WalkUp(seconds, 7, (person,)), FRAME, RATE):
        video.write(frame)
    video.release()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, eyes: sight.Sight) -> Path:
    found = tmp_path_factory.mktemp("clips")
    clip(found / "genuine" / "wang-fang.avi", eyes, "obama2", walkups.Medium.LIVE)
    clip(found / "attacks" / "screen" / "one.avi", eyes, "obama2", walkups.Medium.SCREEN)
    clip(found / "attacks" / "screen" / "two.avi", eyes, "obama3", walkups.Medium.SCREEN)
    (found / "attacks" / "empty hall").mkdir()
    hall = np.full((480, 640, 3), 127, dtype=np.uint8)
    cv2.imwrite(str(found / "attacks" / "empty hall" / "nobody.png"), hall)
    (found / "attacks" / "screen" / "broken.mp4").write_bytes(b"no video")
    (found / "notes.txt").write_text("not a clip")
    return found


def test_clips_are_found_by_their_place(folder: Path) -> None:
    found = [(one.species, one.path.name) for one in walkins.clips(folder)]
    assert found == [
        ("", "wang-fang.avi"),
        ("empty hall", "nobody.png"),
        ("screen", "broken.mp4"),
        ("screen", "one.avi"),
        ("screen", "two.avi"),
    ]


def test_a_folder_without_clips_says_how_they_must_lie(tmp_path: Path) -> None:
    (tmp_path / "genuine").mkdir()
    with pytest.raises(FolderRefused, match="genuine/ and attacks/SPECIES/"):
        walkins.clips(tmp_path)


def test_the_command_counts_each_kind_and_names_nobody(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    command = ["--state", str(tmp_path / "state"), "evaluate", str(folder), "--attacks", "--json", "--out", str(out)]
    done = CliRunner().invoke(daka, command)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout.strip().splitlines()[-1])
    species = {row["species"]: row for row in found["species"]}
    assert found["genuine"]["attempts"] == 1
    assert found["genuine"]["outcomes"][Outcome.REFUSED.value] == 0
    assert species["screen"]["outcomes"][Outcome.REFUSED.value] == 2
    assert species["screen"]["apcer"]["events"] == 0
    assert species["empty hall"]["outcomes"][Outcome.NOT_ACQUIRED.value] == 1
    assert found["files_unreadable"] == 1
    page = out.read_text(encoding="utf-8")
    assert "wang-fang" not in page + done.stdout
    assert "APCER" in page


def test_the_table_shows_what_was_not_measured(folder: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(daka, ["--state", str(tmp_path / "state"), "evaluate", str(folder), "--attacks"])
    assert done.exit_code == 0, done.output
    assert "not measured" in done.output
    assert "living" in done.output


def test_the_digest_of_the_clips_knows_contents_and_kinds_but_no_names(tmp_path: Path) -> None:
    def made(name: str, kind: str, content: bytes) -> Callable[[], str]:
        root = tmp_path / f"{name}-{kind}-{len(content)}"
        (root / kind).mkdir(parents=True)
        (root / kind / f"{name}.png").write_bytes(content)
        return lambda: walkins.digest(walkins.clips(root))

    first = made("ada", "genuine", b"1")()
    assert made("bob", "genuine", b"1")() == first
    assert made("ada", "genuine", b"22")() != first
    assert made("ada", "attacks/print", b"1")() != first

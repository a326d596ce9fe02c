"""What names a face on an emulated processor, on this one."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from device import state
from device.commands.main import daka
from tests.arm64 import walk_up
from tests.e2e.kiosk import SAMPLES

SETTINGS = f"""\
[camera]
source = "file:{SAMPLES}/person_b_2.jpg"
[models]
directory = "{SAMPLES}"
[attend]
allow_simulated = true
"""


@pytest.fixture
def folder(tmp_path: Path) -> state.Folder:
    """Somebody is enrolled from another photograph than the one before the camera."""
    made = state.Folder(tmp_path / "state")
    made.root.mkdir(0o700)
    made.config.write_text(SETTINGS, "utf-8")
    for words in (
        ("people", "add", "1002", "Employee 1002"),
        ("people", "consent", "1002", "--yes"),
        ("enrol", "1002", f"{SAMPLES}/person_b_1.jpg"),
    ):
        said = CliRunner().invoke(daka, ["--state", str(made.root), *words])
        assert said.exit_code == 0, said.output
    return made


def test_who_stands_before_the_camera_is_named_by_as_many_looks_as_the_settings_ask_and_is_on_record(folder: state.Folder) -> None:
    found = walk_up.decision(folder, SAMPLES)
    assert found is not None
    assert found.outcome == "punched"
    said = CliRunner().invoke(daka, ["--state", str(folder.root), "verify"])
    assert f"records 1 to {found.seq} hold" in said.output


def test_nobody_is_named_where_the_one_before_the_camera_is_not_enrolled(folder: state.Folder) -> None:
    folder.config.write_text(SETTINGS.replace("person_b_2", "obama2"), "utf-8")
    found = walk_up.decision(folder, SAMPLES)
    assert found is None or not found.seq

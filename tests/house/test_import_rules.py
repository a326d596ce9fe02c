"""Each import rule is broken on purpose, because a misspelt module name passes in silence."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("bench", "device", "enterprise", "firmware_bridge", "models", "web_ui")

# contract id, the file that breaks it, what it imports
BREAKS = [
    ("rooms", "models/match.py", "import device.attend"),
    ("rooms", "device/attend.py", "import enterprise.store"),
    ("rooms", "web_ui/__init__.py", "import enterprise.store"),
    ("enterprise", "enterprise/store.py", "import device.journal"),
    ("enterprise", "enterprise/store.py", "import models.match"),
    ("enterprise", "enterprise/store.py", "import device.clock"),
    ("guests", "web_ui/__init__.py", "import device.journal"),
    ("guests", "firmware_bridge/__init__.py", "import device.camera"),
    ("leaves", "device/uplink.py", "import numpy"),
    ("leaves", "device/uplink.py", "import device.camera"),
    ("leaves", "device/mqtt.py", "import device.pictures"),
    ("leaves", "device/api.py", "import cv2"),
    ("leaves", "device/messages/wire.py", "import models.match"),
    ("leaves", "device/config/reading.py", "import cv2"),
    ("camera", "device/camera/live.py", "import models.detect"),
    ("camera", "device/walkups/hall.py", "import device.journal"),
    ("pure", "device/attend.py", "import sqlite3"),
    ("pure", "device/messages/records.py", "import socket"),
    ("pure", "firmware_bridge/protocol/lock.py", "import asyncio"),
    ("pure", "models/match.py", "import subprocess"),
    ("weights", "models/weights.py", "import requests"),
    ("weights", "models/detect.py", "import models.fetch"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the rooms and the rules, to be broken."""
    for room in ROOMS:
        shutil.copytree(REPOSITORY / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache")
    return subprocess.run(command, cwd=tree, env={"PATH": "", "PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False)


def contracts() -> dict[str, str]:
    rules = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    return {rule["id"]: rule["name"] for rule in rules}


def test_the_rooms_as_they_stand_keep_every_rule(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(contracts())} kept, 0 broken" in done.stdout


@pytest.mark.parametrize(("contract", "file", "offence"), BREAKS)
def test_breaking_a_rule_is_noticed_and_named(tree: Path, contract: str, file: str, offence: str) -> None:
    with (tree / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{offence}  # noqa\n")
    done = lint(tree)
    assert done.returncode == 1
    words = " ".join(done.stdout.split())
    assert f"{contracts()[contract]} BROKEN" in words


def test_every_rule_is_broken_by_some_test() -> None:
    assert {contract for contract, _, _ in BREAKS} == set(contracts())


def test_every_module_that_a_rule_names_exists() -> None:
    rules = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    named = {name for rule in rules for key in ("source_modules", "forbidden_modules") for name in rule.get(key, [])}
    ours = {name for name in named if name.split(".")[0] in ROOMS}
    missing = [name for name in ours if not exists(name)]
    assert not missing


def test_no_module_of_the_device_is_forgotten_by_the_enterprises_rule() -> None:
    """The rule forbids by name, so a new module must be named too."""
    rules = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    forbidden = set(next(rule for rule in rules if rule["id"] == "enterprise")["forbidden_modules"])
    modules = {
        f"device.{path.stem}"
        for path in (REPOSITORY / "device").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert modules - {"device.__init__", "device.messages", "device.https"} <= forbidden


def exists(name: str) -> bool:
    path = REPOSITORY / Path(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()

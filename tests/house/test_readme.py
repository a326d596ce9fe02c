"""The README's commands are run, each in the order given, in a fresh folder."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = {"daka": "device.commands.main", "daka-enterprise": "enterprise.commands.main"}
NEEDS_A_KIOSK = "daka-enterprise join confirm"  # that shows a code; tests/e2e/test_join.py has one
# Tried by the demonstration; here their help must know every option.
ENDLESS = ("daka run", "daka-enterprise ingest", "daka-enterprise join serve")
ASK_THE_DAEMON = ("daka web code", "daka metrics", "daka backup")
ANSWERS = "y\n" + 2 * "a passphrase for the test\n"


def commands(program: str) -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", (REPOSITORY / "README.md").read_text("utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.split(" ")[0] == program]


def call(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "DAKA_STATE": str(folder / "state"), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        (sys.executable, "-m", MODULES[program], *arguments),
        cwd=folder,
        env=environment,
        input=ANSWERS if program == "daka" and arguments[0] != "backup" else ANSWERS.removeprefix("y\n"),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_of_a_kiosk_work_in_the_order_given(tmp_path: Path) -> None:
    photograph = platformdirs.user_cache_path("daka") / "weights" / "obama.jpg"
    (tmp_path / "photograph.jpg").symlink_to(photograph)
    (tmp_path / "employees.csv").write_text("number,name\n1002,Li Na\n", encoding="utf-8")
    tried = 0
    for command in commands("daka"):
        if command.startswith(ENDLESS):
            continue
        done = call(command, tmp_path)
        if command.startswith(ASK_THE_DAEMON):  # which does not run here, and they say so
            assert "start it with `daka run`" in done.stderr
            continue
        # without a camera, doctor finds what is missing and says so
        assert done.returncode == 0 or (command == "daka doctor" and "/dev/video0" in done.stdout), (
            command,
            done.stdout,
            done.stderr,
        )
        tried += 1
    assert tried >= 6


def test_the_commands_of_the_enterprise_work_in_the_order_given(tmp_path: Path) -> None:
    key = ""
    tried = 0
    (tmp_path / "people.csv").write_text("number,name\n1001,Wang Fang\n", encoding="utf-8")
    for command in commands("daka-enterprise"):
        if command.startswith((*ENDLESS, NEEDS_A_KIOSK)):
            continue
        done = call(command.replace("ed25519:...", key or "ed25519:..."), tmp_path)
        # with nothing ingested there is nothing to verify, and it says so
        assert done.returncode == 0 or "no records are stored" in done.stderr, (command, done.stdout, done.stderr)
        key = next(iter(re.findall(r"ed25519:\S+", done.stdout)), key)
        tried += 1
    assert tried >= 4


@pytest.mark.parametrize("command", ENDLESS)
def test_the_options_of_the_endless_commands_exist(command: str, tmp_path: Path) -> None:
    shown = [line for program in MODULES for line in commands(program) if line.startswith(command)]
    assert shown
    help_text = call(f"{command} --help", tmp_path).stdout
    assert all(option in help_text for line in shown for option in re.findall(r"--[a-z-]+", line))

"""What the uplink knows of the settings, and what it does without for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from device import carrying
from device.carrying import Carrying, CarryingError

REPO = Path(__file__).resolve().parents[2]
SETTINGS = """
[device]
id = "kiosk-1"
[uplink]
enabled = true
host = "broker.example"
ca = "tls/ca.pem"
certificate = "/etc/daka/own.pem"
"""
ALONE = """
import sys
from pathlib import Path
import device.commands.run_uplink
from device import carrying
carrying.read(Path(sys.argv[1]))
print(sorted(name for name in sys.modules if name.split(".")[0] in ("pydantic", "pydantic_core") or name == "device.config"))
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_uplink_is_told_what_the_settings_say(tmp_path: Path) -> None:
    found = carrying.read(written(tmp_path, SETTINGS))
    files = ("tls/ca.pem", "/etc/daka/own.pem", "")
    assert found == Carrying("kiosk-1", True, "broker.example", 8883, *files, "", 20)
    broker = found.broker(Path("/state"))
    assert (broker.ca, broker.certificate, broker.key) == ("/state/tls/ca.pem", "/etc/daka/own.pem", "")


def test_the_library_that_checks_settings_never_enters_the_uplink(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ALONE, str(written(tmp_path, SETTINGS))]
    found = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout.strip() == "[]"


def test_settings_that_cannot_be_used_are_refused_in_the_words_of_whoever_checked_them(tmp_path: Path) -> None:
    with pytest.raises(CarryingError, match=r"config.toml: uplink.port: .*65535"):
        carrying.read(written(tmp_path, "[uplink]\nport = 70000\n"))
    with pytest.raises(CarryingError, match="daka join"):
        carrying.read(written(tmp_path, "")).broker(tmp_path)


def test_a_reader_that_ends_without_a_word_is_an_error_and_not_settings() -> None:
    def breaks() -> dict[str, object]:
        raise LookupError("a defect")

    with pytest.raises(CarryingError, match="without a word"):
        carrying._apart(breaks)

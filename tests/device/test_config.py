"""Every setting says what it means; whatever is wrong is named."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from device import config
from device.config import Config, ConfigError
from tests.device import parts

SETTINGS = list(config.settings())


@pytest.mark.parametrize(("name", "default", "meaning"), SETTINGS, ids=[name for name, *_ in SETTINGS])
def test_every_setting_says_what_it_means(name: str, default: object, meaning: str) -> None:
    assert len(meaning) > 15
    assert meaning.endswith(".")
    section, key = name.split(".")
    assert getattr(getattr(Config(), section), key) == default
    for suffix, unit in (("_s", "seconds"), ("_h", "hours"), ("_ms", "milliseconds"), ("_px", "pixels")):
        if key.endswith(suffix):
            assert unit in meaning


def test_an_absent_file_means_every_default(tmp_path: Path) -> None:
    assert config.read(tmp_path / "config.toml") == Config()
    (tmp_path / "config.toml").write_text("")
    assert config.read(tmp_path / "config.toml") == Config()


def test_what_the_file_says_holds_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[device]\nid = "gate-2"\n[attend]\nmin_gap_s = 90\n', encoding="utf-8")
    found = config.read(tmp_path / "config.toml")
    assert (found.device.id, found.attend.min_gap_s) == ("gate-2", 90.0)
    assert found.recognition == Config().recognition


def test_the_defaults_are_those_of_production() -> None:
    assert Config().attend.allow_simulated is False
    assert Config().camera.source.startswith("device:")
    assert Config().uplink.enabled is False


WRONG: list[tuple[str, str]] = [
    ("[recognition]\nvote = 3", "recognition.vote is not a setting"),
    ("[recogniton]\nvotes = 3", "recogniton is not a setting"),
    ("votes = 3", "votes is not a setting"),
    ("[recognition]\nvotes = 0", "recognition.votes"),
    ("[recognition]\nvotes = 4", "recognition.votes"),
    ("[recognition]\nvotes = 2.5", "recognition.votes"),
    ("[recognition]\nvotes = true", "recognition.votes"),
    ('[recognition]\nvotes = "3"', "recognition.votes"),
    ("[recognition]\nmin_margin = nan", "recognition.min_margin"),
    ("[recognition]\nfalse_match_rate = 1", "recognition.false_match_rate"),
    ("[recognition]\nfalse_match_rate = 0.0", "recognition.false_match_rate"),
    ("[recognition]\nnearest_lead = 0.9", "recognition.nearest_lead"),
    ("[attend]\nmin_gap_s = -1", "attend.min_gap_s"),
    ("[attend]\nmin_gap_s = inf", "attend.min_gap_s"),
    ('[attend]\nallow_simulated = "no"', "attend.allow_simulated"),
    ("[attend]\nallow_simulated = 1", "attend.allow_simulated"),
    ("[uplink]\nport = 65536", "uplink.port"),
    ("[uplink]\nhost = 5", "uplink.host"),
    ('[device]\nid = "Kiosk 1"', "device.id"),
    ('[device]\nid = "kiosk/1"', "device.id"),
    ('[device]\nid = ""', "device.id"),
    ('[device]\nid = "kiosk\\n"', "device.id"),
    (f'[device]\nsite = "{"x" * 65}"', "device.site"),
    ('device = "kiosk"', "device"),
    ("[camera]\nwidth = 1e9", "camera.width"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG, ids=[text.replace("\n", " ")[:50] for text, _ in WRONG])
def test_a_wrong_key_type_or_value_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        config.read(path)
    assert f"{path}: {sentence}" in str(error.value)


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        config.parse({"recognition": {"votes": 0, "vote": 1}, "attend": {"min_gap_s": -1}})
    for name in ("recognition.votes", "recognition.vote ", "attend.min_gap_s"):
        assert name in str(error.value)


@pytest.mark.parametrize(
    "raw", [b"[device", b"= 3", b"[device]\nid = 'a'\n[device]", b"\xff\xfe", "[device]\nsite = 'Z\xfcrich'".encode("latin-1")]
)
def test_a_file_that_is_not_toml_is_a_sentence_with_its_name(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match=r"config\.toml"):
        config.read(path)


def test_a_folder_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(ConfigError, match="make it readable"):
        config.read(tmp_path / "config.toml")


def test_a_file_of_somebody_else_cannot_be_read(short_folder: Path) -> None:
    path = short_folder / "config.toml"
    path.write_text("")
    path.chmod(0o000)
    program = (
        "import os\nfrom pathlib import Path\nfrom device import config, errors\n"
        "if os.geteuid() == 0: os.setgroups([]); os.setuid(65534)\n"  # after the imports: the checkout may be root's alone
        f"try: config.read(Path({str(path)!r}))\nexcept errors.DeviceError as error: print(error)"
    )
    short_folder.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", program], cwd=parts.REPO, capture_output=True, text=True, check=False)
    assert "cannot be read (Permission denied); make it readable" in done.stdout, done.stderr


def test_it_is_frozen() -> None:
    found: Any = Config()
    with pytest.raises(ValueError, match="frozen"):
        found.recognition.votes = 1
    with pytest.raises(ValueError, match="frozen"):
        found.device = None


def test_every_setting_can_be_written_as_toml(tmp_path: Path) -> None:
    lines: dict[str, list[str]] = {}
    for name, default, _ in SETTINGS:
        section, key = name.split(".")
        lines.setdefault(section, []).append(f"{key} = {str(default).lower() if isinstance(default, bool) else repr(default)}")
    text = "\n".join(f"[{section}]\n" + "\n".join(rows) for section, rows in lines.items())
    assert config.parse(tomllib.loads(text)) == Config()


def test_a_time_zone_that_does_not_exist_is_named() -> None:
    assert config.parse({"device": {"time_zone": "Asia/Taipei"}}).device.time_zone == "Asia/Taipei"
    with pytest.raises(config.ConfigError, match="Mars/Olympus"):
        config.parse({"device": {"time_zone": "Mars/Olympus"}})

"""Settings are changed all or none, and the file stays somebody's file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from device import config, settings, state
from device.commands.configuration import configuration
from device.commands.context import Context
from device.commands.main import APPLIANCE, folder_at

WRITTEN = """# our kiosk
[device]
id = "kiosk-9"  # as on the sticker
site = "gate"

[recognition] # measured in March
votes = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(WRITTEN, encoding="utf-8")
    return path


def test_a_change_is_read_back_and_comments_stay(file: Path) -> None:
    changed = settings.change(file, {"device.site": '大门 "A"', "recognition.votes": 3, "attend.min_gap_s": 30.0})
    assert changed == {"device.site": ("gate", '大门 "A"'), "recognition.votes": (2, 3), "attend.min_gap_s": (60.0, 30.0)}
    chosen = config.read(file)
    assert (chosen.device.id, chosen.device.site, chosen.recognition.votes, chosen.attend.min_gap_s) == (
        "kiosk-9",
        '大门 "A"',
        3,
        30.0,
    )
    text = file.read_text("utf-8")
    assert "# our kiosk" in text
    assert "# as on the sticker" in text
    assert "# measured in March" in text


def test_what_stays_as_it_was_is_no_change(file: Path) -> None:
    assert settings.change(file, {"recognition.votes": 2}) == {}
    assert file.read_text("utf-8") == WRITTEN


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"recognition.votes": 0}, "recognition.votes"),
        ({"recognition.votes": "3"}, "recognition.votes"),
        ({"recognition.votez": 3}, "recognition.votez"),
        ({"device.site": "x", "attend.min_gap_s": -1.0}, "attend.min_gap_s"),
        ({"device.id": "server"}, "device.id"),
    ],
)
def test_one_wrong_value_changes_nothing_and_is_named(file: Path, changes: dict[str, object], named: str) -> None:
    with pytest.raises(settings.SettingsRefused, match=named):
        settings.change(file, changes)
    assert file.read_text("utf-8") == WRITTEN


def test_a_file_in_another_style_is_left_alone_rather_than_spoilt(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('device = { site = "gate" }\n', encoding="utf-8")
    with pytest.raises(settings.SettingsRefused):
        settings.change(path, {"device.site": "door"})
    assert path.read_text("utf-8") == 'device = { site = "gate" }\n'


def test_without_a_file_there_is_one_afterwards_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    settings.change(path, {"device.site": "door"})
    assert config.read(path).device.site == "door"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["config.toml"]


def test_every_setting_is_shown_with_its_meaning_and_its_limits(file: Path) -> None:
    shown = {one.name: one for one in settings.shown(file)}
    assert set(shown) == {name for name, _, _ in config.settings()}
    votes = shown["recognition.votes"]
    assert (votes.value, votes.default, votes.lowest, votes.highest) == (2, 2, 1, 3)
    assert all(one.meaning for one in shown.values())


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """Beside a settings file that is root's, as on an appliance."""
    (tmp_path / "settings").mkdir()
    return tmp_path / "settings" / "settings.toml"


def test_where_the_file_is_roots_the_web_ui_writes_a_layer_that_every_daemon_reads(file: Path, layer: Path) -> None:
    assert settings.change(file, {"attend.min_gap_s": 30.0, "page.names": "first"}, layer)
    assert file.read_text("utf-8") == WRITTEN, "root's file stays as root wrote it"
    assert stat.S_IMODE(layer.stat().st_mode) == 0o644
    chosen = config.read(file, layer)
    assert (chosen.device.site, chosen.attend.min_gap_s, chosen.page.names) == ("gate", 30.0, "first")
    assert settings.change(file, {"page.names": "full"}, layer) == {"page.names": ("first", "full")}
    with pytest.raises(settings.SettingsRefused, match=r"attend\.min_gap_s"):
        settings.change(file, {"attend.min_gap_s": -1.0}, layer)


@pytest.mark.parametrize(("name", "value"), [("device.site", "door"), ("uplink.host", "elsewhere"), ("uplink.server_key", "x")])
def test_what_root_has_written_or_alone_may_say_is_not_set_from_the_web_ui(file: Path, layer: Path, name: str, value: str) -> None:
    with pytest.raises(settings.SettingsRefused, match=f"{name} is root's on this machine; set it in .*config.toml"):
        settings.change(file, {name: value, "page.names": "first"}, layer)
    assert not layer.exists()
    section, key = name.split(".")
    layer.write_text(f'[{section}]\n{key} = "{value}"\n', encoding="utf-8")  # as a daemon that was taken over would
    assert config.read(file, layer) == config.read(file)
    assert settings.left_out(file, layer) == [name]
    assert {one.name for one in settings.shown(file, layer) if one.by_root} > {name, "device.id", "uplink.policy_key"}


def test_a_release_that_is_taken_back_starts_with_what_a_newer_one_wrote(file: Path, layer: Path) -> None:
    layer.write_text('[page]\nnames = "in_braille"\ntheme = "dark"\n[smell]\nenabled = true\n', encoding="utf-8")
    chosen = config.read(file, layer)
    assert (chosen.page.names, chosen.page.theme) == ("full", "dark")
    assert settings.change(file, {"page.speech": "off"}, layer)
    assert "in_braille" in layer.read_text("utf-8"), "the newer release finds it again"


def test_a_changed_file_keeps_its_mode_and_its_owner(file: Path) -> None:
    """Root chooses what opens the templates, and every daemon goes on reading the file."""
    file.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(file, 65_534, 65_534)
    owner = (file.stat().st_uid, file.stat().st_gid)
    settings.change(file, {"device.unlock": "tpm"})
    found = file.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o644, *owner)


def test_every_daemon_of_an_appliance_reads_the_layer_and_the_kiosk_daemon_alone_may_write_it() -> None:
    file, layer = APPLIANCE.config_file, APPLIANCE.layer
    assert layer is not None
    for root in ("/var/lib/daka", "/var/lib/daka-uplink", "/var/lib/daka-web"):
        assert folder_at(Path(root), file, APPLIANCE.sockets).layer == layer
    assert folder_at(APPLIANCE.root, None, None).layer == layer, "and so does root's command line"
    assert folder_at(Path("/home/ada/kiosk"), None, None).layer is None
    systemd = Path(__file__).parents[2] / "systemd"
    may_write = [unit.name for unit in (systemd / "units").glob("*.service") if str(layer.parent) in unit.read_text("utf-8")]
    assert may_write == ["daka-kiosk.service"]
    assert f"d {layer.parent} 0755 daka-kiosk daka-kiosk -" in (systemd / "etc" / "tmpfiles.conf").read_text("utf-8")


def test_the_command_line_names_both_files_and_what_does_not_count(file: Path, layer: Path) -> None:
    settings.change(file, {"page.names": "first"}, layer)
    layer.write_text(layer.read_text("utf-8") + '[uplink]\nhost = "elsewhere"\n', encoding="utf-8")
    at = Context(state.Folder(file.parent, config_file=file, layer=layer))
    listed = CliRunner().invoke(configuration, ["list"], obj=at).output
    assert f"{layer} (what the web UI has set" in listed
    assert 'names = "first"   (default "full")' in listed
    checked = CliRunner().invoke(configuration, ["check"], obj=at).output
    assert f"uplink.host in {layer} does not count" in checked

"""Settings in a backup: as they hold, whatever style their file has; and none that nobody can read keeps people and keys away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device import config, kiosk, settings
from device.commands import backup as commands
from tests.device.backups.machines import (
    BY,
    KEYS_PASSPHRASE,
    PASSPHRASE,
    Machine,
    confirmed,
    content_of,
    crafted,
    new_machine,
    stop,
)
from web_ui.pages import backups as page

STYLES = ('web.names = "gate-a.example"\n', 'web = { names = "gate-a.example" }\n', '[web] # ours\nnames="gate-a.example"\n')


@pytest.mark.parametrize("style", STYLES)
def test_a_settings_file_of_any_style_is_sealed_as_it_holds_with_what_the_web_ui_has_set(tmp_path: Path, style: str) -> None:
    file, layer = tmp_path / "config.toml", tmp_path / "settings.toml"
    file.write_text(f'{style}\n[device]\nid = "kiosk-9"\nsite = "Tor „Süd“ \\\\ \\u0001"\n', encoding="utf-8")
    layer.write_text("[web]\nenabled = true\n\n[recognition]\nvotes = 2\n", encoding="utf-8")
    (tmp_path / "sealed.toml").write_text(settings.whole_text(file, layer), encoding="utf-8")
    assert config.read(tmp_path / "sealed.toml") == config.read(file, layer)


def test_a_settings_file_alone_is_sealed_as_somebody_wrote_it(machine: Machine, running: kiosk.Files) -> None:
    machine.folder.config.write_text('# ours\ndevice.id = "kiosk-9"\n', encoding="utf-8")
    shelf = machine.shelf(running)
    assert content_of(shelf.place / shelf.make(PASSPHRASE).name)["config.toml"] == machine.folder.config.read_bytes()


def test_a_backup_with_which_no_kiosk_would_start_is_not_made(machine: Machine, running: kiosk.Files) -> None:
    machine.folder.config.write_text("[recognition]\nvotes = 0\n", encoding="utf-8")
    shelf = machine.shelf(running)
    with pytest.raises(config.ConfigError, match=r"recognition\.votes"):
        shelf.make(PASSPHRASE)
    assert list(shelf.place.iterdir()) == []


@pytest.mark.parametrize("text", [b"web.names = 1\n[web]\nenabled = true\n", b"[recognition]\nvotes = 0\n", b"\xff"])
def test_settings_that_nobody_can_read_keep_neither_people_nor_keys_away(
    machine: Machine, running: kiosk.Files, tmp_path: Path, text: bytes
) -> None:
    """Earlier versions made such backups without a word."""
    shelf = machine.shelf(running)
    members, sealed_keys = content_of(shelf.place / shelf.make(PASSPHRASE).name), shelf.keys(KEYS_PASSPHRASE)
    made = crafted(tmp_path / "old.backup", {**members, "config.toml": text})
    (tmp_path / "other").mkdir()
    other = new_machine(tmp_path / "other")
    other.folder.config.write_text('[device]\nsite = "yard"\n', encoding="utf-8")
    aside = other.bring(made, sealed_keys)
    found = aside.look(PASSPHRASE)
    assert found.settings_unreadable
    for said in (page.consequences, commands.sentences):
        assert len(said(found)) == len(said(replace(found, settings_unreadable=False))) + 1
    aside.make_ready(BY, confirmed(aside))
    after = other.start()
    assert len(after.directory.list()) == 3
    chosen = config.read(other.folder.config)
    assert (chosen.device.id, chosen.device.site) == ("kiosk-9", "yard")
    stop(after)

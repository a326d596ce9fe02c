"""What is switched off stays off, and what is set otherwise holds without anybody's command."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from pathlib import Path

import flask
import pytest
from click.testing import CliRunner

from device import config, journal, post, sections, service, state
from device.commands.main import daka
from tests.device import parts
from web_ui import daemon


def test_another_value_of_the_section_is_a_change_and_another_section_or_half_a_file_is_none(tmp_path: Path) -> None:
    file, layer = tmp_path / "config.toml", tmp_path / "settings.toml"
    file.write_text("[uplink]\nenabled = true\n")
    section = sections.Section((file, layer, None), "uplink")
    file.write_text("[uplink]\nenabled = true # the same\n[web]\nport = 1\n")
    assert not section.has_changed()
    file.write_text("[uplink")
    assert not section.has_changed()
    file.write_text("[uplink]\nenabled = true\n")
    layer.write_text("[uplink]\nkeepalive_s = 30\n")
    assert section.has_changed()


def test_a_switch_is_what_its_files_say_and_stays_where_they_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    is_on = sections.Switch((file,), lambda: config.read(file).uplink.enabled)
    assert not is_on()
    file.write_text("[uplink]\nenabled = true\n")
    assert is_on()
    file.write_text("[uplink]\nnonsense = true\n")
    assert is_on()
    file.unlink()
    assert not is_on()


def test_no_record_is_given_to_an_uplink_that_is_switched_off(opened: journal.Journal, tmp_path: Path) -> None:
    carrier = post.Post(opened, config.Config(), parts.Clock(), tmp_path, is_on=lambda: False)
    with flask.Flask("test").test_request_context(f"/?after=0&wait_s=0&epoch={opened.head().epoch}"):
        with pytest.raises(post.SwitchedOff, match="switched off"):
            carrier.records()
        carrier.is_on = lambda: True
        assert carrier.records().status_code == 200


def test_an_uplink_ends_with_the_settings_that_it_began_with(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[device]\nid = "kiosk-7"\n')
    uplink = subprocess.Popen(
        (sys.executable, "-m", "device.commands.main", "--state", str(tmp_path), "run", "uplink"), stderr=subprocess.PIPE, text=True
    )
    try:
        assert uplink.stderr is not None
        assert "switched off (uplink.enabled)" in next(line for line in uplink.stderr if "uplink" in line)
        file.write_text('[device]\nid = "kiosk-7"\n[uplink]\nenabled = true\n')
        assert uplink.wait(60) == 0
    finally:
        uplink.kill()


def test_a_web_ui_that_is_switched_off_serves_nobody_and_is_there_again_once_it_is_switched_on(tmp_path: Path) -> None:
    folder = state.Folder(tmp_path)
    folder.config.write_text('[web]\nenabled = false\naddress = "127.0.0.1"\n')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        under, stop = service.Service(sockets={"127.0.0.1": listener}), threading.Event()
        section = sections.Section((folder.config,), "web")
        idling = threading.Thread(target=daemon.idle, args=(under, section, stop))
        idling.start()
        with socket.create_connection(listener.getsockname(), 10) as browser:
            assert browser.recv(1) == b"", "sent away at once, and not left waiting at systemd's socket"
        told = CliRunner().invoke(daka, ["--state", str(tmp_path), "web", "on"])
        assert "switched on" in told.output
        idling.join(30)
        assert not idling.is_alive(), "whoever keeps it running starts it with the page"
        assert config.read(folder.config).web.enabled

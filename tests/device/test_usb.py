"""Which USB devices are let in, on a bus of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from device import usb
from device.commands import main as daka
from device.commands import usb as commands
from device.usb import Device

READER = Device("16c0", "27db", "A1", "Acme Badge reader")
INNER = Device("05e3", "0610", "", "no name")
CAMERA = Device("046d", "0825", "", "Acme Webcam")


@pytest.fixture
def bus(tmp_path: Path) -> Path:
    """A hub with a camera and a badge reader on it, as the kernel shows them."""
    folder = tmp_path / "bus"
    add(folder, "usb1", bDeviceClass="09", idVendor="1d6b", idProduct="0002", authorized_default="1")
    add(folder, "1-1", bDeviceClass="09", idVendor="05e3", idProduct="0610", authorized="1")
    add(
        folder, "1-1.1", bDeviceClass="ef", idVendor="046d", idProduct="0825", manufacturer="Acme", product="Webcam", authorized="1"
    )
    add(folder, "1-1.2", bDeviceClass="00", idVendor="16c0", idProduct="27db", serial="A1", manufacturer="Acme",
        product="Badge reader", authorized="0")  # fmt: skip
    add(folder, "1-1.2:1.0", bInterfaceClass="03")
    return folder


def add(bus: Path, place: str, **files: str) -> None:
    (bus / place).mkdir(parents=True)
    for name, text in files.items():
        (bus / place / name).write_text(f"{text}\n")


def test_devices_and_hubs_are_seen_and_root_hubs_and_interfaces_are_none(bus: Path) -> None:
    assert [(one.device, one.is_authorised, one.is_hub) for one in usb.plugged(bus)] == [
        (INNER, True, True),
        (CAMERA, True, False),
        (READER, False, False),
    ]
    assert usb.plugged(bus / "nowhere") == ()


def test_once_locked_only_what_is_enrolled_is_let_in(tmp_path: Path) -> None:
    at, rules = tmp_path / "usb.json", tmp_path / "rules"
    usb.enrol([CAMERA], at, rules)
    assert not rules.exists()  # enrolling locks nobody out
    usb.lock(at, rules)
    usb.enrol([READER], at, rules)
    said = rules.read_text().splitlines()
    assert any('"046d"' in row and 'ATTR{authorized}="1"' in row for row in said)
    assert any('"16c0"' in row and 'ATTR{serial}=="A1"' in row for row in said)
    assert said[-2:] == ['ATTR{authorized}="0"', 'LABEL="daka_usb_end"']
    assert any("authorized_default" in row and '"0"' in row for row in said)
    assert not any("bDeviceClass" in row for row in said), "what calls itself a hub may have a keyboard's interface as well"
    assert usb.enrolled(at) == {CAMERA, READER}


def test_a_serial_of_a_strangers_choice_cannot_write_rules() -> None:
    nasty = Device("dead", "beef", '*", ATTR{authorized}="1"\n', "x")
    (row,) = [row for row in usb.rules([nasty]).splitlines() if "dead" in row]
    assert row.count('ATTR{authorized}="1"') == 1
    assert "*" not in row


def test_a_damaged_list_is_a_sentence_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "usb.json").write_text("{")
    with pytest.raises(usb.UsbError, match="daka usb lock"):
        usb.enrolled(tmp_path / "usb.json")


def test_what_is_let_in_and_what_is_not_is_listed_and_unlocking_is_the_way_back(
    bus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, path in {"BUS": bus, "ALLOWED": tmp_path / "usb.json", "RULES": tmp_path / "rules"}.items():
        monkeypatch.setattr(usb, name, path)
    usb.enrol([CAMERA], tmp_path / "usb.json", tmp_path / "rules")
    usb.lock(tmp_path / "usb.json", tmp_path / "rules")
    said = CliRunner().invoke(daka.daka, ["usb", "list"]).output
    assert "locked" in said
    assert "046d:0825  Acme Webcam  enrolled" in said
    assert "16c0:27db:A1  Acme Badge reader  not let in" in said
    assert "05e3:0610  no name  hub  let in" in said
    assert "open" in CliRunner().invoke(daka.daka, ["usb", "unlock"]).output
    assert (bus / "1-1.2" / "authorized").read_text() == "1"
    assert not (tmp_path / "rules").exists()


def test_whoever_locks_enrols_the_hubs_that_everything_hangs_on(bus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, path in {"BUS": bus, "ALLOWED": tmp_path / "usb.json", "RULES": tmp_path / "rules"}.items():
        monkeypatch.setattr(usb, name, path)
    monkeypatch.setattr(commands, "_apply", lambda: None)
    said = CliRunner().invoke(daka.daka, ["usb", "lock", "--yes"]).output
    assert "enrolled: 05e3:0610" in said
    assert usb.enrolled(tmp_path / "usb.json") == {INNER, CAMERA, READER}
    (tmp_path / "usb.json").unlink()
    CliRunner().invoke(daka.daka, ["usb", "enrol", "16c0:27db:A1"])
    assert usb.enrolled(tmp_path / "usb.json") == {INNER, READER}

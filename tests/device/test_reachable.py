"""The addresses under which browsers reach a kiosk, seen by root and read by a daemon without a network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from device import reachable

INTERFACES = {
    "lo": ["127.0.0.1", "::1"],
    "eth0": ["192.168.7.20", "fe80::1%eth0", "aa:bb:cc:dd:ee:ff"],
    "wlan0": ["10.1.2.3", "169.254.9.9"],
}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {name: [SimpleNamespace(address=text) for text in texts] for name, texts in INTERFACES.items()}
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: said)


@pytest.mark.usefixtures("machine")
def test_what_root_has_written_down_is_what_the_web_daemon_says(tmp_path: Path) -> None:
    reachable.keep(tmp_path)
    assert reachable.read(tmp_path / "addresses") == ("192.168.7.20", "10.1.2.3")


@pytest.mark.usefixtures("machine")
def test_where_root_writes_nothing_the_daemon_looks_itself(tmp_path: Path) -> None:
    assert reachable.read(tmp_path / "addresses") == ("192.168.7.20", "10.1.2.3")


def test_a_sandbox_without_a_network_knows_no_address_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise PermissionError

    monkeypatch.setattr(psutil, "net_if_addrs", refused)
    assert reachable.read(tmp_path / "addresses") == ()


@pytest.mark.parametrize("text", ["", "javascript:alert(1)", "999.1.1.1 ::1", "0.0.0.0", "\x00\xff", "1.2.3.4@evil"])
def test_a_file_that_holds_no_address_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "addresses").write_text(text, "latin-1")
    assert reachable.read(tmp_path / "addresses") == ()

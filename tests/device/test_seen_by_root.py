"""What root sees of a machine, and daemons in their sandboxes read: its addresses, and whether its clock is kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from device import clock, seen_by_root

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
    seen_by_root.keep(tmp_path, is_kept=True)
    assert seen_by_root.addresses(tmp_path) == ("192.168.7.20", "10.1.2.3")


@pytest.mark.usefixtures("machine")
def test_where_root_writes_nothing_the_daemon_looks_itself(tmp_path: Path) -> None:
    assert seen_by_root.addresses(tmp_path) == ("192.168.7.20", "10.1.2.3")


def test_a_sandbox_without_a_network_knows_no_address_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise PermissionError

    monkeypatch.setattr(psutil, "net_if_addrs", refused)
    assert seen_by_root.addresses(tmp_path) == ()


@pytest.mark.parametrize("text", ["", "javascript:alert(1)", "999.1.1.1 ::1", "0.0.0.0", "\x00\xff", "1.2.3.4@evil"])
def test_a_file_that_holds_no_address_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "addresses").write_text(text, "latin-1")
    assert seen_by_root.addresses(tmp_path) == ()


def at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(seen_by_root, "_since_boot_s", lambda: seconds)


@pytest.mark.usefixtures("machine")
def test_a_clock_that_root_saw_kept_counts_for_ten_minutes_of_the_same_boot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, 1_000.4)
    seen_by_root.keep(tmp_path, is_kept=True)
    said = []
    for seconds in (1_000.4, 1_600, 1_700, 30):
        at(monkeypatch, seconds)
        said.append(seen_by_root.clock_is_kept(tmp_path))
    assert said == [True, True, False, False], "at once, in time, too late, after the next start"
    at(monkeypatch, 1_700)
    seen_by_root.keep(tmp_path, is_kept=False)
    assert not seen_by_root.clock_is_kept(tmp_path)


@pytest.mark.parametrize("text", ["", "kept", "kept soon", "kept -5", "kept 1e3", "\xffkept 1"])
def test_a_file_that_says_nothing_keeps_no_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    at(monkeypatch, 3)
    (tmp_path / "clock").write_text(text, "latin-1")
    assert not seen_by_root.clock_is_kept(tmp_path)


@pytest.mark.parametrize("is_kept", [True, False])
def test_where_the_sandbox_refuses_the_question_what_root_saw_counts(monkeypatch: pytest.MonkeyPatch, *, is_kept: bool) -> None:
    class Sandboxed:
        def adjtimex(self, _timex: object) -> int:
            return -1

    monkeypatch.setattr(clock, "LIBC", Sandboxed())
    monkeypatch.setattr(seen_by_root, "clock_is_kept", lambda: is_kept)
    clock._seen_by_root.cache_clear()
    assert clock.SystemClock().now().quality is (clock.Quality.SYNCED if is_kept else clock.Quality.UNSYNCED)
    clock._seen_by_root.cache_clear()

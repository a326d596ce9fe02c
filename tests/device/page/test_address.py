"""Where the page is found, and who can find it."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from device.page import address
from tests.device import parts


def listening(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    made = socket.socket()
    made.bind((host, port))
    made.listen()
    return made


def free_port() -> int:
    with listening() as made:
        return int(made.getsockname()[1])


def test_the_page_is_on_loopback_and_nowhere_else() -> None:
    with address.listener(None, free_port()) as made:  # type: ignore[union-attr]
        assert made.family == socket.AF_INET
        assert made.getsockname()[0] == "127.0.0.1"


def test_port_0_means_no_page() -> None:
    assert address.listener(None, 0) is None


def test_a_port_that_somebody_has_is_a_sentence_with_the_way_out() -> None:
    with listening() as made, pytest.raises(address.PageError, match=r"set page\.port"):
        address.listener(None, made.getsockname()[1])


def test_a_socket_that_was_passed_is_used_whatever_the_setting_says() -> None:
    with listening() as passed:
        assert address.listener(passed, 0) is passed


def test_a_passed_socket_that_others_can_reach_is_refused() -> None:
    with pytest.raises(address.PageError, match=r"ListenStream=127\.0\.0\.1"):
        address.listener(listening(host="0.0.0.0"), 0)


def test_the_token_outlives_the_daemon_but_not_the_boot(tmp_path: Path) -> None:
    file = tmp_path / "run" / "page.url"
    with listening() as made:
        first = address.settle(made, file, parts.BOOT_ID)
        again = address.settle(made, file, parts.BOOT_ID)
        next_boot = address.settle(made, file, parts.OTHER_BOOT_ID)
    assert first == again
    assert next_boot.token != first.token
    assert len(first.token.partition(".")[2]) >= 32


def test_the_address_is_for_its_group_and_holds_the_token_where_no_browser_sends_it(tmp_path: Path) -> None:
    file = tmp_path / "page.url"
    before = os.umask(0o077)  # as a service has it
    try:
        with listening() as made:
            found = address.settle(made, file, parts.BOOT_ID)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert file.read_text().strip() == f"http://{found.host}/#{found.token}"


@pytest.mark.parametrize("shown", ["", "x", "0b7c6b1e.", "ä", "0b7c6b1e.secre", "0b7c6b1e.secret "])
def test_only_the_token_is_the_token(shown: str) -> None:
    found = address.Address("127.0.0.1:1", "0b7c6b1e.secret")
    assert found.is_token("0b7c6b1e.secret")
    assert not found.is_token(shown)

"""`daka run` says where the kiosk page is, and no log does."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from device import state
from device.commands import run
from device.commands.context import Context


def test_the_address_of_the_page_is_printed_once_the_daemon_serves_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = state.Folder(tmp_path).page_address
    file.parent.mkdir()

    def serve() -> None:
        file.write_text("http://127.0.0.1:8460/#token\n")

    threading.Timer(0.3, serve).start()
    run._say_where_the_page_is(Context(state.Folder(tmp_path)))
    assert capsys.readouterr().out == "kiosk page: http://127.0.0.1:8460/#token\n"


def test_an_address_of_an_earlier_start_is_not_taken_for_this_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "START_S", 0.5)
    file = state.Folder(tmp_path).page_address
    file.parent.mkdir()
    file.write_text("http://127.0.0.1:8460/#old\n")
    os.utime(file, (time.time() - 60, time.time() - 60))
    run._say_where_the_page_is(Context(state.Folder(tmp_path)))
    assert capsys.readouterr().out == ""

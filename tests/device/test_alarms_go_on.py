"""Whoever watches the kiosk is watched: what cannot be read once is said, and nothing ends in silence."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from device import api, checks, gauges, messages, state
from device.findings import Verdict
from device.kiosk import threads
from tests.device import parts


def test_one_reading_that_fails_is_a_line_in_the_log_and_the_alarms_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gauges, "EVERY_S", 0.01)
    stop, looked = threading.Event(), list[api.Machine]()
    fails = iter([messages.SchemaRefused("a record of another version"), KeyError("nobody thought of it")])

    def health() -> api.Health:
        for error in fails:
            raise error
        stop.set()
        return api.Health()

    gauges.Gauges(parts.open_journal(tmp_path), parts.Clock(), tmp_path, health, looked.append).keep(stop)
    assert len(looked) == 1
    assert caplog.text.count("the machine's state could not be read") == 2


def test_a_record_that_cannot_be_read_waits_since_it_was_filed(tmp_path: Path) -> None:
    opened = parts.open_journal(tmp_path)
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("UPDATE record SET text = ?", (b"\xff",))
    assert opened.oldest_unacknowledged() == parts.START


def test_a_thread_that_must_not_end_ends_the_daemon_with_it(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever keeps the daemon running starts it afresh; without the thread nobody would notice what is missing."""

    def breaks() -> None:
        raise RuntimeError("nobody thought of it")

    for work in (breaks, lambda: None):
        stop = threading.Event()
        threads.until_stopped("alarms", stop, work).join()
        assert stop.is_set()
        assert "'alarms'" in caplog.text
        caplog.clear()
    threads.until_stopped("alarms", stop, lambda: None).join()
    assert not caplog.text, "it was asked to"


def test_the_doctor_says_so_where_the_daemon_cannot_say_how_its_machine_is(tmp_path: Path) -> None:
    folder = state.Folder(tmp_path)
    folder.run.mkdir()
    folder.admin_socket.touch()
    (found,) = checks.vital_signs(folder)
    assert (found.check, found.verdict) == ("machine", Verdict.BAD)

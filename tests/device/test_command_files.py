"""Files and words that a command cannot use: one sentence, and nothing is voided for a code that reaches nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device import state
from tests.device.test_command_line import Run, refused
from tests.device.test_command_line import known as known
from tests.device.test_command_line import run as run

NOWHERE = "/there-is-no-such-folder/x.svg"


def head(folder: Path, run: Run) -> str:
    """How far the journal has come: what a command voids or issues is a record."""
    return next(line for line in run(folder, "verify").stdout.splitlines() if line.startswith("head "))


@pytest.mark.parametrize("what", ["code", "phone"])
def test_no_code_is_voided_for_a_file_that_cannot_be_written(known: Path, run: Run, what: str) -> None:
    before = head(known, run)
    done = run(known, "people", what, "1", "--out", NOWHERE)
    assert done.returncode == 2
    assert "No such file or directory" in done.stderr
    assert head(known, run) == before


def test_a_card_and_a_package_ask_for_their_file_first_too(known: Path, run: Run) -> None:
    photograph = known / "face.jpg"
    photograph.write_bytes(b"no picture")
    before = head(known, run)
    for arguments in (("card", "issue", "1", photograph), ("people", "export", "1"), ("site", "export", "kiosk-2")):
        done = run(known, *arguments, "--out", NOWHERE)
        assert (done.returncode, "No such file or directory" in done.stderr) == (2, True), done.stderr
    assert head(known, run) == before


def test_a_code_is_its_owners_alone_and_what_was_there_stays_when_none_is_issued(known: Path, run: Run, tmp_path: Path) -> None:
    out, other = tmp_path / "code.svg", tmp_path / "other.svg"
    out.write_text("a longer text than any code, " * 2_000)
    out.chmod(0o644)
    assert run(known, "people", "code", "1", "--out", out).returncode == 0
    drawn = out.read_bytes()
    assert drawn.startswith(b"<?xml")
    assert drawn.rstrip().endswith(b"</svg>")
    assert out.stat().st_mode & 0o777 == 0o600
    for file in (out, other):
        refused(run(known, "people", "code", "77", "--out", file), "77")
    assert out.read_bytes() == drawn
    assert not other.exists()


def test_a_disk_that_is_full_is_said(known: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "full.png").symlink_to("/dev/full")
    done = run(known, "people", "code", "1", "--out", tmp_path / "full.png")
    assert "No space left on device; nothing usable was written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there_is_no_failing_disk(known: Path, run: Run) -> None:
    refused(run(known, "export", NOWHERE), "No such file or directory")
    refused(run(known, "export", "--answer", NOWHERE), f"{NOWHERE}: No such file or directory")


def test_a_number_that_no_record_has_is_said_before_anybody_is_asked(known: Path, run: Run) -> None:
    done = run(known, "correct", "void", "9" * 20, "--reason", "a slip")
    assert done.returncode == 2
    assert "is not in the range" in done.stderr


def test_bytes_that_are_no_text_are_said_to_be_so(known: Path, run: Run) -> None:
    refused(run(known, "punch", "code", "\udcff"), "is no text", "UTF-8")


@contextmanager
def somebody_else(folder: Path) -> Iterator[None]:
    """Whoever may not look into the folder; root becomes somebody for it."""
    if os.geteuid() == 0:
        folder.chmod(0o700)
        os.seteuid(65_534)
    else:
        folder.chmod(0)
    try:
        yield
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        folder.chmod(0o700)


def test_another_user_is_not_told_that_there_is_no_journal(tmp_path: Path) -> None:
    """They may not look; whether they may ask is the socket's to say."""
    closed = tmp_path / "state"
    closed.mkdir()
    with somebody_else(closed):
        state.check_begun(state.Folder(closed))
    with pytest.raises(state.StateUnusable, match="there is no journal"):
        state.check_begun(state.Folder(closed))

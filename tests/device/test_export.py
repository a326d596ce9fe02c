"""Signed records go to a stick whole or not at all, and the enterprise's receipt comes back."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from device import config, database, journal, messages, post, state
from device.commands import export
from device.commands import main as daka
from tests.device import parts


def carrier(opened: journal.Journal, folder: Path) -> post.Post:
    keys = {"server_key": messages.public_key_text(parts.Server().key)}
    return post.Post(opened, config.parse({"uplink": keys}), parts.Clock(), folder)


def test_every_line_is_a_batch_that_holds_by_itself(opened: journal.Journal, tmp_path: Path) -> None:
    parts.fill(opened, 450)
    assert export.write(carrier(opened, tmp_path), tmp_path / "stick", 0) == (451, 451)
    batches = [messages.read_batch(line, parts.DEVICE) for line in (tmp_path / "stick").read_bytes().splitlines()]
    for batch in batches:
        messages.verify_batch(batch, parts.signing_key().public_key())
    assert [(batch.first, batch.last) for batch in batches] == [(1, 200), (201, 400), (401, 451)]


def test_an_export_goes_on_after_a_number(opened: journal.Journal, tmp_path: Path) -> None:
    parts.fill(opened, 5)
    assert export.write(carrier(opened, tmp_path), tmp_path / "stick", 4) == (2, 6)


def test_a_full_stick_leaves_no_half_file_and_says_so(
    opened: journal.Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    parts.fill(opened, 5)
    (tmp_path / "stick").write_bytes(b"an earlier export")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(database.StorageFull):
        export.write(carrier(opened, tmp_path), tmp_path / "stick", 0)
    monkeypatch.undo()
    assert (tmp_path / "stick").read_bytes() == b"an earlier export"
    assert not list(tmp_path.glob(".stick*"))


def test_a_receipt_that_comes_back_moves_the_cursor_and_a_forged_one_does_not(opened: journal.Journal, tmp_path: Path) -> None:
    parts.fill(opened, 5)
    server, counter = parts.Server(), carrier(opened, tmp_path)
    answer = server.acknowledgement(opened.head().epoch, 4, parts.hash_of(opened, 4))
    assert counter.believe(answer).upto == opened.head().acknowledged == 4
    forged = parts.Server(parts.signing_key(8)).acknowledgement(opened.head().epoch, 5, parts.hash_of(opened, 5))
    with pytest.raises(journal.AcknowledgementRefused):
        counter.believe(forged)
    assert opened.head().acknowledged == 4


def test_the_command_works_on_a_stopped_kiosk(tmp_path: Path) -> None:
    folder = state.Folder(tmp_path / "kiosk")
    words = ["--state", str(folder.root)]
    assert "no journal" in str(CliRunner().invoke(daka.daka, [*words, "export", str(tmp_path / "stick")]).exception)
    CliRunner().invoke(daka.daka, [*words, "people", "add", "1001", "Ada", "--language", "en"])
    done = CliRunner().invoke(daka.daka, [*words, "export", str(tmp_path / "stick")])
    assert done.exit_code == 0, done.exception
    assert "3 records up to 3 are in" in done.output

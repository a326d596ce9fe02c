"""One sealed file: whole, with its passphrase alone, or refused."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from device.backups import sealed
from device.backups.sealed import BackupRefused, Reader, Writer
from tests.device.backups.machines import (
    PASSPHRASE,
)


def test_what_was_sealed_comes_back_and_only_with_its_passphrase(tmp_path: Path) -> None:
    for size in (0, 1, sealed.PIECE, sealed.PIECE + 1, 3 * sealed.PIECE):
        data, file = bytes(range(256)) * (size // 256 + 1), io.BytesIO()
        writer = Writer(file, PASSPHRASE, "kiosk-9", "2026-11-23T09:00:00.000000Z", "daka test")
        writer.write(data[:size])
        writer.close()
        file.seek(0)
        assert Reader(file, PASSPHRASE).read() == data[:size]
        file.seek(0)
        with pytest.raises(BackupRefused, match="passphrase"):
            Reader(file, "another passphrase").read()


def test_a_sealed_file_that_was_changed_cut_or_reordered_is_refused() -> None:
    file = io.BytesIO()
    writer = Writer(file, PASSPHRASE, "kiosk-9", "2026-11-23T09:00:00.000000Z", "daka test")
    writer.write(bytes(3 * sealed.PIECE + 5))
    writer.close()
    whole = file.getvalue()
    start, step = len(whole) - 3 * (sealed.PIECE + sealed.TAG) - 5 - sealed.TAG, sealed.PIECE + sealed.TAG
    swapped = whole[:start] + whole[start + step : start + 2 * step] + whole[start : start + step] + whole[start + 2 * step :]
    flipped = bytearray(whole)
    flipped[start + step + 7] ^= 1
    head = whole.replace(b"kiosk-9", b"kiosk-8", 1)
    for wrong in (swapped, bytes(flipped), whole[: start + step], whole[: start + 2 * step], whole[:-1], whole + b"x", head):
        with pytest.raises(BackupRefused, match="cannot be opened"):
            Reader(io.BytesIO(wrong), PASSPHRASE).read()
    head_of = json.loads(whole[len(sealed.MAGIC) :].split(b"\n")[0])
    greedy = sealed.MAGIC + json.dumps(head_of | {"memory_kib": 512 * 1024}).encode() + b"\n"  # half the daemon's memory
    for no_backup in (b"", b"PK\3\4 a spreadsheet", sealed.MAGIC + b"{}\n", sealed.MAGIC + b'{"memory_kib": 99999999}\n', greedy):
        with pytest.raises(BackupRefused, match="no backup"):
            Reader(io.BytesIO(no_backup), PASSPHRASE)

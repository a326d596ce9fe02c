"""A receipt is a promise: whatever ends the process, the record is in the file; and the disk was asked to keep it each time."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from device import journal
from tests.device import parts


def child(folder: Path, count: int, *before: str) -> subprocess.Popen[str]:
    command = [*before, sys.executable, "-m", "tests.device.appender", str(folder), str(count)]
    return subprocess.Popen(command, cwd=parts.REPO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is missing; install it with: apt-get install strace")
        pytest.skip("strace is missing; install it with: apt-get install strace")
    return found


def reopened(folder: Path) -> journal.Journal:
    opened = parts.open_journal(folder)
    assert not list(folder.glob("*.damaged-*")), "a killed process must leave a sound journal"
    return opened


@pytest.mark.parametrize("round_number", range(10))
def test_every_receipt_that_was_shown_is_in_the_file_after_a_kill(tmp_path: Path, round_number: int) -> None:
    process = child(tmp_path, 0)
    assert process.stdout is not None
    shown = [process.stdout.readline() for _ in range(3 + 7 * round_number)]
    process.send_signal(signal.SIGKILL)
    shown += process.stdout.readlines()
    process.communicate()
    receipts = [line.split() for line in shown[1:] if line.endswith("\n")]
    assert receipts
    opened = reopened(tmp_path)
    assert opened.verify().seq >= int(receipts[-1][0])
    for seq, digest in receipts:
        assert parts.hash_of(opened, int(seq)) == digest


def test_each_confirmed_append_was_synced_before_its_receipt_was_shown(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    process = child(tmp_path, 20, strace(), "-f", "-e", "trace=fsync,fdatasync,write", "-e", "signal=none", "-o", str(trace))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    receipts = [line for line in out.splitlines() if re.match(r"\d+ ", line)]
    assert len(receipts) == 20
    synced, confirmed = 0, 0
    for call in trace.read_text().splitlines():
        if re.search(r"(fsync|fdatasync)\(.*= 0", call):
            synced += 1
        elif re.search(r'write\(1, "\d+ ', call):
            assert synced > 0, f"receipt {confirmed + 1} was shown without a sync since the one before"
            synced, confirmed = 0, confirmed + 1
    assert confirmed == 20


def test_a_punch_writes_at_most_24_kilobytes(tmp_path: Path) -> None:
    """Flash cards wear out by what is written. Counted over checkpoints, too; the kernel counts (proc(5), wchar)."""
    opened = parts.open_journal(tmp_path)
    parts.fill(opened, 200)
    before = bytes_written()
    for number in range(1_500):
        opened.append(parts.punch(site="Main gate, Building 4"), parts.moment(number))
    opened.close()
    assert (bytes_written() - before) / 1_500 <= 24_000


def bytes_written() -> int:
    (line,) = (line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("wchar:"))
    return int(line.split()[1])


def test_a_failing_sync_is_a_refusal_and_the_next_append_works(tmp_path: Path) -> None:
    reopened(tmp_path).close()
    fault = "inject=fsync,fdatasync:error=EIO:when=3+5"
    process = child(tmp_path, 12, strace(), "-f", "-e", "trace=fsync,fdatasync", "-e", fault, "-o", str(tmp_path / "trace"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    lines = out.splitlines()[1:]
    refused = [line for line in lines if line.startswith("refused")]
    assert refused, (tmp_path / "trace").read_text()
    assert all(line.startswith("refused StorageFailing journal.db: the disk reports an error") for line in refused)
    receipts = [line.split() for line in lines if not line.startswith("refused")]
    assert len(receipts) + len(refused) == 12
    assert not lines[-1].startswith("refused") or len(receipts) > 3
    opened = reopened(tmp_path)
    assert opened.verify().seq >= int(receipts[-1][0])
    assert [int(seq) for seq, _ in receipts] == sorted({int(seq) for seq, _ in receipts})
    for seq, digest in receipts:
        assert parts.hash_of(opened, int(seq)) == digest

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


# Which of the calls that sync fail (strace(1), when=): one, several in a row, every second or third, all from one on.
FAILING = ("3", "4", "3..5", "5..9", "4+2", "3+5", "6+1")


@pytest.mark.parametrize("when", FAILING)
def test_a_failing_sync_is_a_refusal_and_what_was_refused_is_not_in_the_journal(tmp_path: Path, when: str) -> None:
    reopened(tmp_path).close()
    fault = f"inject=fsync,fdatasync:error=EIO:when={when}"
    process = child(tmp_path, 12, strace(), "-f", "-e", "trace=fsync,fdatasync", "-e", fault, "-o", str(tmp_path / "trace"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    lines = out.splitlines()[1:]
    refused = [line for line in lines if line.startswith("refused")]
    assert refused, (tmp_path / "trace").read_text()
    assert all(re.match(r"refused \d+ StorageFailing journal.db: the disk reports an error", line) for line in refused)
    receipts = [line.split() for line in lines if not line.startswith("refused")]
    assert len(receipts) + len(refused) == 12
    opened = reopened(tmp_path)
    opened.verify()
    for seq, digest in receipts:
        assert parts.hash_of(opened, int(seq)) == digest
    confirmed = [number for number, line in enumerate(lines, start=1) if not line.startswith("refused")]
    assert tried(opened) == confirmed


def tried(opened: journal.Journal) -> list[int]:
    """Which of the child's tries are in the journal."""
    return [int(record.body["software"].removeprefix("child ")) for record in opened.of_kinds(("boot",))]


def test_what_was_refused_is_not_in_the_journal_after_a_kill_either(tmp_path: Path) -> None:
    """The disk fails from one moment on, and the process is killed right after it has said so."""
    reopened(tmp_path).close()
    process = child(tmp_path, 0, strace(), "-f", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO:when=6+1")
    assert process.stdout is not None
    shown: list[str] = []
    while sum(line.startswith("refused") for line in shown) < 3:
        shown.append(process.stdout.readline())
    end_traced(process)
    shown += process.stdout.readlines()
    confirmed = sum(bool(re.match(r"\d+ ", line)) for line in shown)
    opened = reopened(tmp_path)
    assert tried(opened)[confirmed:] == []


UNMARKED = """
import errno, os, sys
from tests.device import appender
def pwrite(*_): raise OSError(errno.EROFS, "Read-only file system")
os.pwrite = pwrite  # SQLite has its own
sys.argv = ["appender", {folder!r}, "12"]
appender.main()
"""


def test_what_was_refused_and_cannot_be_cut_off_now_is_not_in_the_journal_either(tmp_path: Path) -> None:
    """The disk takes neither a sync nor, for as long as the process runs, the mark behind the last commit."""
    reopened(tmp_path).close()
    fault = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO:when=4..7", "-o", "/dev/null"]
    command = [strace(), "-f", *fault, sys.executable, "-c", UNMARKED.format(folder=str(tmp_path))]
    ran = subprocess.run(command, cwd=parts.REPO, capture_output=True, text=True, timeout=60, check=True)
    assert "may still be in journal.db" in ran.stderr
    lines = ran.stdout.splitlines()[1:]
    refused = [number for number, line in enumerate(lines, start=1) if line.startswith("refused")]
    assert len(refused) == 4
    assert len(lines) == 12
    assert tried(reopened(tmp_path)) == [number for number in range(1, 13) if number not in refused]


def end_traced(process: subprocess.Popen[str]) -> None:
    """SIGKILL for the process that strace runs, whose own end follows."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    process.wait(10)

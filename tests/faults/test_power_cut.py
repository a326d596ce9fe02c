"""A power cut keeps what the disk was told to keep, and of the rest whatever it likes.

Every call of a kiosk that appends is recorded (strace), and the disk is built as it may look after a cut at any of these calls.
From each such disk the journal must open, hold every record that had been confirmed, and go on.
"""

from __future__ import annotations

import random
import signal
import sqlite3
from pathlib import Path

import pytest

from device import database
from tests.device import parts
from tests.faults import powercut

Recorded = tuple[Path, list[powercut.Call | int]]

APPENDS = "import sys; sys.argv = ['appender', {folder!r}, '30']; from tests.device import appender; appender.main()"
CARELESS = (
    "import device.database as d; c = d.connect; "
    "d.connect = lambda path: (lambda opened: (opened.execute('PRAGMA synchronous = OFF'), opened)[1])(c(path)); "
)
OPENED = """
import os
from pathlib import Path
from device import database
opened = database.Database(Path({folder!r}) / "journal.db", "journal")
"""
CHANGES = """
with opened.transaction() as connection:
    connection.execute("CREATE TABLE gone (text)")
    connection.executemany("INSERT INTO gone VALUES (?)", [("x" * 99,)] * 2_000)
opened.checkpoint()
for change in ("CREATE TABLE another (text)", "DELETE FROM gone"):
    with opened.transaction() as connection:
        connection.execute(change)
"""
ENDS = "os._exit(0)"  # as a kill does: nothing is closed
CUTS = 30


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """A new journal, 30 appends, and every call that they made."""
    folder = tmp_path_factory.mktemp("recorded")
    return folder, powercut.record(folder, APPENDS.format(folder=str(folder)))


@pytest.mark.parametrize("seed", range(4))
def test_every_confirmed_record_survives_a_power_cut_at_any_moment(recorded: Recorded, tmp_path: Path, seed: int) -> None:
    finished = parts.open_journal(recorded[0])
    hashes = {seq: parts.hash_of(finished, seq) for seq in range(1, finished.head().seq + 1)}
    finished.close()
    confirmed = []
    for number, cut in enumerate(powercut.cuts(*recorded, random.Random(seed), CUTS)):
        folder, shown = powercut.put(cut.files, tmp_path / str(number)), cut.confirmed
        opened = parts.open_journal(folder)
        assert not list(folder.glob("*.damaged-*")), f"cut {number}: a power cut left a journal that fails its check"
        assert opened.verify().seq >= shown
        for seq in range(2, shown + 1):
            assert parts.hash_of(opened, seq) == hashes[seq], f"cut {number}: record {seq} was confirmed and is gone"
        opened.append(parts.punch(), parts.moment(1_000))
        opened.close()
        confirmed.append(shown)
    assert max(confirmed) > 20, "the cuts must fall into the time of the appends"


@pytest.mark.parametrize("when", ["20+2", "21+3", "20+5", "21+7"])
def test_nothing_that_was_refused_is_there_after_a_power_cut_and_everything_confirmed_is(tmp_path: Path, when: str) -> None:
    """Syncs that fail now and then; what they were to write is there by chance, whatever later syncs say."""
    folder = tmp_path / "failing"
    folder.mkdir()
    fault = ("-e", f"inject=fsync,fdatasync:error=EIO:when={when}")
    calls = powercut.record(folder, APPENDS.format(folder=str(folder)), *fault)
    refused = 0
    for number, cut in enumerate(powercut.cuts(folder, calls, random.Random(2), CUTS)):
        opened = parts.open_journal(powercut.put(cut.files, tmp_path / str(number)))
        assert opened.verify().seq >= cut.confirmed, f"cut {number}"
        found = {int(record.body["software"].removeprefix("child ")) for record in opened.of_kinds(("boot",))}
        assert not found & cut.refused, f"cut {number}: refused, and found nevertheless"
        opened.close()
        refused = len(cut.refused)
    assert refused > 3, "the syncs must fail in the time of the appends"


@pytest.mark.parametrize("seed", range(3))
def test_what_a_failed_sync_left_in_memory_only_carries_no_later_receipt(tmp_path: Path, seed: int) -> None:
    """The process is killed before it can take back what was not synced, the next one finds that in the log and appends to it."""
    folder = tmp_path / "killed"
    folder.mkdir()
    fault, script = ("-e", "inject=fsync,fdatasync:error=EIO:signal=KILL:when=24"), APPENDS.format(folder=str(folder))
    calls = powercut.record(folder, script, *fault, ends=-signal.SIGKILL)
    calls += [powercut.Call(powercut.FAILED, f"{folder}/journal.db-wal"), *powercut.record(folder, script)]
    for number, cut in enumerate(powercut.cuts(folder, calls, random.Random(seed), CUTS)):
        opened = parts.open_journal(powercut.put(cut.files, tmp_path / str(number)))
        assert opened.verify().seq >= cut.confirmed, f"cut {number}: confirmed, and gone"
        opened.close()


def test_a_start_after_a_failed_sync_and_a_kill_can_lose_its_power_too(tmp_path: Path) -> None:
    """The log's older part is on the disk, its end in memory only: the one must not be laid over a file that has both."""
    folder = tmp_path / "changed"
    folder.mkdir()
    calls = [
        call for call in powercut.record(folder, (OPENED + CHANGES + ENDS).format(folder=str(folder))) if not isinstance(call, int)
    ]
    last = max(number for number, call in enumerate(calls) if call.name in powercut.SYNCS)
    calls[last] = powercut.Call(powercut.FAILED, calls[last].path)
    calls += [call for call in powercut.record(folder, (OPENED + ENDS).format(folder=str(folder))) if not isinstance(call, int)]
    disk = powercut.Disk(str(folder), random.Random(1))
    for call in calls:
        disk.take(call)
    for number in range(CUTS):
        found = sqlite3.connect(powercut.put(disk.after_a_cut(), tmp_path / str(number)) / "journal.db")
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",), f"cut {number}: damaged by its own start"
        assert found.execute("SELECT count(*) FROM gone").fetchone() in ((2_000,), (0,))
        found.close()


def test_without_syncs_the_same_cuts_lose_what_was_confirmed(tmp_path: Path) -> None:
    """What the model is worth."""
    folder = tmp_path / "careless"
    folder.mkdir()
    calls = powercut.record(folder, CARELESS + APPENDS.format(folder=str(folder)))
    lost = 0
    for number, cut in enumerate(powercut.cuts(folder, calls, random.Random(1), CUTS)):
        try:
            opened = parts.open_journal(powercut.put(cut.files, tmp_path / str(number)))
            lost += opened.head().seq < cut.confirmed
            opened.close()
        except database.StorageError:
            lost += 1
    assert lost > 5

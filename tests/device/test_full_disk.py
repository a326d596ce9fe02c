"""A disk that is full, read-only, or gone: refused in plain sight, nothing half written, and on again by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from device import attend, camera, database, journal, line, messages, people
from device.attend import Identity, Why
from device.database import StorageFull, StorageReadOnly
from tests.device import parts

ROOM_KB = 400


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of its own, a few hundred kilobytes large; taken away afterwards."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM_KB}k,mode=700", "daka-test", str(place)], capture_output=True)
    if made.returncode:
        sentence = f"a small file system cannot be mounted here ({made.stderr.decode().strip()}); run as root to see the disk full"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_up(place: Path) -> Path:
    """Not a byte left."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 512, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return ballast


def append_until_refused(opened: journal.Journal) -> database.StorageError:
    for number in range(5_000):
        try:
            opened.append(parts.punch(), parts.moment(number))
        except database.StorageError as error:
            return error
    pytest.fail("the disk never became full")


def test_a_full_disk_refuses_keeps_the_chain_whole_and_recovers_by_itself(small_disk: Path) -> None:
    opened = parts.open_journal(small_disk)
    ballast = fill_up(small_disk)
    error = append_until_refused(opened)
    assert isinstance(error, StorageFull), repr(error)
    assert "free some room" in str(error)
    for number in range(3):
        with pytest.raises(StorageFull):
            opened.append(parts.punch(), parts.moment(number))
    ballast.unlink()
    before = opened.head()
    receipt = opened.append(parts.punch(), parts.moment(9_000))
    assert receipt.seq == before.seq + 1
    assert opened.verify().seq == receipt.seq
    assert len(opened.punches(0, 100_000)) == receipt.seq - 1
    opened.close()
    again = parts.open_journal(small_disk)
    assert again.verify().seq == receipt.seq
    again.close()


def test_a_full_disk_is_still_read(small_disk: Path) -> None:
    opened = parts.open_journal(small_disk)
    parts.fill(opened, 3)
    opened.append(parts.punch(), parts.moment())
    fill_up(small_disk)
    append_until_refused(opened)
    assert opened.verify().seq >= 5
    assert opened.last_punch(parts.ADA) is not None
    assert opened.stretch(0) is not None
    opened.close()


class Ada:
    """A recogniser that sees the same person in each frame."""

    def see(self, frame: camera.Frame) -> Identity:
        now = frame.moment
        return Identity(parts.ADA, 0.8, 0.5, 3, now, now, now, messages.Liveness.NOT_ASSESSED, messages.Capture.CAMERA)


class Names:
    def name_of(self, person: str) -> str:
        return "Ada" if person else ""


def frame(seconds: float) -> camera.Frame:
    return camera.Frame(np.zeros((2, 2, 3), np.uint8), parts.moment(seconds))


def walk(opened: journal.Journal, board: line.Board) -> line.Line:
    policy = attend.Policy(timedelta(0), timedelta(hours=16), allow_simulated=False)
    return line.Line(Ada(), opened, Names(), board, policy, parts.MODELS, "gate")


def test_the_screen_says_that_a_punch_was_not_recorded_and_later_that_it_was(small_disk: Path) -> None:
    opened, board = parts.open_journal(small_disk), line.Board()
    kiosk = walk(opened, board)
    kiosk.run([frame(0)])
    ballast = fill_up(small_disk)
    append_until_refused(opened)
    kiosk.run([frame(seconds) for seconds in range(1, 4)])
    first, *refused = board.after(0, 0)
    assert first.outcome == "punched"
    assert [(shown.outcome, shown.why, shown.seq, shown.hash) for shown in refused] == [("refused", Why.NOT_RECORDED, 0, "")] * 3
    assert "the disk is full; free some room" in board.trouble
    ballast.unlink()
    kiosk.run([frame(5)])
    last = board.after(4, 0)[0]
    assert (last.outcome, last.hash) == ("punched", opened.head().hash)
    assert board.trouble == ""
    opened.close()


def remount(place: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)


def test_a_disk_that_turned_read_only_is_named_so_and_recovery_needs_no_restart(small_disk: Path) -> None:
    opened, board = parts.open_journal(small_disk), line.Board()
    kiosk = walk(opened, board)
    kiosk.run([frame(0)])
    opened.close()  # files open for writing keep a real disk from a polite remount; one that fails does not ask
    remount(small_disk, "ro")
    try:
        for number in range(3):
            with pytest.raises(StorageReadOnly, match="takes no writes"):
                opened.append(parts.punch(), parts.moment(number))
        kiosk.run([frame(1)])
        assert board.after(1, 0)[0].why == Why.NOT_RECORDED
        assert "takes no writes" in board.trouble
    finally:
        remount(small_disk, "rw")
    kiosk.run([frame(2)])
    assert board.after(2, 0)[0].outcome == "punched"
    assert opened.verify().seq == 3
    opened.close()


def test_a_withdrawal_on_a_full_disk_keeps_no_face_alive(small_disk: Path) -> None:
    """It may be refused whole; it is never told as done while the template is there, nor the other way round."""
    directory = people.Directory(small_disk / "people.db", bytes(32))
    vector = np.zeros(128, np.float32)
    vector[0] = 1
    directory.add(people.Person(parts.ADA, "1", "Ada", "en", False, 0), parts.START)
    directory.agree(parts.ADA, people.Agreement("1", "en", "0" * 64, "consent", "hr"), parts.START)
    directory.add_template(parts.ADA, "e", "photograph", vector, parts.START)
    ballast = fill_up(small_disk)
    try:
        directory.withdraw(parts.ADA)
    except database.StorageError:
        ballast.unlink()
        if directory.templates("e"):
            directory.withdraw(parts.ADA)
    assert directory.templates("e") == ()
    assert directory.agreement(parts.ADA) is None
    directory.close()

"""A disk that is full, read-only, or gone: refused in plain sight, nothing half written, and on again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from device import attend, camera, database, journal, line, messages, people
from device.attend import Identity, Why
from device.database import StorageFull, StorageReadOnly
from tests import disks
from tests.device import parts
from tests.device.parts import Server

ROOM_KB = 1_024  # the people's file and its write-ahead log both have to fit


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of its own, a megabyte large; taken away afterwards."""
    place = tmp_path / "disk"
    place.mkdir()
    disks.mount(["-t", "tmpfs", "-o", f"size={ROOM_KB}k,mode=700", "daka-test"], place)
    try:
        yield place
    finally:
        disks.unmount(place)


@pytest.fixture
def ext4_disk(tmp_path: Path) -> Iterator[Path]:
    """16 MB of ext4 in a file: as on an SD card, a full one takes no deletion either."""
    with disks.ext4(tmp_path, megabytes=16) as place:
        yield place


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


def acknowledge_up_to(opened: journal.Journal, seq: int) -> None:
    said = Server().acknowledgement(opened.head().epoch, seq, parts.hash_of(opened, seq))
    opened.acknowledge(said, Server().key.public_key(), "")


def test_on_a_full_disk_the_oldest_acknowledged_records_make_room_for_punches(ext4_disk: Path) -> None:
    opened = parts.open_journal(ext4_disk)
    parts.fill(opened, 600)
    acknowledge_up_to(opened, 500)
    fill_up(ext4_disk)
    seqs = [opened.append(parts.punch(), parts.moment(number)).seq for number in range(600)]
    assert seqs == list(range(602, 1_202))
    head = opened.verify()
    assert 1 < head.kept_from <= 500, "what the server has signed for went, and only that"
    assert len(opened.punches(0, 10_000)) == 600
    error = append_until_refused(opened)
    assert isinstance(error, StorageFull)
    opened.verify()
    assert opened.head().kept_from <= 500
    opened.close()


@pytest.mark.parametrize("records", [300, 304])
def test_a_disk_that_filled_up_before_anything_was_signed_for_takes_punches_again_once_the_server_has_all(
    ext4_disk: Path, records: int
) -> None:
    opened = parts.open_journal(ext4_disk)
    parts.fill(opened, records)
    fill_up(ext4_disk)
    append_until_refused(opened)
    last = opened.head().seq
    acknowledge_up_to(opened, last)
    assert opened.head().acknowledged == last
    assert opened.append(parts.punch(), parts.moment(9_000)).seq == last + 1
    assert opened._reserve.path.stat().st_size == journal.RESERVE_BYTES, "set aside again for the next time"
    assert opened.verify().kept_from > 1
    opened.close()


def test_without_the_reserve_a_full_disk_takes_no_deletion(ext4_disk: Path) -> None:
    """What the reserve is for: take it away, and the same journal refuses."""
    opened = parts.open_journal(ext4_disk)
    parts.fill(opened, 600)
    acknowledge_up_to(opened, 500)
    opened._reserve.release()
    fill_up(ext4_disk)
    append_until_refused(opened)
    assert opened.head().kept_from == 1
    opened.close()


def test_records_that_wait_for_the_server_never_make_room(ext4_disk: Path) -> None:
    opened = parts.open_journal(ext4_disk)
    parts.fill(opened, 600)
    fill_up(ext4_disk)
    append_until_refused(opened)
    assert opened.head().kept_from == 1
    assert opened.verify().seq >= 601
    assert opened._reserve.path.stat().st_size == journal.RESERVE_BYTES, "the room is for deletions alone"
    opened.close()


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

    def watch(self, frame: camera.Frame) -> None:
        """Nobody uses another way here."""

    def see(self, frame: camera.Frame) -> Identity:
        now = frame.moment
        return Identity(parts.ADA, 0.8, 0.5, 3, now, now, now, messages.Liveness.NOT_ASSESSED, messages.Capture.CAMERA)


class Names:
    def name_of(self, person: str) -> str:
        return "Ada" if person else ""

    def expires_at(self, person: str) -> datetime | None:
        return None

    def group_of(self, person: str) -> str:
        return ""


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


def test_a_disk_that_turned_read_only_is_named_so_and_recovery_needs_no_restart(small_disk: Path) -> None:
    opened, board = parts.open_journal(small_disk), line.Board()
    kiosk = walk(opened, board)
    kiosk.run([frame(0)])
    opened.close()  # files open for writing keep a real disk from a polite remount; one that fails does not ask
    disks.remount(small_disk, "ro")
    try:
        for number in range(3):
            with pytest.raises(StorageReadOnly, match="takes no writes"):
                opened.append(parts.punch(), parts.moment(number))
        kiosk.run([frame(1)])
        assert board.after(1, 0)[0].why == Why.NOT_RECORDED
        assert "takes no writes" in board.trouble
    finally:
        disks.remount(small_disk, "rw")
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
        if directory.templates("e").whole:
            directory.withdraw(parts.ADA)
    assert directory.templates("e").whole == ()
    assert directory.agreement(parts.ADA) is None
    directory.close()

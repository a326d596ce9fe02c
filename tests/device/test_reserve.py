"""Room set aside is really allocated, given up and taken back; where there is none, nobody is stopped."""

from __future__ import annotations

from pathlib import Path

from device.reserve import Reserve
from tests.device import parts


def test_the_room_is_really_allocated_not_merely_promised(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 2**20)
    assert reserve.hold()
    assert reserve.path.stat().st_blocks * 512 >= 2**20


def test_it_is_given_up_once_and_taken_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 2**16)
    reserve.hold()
    assert reserve.release()
    assert not reserve.release()
    assert reserve.hold()


def test_where_there_is_no_room_it_says_so_and_leaves_nothing_behind(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 2**60)
    assert not reserve.hold()
    assert not reserve.path.exists()


def test_a_journal_sets_room_aside_for_its_owner_alone(tmp_path: Path) -> None:
    opened = parts.open_journal(tmp_path)
    held = tmp_path / "journal.db.reserve"
    assert held.stat().st_mode & 0o777 == 0o600
    held.unlink()
    opened.set_room_aside()
    assert held.exists()
    opened.close()

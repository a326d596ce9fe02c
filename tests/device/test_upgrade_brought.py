"""A release that an administrator brings: whole and signed before root looks at it, and gone once root has."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from device import database, upgrade_brought
from device.api.upgrades import ReleaseRefused, UpdateStanding
from device.upgrade_brought import Brought

ARCHIVE = "daka-0.2.0-cp311-aarch64.tar"
SIGNATURE = f"{ARCHIVE}.targets.json"


def brought(folder: Path, standing: UpdateStanding | None = None) -> Brought:
    return Brought(folder / "updates", lambda: standing or UpdateStanding())


def test_a_release_waits_once_its_signature_has_come_too(tmp_path: Path) -> None:
    shelf = brought(tmp_path)
    shelf.take(ARCHIVE, 0, b"first ")
    shelf.take(ARCHIVE, 6, b"second")
    assert shelf.waiting() == ""
    shelf.take(SIGNATURE, 0, b"{}")
    assert shelf.waiting() == ARCHIVE
    assert (tmp_path / "updates" / ARCHIVE).read_bytes() == b"first second"
    shelf.take(ARCHIVE, 0, b"another")
    assert shelf.waiting() == "", "a new one makes the one before go, signature and all"


@pytest.mark.parametrize("outcome", ["holds", "went_back", "refused"])
def test_what_root_has_tried_goes(tmp_path: Path, outcome: str) -> None:
    mark = f"{hashlib.sha256(b'x').hexdigest()}:{hashlib.sha256(b'{}').hexdigest()}"
    shelf = brought(tmp_path, UpdateStanding(outcome=outcome, archive=ARCHIVE, tried=(mark,)))
    shelf.take(ARCHIVE, 0, b"x")
    shelf.take(SIGNATURE, 0, b"{} ")
    assert shelf.waiting() == ARCHIVE, "signed anew, it is another one"
    shelf.take(ARCHIVE, 0, b"x")
    shelf.take(SIGNATURE, 0, b"{}")
    assert shelf.waiting() == ""
    assert not (tmp_path / "updates").exists()


@pytest.mark.parametrize(
    "name", ["", "daka-1.tar/../../x.tar", "../daka-1.tar", "other.tar", "daka-1.zip", "daka-1.tar.targets.json.x"]
)
def test_a_name_that_no_release_has_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReleaseRefused):
        brought(tmp_path).take(name, 0, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_signature_without_its_release_and_pieces_out_of_order_are_refused(tmp_path: Path) -> None:
    shelf = brought(tmp_path)
    with pytest.raises(ReleaseRefused, match="another release"):
        shelf.take(SIGNATURE, 0, b"{}")
    shelf.take(ARCHIVE, 0, b"x")
    with pytest.raises(ReleaseRefused, match="in order"):
        shelf.take(ARCHIVE, 5, b"x")


def test_neither_a_huge_release_nor_a_full_disk_is_filled_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = brought(tmp_path)
    monkeypatch.setattr(upgrade_brought, "MOST_BYTES", 4)
    with pytest.raises(ReleaseRefused, match="too large"):
        shelf.take(ARCHIVE, 0, b"12345")
    monkeypatch.setattr(upgrade_brought, "SPARE_BYTES", 2**60)
    with pytest.raises(database.StorageFull):
        shelf.take(ARCHIVE, 0, b"1")


def test_a_release_that_is_brought_again_after_a_try_waits_again(tmp_path: Path) -> None:
    shelf = brought(tmp_path, UpdateStanding(outcome="refused", archive=ARCHIVE, at="2026-01-01T00:00:00+00:00"))
    shelf.take(ARCHIVE, 0, b"archive")
    shelf.take(f"{ARCHIVE}.targets.json", 0, b"signature")
    assert shelf.waiting() == ARCHIVE

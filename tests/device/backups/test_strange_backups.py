"""What somebody crafted, or what a disk has no room for: refused, and nothing of it stays."""

from __future__ import annotations

import errno
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from device import database, kiosk, trust
from device.backups import restoring, sealed
from device.backups.restoring import Aside
from device.backups.sealed import BackupRefused, Writer
from tests.device.backups.machines import (
    BY,
    PASSPHRASE,
    Machine,
    confirmed,
    content_of,
    crafted,
    member_of,
    stop,
    written,
)


def test_a_crafted_backup_makes_no_kiosk_anothers(machine: Machine, running: kiosk.Files, tmp_path: Path) -> None:
    """Whoever takes the web daemon over chooses the passphrase, and so can write what they like into a backup of this kiosk."""
    folder, shelf = machine.folder, machine.shelf(running)
    members = content_of(shelf.place / shelf.make(PASSPHRASE).name)
    foreign = {**members, "enterprise.json": written(member_of(30), tmp_path / "foreign.json")}
    said = json.loads(members["manifest.json"])
    renamed = {**members, "manifest.json": json.dumps(said | {"device": "kiosk-1"}).encode()}
    unsigned = {**members, "enterprise.json": foreign["enterprise.json"].replace(b'"version":1', b'"version":9')}
    path = tmp_path / "crafted.backup"
    for content, why in ((renamed, "names another kiosk"), (unsigned, "lacks what a kiosk needs")):
        with pytest.raises(BackupRefused, match=why):
            machine.bring(crafted(path, content)).look(PASSPHRASE)
    aside = machine.bring(crafted(path, foreign))
    aside.look(PASSPHRASE)
    stop(running)
    aside.make_ready(BY, confirmed(aside))
    stop(machine.start())
    assert trust.read(folder.enterprise) is None, "nobody is believed without the keys, which the web UI never has"
    trust.write(folder.enterprise, member_of(20))
    with pytest.raises(BackupRefused, match="another enterprise"):
        machine.bring(path).look(PASSPHRASE)


@pytest.mark.parametrize("wrong", [{"epoch": 7}, {"epoch": "../../x"}, {"device": "a/b"}, {"people": "many"}, {"records": -1}])
def test_a_manifest_is_believed_in_nothing_unread(
    machine: Machine, running: kiosk.Files, tmp_path: Path, wrong: dict[str, object]
) -> None:
    shelf = machine.shelf(running)
    members = content_of(shelf.place / shelf.make(PASSPHRASE).name)
    said = json.dumps(json.loads(members["manifest.json"]) | wrong).encode()
    with pytest.raises(BackupRefused, match="lacks what a kiosk needs"):
        machine.bring(crafted(tmp_path / "crafted.backup", {**members, "manifest.json": said})).look(PASSPHRASE)


def test_an_archive_with_foreign_names_or_a_database_to_come_is_refused(machine: Machine, running: kiosk.Files) -> None:
    shelf = machine.shelf(running)
    members = content_of(shelf.place / shelf.make(PASSPHRASE).name)
    newer = bytearray(members["people.db"])
    newer[60:64] = (99).to_bytes(4, "big")  # SQLite's user_version (sqlite.org/fileformat.html, 1.3)
    wrong = (
        {**members, "../escaped": b"x"},
        {**members, "web/secret.key": b"x"},
        {**members, "people.db": bytes(newer)},
        {**members, "people.db": members["people.db"][:5_000]},
        {name: data for name, data in members.items() if name != "manifest.json"},
        {**members, "manifest.json": json.dumps({"device": "kiosk-9"}).encode()},
    )
    for content in wrong:
        aside = machine.bring(crafted(machine.folder.root / "wrong.backup", content))
        with pytest.raises(BackupRefused):
            aside.look(PASSPHRASE)
        with pytest.raises(BackupRefused, match="looked into"):
            aside.make_ready(BY, confirmed(aside))
    assert not (machine.folder.root.parent / "escaped").exists()


def test_a_small_file_that_would_fill_the_disk_is_refused(machine: Machine, running: kiosk.Files, tmp_path: Path) -> None:
    """GNU tar's sparse files: eight gigabytes in two blocks (the tar manual, "Old GNU Format")."""
    header = bytearray(tarfile.TarInfo("people.db").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = b"%011o\0" % 512
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:410] = b"%011o\0%011o\0" % (2**32, 512)
    header[483:495] = b"%011o\0" % (2**32 + 512)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "sparse.backup"
    with path.open("wb") as target:
        writer = Writer(target, PASSPHRASE, "kiosk-9", "2026-11-23T09:00:00.000000Z", "daka test")
        writer.write(bytes(header) + bytes(512 + 1_024))
        writer.close()
    aside = machine.bring(path)
    with pytest.raises(BackupRefused, match="holds what no backup"):
        aside.look(PASSPHRASE)
    assert not aside.opened.exists()


def test_a_disk_without_room_for_what_is_unpacked_keeps_nothing_of_it(
    machine: Machine, running: kiosk.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = machine.shelf(running)
    made = shelf.place / shelf.make(PASSPHRASE).name
    aside = machine.bring(made)

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", full)
        with pytest.raises(database.StorageFull):
            aside.look(PASSPHRASE)
    assert not aside.opened.exists()
    monkeypatch.setattr("device.backups.restoring.SPARE_BYTES", 2**60)
    with pytest.raises(database.StorageFull, match="no room"):
        aside.look(PASSPHRASE)
    with pytest.raises(database.StorageFull, match="no room"):
        machine.bring(made)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.SYMTYPE], ids=str)
def test_a_head_of_another_kind_is_refused_before_what_it_names_is_read(
    machine: Machine, running: kiosk.Files, tmp_path: Path, kind: bytes
) -> None:
    """tarfile would hold a PAX header of any size in memory; the daemon has 900 MB and no swap."""
    head = tarfile.TarInfo("people.db")
    head.type, head.size = kind, 12 * sealed.PIECE
    path = tmp_path / "giant.backup"
    with path.open("wb") as target:
        writer = Writer(target, PASSPHRASE, "kiosk-9", "2026-11-23T09:00:00.000000Z", "daka test")
        writer.write(head.tobuf(tarfile.USTAR_FORMAT) + bytes(head.size))
        writer.close()
    aside, read = machine.bring(path), list[int]()
    with pytest.raises(BackupRefused, match="holds what no backup"):
        aside.look(PASSPHRASE, lambda doing, done, of: read.append(done))
    assert max(read) < 4 * sealed.PIECE
    assert not aside.opened.exists()


def test_a_file_too_large_for_the_disk_is_refused_with_its_first_piece(
    machine: Machine, running: kiosk.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(machine.folder.root)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=restoring.SPARE_BYTES + 3_000))
    aside = Aside(machine.folder)
    with pytest.raises(database.StorageFull, match="no room"):
        aside.take(0, b"x", 2_000)
    aside.take(0, b"x", 1_000)

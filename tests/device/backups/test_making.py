"""Backups that are made: without a key, without anybody who was erased, and never in the way of a punch."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator

import flask
import pytest

from device import database, erasure, kiosk
from device.backups import counter
from device.backups.sealed import BackupRefused, Reader, Writer
from device.backups.shelf import KEPT, Shelf
from device.telling import Tell, silent
from tests.device import parts
from tests.device.backups.machines import (
    BY,
    KEYS_PASSPHRASE,
    PASSPHRASE,
    Machine,
    stop,
)


@pytest.mark.parametrize("weak", ["", "short", "aaaaaaaaaaaaaaaa", "1212121212121212"])
def test_a_passphrase_that_can_be_guessed_makes_no_backup(machine: Machine, running: kiosk.Files, weak: str) -> None:
    with pytest.raises(BackupRefused, match="passphrase"):
        machine.shelf(running).make(weak)


def test_no_key_no_name_and_no_template_stands_in_a_backup_in_the_clear(machine: Machine, running: kiosk.Files) -> None:
    shelf = machine.shelf(running)
    data = (shelf.place / shelf.make(PASSPHRASE).name).read_bytes()
    secrets = [path.read_bytes() for path in machine.folder.keys.iterdir()]
    with running.directory.database.reading() as connection:
        secrets += [row[0] for row in connection.execute("SELECT sealed FROM template UNION SELECT wrapped FROM person_key")]
    assert len(secrets) >= 6
    assert not [secret for secret in (*secrets, b"Name 1", b"SQLite format", parts.ADA.encode()) if secret in data]


def test_only_the_last_few_stay_and_one_can_be_taken_away(machine: Machine, running: kiosk.Files) -> None:
    shelf = machine.shelf(running)
    names = []
    for _ in range(KEPT + 1):
        names.append(shelf.make(PASSPHRASE).name)
        machine.clock.seconds += 1
    assert [backup.name for backup in shelf.list()] == names[:0:-1]
    shelf.remove(names[-1])
    assert names[-1] not in [backup.name for backup in shelf.list()]
    for elsewhere in (names[-1], "../journal.db", "daka-kiosk-9-20261123T090000Z.backup/../x"):
        with pytest.raises(BackupRefused):
            shelf.piece(elsewhere, 0)


def test_a_backup_that_is_made_while_the_clock_is_behind_stays(machine: Machine, running: kiosk.Files) -> None:
    shelf = machine.shelf(running)
    machine.clock.seconds += 90 * 86_400
    names = []
    for _ in range(KEPT):
        names.append(shelf.make(PASSPHRASE).name)
        machine.clock.seconds += 1
    machine.clock.seconds = 0
    made = shelf.make(PASSPHRASE)
    assert made.size_bytes == (shelf.place / made.name).stat().st_size
    assert [backup.name for backup in shelf.list()] == [*names[:0:-1], made.name], "and the oldest of the others has gone"


def test_an_erased_person_is_in_no_backup_that_lies_on_the_kiosk(machine: Machine, running: kiosk.Files) -> None:
    shelf = machine.shelf(running)
    shelf.make(PASSPHRASE)
    erasure.Eraser(running.journal, running.directory, machine.clock, machine.folder.root, lambda _: shelf.clear()).erase(
        "2", "asked", BY
    )
    assert shelf.list() == ()


def test_whoever_is_erased_while_a_backup_is_made_is_in_none_afterwards(
    machine: Machine, running: kiosk.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the image of the people's file and the last rename."""
    shelf = machine.shelf(running)
    eraser = erasure.Eraser(running.journal, running.directory, machine.clock, machine.folder.root, lambda _: shelf.clear())
    real = Shelf._batches

    def meanwhile(self: Shelf, after: int) -> Iterator[tuple[int, bytes]]:
        eraser.erase("2", "asked", BY)
        return real(self, after)

    monkeypatch.setattr(Shelf, "_batches", meanwhile)
    with pytest.raises(BackupRefused, match="erased while"):
        shelf.make(PASSPHRASE)
    assert list(shelf.place.iterdir()) == []
    monkeypatch.setattr(Shelf, "_batches", real)
    assert shelf.make(PASSPHRASE).name in [path.name for path in shelf.place.iterdir()]


def test_an_erasure_takes_drafts_unreadable_backups_and_what_was_brought(machine: Machine, running: kiosk.Files) -> None:
    shelf = machine.shelf(running)
    made = shelf.make(PASSPHRASE)
    assert shelf.list() == (made,)
    aside = machine.bring(shelf.place / made.name)
    aside.look(PASSPHRASE)
    (shelf.place / "daka-kiosk-9-20260101T000000Z.backup").write_bytes(b"torn")
    (shelf.place / "daka-kiosk-9-20260101T000001Z.new").write_bytes(b"torn")
    assert [backup.at for backup in shelf.list()] == [made.at, "2026-01-01T00:00:00.000000Z"], "what cannot be read is shown too"
    found = erasure.Eraser(running.journal, running.directory, machine.clock, machine.folder.root, lambda _: shelf.clear()).erase(
        "2", "asked", BY
    )
    assert found.remains == ()
    assert list(shelf.place.iterdir()) == []
    assert not aside.root.exists()


def test_neither_a_draft_nor_an_open_backup_outlives_its_work(
    machine: Machine, running: kiosk.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = machine.shelf(running)
    made = shelf.make(PASSPHRASE)
    aside = machine.bring(shelf.place / made.name)
    aside.look(PASSPHRASE)
    (shelf.place / "daka-kiosk-9-20260101T000001Z.new").write_bytes(b"power went")
    stop(running)
    after = machine.start()
    assert not aside.root.exists(), "nobody had confirmed it before the kiosk ended"
    assert [path.name for path in shelf.place.iterdir()] == [made.name]
    monkeypatch.setattr(counter, "UNCONFIRMED_S", 0.05)
    asked, brought = (
        counter.counter(machine.shelf(after), threading.Event(), lambda: silent),
        (shelf.place / made.name).read_bytes(),
    )
    with flask.Flask("asked").test_request_context("/?offset=0", method="POST", data=brought):
        asked.take()
    waited = time.monotonic()
    while aside.root.exists() and time.monotonic() - waited < 20:
        time.sleep(0.02)
    assert not aside.root.exists()

    def breaks(self: Shelf, writer: Writer, tell: Tell) -> None:
        raise database.StorageFailing("the card is worn out")

    monkeypatch.setattr(Shelf, "_fill", breaks)
    with pytest.raises(database.StorageFailing):
        machine.shelf(after).make(PASSPHRASE)
    assert [path.name for path in shelf.place.iterdir()] == [made.name]
    stop(after)


def test_no_backup_that_the_web_ui_may_have_holds_a_key(machine: Machine, running: kiosk.Files) -> None:
    """Whoever takes the web daemon over can choose the passphrase: what it opens for them must not open a template."""
    shelf = machine.shelf(running)
    with (shelf.place / shelf.make(PASSPHRASE).name).open("rb") as file:
        content = Reader(file, PASSPHRASE).read()
    secrets = [path.read_bytes() for path in machine.folder.keys.iterdir()]
    assert len(secrets) >= 2
    assert not [secret for secret in secrets if secret in content]
    opened = Reader(io.BytesIO(shelf.keys(KEYS_PASSPHRASE)), KEYS_PASSPHRASE).read()
    assert not [secret for secret in secrets if secret not in opened], "they are all in their own file"
    asked = counter.counter(shelf, threading.Event(), lambda: silent)
    assert not {route.path for route in asked.routes()} & {route.path for route in asked.key_routes()}
    assert "keys" not in " ".join(route.path for route in asked.routes())


def test_a_disk_without_room_makes_no_backup(machine: Machine, running: kiosk.Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.backups.shelf.SPARE_BYTES", 2**60)
    with pytest.raises(database.StorageFull):
        machine.shelf(running).make(PASSPHRASE)
    assert machine.shelf(running).list() == ()


def test_a_backup_and_a_look_into_it_tell_how_far_they_are(machine: Machine, running: kiosk.Files) -> None:
    heard: list[tuple[str, int, int]] = []

    def tell(doing: str, done: int, of: int) -> None:
        heard.append((doing, done, of))

    shelf = machine.shelf(running)
    made = shelf.make(PASSPHRASE, tell)
    assert [doing for doing, _, _ in heard] == ["key", "people", "records"]
    assert heard[-1] == ("records", 41, 41)
    heard.clear()
    machine.bring(shelf.place / made.name).look(PASSPHRASE, tell)
    assert list(dict.fromkeys(doing for doing, _, _ in heard)) == ["key", "unpacking", "checking"]
    unpacked = [(done, of) for doing, done, of in heard if doing == "unpacking"]
    assert unpacked[-1] == (made.size_bytes, made.size_bytes)

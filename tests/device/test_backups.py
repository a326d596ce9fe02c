"""Backups: sealed whole or not at all, and restored without bringing anybody back who has gone."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import shutil
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flask
import pytest

from device import config, database, erasure, keys, kiosk, messages, settings, state, trust
from device.backups import aftermath, counter, sealed, settling
from device.backups.restoring import Aside
from device.backups.sealed import BackupRefused, Reader, Writer
from device.backups.shelf import KEPT, Shelf
from device.consent import Purpose
from device.desired import Kept
from tests.device import parts
from tests.device.test_people import EMBEDDER, add

PASSPHRASE = "seven old harbour lamps"
KEYS_PASSPHRASE = "nine quiet paper boats"
BY = "web:ada"
SETTINGS = '[device]\nid = "kiosk-9"\nsite = "gate"\n'


@pytest.fixture(autouse=True)
def cheap_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id as cheap as it goes: what is tested here is not how long guessing takes."""
    monkeypatch.setattr(sealed.Head.__init__, "__defaults__", (64, 1))


@dataclass
class Machine:
    """One kiosk's state folder, opened as the daemon opens it."""

    folder: state.Folder
    clock: parts.Clock

    def start(self) -> kiosk.Files:
        """From `daka run kiosk` to the moment before anybody is looked at."""
        settling.settle(self.folder)
        chosen = config.read(self.folder.config, self.folder.layer)
        files = kiosk.open_files(self.folder, chosen.device.id, self.clock, replace_damaged=True)
        aftermath.settle(self.folder, files.journal, files.directory, self.clock)
        erasure.Eraser(files.journal, files.directory, self.clock, self.folder.root).settle()
        return files

    def shelf(self, files: kiosk.Files) -> Shelf:
        kept = Kept(self.folder.desired)
        return Shelf(
            self.folder,
            files.journal,
            files.directory,
            {"people.db": files.directory.database, "desired.db": kept.database},
            self.clock,
        )

    def bring(self, backup: Path, with_keys: bytes = b"") -> Aside:
        aside = Aside(self.folder)
        data = backup.read_bytes()
        for offset in range(0, len(data), 200_000):
            aside.take(offset, data[offset : offset + 200_000])
        if with_keys:
            aside.take_keys(with_keys, KEYS_PASSPHRASE)
        return aside


def stop(files: kiosk.Files) -> None:
    files.journal.close()
    files.directory.close()


def content_of(backup: Path) -> dict[str, bytes]:
    """Every member, as whoever knows the passphrase can read it."""
    members = {}
    with backup.open("rb") as file, tarfile.open(fileobj=Reader(file, PASSPHRASE), mode="r|") as archive:  # type: ignore[call-overload]
        for member in archive:
            source = archive.extractfile(member)
            assert source is not None
            members[member.name] = source.read()
    return members


def crafted(path: Path, content: dict[str, bytes]) -> Path:
    """A backup as whoever knows a passphrase can write one, the web daemon too."""
    with path.open("wb") as target:
        writer = Writer(target, PASSPHRASE, "kiosk-9", "2026-11-23T09:00:00.000000Z", "daka test")
        with tarfile.open(fileobj=writer, mode="w|") as archive:  # type: ignore[call-overload]
            for name, data in content.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        writer.close()
    return path


def confirmed(aside: Aside) -> str:
    """The key of the last look."""
    return aside.look_key.read_text("ascii") if aside.look_key.exists() else ""


def member_of(seed: int, version: int = 1) -> trust.Membership:
    root = parts.signing_key(seed)
    keys_of = messages.KeySet(messages.public_key_text(root), version, "2026-11-23T09:00:00.000000Z", (), (), (), ())
    return trust.Membership(keys_of.root, messages.sign_key_set(keys_of, root), "https://daka.example", keys_of.issued_at)


def written(member: trust.Membership, path: Path) -> bytes:
    trust.write(path, member)
    return path.read_bytes()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = state.Folder(tmp_path / "kiosk")
    folder.root.mkdir()
    folder.config.write_text(SETTINGS, encoding="utf-8")
    return Machine(folder, parts.Clock())


@pytest.fixture
def running(machine: Machine) -> Iterator[kiosk.Files]:
    """Three people with faces, and forty punches."""
    files = machine.start()
    for person, number in ((parts.ADA, "1"), (parts.BOB, "2"), ("p-" + "ef" * 16, "3")):
        add(files.directory, person, number)
    parts.fill(files.journal, 40, lambda number: parts.punch(parts.ADA))
    yield files
    stop(files)


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

    def meanwhile(self: Shelf, after: int) -> Iterator[bytes]:
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
    asked, brought = counter.counter(machine.shelf(after), threading.Event()), (shelf.place / made.name).read_bytes()
    with flask.Flask("asked").test_request_context("/?offset=0", method="POST", data=brought):
        asked.take()
    waited = time.monotonic()
    while aside.root.exists() and time.monotonic() - waited < 20:
        time.sleep(0.02)
    assert not aside.root.exists()

    def breaks(self: Shelf, writer: Writer) -> None:
        raise database.StorageFailing("the card is worn out")

    monkeypatch.setattr(Shelf, "_fill", breaks)
    with pytest.raises(database.StorageFailing):
        machine.shelf(after).make(PASSPHRASE)
    assert [path.name for path in shelf.place.iterdir()] == [made.name]
    stop(after)


def test_a_new_machine_becomes_the_kiosk_again_in_a_new_epoch(machine: Machine, running: kiosk.Files, tmp_path: Path) -> None:
    shelf = machine.shelf(running)
    made = shelf.place / shelf.make(PASSPHRASE).name
    epoch, key = running.journal.head().epoch, running.journal.public_key
    folder = state.Folder(tmp_path / "new")
    fresh = Machine(folder, parts.Clock(500.0))
    first = fresh.start()
    first.journal.append(parts.punch(parts.BOB), fresh.clock.now())
    with pytest.raises(BackupRefused, match="other keys"):
        fresh.bring(made).look(PASSPHRASE)
    aside = fresh.bring(made, shelf.keys(KEYS_PASSPHRASE))
    found = aside.look(PASSPHRASE)
    assert (found.device, found.people, found.templates, found.records) == ("kiosk-9", 3, 3, 41)
    assert (found.keeps_journal, found.unsent) == (False, 2)
    stop(first)
    aside.make_ready(BY, confirmed(aside))
    after = fresh.start()
    assert after.journal.public_key == key
    assert after.journal.head().epoch != epoch
    records = [messages.parse(record.text) for record in after.journal.rare(("genesis", "audit"), 2**53, 10)]
    assert [record["body"].get("reason", record["body"].get("action")) for record in records] == [
        "backup_restored",
        "restored_backup",
    ]
    assert records[0]["body"]["by"] == BY
    assert len(after.directory.list()) == 3
    assert {person for person, _ in after.directory.templates(EMBEDDER).whole} == {parts.ADA, parts.BOB, "p-" + "ef" * 16}
    assert config.read(folder.config).device.site == "gate"
    put_aside = [path.name for path in folder.root.iterdir() if ".before-restore-" in path.name]
    assert put_aside, "what the new machine had recorded is kept"
    lines = next(folder.root.glob("records-before-*.jsonl")).read_bytes().splitlines()
    assert messages.read_batch(lines[-1], "kiosk-9").last == 41
    assert not (folder.root / "restore").exists()
    stop(after)
    again = fresh.start()
    assert [record.kind for record in again.journal.rare(("audit",), 2**53, 10)] == ["audit"], "a restore is on record once"
    stop(again)


def test_on_the_same_kiosk_nothing_that_was_recorded_since_is_lost_and_nobody_who_went_since_comes_back(
    machine: Machine, running: kiosk.Files
) -> None:
    shelf = machine.shelf(running)
    made = shelf.place / shelf.make(PASSPHRASE).name
    kept = machine.folder.root / "kept.backup"
    shutil.copy(made, kept)
    machine.clock.seconds += 1_000
    erasure.Eraser(running.journal, running.directory, machine.clock, machine.folder.root).erase("2", "asked", BY)
    running.directory.withdraw(parts.ADA, BY, tuple(Purpose), machine.clock.now().at)
    running.journal.append(parts.punch(parts.ADA), machine.clock.now())
    before = running.journal.head()
    aside = machine.bring(kept)
    found = aside.look(PASSPHRASE)
    assert (found.keeps_journal, found.unsent, found.erased) == (True, 0, 1)
    stop(running)
    aside.make_ready(BY, confirmed(aside))
    after = machine.start()
    assert after.journal.head().epoch == before.epoch
    assert after.journal.head().seq > before.seq
    assert [person.number for person in after.directory.list()] == ["1", "3"], "the erased one stays erased"
    assert {person for person, _ in after.directory.templates(EMBEDDER).whole} == {"p-" + "ef" * 16}, "the consent stays taken back"
    assert not after.directory.get(parts.ADA).has_consent
    stop(after)


def test_where_the_settings_file_is_roots_a_restore_leaves_it_and_brings_back_what_the_web_ui_had_set(
    machine: Machine, running: kiosk.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an appliance, where no daemon can write it: the kiosk starts with the backup."""
    settings.change(machine.folder.config, {"page.names": "first", "uplink.host": "elsewhere"})
    shelf = machine.shelf(running)
    made, sealed_keys = shelf.place / shelf.make(PASSPHRASE).name, shelf.keys(KEYS_PASSPHRASE)
    file, layer = tmp_path / "etc" / "config.toml", tmp_path / "settings.toml"
    file.parent.mkdir()
    file.write_text('[device]\nsite = "yard"\n', encoding="utf-8")
    appliance = Machine(state.Folder(tmp_path / "new", config_file=file, layer=layer), parts.Clock(500.0))
    stop(appliance.start())
    aside = appliance.bring(made, sealed_keys)
    aside.look(PASSPHRASE)
    aside.make_ready(BY, confirmed(aside))
    real = Path.replace

    def refuses(self: Path, target: Path) -> Path:
        if target.parent == file.parent:
            raise PermissionError(13, "read-only", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refuses)
    after = appliance.start()
    assert len(after.directory.list()) == 3
    chosen = config.read(file, layer)
    assert (chosen.device.id, chosen.device.site, chosen.page.names, chosen.uplink.host) == ("kiosk-9", "yard", "first", "")
    again = appliance.shelf(after)
    assert b'names = "first"' in content_of(again.place / again.make(PASSPHRASE).name)["config.toml"], (
        "and the next backup holds both files' settings"
    )
    stop(after)


def test_a_restore_rolls_back_neither_whom_the_kiosk_believes_nor_which_orders_it_has_followed(
    machine: Machine, running: kiosk.Files
) -> None:
    """Last month's backup on the same kiosk, without any attacker."""
    folder, shelf = machine.folder, machine.shelf(running)
    kept = Kept(folder.desired)
    kept.applied(messages.Place(5, 1), messages.Content())
    trust.write(folder.enterprise, member_of(20))
    made = shelf.place / shelf.make(PASSPHRASE).name
    kept.applied(messages.Place(5, 7), messages.Content())
    kept.close()
    newer = member_of(20, 2)
    trust.write(folder.enterprise, newer)
    aside = machine.bring(made)
    aside.look(PASSPHRASE)
    stop(running)
    aside.make_ready(BY, confirmed(aside))
    after = machine.start()
    assert trust.read(folder.enterprise) == newer
    kept = Kept(folder.desired)
    assert kept.place == messages.Place(5, 6), "what was applied is applied once more, and nothing older"
    kept.close()
    stop(after)


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


def test_a_damaged_peoples_file_is_what_a_restore_mends(machine: Machine, running: kiosk.Files) -> None:
    shelf = machine.shelf(running)
    made = shelf.place / shelf.make(PASSPHRASE).name
    erasure.Eraser(running.journal, running.directory, machine.clock, machine.folder.root).erase("2", "asked", BY)
    stop(running)
    for path in (machine.folder.people, *machine.folder.root.glob("people.db-*")):
        path.write_bytes(b"the card is worn out" * 500)
    aside = machine.bring(made)
    assert aside.look(PASSPHRASE).people_damaged
    aside.make_ready(BY, confirmed(aside))
    after = machine.start()
    assert [person.number for person in after.directory.list()] == ["1", "3"], "the records say who was erased"
    stop(after)


@pytest.mark.parametrize("torn", ["ready.json", "opened/people.db", "opened/manifest.json"])
def test_a_restore_that_cannot_begin_is_given_up_and_the_kiosk_starts_as_it_was(
    machine: Machine, running: kiosk.Files, torn: str
) -> None:
    shelf = machine.shelf(running)
    aside = machine.bring(shelf.place / shelf.make(PASSPHRASE).name)
    running.directory.withdraw(parts.ADA, BY, tuple(Purpose), machine.clock.now().at)
    aside.look(PASSPHRASE)
    aside.make_ready(BY, confirmed(aside))
    stop(running)
    (aside.root / torn).write_bytes(b"torn" * 2_000)
    after = machine.start()
    assert not after.directory.get(parts.ADA).has_consent
    assert len(after.directory.list()) == 3
    assert not aside.root.exists()
    stop(after)


@pytest.mark.parametrize("wrong", [{"epoch": 7}, {"epoch": "../../x"}, {"device": "a/b"}, {"people": "many"}, {"records": -1}])
def test_a_manifest_is_believed_in_nothing_unread(
    machine: Machine, running: kiosk.Files, tmp_path: Path, wrong: dict[str, object]
) -> None:
    shelf = machine.shelf(running)
    members = content_of(shelf.place / shelf.make(PASSPHRASE).name)
    said = json.dumps(json.loads(members["manifest.json"]) | wrong).encode()
    with pytest.raises(BackupRefused, match="lacks what a kiosk needs"):
        machine.bring(crafted(tmp_path / "crafted.backup", {**members, "manifest.json": said})).look(PASSPHRASE)


@pytest.mark.parametrize("steps", range(1, 14))
def test_a_power_cut_in_the_middle_of_a_restore_leaves_it_to_the_next_start(
    machine: Machine, running: kiosk.Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """Cut at each rename in turn: the step after the cut is taken at the next start, and never twice."""
    shelf = machine.shelf(running)
    made = shelf.place / shelf.make(PASSPHRASE).name
    fresh = Machine(state.Folder(tmp_path / "new"), parts.Clock(500.0))
    stop(fresh.start())
    aside = fresh.bring(made, shelf.keys(KEYS_PASSPHRASE))
    aside.look(PASSPHRASE)
    aside.make_ready(BY, confirmed(aside))
    taken = 0
    real = Path.replace

    class PowerCut(BaseException):
        pass

    def cut(self: Path, target: Path) -> Path:
        nonlocal taken
        taken += 1
        if taken == steps:
            raise PowerCut
        return real(self, target)

    monkeypatch.setattr(Path, "replace", cut)
    with contextlib.suppress(PowerCut):
        settling.settle(fresh.folder)
    monkeypatch.setattr(Path, "replace", real)
    after = fresh.start()
    assert len(after.directory.list()) == 3
    assert after.journal.public_key == running.journal.public_key
    reasons = [messages.parse(record.text)["body"].get("reason") for record in after.journal.rare(("genesis",), 2**53, 10)]
    assert reasons == ["restored_backup"]
    stop(after)


def test_a_backup_under_another_key_than_the_systems_is_refused_with_the_way_out(
    machine: Machine, running: kiosk.Files, tmp_path: Path
) -> None:
    shelf = machine.shelf(running)
    made, sealed_keys = shelf.place / shelf.make(PASSPHRASE).name, shelf.keys(KEYS_PASSPHRASE)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / keys.CREDENTIAL).write_bytes(bytes(32))
    other = Machine(state.Folder(tmp_path / "new", credentials=credentials), parts.Clock())
    other.folder.root.mkdir()
    with pytest.raises(BackupRefused, match="another device key"):
        other.bring(made, sealed_keys).look(PASSPHRASE)
    (credentials / keys.CREDENTIAL).write_bytes((machine.folder.keys / "wrapping.key").read_bytes())
    assert other.bring(made, sealed_keys).look(PASSPHRASE).people == 3
    assert not list(other.folder.root.rglob("wrapping.key")), "no file of it beside the credential"


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
    asked = counter.counter(shelf, threading.Event())
    assert not {route.path for route in asked.routes()} & {route.path for route in asked.key_routes()}
    assert "keys" not in " ".join(route.path for route in asked.routes())


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
    with pytest.raises(BackupRefused, match="more than it is"):
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


def test_what_somebody_confirms_is_what_they_were_shown(machine: Machine, running: kiosk.Files) -> None:
    """Two administrators look, one after the other; the page of the first still stands."""
    shelf = machine.shelf(running)
    made = shelf.place / shelf.make(PASSPHRASE).name
    aside = machine.bring(made)
    first = aside.look(PASSPHRASE)
    second = machine.bring(made).look(PASSPHRASE)
    with pytest.raises(BackupRefused, match="looked into since"):
        aside.make_ready(BY, first.key)
    assert not aside.ready.exists()
    aside.make_ready(BY, second.key)
    assert aside.ready.exists()


def test_a_disk_without_room_makes_no_backup(machine: Machine, running: kiosk.Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("device.backups.shelf.SPARE_BYTES", 2**60)
    with pytest.raises(database.StorageFull):
        machine.shelf(running).make(PASSPHRASE)
    assert machine.shelf(running).list() == ()

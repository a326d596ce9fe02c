"""The way back: the kiosk is itself again, nobody who has gone comes back, and nothing that was recorded since is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device import api, config, credential, erasure, keys, kiosk, messages, settings, state, trust, updates
from device.backups import by_root
from device.backups.sealed import BackupRefused
from device.consent import Purpose
from device.desired import Kept
from device.people.sisters import Sister
from tests.device import parts
from tests.device.backups.machines import (
    BY,
    KEYS_PASSPHRASE,
    PASSPHRASE,
    Machine,
    confirmed,
    content_of,
    crafted,
    member_of,
    newest_first,
    stop,
)
from tests.device.test_people import EMBEDDER, add

NOBODY = 65_534


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
    records = [messages.parse(record.text) for record in newest_first(after, "genesis", "audit")]
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
    assert [record.kind for record in newest_first(again, "audit")] == ["audit"], "a restore is on record once"
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
    file.write_text('[device]\nid = "kiosk-1"\nsite = "yard"\n', encoding="utf-8")
    appliance = Machine(state.Folder(tmp_path / "new", config_file=file, layer=layer), parts.Clock(500.0))
    stop(appliance.start())
    aside = appliance.bring(made, sealed_keys)
    with pytest.raises(BackupRefused, match=f'is of kiosk-9, and this machine is kiosk-1: write id = "kiosk-9" .* {file}'):
        aside.look(PASSPHRASE)
    file.write_text('[device]\nsite = "yard"\n', encoding="utf-8")
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
    folder.enterprise.write_text("{")
    assert "enterprise.json" not in content_of(shelf.place / machine.shelf(after).make(PASSPHRASE).name), (
        "it would spoil the backup"
    )
    kept = Kept(folder.desired)
    assert kept.place == messages.Place(5, 6), "what was applied is applied once more, and nothing older"
    kept.close()
    stop(after)


def of_before(backup: Path, place: Path) -> Path:
    """The same backup as a version wrote it that knew no numbers of erased people."""
    content = content_of(backup)
    (place / "old.db").write_bytes(content["people.db"])
    with contextlib.closing(sqlite3.connect(place / "old.db")) as connection:
        connection.executescript("DROP TABLE erased_number; DROP TABLE erasure_trace; PRAGMA user_version = 11; VACUUM")
    return crafted(place / "old.backup", content | {"people.db": (place / "old.db").read_bytes()})


@pytest.mark.parametrize("earlier", ["neither", "the backup", "the file here"])
def test_who_was_erased_since_comes_back_by_no_package_either(
    machine: Machine, running: kiosk.Files, tmp_path: Path, earlier: str
) -> None:
    """Erased after the backup, and added after it: their number is all by which a package of another kiosk is told to be theirs."""
    sealing = messages.sealing_key_text(X25519PrivateKey.generate())
    running.directory.sisters.trust(Sister("gate-b", messages.public_key_text(parts.signing_key(5)), sealing))
    shelf = machine.shelf(running)
    made = shelf.place / shelf.make(PASSPHRASE).name
    add(running.directory, "p-" + "44" * 16, "4")
    erasure.Eraser(running.journal, running.directory, machine.clock, machine.folder.root).erase("4", "asked", BY)
    aside = machine.bring(of_before(made, tmp_path) if earlier == "the backup" else made)
    aside.look(PASSPHRASE)
    stop(running)
    if earlier == "the file here":
        with contextlib.closing(sqlite3.connect(machine.folder.people)) as connection:
            connection.executescript("DROP TABLE erased_number; PRAGMA user_version = 11")
    aside.make_ready(BY, confirmed(aside))
    after = machine.start()
    assert after.directory.graves.stones() == {"p-" + "44" * 16}
    assert (after.directory.graves.number_erased_at("4") is not None) is (earlier != "the file here")
    stop(after)


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
    with pytest.raises(BackupRefused, match="sudo daka backup restore FILE --keys KEYS"):
        other.bring(made, sealed_keys).look(PASSPHRASE)
    (credentials / keys.CREDENTIAL).write_bytes((machine.folder.keys / "wrapping.key").read_bytes())
    assert other.bring(made, sealed_keys).look(PASSPHRASE).people == 3
    assert not list(other.folder.root.rglob("wrapping.key")), "no file of it beside the credential"


@pytest.fixture
def systemctl(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A systemd that only notes what it is told, in `asked`. While there is a file `stands` the kiosk daemon does not run."""
    with tempfile.TemporaryDirectory() as place:
        program = Path(place) / "systemctl"
        program.parent.chmod(0o755)
        write_systemctl(program)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        yield program


def write_systemctl(program: Path) -> None:
    program.write_text(
        '#!/bin/sh\ncd "$(dirname "$0")"; echo "$*" >>asked\n'
        '[ "$1" != stop ] || [ ! -e signal ] || kill -s "$(cat signal)" $PPID\n'
        f'[ "$*" != "is-active --quiet {by_root.KIOSK}" ] || [ ! -e stands ] || [ $(grep -c ^start asked) != 0 ]\n'
    )
    program.chmod(0o755)


def told(systemctl: Path) -> list[str]:
    """What has begun and ended, in order."""
    words = [line.split()[0] for line in (systemctl.parent / "asked").read_text().splitlines()]
    return [word for word in words if word in ("stop", "start")]


@dataclass
class NewCard:
    """A machine that root brings a backup with its keys, beside the one that was."""

    folder: state.Folder
    system: by_root.System
    made: bytes
    sealed_keys: bytes

    def restore(self, confirm: Callable[[api.BackupContent], None]) -> None:
        brought = by_root.Brought([(0, self.made)], PASSPHRASE, self.sealed_keys, KEYS_PASSPHRASE)
        by_root.restore(self.folder, brought, BY, confirm, self.system)

    def lies_there(self) -> list[str]:
        """Beside the state folder, and in it."""
        return sorted(path.name for path in (*self.system.memory.iterdir(), *self.folder.root.iterdir()))


@pytest.fixture
def new_card(machine: Machine, running: kiosk.Files, systemctl: Path) -> Iterator[NewCard]:
    shelf = machine.shelf(running)
    made, sealed_keys = shelf.place / shelf.make(PASSPHRASE).name, shelf.keys(KEYS_PASSPHRASE)
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        root.chmod(0o755)
        new = state.Folder(root / "new")
        new.root.mkdir(mode=0o700)
        os.chown(new.root, NOBODY, NOBODY)
        system = by_root.System(root / "store", root / "none", root, Path(stack.enter_context(tempfile.TemporaryDirectory())))
        system.store.write_bytes(credential.sealed(bytes(32), "host"))
        held = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and by a restore as well
        yield NewCard(new, system, made.read_bytes(), sealed_keys)
        signal.signal(signal.SIGHUP, held)


@pytest.mark.skipif(os.geteuid() != 0, reason="the system's device key is root's; run as root")
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize(("stands", "begun"), [(False, []), (True, ["stop", "start"])])
def test_a_connection_that_is_lost_at_the_question_leaves_the_kiosk_running_and_nothing_of_the_backup(
    new_card: NewCard, systemctl: Path, number: signal.Signals, stands: bool, begun: list[str]
) -> None:
    if stands:
        (systemctl.parent / "stands").touch()
    handled = signal.getsignal(number)

    def lost(found: api.BackupContent) -> None:
        assert told(systemctl) == begun[:1], "a kiosk that runs goes on until somebody has confirmed"
        assert "restore" in new_card.lies_there()
        os.kill(os.getpid(), number)

    before = new_card.system.store.read_bytes()
    with pytest.raises(SystemExit):
        new_card.restore(lost)
    assert told(systemctl) == begun
    assert new_card.lies_there() == ["new", "store"]
    assert new_card.system.store.read_bytes() == before
    assert signal.getsignal(number) is handled


@pytest.mark.skipif(os.geteuid() != 0, reason="the system's device key is root's; run as root")
@pytest.mark.parametrize("stands", [False, True])
def test_while_an_update_is_tried_root_stops_nothing_and_restores_nothing(new_card: NewCard, systemctl: Path, stands: bool) -> None:
    """The switch would start the kiosk in the middle of it."""
    if stands:
        (systemctl.parent / "stands").touch()
    with updates.alone(new_card.system.updates), pytest.raises(updates.UnderWay, match="update"):
        new_card.restore(lambda found: None)
    assert told(systemctl) == []
    assert new_card.lies_there() == ["new", "store"]


@pytest.mark.skipif(os.geteuid() != 0, reason="the system's device key is root's; run as root")
def test_one_that_is_lost_while_the_kiosk_is_stopped_starts_it_again(new_card: NewCard, systemctl: Path) -> None:
    (systemctl.parent / "signal").write_text("HUP")
    with pytest.raises(SystemExit):
        new_card.restore(lambda found: None)
    assert told(systemctl) == ["stop", "start"]
    assert new_card.lies_there() == ["new", "store"]


@pytest.mark.skipif(os.geteuid() != 0, reason="the system's device key is root's; run as root")
def test_root_brings_a_new_card_the_keys_and_its_system_holds_them_from_then_on(machine: Machine, new_card: NewCard) -> None:
    new, system = new_card.folder, new_card.system
    before = system.store.read_bytes()

    def nobody_wants_it(found: api.BackupContent) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        new_card.restore(nobody_wants_it)
    assert system.store.read_bytes() == before
    new_card.restore(lambda found: None)
    assert os.geteuid() == 0
    key = (machine.folder.keys / "wrapping.key").read_bytes()
    assert credential.opened(system.store) == key
    assert not list(new.root.rglob("wrapping.key")), "no file of it beside the credential"
    assert {path.stat().st_uid for path in new.root.rglob("*")} == {NOBODY}
    assert sorted(path.name for path in system.memory.iterdir()) == ["new", "store"], "what root held is gone"
    (system.memory / keys.CREDENTIAL).write_bytes(key)
    after = Machine(state.Folder(new.root, credentials=system.memory), parts.Clock(500.0)).start()
    assert len(after.directory.list()) == 3
    stop(after)

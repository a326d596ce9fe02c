"""A kiosk's files as the daemon opens them, and backups of it as anybody can write them."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from device import config, erasure, kiosk, messages, state, trust
from device.backups import aftermath, sealed, settling
from device.backups.restoring import Aside
from device.backups.sealed import Reader, Writer
from device.backups.shelf import Shelf
from device.desired import Kept
from device.messages import Record
from tests.device import parts
from tests.device.test_people import add

PASSPHRASE = "seven old harbour lamps"
KEYS_PASSPHRASE = "nine quiet paper boats"
BY = "web:ada"
SETTINGS = '[device]\nid = "kiosk-9"\nsite = "gate"\n'


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


def new_machine(root: Path) -> Machine:
    """Kiosk 9, as it was set up and never started."""
    folder = state.Folder(root / "kiosk")
    folder.root.mkdir()
    folder.config.write_text(SETTINGS, encoding="utf-8")
    return Machine(folder, parts.Clock())


def lived_in(machine: Machine) -> kiosk.Files:
    """Three people with faces, and forty punches."""
    files = machine.start()
    for person, number in ((parts.ADA, "1"), (parts.BOB, "2"), ("p-" + "ef" * 16, "3")):
        add(files.directory, person, number)
    files.journal.append_all([parts.punch(parts.ADA)] * 40, machine.clock.now())
    return files


def make_keys_cheap(patched: pytest.MonkeyPatch) -> None:
    """Argon2id as cheap as it goes: what is tested here is not how long guessing takes."""
    patched.setattr(sealed.Head.__init__, "__defaults__", (64, 1))


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


def newest_first(files: kiosk.Files, *kinds: str) -> list[Record]:
    """Its records of these kinds."""
    return list(files.journal.of_kinds(kinds))[::-1]

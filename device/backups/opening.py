"""What was brought is opened aside: only what a backup of this version holds, whole, and nothing of it believed unread."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shutil
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm

from device import config, database, messages, trust
from device.backups import sealed
from device.backups.sealed import BackupRefused

log = logging.getLogger(__name__)

DATABASES = ("people.db", "desired.db", "locks.db")
KEYS = ("journal.key", "sealing.key", "grant-use.key", "wrapping.key")
DEVICE, EPOCH = re.compile("[a-z0-9][a-z0-9-]{0,63}"), re.compile("[0-9a-f]{32}")  # both become parts of files' names
STRANGE = "the backup holds what no backup of this version holds; update this kiosk first"
PLAIN = ("manifest.json", "config.toml", "enterprise.json")


class _Plain(tarfile.TarInfo):
    """The head of a plain file. A backup has no other, and the rest is refused unread: an extended head may name any size of its
    own, and tarfile would hold all of that in memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Plain:
        found = super().frombuf(buf, encoding, errors)
        if found.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise BackupRefused(STRANGE)
        return found


def unseal(file: sealed.Source, passphrase: str, into: Path, most_bytes: int) -> sealed.Head:
    """What lies in the file, into a folder; never more than `most_bytes`, the sealed file's own length."""
    try:
        reader = sealed.Reader(file, passphrase)
        with tarfile.open(fileobj=reader, mode="r|", tarinfo=_Plain) as archive:  # type: ignore[call-overload]  # only read
            for member in archive:
                most_bytes -= member.size
                if most_bytes < 0:
                    raise BackupRefused("the backup would unpack to more than it is; take another copy of it")
                _unpack(archive, member, into)
        while rest := reader.read(sealed.PIECE):  # to the very end: a file that was cut is noticed there
            if rest.strip(b"\0"):  # an archive is filled up with zeros
                raise BackupRefused("the backup goes on after its end; take another copy of it")
        return reader.head
    except (tarfile.TarError, UnsupportedAlgorithm, EOFError) as error:
        raise BackupRefused("the backup cannot be read; take another copy of it") from error
    except OSError as error:
        raise database.translated(into, error) from error


def _unpack(archive: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """Only names that a backup has, so that nothing lands elsewhere."""
    folder, _, name = member.name.rpartition("/")
    known = (
        (folder == "" and name in (*PLAIN, *DATABASES))
        or (folder == "keys" and name in KEYS)
        or (folder == "records" and name.endswith(".json") and name[:-5].isdecimal())
    )
    if not known:
        raise BackupRefused(STRANGE)
    target = into / folder / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    source = archive.extractfile(member)
    assert source is not None
    with source, os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())


def manifest(opened: Path) -> dict[str, Any]:
    try:
        said = json.loads((opened / "manifest.json").read_bytes())
        messages.public_key_from_text(said["key"])
        if not (DEVICE.fullmatch(said["device"]) and EPOCH.fullmatch(said["epoch"])):
            raise ValueError("no names")
        if not all(type(said[name]) is int and said[name] >= 0 for name in ("people", "templates", "records")):
            raise ValueError("no numbers")
        if member := trust.read(opened / "enterprise.json"):
            messages.read_key_set(member.key_set, member.root)
    except (OSError, ValueError, KeyError, TypeError, messages.MessageError, trust.TrustError) as error:
        raise BackupRefused(
            "the backup lacks what a kiosk needs, or was made by a newer version; update this kiosk first"
        ) from error
    return dict(said)


def has_settings(opened: Path) -> bool:
    """Whether a kiosk of this version would start with the settings of the backup; without any it has its defaults."""
    try:
        config.read(opened / "config.toml")
    except config.ConfigError as error:
        log.warning("the settings of the backup cannot be read, and stay as they are here: %s", error)
        return False
    return True


def check_databases(opened: Path) -> None:
    """Whole, and not from a version to come: its tables would not be understood."""
    for name in DATABASES:
        if not (opened / name).exists():
            continue
        try:
            with contextlib.closing(sqlite3.connect(opened / name)) as connection:
                whole = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.Error as error:
            raise BackupRefused(f"{name} in the backup is damaged; take an older backup") from error
        if not whole:
            raise BackupRefused(f"{name} in the backup is damaged; take an older backup")
        if version > database.newest_version(name.removesuffix(".db")):
            raise BackupRefused("the backup was made by a newer version; update this kiosk first")

"""What was restored takes the place of what is here, at a start, one rename at a time: a power cut leaves the rest to the next."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sqlite3
from pathlib import Path
from typing import Any

from device import config, database, settings, state, trust
from device.backups import opening, restoring
from device.errors import DeviceError

log = logging.getLogger(__name__)

BEGUN = "begun"  # from here on there is only forward
DONE = "restored.json"
DESIRED = "SELECT generation, version, content FROM desired"


def settle(folder: state.Folder) -> bool:
    """What is ready takes the place of what is here; before anything is opened. After a power cut it goes on where it was.

    Whether it did.
    """
    aside = restoring.Aside(folder)
    for draft in (folder.root / "backups").glob(f"*{restoring.DRAFT}"):
        draft.unlink()  # a power cut left it
    if not aside.ready.exists():
        aside.forget()
        return False
    begins = (aside.root / BEGUN).exists() or _is_prepared(aside)
    if begins:
        _take_places(aside, json.loads(aside.ready.read_bytes()))
    aside.ready.unlink(missing_ok=True)
    aside.forget()
    return begins


def _is_prepared(aside: restoring.Aside) -> bool:
    """What was opened is made fit for here. Nothing has moved yet: whatever fails leaves the kiosk as it is, and it starts."""
    folder, opened = aside.folder, aside.opened
    try:
        json.loads(aside.ready.read_bytes())
        opening.manifest(opened)
        config.read(opened / "config.toml")
        _carry_over(folder.people, opened / "people.db")
        _keep_membership(aside)
        _keep_desired(folder.desired, opened / "desired.db")
        restoring.write(aside.root / BEGUN, b"")
    except (OSError, ValueError, sqlite3.Error, DeviceError) as error:
        log.error("the restore is given up and nothing has changed (%s); bring the backup again", error)
        return False
    return True


def _take_places(aside: restoring.Aside, note: dict[str, Any]) -> None:
    folder, opened = aside.folder, aside.opened
    if not note["keeps_journal"]:
        _put_journal_aside(folder)
    elif (opened / "locks.db").exists():
        (opened / "locks.db").unlink()  # the journal that goes on and the locks' file know more than the backup
    folder.keys.mkdir(mode=0o700, exist_ok=True)
    for name in opening.KEYS:
        _take_place(aside.brought_keys / "keys" / name, folder.keys / name)
    _put_settings_back(opened / "config.toml", folder)
    _keep_brought_membership(opened / "enterprise.json", folder.enterprise)
    for name in opening.DATABASES:
        for suffix in ("-wal", "-shm"):
            if (opened / name).exists():
                (folder.root / (name + suffix)).unlink(missing_ok=True)
        _take_place(opened / name, folder.root / name)
    if (opened / "records").is_dir() and not note["keeps_journal"]:
        _keep_records(opened / "records", folder.root / f"records-before-{note['epoch'][:8]}.jsonl")
    restoring.write(folder.root / DONE, json.dumps(note).encode("utf-8"))


def _put_settings_back(text: Path, folder: state.Folder) -> None:
    """Where the settings file is root's it stays as it is: only what the web UI may set comes back."""
    if text.exists():
        settings.put_back(text.read_text(encoding="utf-8"), folder.config, folder.layer)
        text.unlink()


def _keep_brought_membership(source: Path, target: Path) -> None:
    """Written anew, not moved: on an appliance it lies elsewhere, for the uplink to read."""
    if member := trust.read(source):
        trust.write(target, member)
        source.unlink()


def restored(folder: state.Folder) -> dict[str, Any] | None:
    """What a restore at this start has left to say; None where there was none."""
    path = folder.root / DONE
    return json.loads(path.read_bytes()) if path.exists() else None


def told(folder: state.Folder) -> None:
    """It is on record."""
    (folder.root / DONE).unlink(missing_ok=True)


def _carry_over(current: Path, fresh: Path) -> None:
    """Into the people's file of the backup: who was erased, and who took a consent back, as the file here knows it.

    What then stands against it, persons and templates, goes when the daemon has opened both.
    """
    if not (current.exists() and fresh.exists()):
        return
    try:
        with restoring.looking(current) as connection:
            stones = connection.execute("SELECT person, erased_at FROM tombstone").fetchall()
            taken_back = connection.execute("SELECT person, purpose, at FROM withdrawn").fetchall()
            numbers = _erased_numbers(connection)
    except sqlite3.DatabaseError as error:
        log.error("the people's file that is replaced is damaged (%s): who was erased is known from the records alone", error)
        return
    with contextlib.closing(sqlite3.connect(fresh)) as connection, connection:
        database.migrate(connection, "people")  # an earlier version's backup
        connection.executemany("INSERT OR IGNORE INTO tombstone VALUES (?, ?)", stones)
        connection.executemany(
            "INSERT INTO withdrawn VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)", taken_back
        )
        latest = "ON CONFLICT DO UPDATE SET erased_at = max(erased_at, excluded.erased_at)"
        connection.executemany(f"INSERT INTO erased_number VALUES (?, ?) {latest}", numbers)


def _erased_numbers(connection: sqlite3.Connection) -> list[tuple[bytes, str]]:
    """A file that only an earlier version has opened has none."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'erased_number'").fetchone():
        return []
    return connection.execute("SELECT digest, erased_at FROM erased_number").fetchall()


def _keep_membership(aside: restoring.Aside) -> None:
    """Whom this kiosk believes comes with the keys alone, from its command line, and only where it belongs to nobody yet.

    Whoever takes the web daemon over can write a backup of their own; and an old one knows an older key set than is followed here.
    """
    if aside.membership() is not None or not (aside.brought_keys / "keys").is_dir():
        (aside.opened / "enterprise.json").unlink(missing_ok=True)


def _keep_desired(current: Path, fresh: Path) -> None:
    """Nothing older than what was applied here is taken again. That itself is: the backup's people have not followed it yet."""
    here = restoring.first_row(current, DESIRED) if current.exists() and fresh.exists() else None
    if here is None or here[:2] <= (restoring.first_row(fresh, DESIRED) or (0, 0))[:2]:
        return
    with contextlib.closing(sqlite3.connect(fresh)) as connection, connection:
        connection.execute("INSERT OR REPLACE INTO desired VALUES (1, ?, ?, ?)", (here[0], here[1] - 1, here[2]))
        connection.execute("DELETE FROM page WHERE (generation, version) < (?, ?)", here[:2])


def _put_journal_aside(folder: state.Folder) -> None:
    if not folder.journal.exists():
        return
    row = restoring.first_row(folder.journal, "SELECT epoch, '' FROM epoch")
    kept = folder.journal.with_name(f"{folder.journal.name}.before-restore-{row[0][:8] if row else 'unknown'}")
    for suffix in ("-wal", "-shm", ""):
        part = folder.journal.with_name(folder.journal.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    database.sync_folder(folder.root)


def _keep_records(batches: Path, into: Path) -> None:
    """The backup's records as lines that `daka verify` reads: their journal is not gone on with, but they can be shown."""
    draft = into.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
        for batch in sorted(batches.iterdir()):
            file.write(batch.read_bytes() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(into)


def _take_place(source: Path, target: Path) -> None:
    """Nothing to do where it was done before a power cut."""
    if source.exists():
        source.replace(target)  # both lie below the state folder, on one disk
        database.sync_folder(target.parent)

"""The kiosk's keys and databases, opened or made."""

from __future__ import annotations

import dataclasses

import device
from device import clock, journal, keys, people, state
from device.backups import settling


@dataclasses.dataclass(frozen=True, slots=True)
class Files:
    """The kiosk's databases, open."""

    journal: journal.Journal
    directory: people.Directory


def open_files(
    folder: state.Folder,
    device_id: str,
    time_source: clock.Clock,
    *,
    replace_damaged: bool,
    check_key: bool = True,
    may_be_locked: bool = False,
) -> Files:
    """Keys and databases of one state folder, made if it is new; raises what stands in the way.

    Only the daemon replaces a damaged journal by a new epoch; whoever merely looks is told what is wrong. `may_be_locked`:
    there is a server whose share the templates may wait for.
    """
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = keys.journal_key(folder.keys, may_create=not folder.journal.exists())
    opened = journal.open_journal(
        folder.journal,
        device_id,
        key,
        device.SOFTWARE,
        time_source.now(),
        replace_damaged=replace_damaged,
        begun="restored_backup" if settling.restored(folder) else "first_start",
    )
    may_create = not folder.people.exists()
    directory = people.Directory(
        folder.people, keys.wrapping_key(folder.keys, may_create=may_create, credentials=folder.credentials)
    )
    if check_key:
        directory.check_device_key()
    if may_be_locked:
        directory.lock_if_sealed()
    return Files(opened, directory)

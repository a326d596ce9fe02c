"""The kiosk's keys and databases, opened or made."""

from __future__ import annotations

import dataclasses
import logging

import device
from device import clock, journal, keys, people, state
from device.backups import settling

log = logging.getLogger(__name__)


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
        begun=_why_begun(folder, time_source.now()),
    )
    folder.journal_ends.unlink(missing_ok=True)
    may_create = not folder.people.exists()
    directory = people.Directory(
        folder.people, keys.wrapping_key(folder.keys, may_create=may_create, credentials=folder.credentials)
    )
    if check_key:
        directory.check_device_key()
    if may_be_locked:
        directory.lock_if_sealed()
    return Files(opened, directory)


def _why_begun(folder: state.Folder, now: clock.Moment) -> str:
    """Why there is a new journal, if there is none; that of an enterprise which was left is no other's, and is put aside before."""
    if folder.journal_ends.exists():
        kept = journal.put_aside(folder.journal, now, "left")
        log.warning("another enterprise was left: its journal is kept as %s, and a new one begins", kept.name)
        return "left_enterprise"
    return "restored_backup" if settling.restored(folder) else "first_start"

"""The first start after a restore: consents taken back since are taken back again, and the record says who restored what."""

from __future__ import annotations

import logging

from device import messages, people, state
from device.backups import settling
from device.clock import Clock
from device.database import StorageError
from device.journal import Journal

log = logging.getLogger(__name__)


def settle(folder: state.Folder, journal: Journal, directory: people.Directory, clock: Clock) -> None:
    """Before anybody is recognised. People who were erased since go with the eraser's own look, a moment later."""
    note = settling.restored(folder)
    if note is None:
        return
    for person, purpose, at in directory.taken_back():
        directory.withdraw(person, "kiosk", (purpose,), at)  # what the journal has to say is owed, and said at this start
    try:
        before = "own journal" if note["keeps_journal"] else "new epoch"
        after = f"{note['people']} people, {note['records']} records of {note['device']}"
        journal.append(messages.Audit("backup_restored", str(note["by"]), "", before, after), clock.now())
    except StorageError as error:
        log.error("that a backup was restored could not be recorded yet: %s", error)
        return
    settling.told(folder)

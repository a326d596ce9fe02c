"""What the kiosk daemon does every minute beside its work: what is owed is done, old records go, and each hour all else whose time
has passed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from device import clock, database
from device.config import Config
from device.errors import DeviceError
from device.journal import Journal
from device.policy import Governed
from device.retention import BY, Retention

log = logging.getLogger(__name__)

EVERY_S = 60.0
RETENTION_EVERY = 60  # rounds

Settle = Callable[[], None]


def keep(
    opened: Journal, governed: Governed, keeping: Retention, owed: Sequence[Settle], time_source: clock.Clock, stop: threading.Event
) -> None:
    """Until `stop`. With an unsure clock nothing is old: a wrong date must empty neither the journal nor the directory."""
    rounds = 0
    while not stop.wait(EVERY_S):
        try:
            opened.set_room_aside()
            settle(owed)
            now = time_source.now()
            if now.quality is clock.Quality.UNSYNCED:
                continue
            due, rounds = rounds % RETENTION_EVERY == 0, rounds + 1
            if due:
                purge(keeping)
            prune(opened, governed.now, now.at, stop)
        except Exception as error:  # noqa: BLE001  what has to go must go; a traceback might hold whose it is
            log.error("the house could not be kept, and is tried again: %s", type(error).__name__)


def settle(owed: Sequence[Settle]) -> None:
    """What a failing disk left half done, each for itself: it may hold one of them up, and must not hold up what makes room."""
    for one in owed:
        try:
            one()
        except DeviceError as error:
            log.warning("what is owed to the journal waits: %s", type(error).__name__)


def prune(opened: Journal, chosen: Config, now: datetime, stop: threading.Event) -> None:
    """Acknowledged records whose time has passed go in small steps."""
    older = now - timedelta(days=chosen.journal.keep_days)
    audit = now - timedelta(days=max(chosen.journal.keep_days, chosen.retention.audit_days))
    try:
        while opened.prune(older, chosen.journal.most_megabytes * 2**20, audit) and not stop.wait(0.1):
            pass
    except database.StorageError as error:
        log.warning("old records could not be removed: %s", error)


def purge(keeping: Retention) -> None:
    """Templates and people whose time has passed; a failing disk is tried again in an hour."""
    try:
        done = keeping.purge(BY, dry_run=False)
    except DeviceError as error:
        log.warning("what is older than it may be could not be purged: %s", error)
        return
    if done.items:
        log.info("%d purged because their time has passed", len(done.items))

"""What looks after the machine, its software, and what is kept beside the records."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

from device import api, clock, gauges, journal, keys, state, trust, unlock, upgrades, vitals
from device.backups.shelf import Shelf
from device.following import Following
from device.kiosk.files import Files
from device.kiosk.inside import Inside
from device.locks import room


@dataclasses.dataclass(frozen=True, slots=True)
class Watch:
    """What looks after the machine and its software."""

    readings: gauges.Gauges
    signs: vitals.Vitals
    upgrading: upgrades.Upgrades
    unlocking: unlock.Unlocking


def watching(inside: Inside, folder: state.Folder, following: Following, owed: Callable[[], bool]) -> Watch:
    """Vital signs, readings, updates and the lock of this kiosk's templates."""
    config, time_source = inside.config, inside.time_source
    by_tpm = config.device.unlock == "tpm"
    device_key = keys.wrapping_key(folder.keys, may_create=False, credentials=folder.credentials, must_be_sealed=by_tpm)
    by_server, journal_key = config.device.unlock == "server", keys.journal_key(folder.keys)
    servers = functools.partial(following.believed.keys, "acknowledgement")
    unlocking = unlock.Unlocking(by_server, config.device.id, inside.files.directory, journal_key, device_key, servers)
    unlocking.opened = lambda: inside.office.renew("")
    inside.walk.locked = lambda: unlocking.why
    signs = vitals.Vitals(
        vitals.Sources(
            config,
            folder.ended,
            folder.alarms,
            inside.source.status,
            inside.walk.pulse,
            time_source,
            lambda: inside.board.trouble,
            time_source.standing,
            lambda: upgrades.standing(folder.update),
            lambda: unlocking.is_locked,
            lambda: following.believed.is_damaged,
        )
    )
    kiosk = upgrades.Kiosk(
        lambda: following.governed.now,
        lambda: following.believed.root or config.device.enterprise,
        lambda: signs.health().link.kind,
        lambda: not inside.is_quiet(),
        time_source,
        api.zone_of(config.device.time_zone),
        folder.update,
        lambda: inside.board.trouble,
    )
    readings = gauges.Gauges(inside.files.journal, time_source, folder.root, signs.health, signs.look, inside.walk.pulse, owed)
    return Watch(readings, signs, upgrades.Upgrades(kiosk), unlocking)


def owing(uplink_on: Callable[[], bool], believed: trust.Trust, kept: journal.Journal) -> Callable[[], bool]:
    """Whether a server is to have the records: an uplink that is off owes them all the same to an enterprise that was joined, and
    to a server that has signed for some."""
    return lambda: uplink_on() or bool(believed.root) or believed.is_damaged or kept.head().acknowledged > 0


def backup_shelf(folder: state.Folder, files: Files, following: Following, stamping: room.Room, time_source: clock.Clock) -> Shelf:
    """What a backup is made from."""
    databases = {
        "people.db": files.directory.database,
        "desired.db": following.kept.database,
        "locks.db": stamping.database,
    }
    return Shelf(folder, files.journal, files.directory, databases, time_source)


def forgetting(inside: Inside, shelf: Shelf, stamping: room.Room) -> Callable[[str], None]:
    """Somebody was erased: nothing in memory holds them any more, and no backup that lies here."""

    def forget(person: str) -> None:
        inside.forget(person)
        stamping.desk.forget(person)
        shelf.clear()

    return forget

"""The kiosk's room for contract locks, wired up: its file, its key, its counters on every socket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device import desk, keys, line, messages, state
from device.api.bridge import BridgeClient
from device.clock import Clock
from device.config import Config
from device.database import Database
from device.following import Following
from device.journal import Journal
from device.locks import counter
from device.locks.cabinet import Cabinet
from device.locks.desk import Claims, LockDesk
from device.locks.journey import Journeys, Rules
from device.locks.ledger import Ledger
from device.locks.mailbox import Mailbox
from device.server import Route


@dataclass(frozen=True, slots=True)
class Room:
    """What may be asked about contract locks, by whom."""

    desk: LockDesk
    for_admins: tuple[Route, ...]
    for_bridge: tuple[Route, ...]
    for_uplink: tuple[Route, ...]
    database: Database


def open_room(
    folder: state.Folder,
    config: Config,
    following: Following,
    journal: Journal,
    office: desk.Desk,
    claims: Claims,
    walk: line.Line,
    clock: Clock,
) -> Room:
    """Everything built; from now on the line hands over whoever is awaited for an approval."""
    mailbox = Mailbox()
    cabinet = Cabinet(lambda: following.kept.content.grants, believed(following, config), keys.grant_use_key(folder.keys))
    ledger = Ledger(folder.locks, journal, clock)
    rules = Rules(timedelta(seconds=config.lock.verified_lasts_s), config.attend.allow_simulated)
    journeys = Journeys(journal.append, clock, rules)
    bridge = BridgeClient(folder.bridge_socket)

    def here(person: str) -> str:
        return following.kept.aliases().get(person, person)

    made = LockDesk(cabinet, ledger, journeys, mailbox, bridge, office, claims, clock, here)
    journeys.come_back = walk.come_back
    witness, prompted = walk.witness, walk.prompted
    walk.witness = lambda seen: witness(seen) or journeys.witness(seen)

    def tell_both(person: str) -> None:
        prompted(person)
        journeys.prompted(person)

    walk.prompted = tell_both
    return Room(
        made,
        counter.Counter(made, journal, clock).routes(),
        counter.bridge_routes(made),
        counter.uplink_routes(mailbox, config.device.id, clock),
        ledger.database,
    )


def believed(following: Following, config: Config) -> Callable[[], tuple[Ed25519PublicKey, ...]]:
    """The joined enterprise's grant keys, or the one that the settings name."""
    pinned = (messages.public_key_from_text(config.lock.grant_key),) if config.lock.grant_key else ()
    return lambda: following.believed.keys("grant") or pinned

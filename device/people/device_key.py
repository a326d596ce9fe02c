"""Whether the device key at hand is the one that sealed what lies in the people database."""

from __future__ import annotations

import hmac

from device import database
from device.templates import WrongDeviceKey

WRONG_KEY = (
    "people.db was sealed under another device key than the one at hand: restore keys/wrapping.key (or the system credential) from "
    "the backup; if it is lost for good, `daka people start-over` gives up every template, PIN, badge and phone, and keeps people "
    "and consents"
)
SEALED = ("template", "person_key", "card", "pin", "code", "phone", "attempt", "device_key")


def check(opened: database.Database, digest: bytes) -> None:
    """Returns if `digest`, which only the right key makes, is the one kept; the first ever is. WrongDeviceKey otherwise."""
    with opened.transaction() as connection:
        connection.execute("INSERT OR IGNORE INTO device_key VALUES (1, ?)", (digest,))
        (kept,) = connection.execute("SELECT digest FROM device_key").fetchone()
    if not hmac.compare_digest(bytes(kept), digest):
        raise WrongDeviceKey(WRONG_KEY)


def give_up(opened: database.Database) -> int:
    """Delete everything that a lost key sealed; says how many templates there were."""
    with opened.transaction() as connection:
        (gone,) = connection.execute("SELECT count(*) FROM template").fetchone()
        for table in SEALED:
            connection.execute(f"DELETE FROM {table}")
    return int(gone)

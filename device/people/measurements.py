"""What this site's own templates said when they were last measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from device import database, messages
from models.openset import Bound


@dataclass(frozen=True, slots=True)
class SiteMeasurement:
    """What this site's own templates said: the upper limits of its false-match rate, and up to how many people a search may serve.

    `rate` is the share of strangers' looks named that `most_people` was worked out for; `at_least` are the lower limits of the
    false-match rate, `named` the upper ones of the share of searches that named a stranger.
    """

    measured_at: datetime
    people: int
    rate: float
    most_people: int
    bounds: tuple[Bound, ...]
    at_least: tuple[Bound, ...] = ()
    named: tuple[Bound, ...] = ()


def keep(opened: database.Database, measured: SiteMeasurement) -> None:
    """In place of an earlier one."""
    kept = {"bounds": measured.bounds, "at_least": measured.at_least, "named": measured.named}
    bounds = json.dumps({name: [[one.threshold, one.false_match_rate] for one in limits] for name, limits in kept.items()})
    row = (messages.write_time(measured.measured_at), measured.people, measured.rate, measured.most_people, bounds)
    with opened.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO site_measurement VALUES (1, ?, ?, ?, ?, ?)", row)


def latest(opened: database.Database) -> SiteMeasurement | None:
    """The latest, or None."""
    with opened.reading() as connection:
        row = connection.execute("SELECT measured_at, people, rate, most_people, bounds FROM site_measurement").fetchone()
    if row is None:
        return None
    found = json.loads(row[4])
    kept = found if isinstance(found, dict) else {"bounds": found, "at_least": [], "named": []}  # as earlier versions wrote it
    limits = {name: tuple(Bound(threshold, rate) for threshold, rate in pairs) for name, pairs in kept.items()}
    return SiteMeasurement(messages.read_time(row[0]), row[1], row[2], row[3], **limits)

"""What somebody does at a kiosk stands in the enterprise's database within two seconds, over the real way, in its own time."""

from __future__ import annotations

import time

from device.uplink import Patience
from tests.device import parts
from tests.e2e import test_desired as desired

LIVE_S = 2.0
PUNCHES = 20


def test_a_punch_is_in_the_enterprises_database_within_two_seconds() -> None:
    with desired.running(Patience()) as site:
        desired.wait_until(lambda: stored(site) == site.journal.head().seq)
        took_s = sorted(journey_s(site, number) for number in range(PUNCHES))
    assert took_s[-2] < LIVE_S, took_s  # one may have met a busy machine


def journey_s(site: desired.Site, number: int) -> float:
    time.sleep(0.07 * number)  # at another moment of the uplink's round each time
    began = time.monotonic()
    receipt = site.journal.append(parts.punch(), parts.moment())
    desired.wait_until(lambda: stored(site) >= receipt.seq)
    return time.monotonic() - began


def stored(site: desired.Site) -> int:
    return int(str(site.rows("SELECT coalesce(max(seq), 0) FROM record")[0][0]))

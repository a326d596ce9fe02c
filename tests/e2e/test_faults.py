"""Every process is killed once in the middle of the demonstration; the database ends with the same rows as without."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.play import demonstration
from tests.e2e.test_demonstration import EXPECTED


@pytest.mark.timeout(300)
def test_killing_ingester_uplink_broker_and_kiosk_ends_with_the_same_rows(tmp_path: Path) -> None:
    victims = {1: "pids/ingester.pid", 2: "kiosk/run/uplink.pid", 3: "pids/broker.pid", 4: "kiosk/run/kiosk.pid"}
    performance = demonstration(tmp_path, kill_after=victims)
    assert set(performance.killed) == {"ingester", "uplink", "broker", "kiosk"}, performance.said
    assert performance.rows() == EXPECTED, performance.said
    assert performance.result["verified"]["acknowledged"] == performance.result["verified"]["seq"]
    assert performance.code == 0, performance.said

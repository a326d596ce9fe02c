"""Every process is killed once in the middle of the demonstration; the database ends with the same rows as without."""

from __future__ import annotations

import pytest

from tests.e2e.play import Performance
from tests.e2e.test_demonstration import EXPECTED


@pytest.mark.timeout(300)
def test_killing_ingester_uplink_broker_and_kiosk_ends_with_the_same_rows(killed: Performance) -> None:
    assert set(killed.killed) == {"ingester", "uplink", "broker", "kiosk"}, killed.said
    assert killed.rows() == EXPECTED, killed.said
    assert killed.result["verified"]["acknowledged"] == killed.result["verified"]["seq"]
    assert killed.code == 0, killed.said

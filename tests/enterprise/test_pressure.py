"""A server that falls behind asks its kiosks for patience, and tells them when it has caught up."""

from __future__ import annotations

import pytest

from device import messages
from enterprise.outcome import Arrival, Kind, Pressure, pressure
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import Kiosk


@pytest.mark.parametrize(
    ("waiting", "commit_s", "asked"),
    [
        (0, 0.01, Pressure(messages.MAX_IN_FLIGHT, 0)),
        (messages.MAX_IN_FLIGHT, 30.0, Pressure(messages.MAX_IN_FLIGHT, 0)),
        (16, 0.01, Pressure(2, 0)),
        (32, 0.01, Pressure(1, 0)),
        (64, 2.5, Pressure(1, 2_500)),
        (64, 500.0, Pressure(1, 10_000)),
    ],
)
def test_the_more_waits_the_less_may_be_under_way(waiting: int, commit_s: float, asked: Pressure) -> None:
    assert pressure(waiting, commit_s) == asked


def test_the_answer_carries_what_is_asked(office: Office, kiosk: Kiosk) -> None:
    (outcome,) = office.ingester.take_all([Arrival(Kind.RECORDS, kiosk.name, kiosk.batch(1, 10))], Pressure(1, 700))
    answer = office.answer(outcome.answer, kiosk)
    assert (answer.window, answer.retry_after_ms) == (1, 700)

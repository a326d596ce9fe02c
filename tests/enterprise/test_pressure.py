"""A server that falls behind asks its kiosks for patience, and tells them when it has caught up."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import pytest

from device import messages
from enterprise import service
from enterprise.mqtt import Event, Received
from enterprise.outcome import Arrival, Kind, Outcome, Pressure, pressure
from enterprise.store import StoreAway
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


@dataclass
class Line:
    """A link, and the broker's client in it, whose other end is the test."""

    events: Queue[Event] = field(default_factory=Queue)
    said: list[bytes] = field(default_factory=list)
    here: list[bool] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)

    def publish(self, _topic: str, payload: bytes) -> bool:
        self.said.append(payload)
        return True

    def announce(self, here: bool) -> None:
        self.here.append(here)

    def ack(self, mid: int, _qos: int) -> None:
        self.forgotten.append(mid)


def hello(kiosk: Kiosk, line: Line, number: int) -> Received:
    said = kiosk.hello(nonce=f"{number:032x}")
    return Received(messages.topics(kiosk.name).hello, said, "", line, number)  # type: ignore[arg-type]


def test_of_many_hellos_of_one_kiosk_the_latest_is_answered_and_all_are_done_with(office: Office, kiosk: Kiosk) -> None:
    line = Line()
    for number in range(service.MOST_IN_ONE_COMMIT * 2):
        line.events.put(hello(kiosk, line, number))
    daemon = service.Service(office.ingester, line)  # type: ignore[arg-type]
    for _ in range(2):
        daemon._settle(daemon._gather(), threading.Event())
    latest = [f"{number:032x}" for number in (service.MOST_IN_ONE_COMMIT - 1, service.MOST_IN_ONE_COMMIT * 2 - 1)]
    assert [office.answer(said, kiosk).nonce for said in line.said] == latest
    assert line.forgotten == list(range(service.MOST_IN_ONE_COMMIT * 2))


@pytest.mark.parametrize(("failures", "told"), [(1, []), (service.TRIES_UNTIL_AWAY + 1, [False, True])])
def test_kiosks_are_told_while_the_database_is_away_for_long_and_when_it_is_back(
    office: Office, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch, failures: int, told: list[bool]
) -> None:
    line, left, take_all = Line(), list(range(failures)), office.ingester.take_all
    monkeypatch.setattr(service, "pause_s", lambda _: 0.0)

    def away(*asked: Any) -> Sequence[Outcome]:
        if left:
            left.pop()
            raise StoreAway("the database does not answer")
        return take_all(*asked)

    monkeypatch.setattr(office.ingester, "take_all", away)
    daemon = service.Service(office.ingester, line)  # type: ignore[arg-type]
    daemon._settle([hello(kiosk, line, 1)], threading.Event())
    assert line.here == told
    assert len(line.said) == 1

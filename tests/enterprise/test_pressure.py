"""A server that falls behind asks its kiosks for patience, and tells them when it has caught up."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Queue
from typing import Any

import pytest

from device import messages
from enterprise import service, turns
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
    retained: list[str] = field(default_factory=list)  # topics

    def start(self) -> None:
        """It stands from the beginning, and to the end."""

    stop = start

    def publish(self, topic: str, payload: bytes, *, retain: bool = True) -> bool:
        self.said.append(payload)
        self.retained += [topic] if retain else []
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
    daemon._settle(daemon._gather(), threading.Event())
    assert [office.answer(said, kiosk).nonce for said in line.said] == [f"{service.MOST_IN_ONE_COMMIT * 2 - 1:032x}"]
    assert office.alarms() == []
    assert line.forgotten == list(range(service.MOST_IN_ONE_COMMIT * 2))


def records(name: str, number: int, line: Line, payload: bytes = b"{}") -> Received:
    return Received(messages.topics(name).records, payload, "", line, number)  # type: ignore[arg-type]


def test_who_sends_hundreds_of_messages_is_dealt_with_in_one_turn(office: Office, kiosk: Kiosk) -> None:
    """Each would be unfolded and parsed before its signature is seen to be none."""
    flood, line = office.trust(Kiosk("kiosk-2")), Line()
    for number in range(400):
        line.events.put(records(flood.name, number, line))
    line.events.put(records(kiosk.name, 400, line, kiosk.batch(1, 10)))
    daemon = service.Service(office.ingester, line)  # type: ignore[arg-type]
    daemon._settle(daemon._gather(), threading.Event())
    assert [office.answer(said, kiosk).upto for said in line.said] == [10]
    assert sorted(line.forgotten) == list(range(401))
    assert office.rows("SELECT kind, count FROM alarm ORDER BY kind") == [("flooding", 1), ("malformed", 1)]


def test_each_kiosk_has_its_turn_and_its_own_messages_keep_their_order() -> None:
    line = Line()
    sent = [records("kiosk-1", number, line) for number in range(8)]
    other = [records("kiosk-2", number, line) for number in range(8, 10)]
    turn = turns.taken([*sent, *other], 4)
    assert [message.mid for message in turn.now] == [0, 8, 1, 9]
    assert [message.mid for message in turn.later] == [2, 3, 4, 5, 6, 7]
    assert (turn.dropped, turn.flooding) == ([], frozenset())


def test_a_kiosk_that_kept_saying_how_it_is_while_nobody_listened_floods_nobody(kiosk: Kiosk) -> None:
    line, topics = Line(), messages.topics(kiosk.name)
    said = [Received(topic, b"", "", line, number) for number, topic in enumerate((topics.hello, topics.state) * 30)]  # type: ignore[arg-type]
    turn = turns.taken([*said, *(records(kiosk.name, number, line) for number in range(100, 108))], 32)
    assert [message.mid for message in turn.now] == [58, 59, *range(100, 108)]
    assert (len(turn.dropped), turn.flooding) == (58, frozenset())


def test_the_word_to_a_lock_is_for_whoever_stands_there_now(office: Office, kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker would give a retained one to the kiosk again at every connection."""
    line, topics = Line(), messages.topics(kiosk.name)
    monkeypatch.setattr(office.ingester, "word_to_lock", lambda *_: b"word")
    asked = Received(topics.lock_question, b"{}", "", line, 1)  # type: ignore[arg-type]
    service.Service(office.ingester, line, office.store)._settle([asked, hello(kiosk, line, 2)], threading.Event())  # type: ignore[arg-type]
    assert (line.said[0], line.retained) == (b"word", [topics.acknowledgement])


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

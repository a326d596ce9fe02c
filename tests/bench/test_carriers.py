"""The endpoint for the peers counts what really comes, and the herd's measure sees a stampede."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.carriers import herd, peers, trial
from device import mqtt
from tests.broker import free_port


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[peers.Sink, int]]:
    port = free_port()
    made = peers.Sink(tmp_path, port)
    made.start()
    yield made, port
    made.stop()


def test_every_message_is_in_the_file_before_it_is_acknowledged(sink: tuple[peers.Sink, int]) -> None:
    made, port = sink
    source = peers.Source(port)
    source.fill(200)
    assert source.accepted == set(range(200))
    assert made.numbers() == list(range(200))
    source.close()


def test_a_silent_line_takes_nothing_and_acknowledges_nothing(sink: tuple[peers.Sink, int]) -> None:
    made, port = sink
    source = peers.Source(port)
    source.fill(5)
    made.toggle()
    source.publish(5)
    time.sleep(0.5)
    assert 5 not in source.accepted
    assert made.numbers() == list(range(5))
    made.toggle()
    trial.wait_for(lambda: 5 in source.accepted, 10)
    assert made.numbers() == list(range(6))
    source.close()


def test_the_busiest_tenth_of_a_second_is_found() -> None:
    assert herd.of([5.0, 5.05, 5.09, 5.11, 6.0], clients=5) == herd.Return(5, 5, 3, 1.0)


def test_five_hundred_kiosks_come_back_with_at_most_a_tenth_of_them_in_any_tenth_of_a_second() -> None:
    random.seed(5)
    for spread_s in (2, 4, 30):
        moments = [mqtt.pause_s(spread_s, failures=0) for _ in range(500)]
        assert herd.of(moments, 500).share <= 0.1
        assert max(moments) <= spread_s


def test_who_fails_waits_longer_each_time_and_never_for_ever() -> None:
    longest = [max(mqtt.pause_s(4, failures) for _ in range(200)) for failures in range(12)]
    assert longest[0] <= 4
    assert longest[3] > longest[0]
    assert max(longest) <= mqtt.MOST_DELAY_S

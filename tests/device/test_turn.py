"""A change of the gallery gives way to the search that is under way, and to no other."""

from __future__ import annotations

import threading
import time

from device.turn import Turn

LONG_S = 60.0


class Watched(threading.Condition):
    """Tells that somebody is about to wait; whoever holds the lock after that knows that they do."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.awaited.set()
        return super().wait(timeout)


def changed_in(turn: Turn, patience_s: float) -> float:
    """How long a change gave way, seconds."""
    started = time.monotonic()
    turn.give_way(patience_s)
    return time.monotonic() - started


def test_nobody_searching_costs_a_change_nothing() -> None:
    turn = Turn()
    with turn:
        pass
    assert changed_in(turn, LONG_S) < LONG_S / 2


def test_a_change_waits_for_the_search_under_way_though_another_begins_behind_it() -> None:
    turn, watched, second = Turn(), Watched(), threading.Event()
    turn._ended = watched
    waited: list[float] = []

    def change() -> None:
        waited.append(changed_in(turn, LONG_S))

    def search_on() -> None:
        turn.__enter__()
        second.set()

    with turn:
        changer = threading.Thread(target=change)
        changer.start()
        assert watched.awaited.wait(LONG_S)
        assert not waited
        overlapping = threading.Thread(target=search_on)
        overlapping.start()
        second.wait(LONG_S)
    changer.join(LONG_S)
    overlapping.join(LONG_S)
    assert len(waited) == 1
    assert waited[0] < LONG_S / 2


def test_a_search_that_never_ends_holds_nothing_up_for_long() -> None:
    turn = Turn()
    with turn:
        assert 0.09 < changed_in(turn, 0.1) < LONG_S


def test_a_search_that_fails_has_ended() -> None:
    turn = Turn()
    try:
        with turn:
            raise ValueError
    except ValueError:
        pass
    assert changed_in(turn, LONG_S) < LONG_S / 2

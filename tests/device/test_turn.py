"""A change of the gallery gives way to the search that is under way, and to no other."""

from __future__ import annotations

import threading
import time

from device.turn import Turn

LONG_S = 5.0


def changed_in(turn: Turn, patience_s: float) -> float:
    """How long a change gave way, seconds."""
    started = time.monotonic()
    turn.give_way(patience_s)
    return time.monotonic() - started


def test_nobody_searching_costs_a_change_nothing() -> None:
    turn = Turn()
    with turn:
        pass
    assert changed_in(turn, LONG_S) < 1


def test_a_change_waits_for_the_search_under_way_though_another_begins_behind_it() -> None:
    turn, begun, second = Turn(), threading.Event(), threading.Event()
    waited: list[float] = []

    def change() -> None:
        begun.set()
        waited.append(changed_in(turn, LONG_S))

    def search_on() -> None:
        turn.__enter__()
        second.set()

    with turn:
        changer = threading.Thread(target=change)
        changer.start()
        begun.wait(LONG_S)
        time.sleep(0.1)
        assert not waited
        overlapping = threading.Thread(target=search_on)
        overlapping.start()
        second.wait(LONG_S)
    changer.join(LONG_S)
    overlapping.join(LONG_S)
    assert len(waited) == 1
    assert 0.05 < waited[0] < LONG_S


def test_a_search_that_never_ends_holds_nothing_up_for_long() -> None:
    turn = Turn()
    with turn:
        assert 0.09 < changed_in(turn, 0.1) < 2


def test_a_search_that_fails_has_ended() -> None:
    turn = Turn()
    try:
        with turn:
            raise ValueError
    except ValueError:
        pass
    assert changed_in(turn, LONG_S) < 1

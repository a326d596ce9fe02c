"""A self-test that is asked for in the web UI: taken up once, shown step by step, and never waited for in vain."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from device.api.selftest import SelfTestRefused, SelfTestStep
from device.selftest_board import SILENT_AFTER_S, TAKEN_UP_WITHIN_S, SelfTestBoard

STEP = SelfTestStep("TCP", "good", "port 8883 answers")


@dataclass
class Time:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_test_is_taken_up_once_and_shown_step_by_step() -> None:
    board = SelfTestBoard(lambda: True)
    assert board.standing().stage == "none"
    number = board.begin("2026-11-23T09:00:00Z").number
    assert board.standing().stage == "waiting"
    assert board.wanted(0.0).number == number
    assert board.wanted(0.0).number == 0, "a second uplink has nothing to do"
    board.tell(number, STEP)
    assert (board.standing().stage, board.standing().steps) == ("running", (STEP,))
    board.end(number)
    assert board.standing().stage == "ended"


def test_a_second_test_waits_until_the_first_has_ended() -> None:
    board = SelfTestBoard(lambda: True)
    first = board.begin("").number
    with pytest.raises(SelfTestRefused, match="under way"):
        board.begin("")
    board.wanted(0.0)
    board.end(first)
    assert board.begin("").number == first + 1
    with pytest.raises(SelfTestRefused, match="not waited for"):
        board.tell(first, STEP)


def test_with_the_uplink_switched_off_nobody_is_waited_for() -> None:
    board = SelfTestBoard(lambda: False)
    assert board.begin("").stage == "off"
    assert board.wanted(0.0).number == 0


def test_an_uplink_that_is_not_there_or_falls_silent_is_not_waited_for_in_vain() -> None:
    time = Time()
    board = SelfTestBoard(lambda: True, time)
    board.begin("")
    time.seconds += TAKEN_UP_WITHIN_S + 1
    assert board.wanted(0.0).number == 0, "whoever asked has been told already that nobody came"
    assert board.standing().stage == "unanswered"
    number = board.begin("").number
    assert board.wanted(0.0).number == number
    time.seconds += SILENT_AFTER_S + 1
    assert board.standing().stage == "unanswered"
    with pytest.raises(SelfTestRefused):
        board.end(number)

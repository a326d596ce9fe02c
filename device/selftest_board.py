"""A self-test of the way to the server, between whoever asks and the uplink that runs it. One at a time; the last is kept."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from flask import abort, request

from device import api, messages, sentences, server
from device.api.selftest import SelfTest, SelfTestRefused, SelfTestStep
from device.clock import Clock
from device.database import StorageError
from device.journal import Journal
from device.sentences import say
from device.server import Route

TAKEN_UP_WITHIN_S = 45.0  # an uplink that cannot even begin is started again within 30 s, and takes the test up then
SILENT_AFTER_S = 40.0  # the longest step waits eight seconds for each of its questions
MOST_STEPS = 20
MOST_LETTERS = 500
UNDER_WAY = frozenset({"waiting", "running"})


class SelfTestBoard:
    """May be asked from any thread; `seconds` is a monotonic clock."""

    def __init__(self, is_on: Callable[[], bool], seconds: Callable[[], float] = time.monotonic) -> None:
        self._is_on, self._seconds = is_on, seconds
        self._changed = threading.Condition()
        self._test = SelfTest()
        self._moved_s = 0.0

    def begin(self, at: str) -> SelfTest:
        """Ask for a test; SelfTestRefused while one is under way."""
        with self._changed:
            if self._standing().stage in UNDER_WAY:
                raise SelfTestRefused(say("selftest.under_way"))
            self._set(SelfTest(self._test.number + 1, "waiting" if self._is_on() else "off", at))
            return self._test

    def wanted(self, wait_s: float) -> SelfTest:
        """A test that waits to be run, from now on running; an empty one if there is none within `wait_s`."""
        with self._changed:
            server.wait(self._changed, lambda: self._test.stage == "waiting", wait_s)
            if self._standing().stage != "waiting":
                return SelfTest()
            self._set(replace(self._test, stage="running"))
            return self._test

    def tell(self, number: int, step: SelfTestStep) -> None:
        """A step has come out; SelfTestRefused if this is not the test that runs."""
        with self._changed:
            self._expect(number)
            if len(self._test.steps) >= MOST_STEPS:
                raise SelfTestRefused("a self-test has fewer steps")
            self._set(replace(self._test, steps=(*self._test.steps, step)))

    def end(self, number: int) -> None:
        """No step follows."""
        with self._changed:
            self._expect(number)
            self._set(replace(self._test, stage="ended"))

    def standing(self) -> SelfTest:
        """How the last one stands."""
        with self._changed:
            return self._standing()

    def _standing(self) -> SelfTest:
        """Who waits for an uplink that is not there is told so in time."""
        silent_s = self._seconds() - self._moved_s
        patience_s = TAKEN_UP_WITHIN_S if self._test.stage == "waiting" else SILENT_AFTER_S
        if self._test.stage in UNDER_WAY and silent_s > patience_s:
            self._test = replace(self._test, stage="unanswered")
        return self._test

    def _expect(self, number: int) -> None:
        if self._standing().stage != "running" or number != self._test.number:
            raise SelfTestRefused("that self-test is not waited for any more")

    def _set(self, test: SelfTest) -> None:
        self._test, self._moved_s = test, self._seconds()
        self._changed.notify_all()


def web_routes(board: SelfTestBoard, journal: Journal, clock: Clock) -> tuple[Route, ...]:
    """What the web UI may ask: begin, and look."""

    def begin() -> SelfTest:
        (by,) = server.json_fields("by")
        now = clock.now()
        begun = board.begin(messages.write_time(now.at))
        with contextlib.suppress(StorageError):  # the way to the server can be tried on a full disk too
            journal.append(messages.Audit("self_test", by), now)
        return begun

    return (Route("POST", "/v1/self-test", begin), Route("GET", "/v1/self-test", board.standing))


def uplink_routes(board: SelfTestBoard) -> tuple[Route, ...]:
    """What the uplink may ask: what is wanted; and what it tells."""

    def wanted() -> SelfTest:
        return board.wanted(server.number_argument("wait_s", server.MOST_WAIT_S))

    def tell() -> api.Done:
        board.tell(_number(), _step())
        return api.Done()

    def end() -> api.Done:
        board.end(_number())
        return api.Done()

    return (
        Route("GET", "/v1/self-test-wanted", wanted),
        Route("POST", "/v1/self-test-step", tell),
        Route("POST", "/v1/self-test-end", end),
    )


def _number() -> int:
    body = request.get_json(silent=True)
    number = body.get("number") if isinstance(body, dict) else None
    if not isinstance(number, int):
        abort(400)
    return number


def _step() -> SelfTestStep:
    body = request.get_json(silent=True)
    said = body.get("step") if isinstance(body, dict) else None
    parts = [said.get(name) for name in ("check", "verdict", "sentence", "remedy")] if isinstance(said, dict) else [None]
    if not isinstance(said, dict) or not all(isinstance(part, str) for part in parts):
        abort(400)
    check, verdict, sentence, remedy = (str(part)[:MOST_LETTERS] for part in parts)
    found, to_do = (api.reason(sentences.heard(said.get(name))) for name in ("said", "remedy_said"))
    return SelfTestStep(check, verdict, sentence, remedy, found, to_do)

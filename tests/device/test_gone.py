"""Whoever asked a daemon on its socket and has gone takes nothing that was meant for the next, and keeps no thread."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from device import line, selftest_board, server, sitting
from device.api import serving
from device.locks.counter import uplink_routes
from device.locks.errors import VisitUnknown
from device.locks.journey import Journeys, Rules
from device.locks.mailbox import Mailbox, Question
from device.server import Route
from firmware_bridge.lock.jobs import Jobs
from tests.device import parts

Socket = socket.socket  # a room has one of its own name
THREADS = 3
ASKED = Question("lock-1", "challenge-of-the-lock")
GONE_WITHIN_S = 20.0  # and whoever waits would wait for 30


@dataclass
class Room:
    """What is waited for, and the socket on which it is."""

    socket: Path
    board: selftest_board.SelfTestBoard
    mailbox: Mailbox
    journeys: Journeys
    ticket: str
    begun: list[Callable[[], bool]]  # each tells whether who asked has hung up
    ended: list[str]

    def ask(self, path: str) -> Socket:
        """Ask, and do not wait for the answer."""
        asking = socket.socket(socket.AF_UNIX)
        asking.connect(str(self.socket))
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: kiosk\r\nConnection: close\r\n\r\n".encode())
        return asking

    def ask_and_go(self, path: str) -> None:
        """As an uplink that is ended while it waits; its hang-up has been seen when this returns."""
        begun, asking = len(self.begun), self.ask(path)
        until(lambda: len(self.begun) > begun)
        asking.close()
        until(self.begun[begun])


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GONE_WITHIN_S
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def body(answered: Socket) -> dict[str, Any]:
    with answered, answered.makefile("rb") as read:
        answered.settimeout(GONE_WITHIN_S)
        found: dict[str, Any] = json.loads(read.read().partition(b"\r\n\r\n")[2])
        return found


@pytest.fixture
def room(short_folder: Path) -> Iterator[Room]:
    board, mailbox, jobs, decisions = selftest_board.SelfTestBoard(lambda: True), Mailbox(), Jobs(), line.Board()
    nothing: Any = None
    approval: Any = SimpleNamespace(grant=SimpleNamespace(factors=0))
    journeys = Journeys(nothing, parts.Clock(), Rules(timedelta(seconds=30), True))
    ticket, job = journeys.begin(approval, parts.ADA).ticket, jobs.new("lock-1", "read").id
    sat: Any = sitting.Sittings.__new__(sitting.Sittings)
    sat._changed, sat._told = threading.Condition(), SimpleNamespace(change=0)
    begun: list[Callable[[], bool]] = []
    ended: list[str] = []

    def watched(route: Route) -> Route:
        def answer() -> Any:
            begun.append(serving.asker_is_gone())
            try:
                return route.answer()
            finally:
                ended.append(route.path)

        return Route(route.method, route.path, answer)

    routes = (
        *selftest_board.uplink_routes(board),
        *uplink_routes(mailbox, parts.DEVICE, parts.Clock()),
        Route("GET", "/decisions", lambda: decisions.after(0, 30.0)),
        Route("GET", "/sitting", lambda: sat.standing(0, 30.0)),
        Route("GET", "/visit", lambda: journeys.get(ticket, 0, 30.0)),
        Route("GET", "/job", lambda: jobs.get(job, 0, 30.0)),
    )
    path = short_folder / "uplink.sock"
    made = server.serve(server.application("test", tuple(map(watched, routes))), server.listen(path), THREADS)
    running = threading.Thread(target=made.run)
    running.start()
    yield Room(path, board, mailbox, journeys, ticket, begun, ended)
    made.close()
    running.join()


def test_a_self_test_goes_to_the_uplink_that_is_there(room: Room) -> None:
    room.ask_and_go("/v1/self-test-wanted?wait_s=30")
    there = room.ask("/v1/self-test-wanted?wait_s=30")
    until(lambda: len(room.begun) == 2)
    number = room.board.begin("2026-11-27T04:00:00Z").number
    assert body(there)["number"] == number


def test_a_locks_question_goes_to_the_uplink_that_is_there(room: Room) -> None:
    room.ask_and_go("/v1/lock-question?wait_s=30")
    there = room.ask("/v1/lock-question?wait_s=30")
    until(lambda: len(room.begun) == 2 and room.mailbox._polling > 0)
    asking = threading.Thread(target=room.mailbox.ask, args=(ASKED, GONE_WITHIN_S))
    asking.start()
    assert body(there)["data"]["challenge"] == ASKED.challenge
    room.mailbox.answer(ASKED, "heard")
    asking.join()


def test_an_uplink_that_has_gone_is_no_connection(room: Room) -> None:
    """Else a lock waits for the server's word in vain, with the person before it."""
    room.ask_and_go("/v1/lock-question?wait_s=30")
    until(lambda: bool(room.ended))
    began = time.monotonic()
    assert room.mailbox.ask(ASKED, 2 * GONE_WITHIN_S) == ""
    assert time.monotonic() - began < GONE_WITHIN_S


@pytest.mark.parametrize("path", ["/decisions", "/sitting", "/visit", "/job", "/v1/self-test-wanted?wait_s=30"])
def test_whoever_has_gone_keeps_no_thread(room: Room, path: str) -> None:
    for _ in range(THREADS):
        room.ask_and_go(path)
    until(lambda: len(room.ended) == THREADS)


def test_a_visit_that_is_called_off_is_over_at_once_for_whoever_follows_it(room: Room) -> None:
    said: list[Exception] = []

    def follow() -> None:
        try:
            room.journeys.get(room.ticket, 0, 30.0)
        except (VisitUnknown, KeyError) as error:
            said.append(error)

    following = threading.Thread(target=follow)
    following.start()
    time.sleep(0.1)
    room.journeys.drop(room.ticket)
    following.join(GONE_WITHIN_S)
    assert [type(error) for error in said] == [VisitUnknown]

"""Whoever asked the page's server for news and has gone keeps nobody else waiting."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from device import journal, server
from device.page import application, routes
from tests.device.page.stage import ADDRESS, Stage, headers

THREADS = 2


@pytest.fixture
def port(tmp_path: Path, opened: journal.Journal) -> Iterator[int]:
    stage = Stage(tmp_path, opened)
    listening = socket.create_server(("127.0.0.1", 0))
    serving = server.serve(
        application.application(routes.routes(stage.shell, stage.scenery, stage.mirror), ADDRESS), listening, THREADS
    )
    running = threading.Thread(target=serving.run)
    running.start()
    yield int(listening.getsockname()[1])
    serving.close()
    running.join()
    stage.source.close()


def ask(port: int, path: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers=headers())
    return connection


def scene(port: int) -> dict[str, str]:
    connection = ask(port, "/v1/scene?wait_s=0")
    found: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def settled(port: int) -> dict[str, str]:
    """The scene once nothing changes any more: the camera of these tests takes a moment to be away."""
    while True:
        before = scene(port)
        time.sleep(1.5)
        if (now := scene(port))["digest"] == before["digest"]:
            return now


@pytest.mark.parametrize("question", ["/v1/scene?boot={boot}&seen={digest}&wait_s=20", "/v1/frame?wait_s=20"])
def test_a_page_that_was_loaded_often_is_answered_at_once(port: int, question: str) -> None:
    """Each load leaves questions behind, as many as there are threads, and more."""
    now = settled(port)
    for _ in range(3):
        left = [ask(port, question.format(**now)) for _ in range(THREADS)]
        time.sleep(0.5)  # by now each has a thread to itself
        for connection in left:
            connection.close()
    began = time.monotonic()
    assert scene(port)["boot"] == now["boot"]
    assert time.monotonic() - began < 5


def test_whoever_waits_is_waited_for(port: int) -> None:
    now = settled(port)
    began = time.monotonic()
    connection = ask(port, f"/v1/scene?boot={now['boot']}&seen={now['digest']}&wait_s=1")
    assert json.loads(connection.getresponse().read())["digest"] == now["digest"]
    assert time.monotonic() - began >= 1
    connection.close()

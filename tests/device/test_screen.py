"""A real browser, led over its own pipe: whatever becomes of the kiosk page, no error page is ever shown."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest

from device.commands import display
from device.screen import compositor, pipe, stage
from tests import browser as browsers

PAGE = b"<!doctype html><title>kiosk page</title><h1>here</h1>"
HEADLESS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage")
PATIENCE_S = 40.0


class Server:
    """What listens at the page's address; each connection is answered by `answer`, which may do what a dying daemon does."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/#token"
        self.answer: Callable[[socket.socket], None] = whole
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()  # some are opened ahead and say nothing

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            if connection.recv(65_536):
                self.answer(connection)


def whole(connection: socket.socket) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode("ascii") + PAGE)


def nothing(connection: socket.socket) -> None:
    """Accepted, and dead before the first byte."""


def unwell(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry")


class Screen:
    """The display's own loop, stepped by the test."""

    def __init__(self, folder: Path) -> None:
        waiting = resources.files("device.screen").joinpath("waiting.html").read_bytes()
        command = (browsers.program(), *(o for o in display.OPTIONS if "ozone" not in o and o != "--kiosk"), *HEADLESS)
        self.browser = pipe.start((*command, f"--user-data-dir={folder}", "about:blank"), os.environ)
        self.address = ""
        self.painted: list[bool] = []
        self.stage = stage.Stage(self.browser, lambda: self.address, waiting, self.painted.append)
        self.stage.open()
        self._answers: dict[int, dict[str, object]] = {}

    def step(self) -> None:
        heard = self.browser.hear(0.05)
        now = time.monotonic()
        if heard is not None:
            self.stage.hear(heard, now)
            self._answers[heard.get("id", -1)] = heard
        self.stage.look(now)

    def title(self) -> str:
        """What the window shows now."""
        asked = self.browser.send("Runtime.evaluate", self.stage.window, expression="document.title + ' ' + location.protocol")
        deadline = time.monotonic() + PATIENCE_S
        while asked not in self._answers and time.monotonic() < deadline:
            self.step()
        answer = self._answers.get(asked, {}).get("result", {})
        return str(answer["result"]["value"]) if isinstance(answer, dict) and "result" in answer else ""

    def wait_for(self, title: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (shown := self.title() if self.stage.window else "") != title:
            assert "chrome-error" not in shown
            assert time.monotonic() < deadline, f"{shown!r} is shown, not {title!r}"
            for _ in range(4):
                self.step()

    def close(self) -> None:
        self.browser.process.kill()
        self.browser.process.wait()


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    with closing(Screen(tmp_path / "browser")) as made:
        yield made


def test_whatever_becomes_of_the_page_no_error_page_is_shown_and_it_comes_back(screen: Screen) -> None:
    server = Server()
    server.answer = nothing
    screen.address = server.url
    screen.wait_for("Daka 打卡 http:")
    server.answer = whole
    screen.wait_for("kiosk page http:")
    server.answer = unwell
    screen.browser.send("Page.reload", screen.stage.window)
    screen.wait_for("Daka 打卡 http:")
    server.answer = whole
    screen.wait_for("kiosk page http:")
    server.listening.shutdown(socket.SHUT_RDWR)  # closing alone leaves it to the thread that waits in it
    screen.browser.send("Page.reload", screen.stage.window)
    screen.wait_for("Daka 打卡 http:")
    elsewhere = Server()
    screen.address = elsewhere.url  # as after a start of the machine
    screen.wait_for("kiosk page http:")
    screen.browser.send("Page.navigate", screen.stage.window, url=Server().url)  # not the kiosk page's address
    while screen.painted[-1]:
        screen.step()
    screen.wait_for("kiosk page http:")


def test_a_browser_that_ends_is_noticed(screen: Screen) -> None:
    screen.browser.process.kill()
    with pytest.raises(pipe.BrowserEnded):
        screen.wait_for("a page that nobody shows")


def test_the_address_that_lets_in_is_on_no_command_line(tmp_path: Path) -> None:
    assert not any("127.0.0.1" in word for word in display.command(tmp_path, "file:///waiting.html"))


def test_a_compositor_that_hangs_is_told_from_one_that_answers(tmp_path: Path) -> None:
    place = tmp_path / "wayland-0"
    assert not compositor.answers(place)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(place))
        listening.listen()
        assert not compositor.answers(place, 0.2)

        def answer() -> None:
            connection, _ = listening.accept()  # the one of above that nobody answered
            connection.close()
            connection, _ = listening.accept()
            assert len(connection.recv(12)) == 12
            connection.sendall(bytes(12))
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        assert compositor.answers(place, 5.0)
        thread.join()

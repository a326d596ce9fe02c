"""A real browser, led over its own pipe: whatever becomes of the kiosk page, no error page is ever shown."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest

from device import service
from device.commands import display
from device.screen import compositor, outputs, pipe, stage
from tests import browser as browsers

PAGE = b"<!doctype html><title>kiosk page</title><h1>here</h1>"
HEADLESS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
PATIENCE_S = 40.0


class Server:
    """What listens at the page's address; each connection is answered by `answer`, which may do what a dying daemon does."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}/#token"
        self.answer: Callable[[socket.socket], None] = whole
        self._connections: list[socket.socket] = []
        self._changing, self._is_dead = threading.Lock(), False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with self._changing:
                if self._is_dead:
                    connection.close()
                    return
                self._connections.append(connection)
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()  # some are opened ahead and say nothing

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if connection.recv(65_536):
                self.answer(connection)
        with self._changing:
            self._connections.remove(connection)
            connection.close()

    def die(self) -> None:
        """As a process does: nobody listens, and what was opened ahead is of no use any more."""
        with self._changing:
            self._is_dead = True
            self.listening.shutdown(socket.SHUT_RDWR)  # closing alone leaves it to the thread that waits in it
            for connection in self._connections:
                connection.shutdown(socket.SHUT_RDWR)


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
        waiting = Path(str(resources.files("device.screen").joinpath("waiting.html")))
        command = (browsers.program(), *(o for o in display.OPTIONS if "ozone" not in o and o != "--kiosk"), *HEADLESS)
        self.browser = pipe.start((*command, f"--user-data-dir={folder}", waiting.as_uri()), os.environ)
        self.address = ""
        self.painted: list[bool] = []
        self.signs = display.Signs(service.Service(), folder / "no-compositor", time.monotonic())
        self.stage = stage.Stage(self.browser, lambda: self.address, waiting.read_bytes(), self._paint)
        self.stage.open()
        self._answers: dict[int, dict[str, object]] = {}

    def _paint(self, is_page: bool) -> None:
        self.painted.append(is_page)
        self.signs.painted(is_page)

    def step(self) -> None:
        heard = display.step(self.browser, self.stage, self.signs)
        if heard is not None:
            self._answers[heard.get("id", -1)] = heard

    def until(self, what: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            assert time.monotonic() < deadline, what
            self.step()

    def title(self) -> str:
        """What the window shows now; empty where the page's process says nothing."""
        asked = self.browser.send("Runtime.evaluate", self.stage.window, expression="document.title + ' ' + location.protocol")
        self.until("the window tells its title", lambda: asked in self._answers)
        answer = self._answers[asked].get("result", {})
        return str(answer["result"]["value"]) if isinstance(answer, dict) and "result" in answer else ""

    def wait_for(self, title: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (shown := self.title() if self.stage.window else "") != title:
            assert "chrome-error" not in shown
            assert time.monotonic() < deadline, f"{shown!r} is shown, not {title!r}"
            for _ in range(4):
                self.step()

    def signal_page(self, what: signal.Signals) -> None:
        """To every process that shows a page or is kept ready for one."""
        for process in list(_below(self.browser.process.pid)):
            with contextlib.suppress(OSError):
                if b"--type=renderer" in Path(f"/proc/{process}/cmdline").read_bytes():
                    os.kill(process, what)

    def close(self) -> None:
        self.signal_page(signal.SIGKILL)  # what has been stopped would stay
        self.browser.process.kill()
        self.browser.process.wait()


def _below(process: int) -> Iterator[int]:
    with contextlib.suppress(OSError):  # its threads come and go
        for thread in Path(f"/proc/{process}/task").glob("*/children"):
            for child in map(int, thread.read_text().split()):
                yield child
                yield from _below(child)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    with closing(Screen(tmp_path_factory.mktemp("screen") / "browser")) as made:
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
    for _ in range(2):
        screen.painted.clear()
        screen.signal_page(signal.SIGKILL)
        screen.until("another page is painted", lambda: bool(screen.painted))
        screen.wait_for("kiosk page http:")
    server.die()
    screen.browser.send("Page.reload", screen.stage.window)
    screen.wait_for("Daka 打卡 http:")
    elsewhere = Server()
    screen.address = elsewhere.url  # as after a start of the machine
    screen.wait_for("kiosk page http:")
    screen.browser.send("Page.navigate", screen.stage.window, url=Server().url)  # not the kiosk page's address
    screen.until("the waiting page takes its place", lambda: not screen.painted[-1])
    screen.wait_for("kiosk page http:")


def test_a_page_that_hangs_is_noticed_so_that_all_of_it_is_started_again(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    screen.address = Server().url
    screen.wait_for("kiosk page http:")
    screen.signal_page(signal.SIGSTOP)
    monkeypatch.setattr(display, "SIGN_EVERY_S", 0.1)
    monkeypatch.setattr(display, "HANGS_S", 1.0)
    with pytest.raises(pipe.BrowserEnded, match="answers no more"):
        screen.until("a page that nobody shows", lambda: False)
    screen.signal_page(signal.SIGCONT)


HERE = "http://127.0.0.1:8460/"


class Told:
    """Keeps what a browser is told; what it answers is the test's business."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def send(self, method: str, session: str = "", **parameters: object) -> int:
        self.told.append(method)
        return len(self.told)


def led(told: Told, painted: list[bool]) -> stage.Stage:
    """A stage whose window has just been asked for the kiosk page, at second 10."""
    made = stage.Stage(told, lambda: f"{HERE}#token", b"", painted.append)
    made.hear({"method": "Target.attachedToTarget", "params": {"sessionId": "ours", "targetInfo": {"type": "page"}}}, 5.0)
    made.look(10.0)
    assert told.told.pop() == "Page.navigate"
    told.told.clear()
    return made


def test_an_end_of_another_part_of_the_browser_does_not_disturb_the_page_that_is_being_opened() -> None:
    """Chromium tells of its own omnibox's process as well; a second wish while the page comes would make it come never."""
    told = Told()
    made = led(told, [])
    made.hear({"method": "Inspector.targetCrashed", "params": {}, "sessionId": "another"}, 10.1)
    made.look(10.2)
    assert told.told == []
    made.hear({"method": "Inspector.targetCrashed", "params": {}, "sessionId": "ours"}, 10.3)
    made.look(10.3)
    assert told.told == ["Page.navigate"]


def test_a_page_of_which_nothing_is_heard_is_asked_for_again() -> None:
    told = Told()
    made = led(told, [])
    made.look(19.9)
    assert told.told == []
    made.look(20.0)
    assert told.told == ["Page.navigate"]


@pytest.mark.parametrize("arrives", [True, False])
def test_what_the_pages_own_worker_brings_is_the_page_unless_it_is_an_error(arrives: bool) -> None:
    """A page that its own worker brings, as it does while the daemon is away, is not held up for a look beforehand."""
    told, painted = Told(), list[bool]()
    made = led(told, painted)
    frame = {"url": HERE, "loaderId": "one"} if arrives else {"url": "chrome-error://x", "loaderId": "one", "unreachableUrl": HERE}
    made.hear({"method": "Page.frameNavigated", "params": {"frame": frame}}, 10.1)
    for step in (stage.ARRIVED, stage.PAINTED):
        made.hear({"method": "Page.lifecycleEvent", "params": {"name": step, "loaderId": "one"}}, 10.2)
    assert painted == [arrives]
    made.look(11.2)
    assert told.told == ([] if arrives else ["Page.navigate"])
    made.look(1_000.0)
    assert (told.told == []) == arrives


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


def connector(drm: Path, name: str, status: str) -> Path:
    (drm / name).mkdir(parents=True, exist_ok=True)
    (drm / name / "status").write_text(f"{status}\n")
    return drm


def test_without_a_connected_screen_the_display_waits_and_is_no_failure(tmp_path: Path, short_folder: Path) -> None:
    drm = connector(connector(tmp_path, "card1-HDMI-A-1", "disconnected"), "card1-Writeback-1", "unknown")
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as systemd:
        systemd.bind(str(short_folder / "notify"))
        systemd.settimeout(PATIENCE_S)
        under = service.Service(str(short_folder / "notify"))
        waiting = threading.Thread(target=display.wait_for_a_screen, args=(under, drm), daemon=True)
        waiting.start()
        assert systemd.recv(1_024) == b"READY=1\nSTATUS=no screen is connected"
        assert systemd.recv(1_024) == b"WATCHDOG=1"
        connector(drm, "card1-HDMI-A-1", "connected")
        waiting.join(PATIENCE_S)
        assert not waiting.is_alive()


@pytest.mark.parametrize(
    ("statuses", "connected", "missing"),
    [
        ((), False, False),  # a compositor without any card has its screen elsewhere, as in tests
        (("disconnected", "disconnected"), False, True),
        (("disconnected", "connected"), True, False),
        (("disconnected", "unknown"), False, False),  # nobody has looked yet
    ],
)
def test_a_screen_is_what_the_kernel_says(tmp_path: Path, statuses: tuple[str, ...], connected: bool, missing: bool) -> None:
    for number, status in enumerate(statuses):
        connector(tmp_path, f"card0-HDMI-A-{number}", status)
    assert (outputs.is_connected(tmp_path), outputs.is_missing(tmp_path)) == (connected, missing)

"""The watchdog hears that the kiosk works while it does, and nothing once a part of it hangs; no camera is no reason to restart."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from device import camera, clock, config, journal, line, server, service, state
from device.api.serving import Route, Serving
from device.camera import live
from device.commands import context
from device.kiosk import running
from device.kiosk.working import IDLE_S, UNANSWERED_S, Working
from device.pictures import Pixels
from device.recognise import Seen, Waiting
from tests.device import parts
from tests.device.test_line import POLICY, Names

PAUSE_S = 0.2


class Driver:
    """A camera that gives pictures until it is told to hang, or is away."""

    simulated, skipped = False, 0

    def __init__(self) -> None:
        self.may_go_on, self.is_away = threading.Event(), False
        self.may_go_on.set()

    def open(self) -> None: ...

    def read(self) -> Pixels:
        self.may_go_on.wait()
        if self.is_away:
            raise camera.CameraAway("unplugged")
        return np.full((8, 8, 3), 100, np.uint8)

    def skip(self) -> bool:
        return False

    def close(self) -> None: ...


class Eyes:
    """A recogniser in which a frame may hang."""

    def __init__(self) -> None:
        self.may_go_on, self.looked = threading.Event(), threading.Event()
        self.may_go_on.set()

    def see(self, frame: camera.Frame) -> Seen:
        self.looked.set()
        self.may_go_on.wait()
        return Waiting.NOBODY

    def watch(self, frame: camera.Frame) -> None: ...


class Kiosk:
    """The parts that may hang, as the daemon has them, and its watchdog's question by a clock of its own."""

    def __init__(self, opened: journal.Journal) -> None:
        self.driver, self.eyes, self.now = Driver(), Eyes(), 0.0
        self.source = live.Camera("one", self.driver, clock.SystemClock(), 100)
        self.walk = line.Line(self.eyes, opened, Names(), line.Board(), POLICY, parts.MODELS, "gate 1")
        self.works = Working(self.walk, self.source, None, PAUSE_S, lambda: self.now)

    def look(self) -> None:
        threading.Thread(target=self.walk.run, args=(self.source.frames(),), daemon=True).start()
        assert self.eyes.looked.wait(10)

    def works_for(self, seconds: float) -> bool:
        """Whether each of its answers in that time was yes."""
        answers = []
        for _ in range(int(seconds)):
            self.now += 1
            answers.append(self.works())
        return all(answers)


@pytest.fixture
def kiosk(opened: journal.Journal) -> Iterator[Kiosk]:
    made = Kiosk(opened)
    yield made
    made.driver.may_go_on.set()
    made.eyes.may_go_on.set()
    made.source.close()


def until(found: Callable[[], bool]) -> None:
    assert any(found() or threading.Event().wait(0.02) for _ in range(500))


def test_a_frame_that_hangs_in_a_model_ends_the_signs_of_life(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk.look()
    assert kiosk.works()
    monkeypatch.setattr(line, "STUCK_S", 0.2)
    kiosk.eyes.may_go_on.clear()
    until(lambda: not kiosk.works())


def test_a_driver_that_hangs_ends_the_signs_of_life(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk.look()
    assert kiosk.works()
    monkeypatch.setattr(live, "STALLED_S", 0.1)
    monkeypatch.setattr(live, "STUCK_S", 0.2)
    kiosk.driver.may_go_on.clear()
    until(lambda: not kiosk.works())


def test_pictures_that_nobody_looks_at_end_the_signs_of_life(kiosk: Kiosk) -> None:
    next(kiosk.source.frames())  # it streams, and no line takes a frame
    until(lambda: kiosk.source.status().state is camera.State.STREAMING)
    assert kiosk.works_for(IDLE_S - 1)
    assert not kiosk.works_for(2)


def test_a_kiosk_without_a_camera_is_not_begun_afresh_for_ever(kiosk: Kiosk) -> None:
    kiosk.driver.is_away = True
    threading.Thread(target=kiosk.walk.run, args=(kiosk.source.frames(),), daemon=True).start()
    until(lambda: kiosk.source.status().state is camera.State.AWAY)
    assert kiosk.works_for(10 * IDLE_S)


class Page:
    """A page's server that answers, or does not."""

    def __init__(self) -> None:
        self.waited_s = 0.0

    def run(self) -> None: ...
    def close(self) -> None: ...

    def unanswered_s(self) -> float:
        return self.waited_s


def test_a_page_that_answers_nobody_ends_the_signs_of_life(kiosk: Kiosk) -> None:
    page = Page()
    works = Working(kiosk.walk, kiosk.source, page, PAUSE_S)
    assert works()
    page.waited_s = UNANSWERED_S
    assert not works()


def test_a_server_knows_for_how_long_somebody_waits_for_a_free_thread(short_folder: Path) -> None:
    may_answer, asked = threading.Event(), threading.Event()

    def answer() -> str:
        asked.set()
        may_answer.wait(20)
        return "at last"

    path = short_folder / "one.sock"
    serving: Serving = server.serve(server.application("one", (Route("GET", "/v1/one", answer),)), server.listen(path), 1)
    threading.Thread(target=serving.run, daemon=True).start()
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://kiosk", timeout=20) as client:
        asking = [threading.Thread(target=client.get, args=("/v1/one",)) for _ in range(2)]
        asking[0].start()
        assert asked.wait(10)
        threading.Event().wait(2.5)
        assert serving.unanswered_s() < 2.5, "one is served, and nobody else is there"
        asking[1].start()
        until(lambda: serving.unanswered_s() > 2.5)
        may_answer.set()
        until(lambda: serving.unanswered_s() < 2)
        for one in asking:
            one.join(10)
    serving.close()


class Watched(service.Service):
    """Hears how the daemon answers its watchdog."""

    def __init__(self) -> None:
        super().__init__()
        self.works: Callable[[], bool] = lambda: False
        self.is_ready = threading.Event()

    def watch(self, works: Callable[[], bool], stop: threading.Event) -> None:
        self.works = works

    def ready(self, sentence: str) -> None:
        self.is_ready.set()


def test_the_daemon_answers_its_watchdog_by_what_its_line_and_its_camera_do(
    short_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photograph = tmp_path / "hall.png"
    photograph.write_bytes(cv2.imencode(".png", np.full((480, 640, 3), 100, np.uint8))[1].tobytes())
    folder, stop, under = state.Folder(short_folder), threading.Event(), Watched()
    settings = {"camera": {"source": f"file:{photograph}"}, "page": {"port": 0}, "models": {"landmarks": "opencv"}}
    given = (folder, config.Config.model_validate(settings), context.default_weights(), stop, under)
    daemon = threading.Thread(target=running.run, args=given, daemon=True)
    daemon.start()
    try:
        assert under.is_ready.wait(60)
        assert under.works()
        with monkeypatch.context() as patch:
            patch.setattr(line.Line, "is_stuck", lambda self: True)
            assert not under.works()
        with monkeypatch.context() as patch:
            patch.setattr(live.Camera, "is_stuck", lambda self: True)
            assert not under.works()
        assert under.works()
    finally:
        stop.set()
        daemon.join(30)
        sys.setswitchinterval(0.005)  # the daemon's own is for itself
        gc.unfreeze()
    assert not daemon.is_alive()

"""A browser, and a page before the kiosk of a test's own module; and demonstrations, played beside the tests before those which
look at them: most of their time is people walking up.
"""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import browser as browsers
from tests.e2e.kiosk import Kiosk
from tests.e2e.page import opened
from tests.e2e.play import Performance, demonstration

UNDISTURBED, KILLED = "played", "killed"  # fixtures, and folders
BEGINS_AFTER_S = 60.0  # when what is made at the start of all tests, beside them as well, leaves time for those who walk up
VICTIMS = {1: "pids/ingester.pid", 2: "kiosk/run/uplink.pid", 3: "pids/broker.pid", 4: "kiosk/run/kiosk.pid"}


class Playbill:
    """One demonstration after the other, each in a kept folder; the first begins soon, or as soon as somebody asks."""

    def __init__(self, names: Iterable[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="daka-demo-")
        self._running: list[subprocess.Popen[str]] = []
        self._asked, self._over = threading.Event(), False
        self._thread = ThreadPoolExecutor(1)
        self._played = {name: self._thread.submit(self._play, name) for name in names}

    def _play(self, name: str) -> Performance:
        self._asked.wait(BEGINS_AFTER_S)
        if self._over:
            raise CancelledError
        folder = Path(self._folder.name) / name
        return demonstration(folder, VICTIMS if name == KILLED else None, begun=self._running.append)

    def performance(self, name: str) -> Performance:
        self._asked.set()
        found = self._played[name].result()
        assert found.result, found.said
        return found

    def close(self) -> None:
        """End what nobody asks about any more."""
        self._over = True
        self._asked.set()
        for one in self._running:
            one.terminate()
        self._thread.shutdown(cancel_futures=True)
        self._folder.cleanup()


PLAYBILL = pytest.StashKey[Playbill]()


def pytest_collection_finish(session: pytest.Session) -> None:
    names = [one for one in (UNDISTURBED, KILLED) if any(one in getattr(item, "fixturenames", ()) for item in session.items)]
    if names and not session.config.option.collectonly:
        session.stash[PLAYBILL] = Playbill(names)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (playbill := session.stash.get(PLAYBILL, None)) is not None:
        playbill.close()


@pytest.fixture(scope="session")
def played(request: pytest.FixtureRequest) -> Performance:
    """A finished demonstration that nothing disturbed."""
    return request.session.stash[PLAYBILL].performance(UNDISTURBED)


@pytest.fixture(scope="session")
def killed(request: pytest.FixtureRequest) -> Performance:
    """A finished demonstration in the middle of which every process was killed once."""
    return request.session.stash[PLAYBILL].performance(KILLED)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.chromium() as found:
        yield found


@pytest.fixture
def page(kiosk: Kiosk, browser: Browser) -> Iterator[Page]:
    with opened(kiosk, browser) as found:
        yield found

"""What the administrators' pages cost on a large kiosk: 5,000 people, 100,000 punches, both daemons as processes of their own.

The peer is a page of the same server that shows no data: TLS, session, role and template without the kiosk's part. Every page has
to be there within 100 ms; of the slowest it is said which daemon's processor it took, and how much.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import re
import ssl
import statistics
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import daemon
from bench.registry import Pair, Reading, Setting, Statistic, gauge, number
from device import api, clock, kiosk, messages, state
from device.people import Person
from tests.web_ui.looks import EVERY_ORDINARY, STATUS

PEOPLE, PUNCHES = 5_000, 100_000
FIRST = 1_001  # as in the tests, whose pages are asked for
ROUNDS, PROFILED = 9, 40
WITHOUT_DATA = "/me"
PASSWORD = "correct horse battery"
CONFIG = '[camera]\nsource = "device:/dev/video99"\n[page]\nport = 0\n[web]\naddress = "127.0.0.1"\n'
WITHIN_S = 90.0


def fill(folder: state.Folder) -> None:
    """People and a punch a minute, without a sync each: the bench measures reading."""
    folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.config.write_text(CONFIG, encoding="utf-8")
    time_source = clock.SystemClock()
    files = kiosk.open_files(folder, "kiosk-1", time_source, replace_damaged=False)
    now = time_source.now()
    for count in range(PEOPLE):
        files.directory.add(Person(f"p-{count:032x}", str(FIRST + count), f"Employee {count}", "en"), now.at)
    digests = messages.Models("1" * 64, "2" * 64)
    bodies = [
        messages.PunchBody(
            f"p-{count % PEOPLE:032x}", messages.Method.FACE, messages.Direction.IN, 60, 3, messages.Liveness.PASSED,
            messages.Capture.CAMERA, digests, "gate", now.at,
        )
        for count in range(PUNCHES)
    ]  # fmt: skip
    for start in range(0, PUNCHES, 1_000):
        files.journal.append_all(bodies[start : start + 1_000], now)
    files.journal.close()
    files.directory.close()


class Browser:
    """Signed in as the first administrator; asks as a browser does, over TLS that trusts this web UI alone."""

    def __init__(self, folder: state.Folder, code: str, port: int) -> None:
        self._url = f"https://localhost:{port}"
        context = ssl.create_default_context(cafile=str(folder.web / "tls.pem"))
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), jar)
        token = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', self.get("/first"))[0]
        fields = {"csrf_token": token, "code": code, "name": "bench", "password": PASSWORD, "again": PASSWORD}
        request = urllib.request.Request(f"{self._url}/first", urllib.parse.urlencode(fields).encode(), {"Origin": self._url})
        self._opener.open(request, timeout=30).read()

    def get(self, path: str) -> str:
        """A page's text."""
        with self._opener.open(self._url + path, timeout=30) as answer:
            return str(answer.read().decode())


@dataclass(frozen=True, slots=True)
class Served:
    """A large kiosk and somebody who looks at it; the processes of both daemons."""

    browser: Browser
    kiosk: int
    web: int

    def took_ms(self, path: str) -> float:
        """The median of some looks at a page."""
        took = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            self.browser.get(path)
            took.append((time.perf_counter() - began) * 1e3)
        return statistics.median(took)

    def processor_ms(self, path: str) -> tuple[float, float]:
        """What one look takes of the web daemon's and of the kiosk daemon's processor, and not of the line between them."""
        before = [daemon.processor_seconds(pid) for pid in (self.web, self.kiosk)]
        for _ in range(PROFILED):
            self.browser.get(path)
        web, kiosk = (daemon.processor_seconds(pid) - used for pid, used in zip((self.web, self.kiosk), before, strict=True))
        return web * 1e3 / PROFILED, kiosk * 1e3 / PROFILED


@contextmanager
def running(setting: Setting) -> Iterator[Browser]:
    """Both daemons on a large kiosk, to look at."""
    with served(setting) as found:
        yield found.browser


@contextmanager
def served(setting: Setting) -> Iterator[Served]:
    """The same, with their processes."""
    folder = state.Folder(setting.scratch / "state")
    fill(folder)
    base = (sys.executable, "-m", "device.commands.main", "--log-level", "warning", "--state", str(folder.root), "run")
    with subprocess.Popen((*base, "kiosk")) as one, subprocess.Popen((*base, "web", "--port", "0")) as other:
        try:
            yield Served(_signed_in(folder), one.pid, other.pid)
        finally:
            one.terminate()
            other.terminate()


def _signed_in(folder: state.Folder) -> Browser:
    ends = time.monotonic() + WITHIN_S
    while time.monotonic() < ends:
        with contextlib.suppress(api.KioskError, OSError), api.AdminClient(folder.admin_socket) as client:
            notice = client.web_notice()
            if notice.code and notice.addresses:
                return Browser(folder, notice.code, int(notice.addresses[0].rpartition(":")[2]))
        time.sleep(0.3)
    raise RuntimeError("the daemons did not come up")


@gauge(
    family="web",
    name="the slowest of all ordinary pages",
    unit="ms",
    ours="the median of each, with 5,000 people and 100,000 punches",
    peer="/me of the same server",
    at_most=100.0,
    statistic=Statistic.MAXIMUM,
)
def slowest_page(setting: Setting) -> Reading:
    """Each page to which the menu and its pages lead, several times."""
    with served(setting) as found:
        pages = [path for path in EVERY_ORDINARY if path not in STATUS]
        for path in pages:
            found.browser.get(path)  # the daemons have just started and read their files
        medians = {path: found.took_ms(path) for path in pages}
        slowest = max(medians, key=lambda path: medians[path])
        peer, (web, kiosk) = found.took_ms(WITHOUT_DATA), found.processor_ms(slowest)
    said = (
        f"{len(pages)} pages; the slowest is {slowest}: of the web daemon's processor {web:.0f} ms, of the kiosk's {kiosk:.0f} ms"
    )
    return Reading(tuple(medians.values()), (peer,), said)


@number(
    family="web", name="today's page", ours="/ with 5,000 people and 100,000 punches", peer="/me of the same server", at_most=6.0
)
def todays_page(setting: Setting) -> Iterator[Pair]:
    """Five questions to the kiosk daemon."""
    with running(setting) as browser:
        yield Pair(ours=lambda: browser.get("/"), peer=lambda: browser.get("/me"))


@number(family="web", name="punches, page 900", ours="/punches of all time", peer="/me of the same server", at_most=6.0)
def punches_page(setting: Setting) -> Iterator[Pair]:
    """Filtered, sorted by corrected time, the 900th page of 2,000."""
    with running(setting) as browser:
        yield Pair(ours=lambda: browser.get("/punches?first=2020-01-01&page=900"), peer=lambda: browser.get("/me"))


@number(family="web", name="people by name", ours="/people?search=99", peer="/me of the same server", at_most=6.0)
def people_page(setting: Setting) -> Iterator[Pair]:
    """Searched among 5,000."""
    with running(setting) as browser:
        yield Pair(ours=lambda: browser.get("/people?search=99"), peer=lambda: browser.get("/me"))

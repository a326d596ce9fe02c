"""What the administrators' pages cost on a large kiosk: 5,000 people, 100,000 punches, both daemons as processes of their own.

The peer is a page of the same server that shows no data: TLS, session, role and template without the kiosk's part.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import re
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.registry import Pair, Setting, number
from device import api, clock, kiosk, messages, state
from device.people import Person

PEOPLE, PUNCHES = 5_000, 100_000
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
        files.directory.add(Person(f"p-{count:032x}", str(10_000 + count), f"Employee {count}", "en"), now.at)
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


@contextmanager
def running(setting: Setting) -> Iterator[Browser]:
    """Both daemons on a large kiosk."""
    folder = state.Folder(setting.scratch / "state")
    fill(folder)
    base = (sys.executable, "-m", "device.commands.main", "--log-level", "warning", "--state", str(folder.root), "run")
    with subprocess.Popen((*base, "kiosk")) as one, subprocess.Popen((*base, "web", "--port", "0")) as other:
        try:
            yield _signed_in(folder)
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


@number(
    family="web", name="today's page", ours="/ with 5,000 people and 100,000 punches", peer="/me of the same server", at_most=6.0
)
def todays_page(setting: Setting) -> Iterator[Pair]:
    """Five questions to the kiosk daemon; 100 ms is the limit."""
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

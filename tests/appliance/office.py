"""An administrator at a browser on the other host, signed in to the appliance's web UI."""

from __future__ import annotations

import re
import ssl
import time
from typing import cast

import httpx

from tests.appliance import machine as machines
from tests.appliance.conftest import Appliance
from tests.web_ui import running
from tests.web_ui.running import PASSWORD, Browser, text_of

URL = f"https://{machines.INSIDE}:8443"
PASSPHRASE = "seven old harbour lamps"
WITHIN_S = 240.0


class Office:
    """As much of tests.web_ui's as a browser wants: where it goes, and whose certificate it believes."""

    url = URL

    def __init__(self, appliance: Appliance) -> None:
        self._certificate = appliance.call("cat", "/var/lib/daka-web/web/tls.pem")

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self._certificate)
        context.check_hostname = False  # the kiosk goes by its address here; nobody else has this certificate
        return context


def first_administrator(appliance: Appliance) -> Browser:
    """With the code that the kiosk shows. To be called from outside, as all that is done with it."""
    said = appliance.call("daka", "web", "code")
    found = re.search(r"first administrator: (\S+)", said)
    assert found, said
    browser = Browser(cast(running.Office, Office(appliance)))
    browser.client.headers["Accept-Language"] = "en"
    answer = browser.submit("/first", code=found[1], name="ada", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 302, text_of(answer)
    return browser


def restore(browser: Browser, file: bytes) -> str:
    """Bring a backup and confirm it; what the page said would follow."""
    looked = browser.submit("/backups/restore", files={"file": ("kiosk.backup", file)}, passphrase=PASSPHRASE)
    page = ended(browser, looked)
    assert 'name="current"' in page.text, text_of(page)  # or there is nothing to confirm, and the page says why
    assert browser.send(page, current=PASSWORD).status_code == 302
    return text_of(page)


def backup(browser: Browser) -> bytes:
    """A new one, taken along."""
    typed = {"passphrase": PASSPHRASE, "again": PASSPHRASE, "current": PASSWORD}
    made = ended(browser, browser.submit("/backups", **typed))
    return browser.get(re.findall(r'href="(/backups/daka-[^"]+)"', made.text)[0]).content


def ended(browser: Browser, begun: httpx.Response) -> httpx.Response:
    """The page of a piece of work, once it is done; deriving a key takes its time on a machine that has other things to do."""
    assert begun.status_code == 302, text_of(begun)
    ends = time.monotonic() + WITHIN_S
    while "this page renews itself" in text_of(page := browser.get(begun.headers["location"])):
        assert time.monotonic() < ends, text_of(page)
        time.sleep(0.1)
    return page


def not_the_daemons(appliance: Appliance) -> str:
    """What in the state folder belongs to somebody else than the kiosk daemon, or may be read by everybody."""
    return appliance.call("find", "/var/lib/daka", "!", "-user", "daka-kiosk", "-o", "-type", "f", "-perm", "/0037")


def answer(browser: Browser, path: str) -> tuple[int, str]:
    """The page's status and where it leads; while the kiosk restarts it says that it is away."""
    try:
        found = browser.get(path)
    except httpx.HTTPError as error:
        return 0, str(error)
    return found.status_code, found.headers.get("location", "")

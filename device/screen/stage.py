"""What is on the screen: the kiosk page as soon as it comes, our waiting page until then, and never a browser's error page.

Every document is looked at before the browser may show it. One that did not come, or that came from anywhere but the kiosk page's
address, is answered with the waiting page, and asked for again a second later.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

AGAIN_S = 1.0
FIRST_S = 3.0  # the waiting page has been painted by then, or never will be
FAILS_FROM = 400  # statuses of HTTP that bring no page
HEADERS = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
PAINTED = "firstContentfulPaint"


class Led(Protocol):
    """A browser that can be told something."""

    def send(self, method: str, session: str = "", **parameters: Any) -> int: ...


class Stage:
    """One window. `address` is where the kiosk page is now, empty while nobody knows; `waiting` the page that needs nobody.

    `painted` is told each time something new can be seen: True for the kiosk page, False for the waiting page.
    """

    def __init__(self, browser: Led, address: Callable[[], str], waiting: bytes, painted: Callable[[bool], None]) -> None:
        self._browser, self._address, self._painted = browser, address, painted
        self._waiting = base64.b64encode(waiting).decode("ascii")
        self._window = ""
        self._asked = ""
        self._comes = False
        self._is_strange = False
        self._again_at: float | None = None
        self.is_gone = False

    def open(self) -> None:
        """Ask for the window that the browser opens."""
        self._browser.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)

    def look(self, now: float) -> None:
        """Ask for the kiosk page when it is time to, or when its address has changed (a start of the machine)."""
        if not self._window or (not self._asked and self._again_at is not None and now < self._again_at):
            return
        address = self._address()
        if address and (address != self._asked or self._is_strange):
            # A new token behind the same hash is not fetched by itself.
            self._again_at = now + AGAIN_S if self._asked and not self._is_strange else None
            self._asked, self._is_strange = address, False
            self._browser.send("Page.navigate", self._window, url=address)
        elif address and self._again_at is not None and now >= self._again_at:
            self._again_at = None
            self._browser.send("Page.reload", self._window)  # navigating to where one is only looks for what the hash names

    def hear(self, heard: dict[str, Any], now: float) -> None:
        """What the browser says."""
        said = heard.get("params", {})
        match heard.get("method"):
            case "Target.attachedToTarget" if said["targetInfo"]["type"] == "page" and not self._window:
                self._take(said["sessionId"])
                self._again_at = now + FIRST_S
            case "Target.detachedFromTarget" if said["sessionId"] == self._window:
                self.is_gone = True
            case "Fetch.requestPaused":
                self._judge(said, now)
            case "Page.lifecycleEvent" if said["name"] == PAINTED:
                self._painted(self._comes)
                if not self._asked:
                    self._again_at = None
            case "Inspector.targetCrashed":
                log.warning("the page's process has crashed; the page is opened again")
                self._again_at = now

    @property
    def window(self) -> str:
        """The session that leads the window, empty before there is one."""
        return self._window

    def _take(self, session: str) -> None:
        self._window = session
        self._browser.send("Inspector.enable", session)
        self._browser.send("Page.enable", session)
        self._browser.send("Page.setLifecycleEventsEnabled", session, enabled=True)
        self._browser.send("Fetch.enable", session, patterns=[{"resourceType": "Document", "requestStage": "Response"}])

    def _judge(self, paused: dict[str, Any], now: float) -> None:
        """A document is there, or is known not to come."""
        failed = paused.get("responseErrorReason") or (
            paused["responseStatusCode"] if paused.get("responseStatusCode", 0) >= FAILS_FROM else ""
        )
        self._is_strange = _origin(paused["request"]["url"]) != _origin(self._asked)
        self._comes = not failed and not self._is_strange
        if self._comes:
            self._browser.send("Fetch.continueRequest", self._window, requestId=paused["requestId"])
            return
        log.info("the kiosk page does not come (%s); the screen says so", failed or "another address was asked for")
        self._again_at = now + AGAIN_S
        self._browser.send(
            "Fetch.fulfillRequest",
            self._window,
            requestId=paused["requestId"],
            responseCode=200,
            responseHeaders=[{"name": name, "value": value} for name, value in HEADERS.items()],
            body=self._waiting,
        )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc

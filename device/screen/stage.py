"""What is on the screen: the kiosk page as soon as it comes, our waiting page until then, and never a browser's error page.

Every document is looked at before the browser may show it. One that did not come, or that came from anywhere but the kiosk page's
address, is answered with the waiting page, and asked for again a second later. So is, later, one of which nothing is heard:
what the browser is told can be lost together with the process that was to do it.
"""

from __future__ import annotations

import base64
import logging
import math
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

AGAIN_S = 1.0
FIRST_S = 3.0  # the waiting page has been painted by then, or never will be
LOST_S = 10.0  # by then a page has come or failed; with a daemon that is still starting, asking again costs nothing
FAILS_FROM = 400  # statuses of HTTP that bring no page
HEADERS = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
ARRIVED, PAINTED = "DOMContentLoaded", "firstContentfulPaint"
NEVER = math.inf


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
        self._asked_by = 0
        self._page = ""
        self._waits = False
        self._has_crashed = False
        self._again_at = NEVER
        self.is_gone = False

    def open(self) -> None:
        """Ask for the window that the browser opens."""
        self._browser.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)

    def look(self, now: float) -> None:
        """Ask for the kiosk page when it is time to, or when its address has changed (a start of the machine)."""
        if not self._window or (not self._asked and now < self._again_at):
            return
        address = self._address()
        if address and (address != self._asked or now >= self._again_at):
            self._asked, self._again_at = address, now + LOST_S
            self._asked_by = self._browser.send("Page.navigate", self._window, url=address)

    def hear(self, heard: dict[str, Any], now: float) -> None:
        """What the browser says."""
        said = heard.get("params", {})
        match heard.get("method"):
            case None if heard.get("id") == self._asked_by:
                self._answered(heard.get("result", {}))
            case "Target.attachedToTarget" if said["targetInfo"]["type"] == "page" and not self._window:
                self._take(said["sessionId"])
                self._again_at = now + FIRST_S
            case "Target.detachedFromTarget" if said["sessionId"] == self._window:
                self.is_gone = True
            case "Fetch.requestPaused":
                self._judge(said, now)
            case "Page.frameNavigated" if "parentId" not in said["frame"]:
                self._enter(said["frame"], now)
            case "Page.lifecycleEvent":
                self._follow(said["name"], said["loaderId"] == self._page, now)
            case "Inspector.targetCrashed" if heard["sessionId"] == self._window:
                self._reopen(now)

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

    def _answered(self, result: dict[str, Any]) -> None:
        """Where the window is at that address already, navigating only looks for what the hash names: there it is loaded anew."""
        if "frameId" in result and not result.keys() & {"loaderId", "errorText"}:
            self._browser.send("Page.reload", self._window)

    def _enter(self, frame: dict[str, Any], now: float) -> None:
        """A document takes the window. Where the kiosk page's own worker brings it, it is not looked at beforehand."""
        is_page = not self._waits and "unreachableUrl" not in frame and _origin(frame["url"]) == _origin(self._asked)
        self._page, self._waits = frame["loaderId"] if is_page else "", False
        if not is_page and self._asked:
            self._again_at = now + AGAIN_S

    def _follow(self, step: str, is_page: bool, now: float) -> None:
        """What becomes of the document in the window."""
        if step == ARRIVED and is_page:
            self._again_at, self._has_crashed = NEVER, False
        elif step == PAINTED:
            self._painted(is_page)
            if not self._asked:
                self._again_at = now

    def _reopen(self, now: float) -> None:
        """The page's process has ended. Ask at once, then each second: the new process may end as well."""
        log.warning("the page's process has crashed; the page is opened again")
        self._again_at = now + AGAIN_S if self._has_crashed else now
        self._has_crashed = True

    def _judge(self, paused: dict[str, Any], now: float) -> None:
        """A document is there, or is known not to come."""
        failed = paused.get("responseErrorReason") or (
            paused["responseStatusCode"] if paused.get("responseStatusCode", 0) >= FAILS_FROM else ""
        )
        is_strange = _origin(paused["request"]["url"]) != _origin(self._asked)
        self._waits = bool(failed) or is_strange
        if not self._waits:
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

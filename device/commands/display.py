"""`daka-display`: the browser of the kiosk's screen, started inside the compositor. One page, one window, nothing kept.

A sign of life is given only while both the compositor and the page's own process answer. A page that answers no more ends all of
this, and the supervisor starts it again. `daka-display wait COMPOSITOR ...` comes before all of that: it becomes the compositor
once there is a screen.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from device import service
from device.screen import compositor, outputs, pipe, stage

log = logging.getLogger(__name__)

BROWSER = "/usr/bin/chromium"
ADDRESS = Path("/run/daka/page/page.url")
LOOK_S = 0.1
SIGN_EVERY_S = 5.0
SCREEN_EVERY_S = 2.0
HANGS_S = 20.0  # whoever touches a page that has not answered for so long finds it dead
# Everything that a browser does by itself beside showing a page is switched off; what is left cannot leave the private loopback.
OPTIONS = (
    "--kiosk",
    "--remote-debugging-pipe",
    "--ozone-platform=wayland",
    "--no-first-run",
    "--noerrdialogs",
    "--hide-crash-restore-bubble",
    "--disable-translate",
    "--disable-infobars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-breakpad",
    "--log-level=3",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
    "--password-store=basic",
    "--autoplay-policy=no-user-gesture-required",
    "--disk-cache-size=1",
)


def command(profile: Path, first: str) -> tuple[str, ...]:
    """The browser's command line; `profile` lies in memory and goes with the service. The address that lets in is not in it."""
    return (BROWSER, *OPTIONS, f"--user-data-dir={profile}", first)


def address() -> str:
    """The kiosk page's address with the token of this boot; empty before the kiosk daemon has written it."""
    try:
        return ADDRESS.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return ""


class Signs:
    """What systemd hears: ready with the first screen, alive while page and compositor answer."""

    def __init__(self, under: service.Service, wayland: Path, started: float) -> None:
        self._under, self._wayland, self._started = under, wayland, started
        self._is_shown, self._next = False, 0.0
        self._questions: dict[int, float] = {}

    def painted(self, is_page: bool) -> None:
        """Something new can be seen."""
        took = time.monotonic() - self._started
        what = "the kiosk page" if is_page else "the waiting page"
        log.info("%s is painted, %.1f s after the display's start", what, took)
        self._under.ready(f"shows {what}")
        self._is_shown = True

    def ask(self, browser: pipe.Pipe, window: str, now: float) -> None:
        """Ask the page's process for an answer, now and then; pipe.BrowserEnded where none comes."""
        if self._questions and now > min(self._questions.values()) + HANGS_S:
            raise pipe.BrowserEnded("the page's process answers no more")
        if self._is_shown and now >= self._next:
            self._next = now + SIGN_EVERY_S
            self._questions[browser.send("Runtime.evaluate", window, expression="1")] = now

    def heard(self, heard: dict[str, Any]) -> None:
        """What the browser says: with its answer the page's process lives; so must the compositor."""
        if self._questions.pop(heard.get("id", 0), None) is not None and "result" in heard:
            self._questions.clear()
            if compositor.answers(self._wayland):
                self._under.alive()


def _for_the_browser(environment: Mapping[str, str]) -> dict[str, str]:
    """What is ours alone is left out: a page's process has nothing to say to systemd."""
    return {name: value for name, value in environment.items() if not name.startswith(("NOTIFY_", "WATCHDOG_", "DAKA_"))}


def step(browser: pipe.Pipe, shown: stage.Stage, signs: Signs) -> dict[str, Any] | None:
    """The next thing that the browser says, if it says one, and what follows from it."""
    heard = browser.hear(LOOK_S)
    now = time.monotonic()
    if heard is not None:
        shown.hear(heard, now)
        signs.heard(heard)
    else:
        signs.ask(browser, shown.window, now)  # not before all that it has said is heard
    shown.look(now)
    return heard


def lead(browser: pipe.Pipe, shown: stage.Stage, signs: Signs) -> None:
    """Until the window or the browser is gone."""
    shown.open()
    while not shown.is_gone:
        step(browser, shown, signs)


def wait_for_a_screen(under: service.Service, drm: Path = outputs.DRM) -> None:
    """Ready without one: a monitor that is switched off at night is no failure, and no fault of the version that runs."""
    if not outputs.is_missing(drm):
        return
    log.info("no screen is connected")
    under.ready("no screen is connected")
    while outputs.is_missing(drm):
        under.alive()
        time.sleep(SCREEN_EVERY_S)


def main() -> None:
    """Show the waiting page at once, the kiosk page when it comes; the supervisor starts all of it again if it ends."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    if sys.argv[1:2] == ["wait"]:
        wait_for_a_screen(service.from_environment(os.environ, os.getpid()))
        os.execv(sys.argv[2], sys.argv[2:])
    if not {"XDG_RUNTIME_DIR", "WAYLAND_DISPLAY"} <= os.environ.keys():
        sys.exit("daka-display: a kiosk's daka-display.service starts this inside the compositor; by hand it shows nothing")
    started = time.monotonic()
    run = Path(os.environ["XDG_RUNTIME_DIR"])
    shutil.rmtree(run / "browser", ignore_errors=True)
    waiting = resources.files("device.screen").joinpath("waiting.html")
    with resources.as_file(waiting) as file:
        browser = pipe.start(command(run / "browser", file.as_uri()), _for_the_browser(os.environ))
        signs = Signs(service.from_environment(os.environ, os.getpid()), run / os.environ["WAYLAND_DISPLAY"], started)
        try:
            lead(browser, stage.Stage(browser, address, file.read_bytes(), signs.painted), signs)
        except pipe.BrowserEnded as error:
            log.error("%s", error)
        browser.process.kill()  # it may hang, and leaves nothing behind
    sys.exit("the browser's window is gone")

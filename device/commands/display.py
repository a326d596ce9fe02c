"""`daka-display`: the browser of the kiosk's screen, started inside the compositor. One page, one window, nothing kept."""

from __future__ import annotations

import os
import time
from pathlib import Path

BROWSER = "/usr/bin/chromium"
ADDRESS = Path("/run/daka/page/page.url")
PATIENCE_S = 60.0
# Everything that a browser does by itself beside showing a page is switched off; what is left cannot leave the private loopback.
OPTIONS = (
    "--kiosk",
    "--ozone-platform=wayland",
    "--no-first-run",
    "--noerrdialogs",
    "--disable-translate",
    "--disable-infobars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-pinch",
    "--overscroll-history-navigation=0",
    "--password-store=basic",
    "--autoplay-policy=no-user-gesture-required",
    "--disk-cache-size=1",
)


def command(profile: Path, url: str) -> tuple[str, ...]:
    """The browser's command line; `profile` lies in memory and goes with the machine."""
    return (BROWSER, *OPTIONS, f"--user-data-dir={profile}", url)


def main() -> None:
    """Wait for the page's address and become the browser; the supervisor starts it again if it ends."""
    deadline = time.monotonic() + PATIENCE_S
    while not ADDRESS.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    arguments = command(Path(os.environ["XDG_RUNTIME_DIR"]) / "browser", ADDRESS.read_text(encoding="ascii").strip())
    os.execv(arguments[0], arguments)

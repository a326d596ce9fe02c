"""Debian's Chromium, driven by Playwright, for tests of what people see."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

# No sandbox: tests run as root in containers. The rest keeps Chromium from asking anybody anything.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
)

expect.set_options(timeout=25_000)  # milliseconds; what is there sooner is seen sooner, and some machines have other work


def program() -> str:
    """Where Chromium is; without it the test fails, since the packages of `make test` have it."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("chromium is missing; run: tools/packages.sh test", pytrace=False)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong on the page as it is now: rule, and the elements that break it."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {', '.join(str(node['target']) for node in rule['nodes'])}" for rule in found]

"""Looking at pages in Chromium: which there are, whether the right one is open, barriers in both themes, and pictures of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page, expect

from tests.web_ui.running import NAMES, PASSWORD, Office

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens" / "web"
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
ORDINARY = {
    "people": (
        "/", "/today/people", "/people", "/people/new", "/people/import", "/people/photographs", "/people/1001",
        "/people/1001/change", "/people/1001/consent", "/people/1001/ways", "/people/1001/erase",
        "/people/1002/withdraw", "/people/1003/sitting",
    ),
    "records": (
        "/punches", "/punches/5", "/punches/5/correct", "/punches/5/void", "/punches/new", "/locks", "/sync", "/sync/test",
        "/health", "/recognition", "/audit",
    ),
    "house": (
        "/privacy", "/privacy/components", "/privacy/requests", "/privacy/retention", "/privacy/texts", "/accounts",
        "/accounts/new", "/accounts/1", "/accounts/1/role", "/accounts/1/password", "/accounts/1/remove",
        "/me", "/me/password", "/me/second-factor",
    ),
    "kiosk": (
        "/settings", "/settings/restart", "/settings/kiosk", "/backups", "/backups/restore", "/updates", "/updates/bring", "/setup",
        "/setup/enterprise", "/setup/camera", "/setup/person", "/setup/health", "/nothing-here",
    ),
}  # fmt: skip
EVERY_ORDINARY = tuple(path for paths in ORDINARY.values() for path in paths)
STATUS = {"/nothing-here": 404}
DIFFERING = {  # where a role finds less than the administrator does
    "operator": ("/", "/people/1001", "/punches/5", "/recognition", "/settings", "/updates"),
    "auditor": (
        "/", "/people", "/people/1001", "/punches", "/punches/5", "/locks", "/recognition", "/privacy/requests", "/accounts",
        "/settings/kiosk",
    ),
}  # fmt: skip
MAIN = ("/", "/people", "/people/1001", "/punches", "/locks", "/health", "/settings")  # also in pictures of other sizes


def name_of(path: str) -> str:
    return path.strip("/").replace("/", "-") or "today"


def picture(page: Page, name: str) -> None:
    if not os.environ.get("DAKA_SCREENS"):
        return
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SCREENS / f"{name}.png"), full_page=True)


def visit(page: Page, address: str, status: int = 200) -> None:
    """Opened, and no other page in its place: neither a refusal nor the door."""
    answer = page.goto(address)
    assert answer is not None
    assert (answer.status, page.url) == (status, address)


def without_barriers(page: Page, rules: dict[str, Any] | None = None) -> None:
    """A page that renews itself while it is looked at is looked at again; another page is not."""
    here = page.url
    for last in (False, False, True):
        try:
            found = Axe().run(page, options={"resultTypes": ["violations"], **(rules or {})})
            break
        except Error:
            if last:
                raise
            page.wait_for_load_state()
    assert page.url == here, "what was looked at is not the page that was meant"
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


def says(page: Page, words: str) -> None:
    """Until the page that a click leads to says it: the click does not wait for that page."""
    expect(page.locator("main")).to_contain_text(words)


def sign_in(page: Page, office: Office, role: str = "administrator") -> None:
    """Through the door, as somebody of that role."""
    typed_at_the_door(page, office, NAMES[role])
    page.wait_for_url(f"{office.url}/")


def typed_at_the_door(page: Page, office: Office, name: str) -> None:
    page.goto(office.url)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def both_themes(page: Page, name: str) -> None:
    """All rules in the light, and those about colours again in the dark."""
    picture(page, f"{name}-light")
    without_barriers(page)
    page.emulate_media(color_scheme="dark")
    picture(page, f"{name}-dark")
    without_barriers(page, COLOURS)
    page.emulate_media(color_scheme="light")


def fits(page: Page, path: str) -> None:
    """Nothing stands beyond the screen's edge."""
    wide, screen = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide <= screen, f"{path} is wider than {screen}"

"""The web UI in a real browser: an administrator's first day, both themes without a barrier, no word to any other host.

With DAKA_SCREENS set, as `make screenshots` does, pictures of every page go to build/screens/web, for people to look at.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, expect

from tests import browser
from tests.broker import Broker
from tests.inviting import House
from tests.web_ui import crawling, looks, running
from tests.web_ui.behind_forms import BEHIND_FORMS
from tests.web_ui.bridge import bridged
from tests.web_ui.looks import both_themes, fits, name_of, picture, says, sign_in, visit, without_barriers
from tests.web_ui.running import NAMES, PASSWORD, Office

FIRST_RUN_S = 120.0  # of ten minutes that a person may take, what the pages themselves take on a busy machine
DESK, TELEPHONE, SIZES = {"width": 1280, "height": 800}, {"width": 390, "height": 844}, ((1024, 600), (800, 1280), (1920, 1080))
FILES = {
    "people.empty_list", "photographs.lines", "punches.exported", "recognition.download", "backups.download",
}  # fmt: skip
ELSEWHERE = {  # looked at by the tests of the first day, of the door, and of what is behind a form; the last is part of a page
    "entrance.first", "entrance.login", "entrance.second", "entrance.recover", "entrance.recovered", "me.second_factor_off",
    "people.looked", "recognition.report", "recognition.shown", "today.live",
}  # fmt: skip
pytestmark = pytest.mark.timeout(300)  # what a person's patience allows is asserted; this only ends what hangs


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with browser.chromium() as found:
        yield found


@pytest.fixture(scope="module")
def fresh() -> Iterator[Office]:
    """A kiosk of its own, with nobody's account yet."""
    with tempfile.TemporaryDirectory(prefix="daka-") as folder, running.office(Path(folder), 30, 60) as found:
        yield found


@pytest.fixture(scope="module")
def settled(fresh: Office) -> Office:
    """With its first administrator, whom the first day leaves behind; also where that day was not played."""
    with fresh.admin() as kiosk:
        purpose = kiosk.web_notice().purpose  # another code may stand on the screen: the enterprise's, at joining
    if purpose == "first_administrator":
        running.first_administrator(fresh).client.close()
    return fresh


@pytest.fixture(scope="module")
def crowded(settled: Office) -> Office:
    """With somebody of each role."""
    with running.signed_in(settled, "administrator") as administrator:
        for colleague in running.colleagues(settled, administrator).values():
            colleague.client.close()
    return settled


@dataclass
class Enterprise:
    """An authority, a broker, an ingester and a join service, as the enterprise would run them."""

    broker: Broker
    house: House


@pytest.fixture(scope="module")
def enterprise() -> Iterator[Enterprise]:
    with tempfile.TemporaryDirectory(prefix="daka-") as folder:
        broker = Broker(Path(folder))
        broker.prepare(())
        broker.start()
        house = House(Path(folder), pki=broker.certificates)
        own = broker.certificate_of("ingest")
        files = ("--ca", str(broker.root), "--cert", str(own.certificate), "--key", str(own.key))
        where = ("--database", house.database, "--keys", str(house.keys), "--broker", broker.address)
        command = (sys.executable, "-m", "enterprise.commands.main", "ingest", *where, *files)
        with (Path(folder) / "ingest.log").open("wb") as log:
            ingester = subprocess.Popen(command, stdout=log, stderr=log)
        yield Enterprise(broker, house)
        ingester.terminate()
        ingester.wait(15)
        house.close()
        broker.stop()


@pytest.fixture
def opened(chromium: Chromium, fresh: Office) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts that may speak to this web UI alone, and fail on a script's error or a refused policy."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def make(**options: Any) -> BrowserContext:
        context = chromium.new_context(ignore_https_errors=True, **{"viewport": DESK, "locale": "en", **options})
        context.on("request", lambda request: troubles.extend([request.url] if not request.url.startswith(fresh.url) else []))
        context.on("console", lambda message: troubles.extend([message.text] if message.type == "error" else []))
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        context.set_default_timeout(20_000)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    expected = ("status of 403", "status of 404", "status of 422", "status of 503", "net::ERR_")
    assert not [trouble for trouble in troubles if not any(words in trouble for words in expected)]


def join(page: Page, office: Office, enterprise: Enterprise) -> None:
    """In the wizard, with the kiosk's screen in view and somebody at the enterprise who compares the code."""
    office.start("uplink")
    page.get_by_label("Invitation").fill(enterprise.house.invite("kiosk-7"))
    page.get_by_role("button", name="Show the code on the kiosk").click()
    page.get_by_label("Code on the kiosk's screen").wait_for()
    without_barriers(page)
    page.get_by_label("Code on the kiosk's screen").fill(office.code())
    page.get_by_role("button", name="Join", exact=True).click()
    code = page.locator("code.code").inner_text()
    assert code == office.code(), "the kiosk's own screen shows the same"
    picture(page, "setup-enterprise-waiting")
    running.until("the request is there", lambda: code in [one.code for one in enterprise.house.waiting()])
    enterprise.house.confirm(code, broker=enterprise.broker.address)
    for daemon in ("kiosk", "uplink"):
        office.restart(daemon)
    page.get_by_text("This kiosk has joined the enterprise.").wait_for(timeout=40_000)
    picture(page, "setup-enterprise-joined")
    without_barriers(page)


def test_an_administrators_first_day(
    opened: Callable[..., BrowserContext], fresh: Office, enterprise: Enterprise, photograph: bytes
) -> None:
    """From the code on the kiosk's screen through the wizard, where it joins its enterprise, to the first enrolment, correction,
    export and erasure; and all of it has arrived at the server."""
    page = opened().new_page()
    page.goto(fresh.url)
    picture(page, "first")
    without_barriers(page)
    began = time.monotonic()
    page.get_by_label("Code on the kiosk's screen").fill(fresh.code())
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    page.get_by_role("button", name="Become administrator").click()
    page.get_by_label("Name of the enterprise").fill("晨光科技")
    page.get_by_label("Time zone").select_option("Asia/Taipei")
    page.get_by_role("button", name="Write and go on").click()
    join(page, fresh, enterprise)
    for step in ("camera", "person"):
        page.get_by_role("link", name="Go on").click()
        page.wait_for_url(f"{fresh.url}/setup/{step}")
    page.get_by_role("link", name="Add a person").click()
    page.get_by_label("Employee number").fill("7001")
    page.get_by_label("Name", exact=True).fill("Barack")
    page.keyboard.press("Enter")  # as everybody does: it sends the form, and is no button beside it
    page.get_by_role("link", name="Record a consent").click()
    page.get_by_label("The person has read this text").check()
    page.get_by_role("button", name="Record the consent").click()
    page.get_by_role("link", name="Enrol from a photograph").click()
    page.get_by_label("Photograph").wait_for()  # the click does not wait for the page that it leads to
    picture(page, "enrol")
    without_barriers(page)
    page.get_by_label("Photograph").set_input_files({"name": "p.jpg", "mimeType": "image/jpeg", "buffer": photograph})
    page.get_by_role("button", name="Enrol").click()
    says(page, "the photograph is gone")
    page.goto(f"{fresh.url}/setup/person")
    page.get_by_role("link", name="Go on").click()
    says(page, "People and templates")
    page.get_by_role("link", name="Done").click()
    page.wait_for_url(f"{fresh.url}/")
    assert time.monotonic() - began < FIRST_RUN_S, "from the code on the screen to a kiosk that knows its first person"
    page.goto(f"{fresh.url}/punches")
    page.locator("tbody a").first.click()
    page.get_by_role("link", name="Correct").click()
    page.get_by_label("Direction").select_option("out")
    page.get_by_label("Reason").fill("went the other way")
    page.get_by_role("button", name="Correct").click()
    says(page, "went the other way")
    page.goto(f"{fresh.url}/punches")
    page.get_by_role("button", name="XLSX").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".xlsx")
    page.goto(f"{fresh.url}/people/7001/erase")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Erase for good").click()
    says(page, "nothing remains")
    with fresh.admin() as kiosk:
        running.until("the server has signed for every record", lambda: kiosk.status().acknowledged == kiosk.status().last)


def test_the_door_is_without_barriers_in_both_themes(opened: Callable[..., BrowserContext], settled: Office) -> None:
    """Also for whoever lost a password, and for whoever has a second factor."""
    page = opened().new_page()
    for path in ("/login", "/recover"):
        visit(page, settled.url + path)
        both_themes(page, name_of(path))
    page.get_by_label("User name").fill(NAMES["administrator"])
    page.keyboard.press("Enter")
    page.get_by_label("Code on the kiosk's screen").wait_for()
    both_themes(page, "recover-code")
    with running.signed_in(settled, "administrator") as administrator:
        twofold, secret = crawling.twofold(settled, administrator)
    twofold.client.close()
    looks.typed_at_the_door(page, settled, crawling.TWOFOLD)
    page.wait_for_url(f"{settled.url}/login/second**")
    both_themes(page, "login-second")
    page.get_by_role("textbox").fill(running.fresh_code(settled, crawling.TWOFOLD, secret))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{settled.url}/")
    visit(page, f"{settled.url}/me/second-factor/off")
    both_themes(page, "second-factor-off")


@pytest.mark.parametrize("area", looks.ORDINARY)
def test_every_page_is_without_barriers_in_both_themes(opened: Callable[..., BrowserContext], settled: Office, area: str) -> None:
    page = opened().new_page()
    sign_in(page, settled)
    for path in looks.ORDINARY[area]:
        visit(page, settled.url + path, looks.STATUS.get(path, 200))
        both_themes(page, name_of(path))
        fits(page, path)


def test_every_page_behind_a_form_is_without_barriers_too(opened: Callable[..., BrowserContext], settled: Office) -> None:
    """Reports, what is asked again, what is shown once, and every kind of no."""
    page = opened().new_page()
    sign_in(page, settled)
    for name, reach in BEHIND_FORMS.items():
        reach(page, settled)
        both_themes(page, name)
    page.goto(f"{settled.url}/recognition#reports")
    page.get_by_role("link", name="report.html").click()
    with page.context.expect_page() as window:
        page.get_by_role("link", name="Open the report").click()
    shown = opened(bypass_csp=True).new_page()  # its own policy runs no script, also not the one that looks for barriers
    shown.set_content(window.value.content())
    both_themes(shown, "report-page")


def test_no_page_is_left_out_that_work_leads_to(opened: Callable[..., BrowserContext], settled: Office, photograph: bytes) -> None:
    """Lists, exports, backups, locks: whatever answers is among the ordinary pages, here, or elsewhere by name."""
    page, seen = opened().new_page(), {crawling.endpoint(path) for path in looks.EVERY_ORDINARY if path not in looks.STATUS}
    sign_in(page, settled)
    with running.signed_in(settled, "administrator") as administrator, bridged(settled):
        for endpoint, path in crawling.worked(settled, administrator, photograph).endpoints().items():
            if endpoint not in seen | FILES | ELSEWHERE:
                visit(page, settled.url + path)
                both_themes(page, endpoint.replace(".", "-"))
                seen.add(endpoint)
    assert crawling.TO_BE_SEEN - seen == FILES | ELSEWHERE


@pytest.mark.parametrize("role", looks.DIFFERING)
def test_what_other_roles_are_shown_is_without_barriers(opened: Callable[..., BrowserContext], crowded: Office, role: str) -> None:
    page = opened().new_page()
    sign_in(page, crowded, role)
    for path in looks.DIFFERING[role]:
        visit(page, crowded.url + path)
        picture(page, f"{name_of(path)}-{role}")
        without_barriers(page)
    visit(page, f"{crowded.url}/backups", 403)
    without_barriers(page)


@pytest.mark.parametrize("path", ["/updates", "/people/photographs", "/punches/5"])
def test_what_is_set_as_it_was_written_never_scrolls_sideways(
    opened: Callable[..., BrowserContext], settled: Office, path: str
) -> None:
    """Nobody could scroll it by keyboard. How wide an enterprise's number is hangs on its letters."""
    page = opened().new_page()
    sign_in(page, settled)
    visit(page, settled.url + path)
    wide = """() => {
      const shown = document.createElement("pre");
      document.querySelector("main").append(shown);
      shown.textContent = "W".repeat(400);
      return [...document.querySelectorAll("pre")].filter((one) => one.scrollWidth > one.clientWidth).length;
    }"""
    assert page.evaluate(wide) == 0


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_pages_fit_a_telephone_in_chinese(opened: Callable[..., BrowserContext], settled: Office, locale: str) -> None:
    """Nothing is wider than the screen, and in one of them barriers are looked for."""
    page = opened(viewport=TELEPHONE, locale="en").new_page()
    sign_in(page, settled)
    page.get_by_role("button", name={"zh-CN": "简体中文", "zh-TW": "繁體中文"}[locale]).click()
    expect(page.locator("html")).to_have_attribute("lang", locale)
    for path in looks.EVERY_ORDINARY if os.environ.get("DAKA_SCREENS") else looks.MAIN:
        visit(page, settled.url + path, looks.STATUS.get(path, 200))
        picture(page, f"{name_of(path)}-{locale}")
        fits(page, path)
        if locale == "zh-TW" and path in looks.MAIN:
            without_barriers(page)
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")  # the account's own, for the tests that follow


def test_the_main_pages_fit_every_screen(opened: Callable[..., BrowserContext], settled: Office) -> None:
    """Nothing is wider than it, and a table is as wide as what stands in it."""
    page = opened().new_page()
    sign_in(page, settled)
    empty = """() => [...document.querySelectorAll("main table")].map((table) =>
        table.getBoundingClientRect().right - Math.max(...[...table.rows].map((row) => row.getBoundingClientRect().right)))"""
    for path in looks.MAIN:
        visit(page, settled.url + path)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            picture(page, f"{name_of(path)}-{width}x{height}")
            fits(page, path)
            assert all(beside <= 2 for beside in page.evaluate(empty)), (path, width)


def test_on_a_telephone_the_menu_is_one_line_until_somebody_opens_it(
    opened: Callable[..., BrowserContext], settled: Office
) -> None:
    page = opened(viewport=TELEPHONE, locale="en").new_page()
    sign_in(page, settled)
    people = page.get_by_role("navigation").get_by_role("link", name="People", exact=True)
    expect(people).to_be_hidden()
    heading = page.get_by_role("heading", level=1).bounding_box()
    assert heading is not None
    assert heading["y"] < TELEPHONE["height"] / 4, "what the page is about is seen first"
    page.get_by_text("Menu", exact=True).click()
    without_barriers(page)
    people.click()
    page.wait_for_url(f"{settled.url}/people")
    expect(people).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(people).to_be_visible()


def test_the_whole_door_can_be_opened_with_the_keyboard_alone(opened: Callable[..., BrowserContext], settled: Office) -> None:
    page = opened().new_page()
    page.goto(f"{settled.url}/login")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text('Today')")
    page.goto(f"{settled.url}/")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Punches":
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"{settled.url}/punches")


def test_everything_but_live_parts_works_without_script(opened: Callable[..., BrowserContext], settled: Office) -> None:
    page = opened(java_script_enabled=False).new_page()
    sign_in(page, settled)
    assert page.get_by_role("link", name="Refresh").is_visible()
    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_label("Number or name").fill("小明")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/people?**")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("王小明")


def test_a_page_lives_through_a_restart_of_each_daemon(opened: Callable[..., BrowserContext], settled: Office) -> None:
    """The live part stands still meanwhile, is marked and stays legible, and goes on by itself; nobody is signed out."""
    page = opened().new_page()
    sign_in(page, settled)
    for daemon in ("kiosk", "web"):
        settled.stop(daemon)
        page.wait_for_selector(".stale", timeout=15_000)
        if daemon == "kiosk":
            both_themes(page, "today-stale")
            away = page.context.new_page()
            visit(away, f"{settled.url}/people", 503)
            both_themes(away, "kiosk-away")
            away.close()
        settled.start(daemon)
        page.wait_for_selector("[data-live]:not(.stale)", timeout=40_000)
    assert page.locator("h1").inner_text() == "Today"

"""The web UI in a real browser: an administrator's first day, both themes without a barrier, no word to any other host.

With DAKA_SCREENS set, as `make screenshots` does, pictures of every page go to build/screens/web, for people to look at.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Error, Page, expect

from models.evaluation import presentation
from models.evaluation.about import About
from models.evaluation.presentation import Attempt, Outcome
from tests import browser
from tests.broker import Broker
from tests.inviting import House
from tests.web_ui import running
from tests.web_ui.running import PASSWORD, Office

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens" / "web"
FIRST_RUN_S = 120.0  # of ten minutes that a person may take, what the pages themselves take on a busy machine
DESK, TELEPHONE, UPRIGHT = {"width": 1280, "height": 800}, {"width": 390, "height": 844}, {"width": 800, "height": 1280}
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
PASSPHRASE = "seven old harbour lamps"
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
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
    expected = ("status of 404", "status of 422", "status of 503", "net::ERR_")
    assert not [trouble for trouble in troubles if not any(words in trouble for words in expected)]


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


def sign_in(page: Page, office: Office, name: str = "ada") -> None:
    page.goto(office.url)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{office.url}/")


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
    page = opened().new_page()
    page.goto(f"{settled.url}/login")
    both_themes(page, "login")


@pytest.mark.parametrize("area", ORDINARY)
def test_every_page_is_without_barriers_in_both_themes(opened: Callable[..., BrowserContext], settled: Office, area: str) -> None:
    page = opened().new_page()
    sign_in(page, settled)
    for path in ORDINARY[area]:
        page.goto(settled.url + path)
        both_themes(page, name_of(path))
        assert page.evaluate("document.documentElement.scrollWidth") <= DESK["width"], f"{path} is wider than the screen"


def test_every_page_behind_a_form_is_without_barriers_too(opened: Callable[..., BrowserContext], settled: Office) -> None:
    """Reports, what is asked again, backups and the way back, what is shown once, and every kind of no."""
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


def settings_asked_again(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/settings")
    page.locator("[id='liveness.passive']").uncheck()
    page.get_by_role("button", name="Write the settings").click()
    page.get_by_role("heading", name="Change these settings?").wait_for()


def report(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/recognition")
    for name, content in (("report.json", b'{"people": {"count": 12}, "fmr": {"at": 0.49}}'), ("report.html", measured().encode())):
        page.get_by_label("Report").set_input_files({"name": name, "mimeType": "text/html", "buffer": content})
        page.get_by_role("button", name="Keep the report").click()
        page.get_by_role("link", name=name).wait_for()
    page.get_by_role("link", name="report.json").click()
    page.get_by_role("heading", name="report.json").wait_for()


def measured() -> str:
    """As `daka evaluate --attacks` writes it."""
    outcomes = [Attempt(species, outcome) for species in ("", "print") for outcome in Outcome for _ in range(9)]
    about = About(
        "Liveness", datetime(2026, 1, 2, tzinfo=UTC), "synced", "a machine", {"daka": "1"}, {"yunet": "0" * 64}, {"a": "b"}
    )
    return presentation.page(presentation.counted(outcomes, "learned", 0, "f" * 64), about)


def backup(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/backups")
    for label, text in (("Passphrase", PASSPHRASE), ("Passphrase again", PASSPHRASE), ("Your password", PASSWORD)):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Make a backup").click()
    page.get_by_role("link", name="Download").wait_for()


def restore(page: Page, office: Office) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    page.goto(f"{office.url}/backups/restore")
    page.get_by_label("Backup").set_input_files(download.value.path())
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Look into it").click()
    page.get_by_role("button", name="Restore this backup").wait_for()


def refused_backup(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/backups/restore")
    page.get_by_label("Backup").set_input_files({"name": "b", "mimeType": "a/b", "buffer": b"no backup at all"})
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Look into it").click()
    page.locator(".flash.error").wait_for()


def list_refused(page: Page, office: Office) -> None:
    table = "number,name,expires\n9001,王芳,\n9002,,\n9003,Ada,tomorrow\n9001,Again,\n"
    page.goto(f"{office.url}/people/import")
    page.get_by_label("CSV file").set_input_files({"name": "l.csv", "mimeType": "text/csv", "buffer": table.encode()})
    page.get_by_role("button", name="Look at the list").click()
    page.locator(".counts").wait_for()


def photographs_refused(page: Page, office: Office) -> None:
    """Nobody of these has agreed; what the ZIP lacks is said as well."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("1004.jpg", b"\xff\xd8\xff")
        made.writestr("table.csv", "number,photograph\n1004,1004.jpg\n1005,1005.jpg\n")
    page.goto(f"{office.url}/people/photographs")
    page.get_by_label("ZIP file").set_input_files({"name": "p.zip", "mimeType": "application/zip", "buffer": archive.getvalue()})
    page.get_by_role("button", name="Look at the photographs").click()
    page.locator(".counts").wait_for()


def pin_shown(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/people/1004/ways")
    page.get_by_role("button", name="Draw a new PIN").click()
    says(page, "shown once")


def code_shown(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/people/1004/ways")
    page.get_by_role("button", name="Make a new code").click()
    says(page, "Print this code")


def wrong_password(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/people/1005/erase")
    page.get_by_label("Your password").fill("not the password")
    page.get_by_role("button", name="Erase for good").click()
    page.locator(".error").first.wait_for()


def punch_voided(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/punches/12/void")
    page.get_by_label("Reason").fill("a colleague's badge")
    page.get_by_role("button", name="Void").click()
    page.locator("h1:text('Punch 12')").wait_for()


def chain_checked(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/sync")
    page.get_by_role("button", name="Check the whole chain").click()
    page.locator(".flash").wait_for()


def kiosk_says_no(page: Page, office: Office) -> None:
    page.goto(f"{office.url}/people/nobody")


BEHIND_FORMS = {
    "settings-asked-again": settings_asked_again, "report": report, "backup-made": backup, "restore-looked": restore,
    "restore-refused": refused_backup, "import-refused": list_refused,
    "photographs-refused": photographs_refused, "pin-shown": pin_shown, "code-shown": code_shown,
    "wrong-password": wrong_password, "punch-voided": punch_voided, "chain-checked": chain_checked, "kiosk-says-no": kiosk_says_no,
}  # fmt: skip


def both_themes(page: Page, name: str) -> None:
    """All rules in the light, and those about colours again in the dark."""
    picture(page, f"{name}-light")
    without_barriers(page)
    page.emulate_media(color_scheme="dark")
    picture(page, f"{name}-dark")
    without_barriers(page, COLOURS)
    page.emulate_media(color_scheme="light")


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_pages_fit_a_telephone_in_chinese(opened: Callable[..., BrowserContext], settled: Office, locale: str) -> None:
    """Nothing is wider than the screen, and Chinese is set in a Chinese face."""
    page = opened(viewport=TELEPHONE, locale="en").new_page()
    sign_in(page, settled)
    page.get_by_role("button", name={"zh-CN": "简体中文", "zh-TW": "繁體中文"}[locale]).click()
    expect(page.locator("html")).to_have_attribute("lang", locale)
    for path in (
        EVERY_ORDINARY
        if os.environ.get("DAKA_SCREENS")
        else ("/", "/people", "/punches", "/settings", "/privacy", "/people/1002/ways")
    ):
        page.goto(settled.url + path)
        picture(page, f"{name_of(path)}-{locale}")
        assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"], path
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")  # the account's own, for the tests that follow


def test_a_table_on_an_upright_screen_is_as_wide_as_what_stands_in_it(
    opened: Callable[..., BrowserContext], settled: Office
) -> None:
    page = opened(viewport=UPRIGHT).new_page()
    sign_in(page, settled)
    empty = """() => [...document.querySelectorAll("main table")].map((table) =>
        table.getBoundingClientRect().right - Math.max(...[...table.rows].map((row) => row.getBoundingClientRect().right)))"""
    for path in ("/", "/people", "/punches", "/accounts", "/audit"):
        visit(page, settled.url + path)
        assert all(beside <= 2 for beside in page.evaluate(empty)), path
        assert page.evaluate("document.documentElement.scrollWidth") <= UPRIGHT["width"], path


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


def test_a_live_part_that_stands_still_is_marked_and_stays_legible(opened: Callable[..., BrowserContext], settled: Office) -> None:
    page = opened().new_page()
    page.route("**/today/live", lambda route: route.abort())
    sign_in(page, settled)
    page.wait_for_selector(".stale")
    both_themes(page, "today-stale")


def test_a_page_lives_through_a_restart_of_each_daemon(opened: Callable[..., BrowserContext], settled: Office) -> None:
    """The live part stands still meanwhile and goes on by itself; nobody is signed out."""
    page = opened().new_page()
    sign_in(page, settled)
    for daemon in ("kiosk", "web"):
        settled.stop(daemon)
        page.wait_for_selector(".stale", timeout=15_000)
        if daemon == "kiosk":
            away = page.context.new_page()
            away.goto(f"{settled.url}/people")
            both_themes(away, "kiosk-away")
            away.close()
        settled.start(daemon)
        page.wait_for_selector("[data-live]:not(.stale)", timeout=40_000)
    assert page.locator("h1").inner_text() == "Today"

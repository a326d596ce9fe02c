"""Every screen of the kiosk page at four sizes, as pictures in build/screens to be looked at; nothing reaches over the edge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from device.page import words
from tests.e2e.kiosk import Kiosk
from tests.e2e.page import STILL_MS, rest, told_of_a_lock, told_otherwise

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
SIZES = ((1024, 600), (1280, 800), (800, 1280), (1920, 1080))
LOOKS = (
    *((size, "light", False, "zh-CN") for size in SIZES),
    ((1280, 800), "dark", False, "zh-TW"),
    ((1280, 800), "dark", True, "en"),
)
CONDITIONS = (
    "storage_full", "storage_failing", "camera_away", "camera_black", "locked", "clock_unknown", "clock_unsure", "server_away",
)  # fmt: skip
LEAST_PX = 48  # of a button: a fingertip, with some room (WCAG 2.5.5 wants 44, Material 48)
OTHERWISE: dict[str, dict[str, Any]] = {
    "buttons": {"abilities": ["choose", "break"]},
    "sitting": {"sitting": {"state": "sitting", "pose": "turn_left", "done": 1, "of": 3, "hint": "too_far", "templates": 0}},
    "messages": {"notices": ["东门今天六点关闭，请走西门。", "The canteen is closed on Friday."]},
    "office": {
        "notice": {
            "code": "27495163",
            "purpose": "first",
            "account": "",
            "addresses": ["https://192.0.2.7:8443"],
            "fingerprint": ":".join(["AB"] * 32),
        }
    },
}
PIN, NUMBER, BADGE = "274951", "1002", "a badge of 1002"

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


BUTTONS = """(document.getElementById("sheet").open ? document.getElementById("sheet") : document).querySelectorAll("button")
  .values().filter((one) => one.checkVisibility()).map((one) => [one.innerText || one.ariaLabel, one.offsetWidth, one.offsetHeight])
  .toArray()"""


@pytest.fixture(scope="module")
def kiosk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    """One for each language of the screen."""
    more = '[ways]\nbadge_reader = "/dev/input/no-reader"\n'
    made = Kiosk(tmp_path_factory.mktemp("screens"), more=more, language=request.param)
    made.start()
    made.employ("1001", "王小明", "zh-CN", photograph="obama.jpg")
    made.employ(NUMBER, "Annika Sørensen", "en", photograph="person_b_1.jpg", pin=PIN)
    made.personnel.add_badge(NUMBER, BADGE, "test")
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("kiosk", "look"),
    [(look[3], look) for look in LOOKS],
    ids=[f"{look[0][0]}x{look[0][1]}-{look[1]}{'-easy' if look[2] else ''}" for look in LOOKS],
    indirect=["kiosk"],
)
def test_every_screen_is_there_to_be_looked_at(kiosk: Kiosk, browser: Browser, look: Any) -> None:
    (width, height), scheme, easy, language = look
    folder = SCREENS / f"{width}x{height}-{scheme}{'-easy' if easy else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    page.goto(kiosk.url)
    expect(page.locator("#come-words")).to_have_text(words.catalogue(language)["idle.come"], timeout=25_000)
    prefer(page, easy=easy)

    def shoot(name: str) -> None:
        page.wait_for_timeout(250)
        page.screenshot(path=folder / f"{name}.png")
        assert page.evaluate(
            "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"
        )
        small = [words for words, *sides in page.evaluate(BUTTONS) if min(sides) < LEAST_PX]
        assert not small, (name, small)

    shoot("rest")
    walk_through_the_sheets(page, shoot)
    what_one_stamps(page, shoot, language, easy=easy)
    what_one_does(kiosk, page, shoot)
    somebody_comes(kiosk, page, shoot)
    for name, heard in OTHERWISE.items():
        told(page, heard, easy=easy)
        shoot(name)
    for name in CONDITIONS:
        told(page, {"conditions": [name], "backlog": 12}, easy=easy)
        shoot(f"condition-{name}")
    page.route("**/v1/scene*", lambda route: route.abort())
    page.reload()
    expect(page.locator("#away")).to_be_visible(timeout=25_000)
    shoot("away")
    page.unroute_all(behavior="ignoreErrors")
    context.close()


def walk_through_the_sheets(page: Page, shoot: Callable[[str], None]) -> None:
    for button in ("pin", "qr", "badge", "help", "language"):
        page.click(f"#b-{button}")
        shoot(button)
        page.keyboard.press("Escape")
    page.click("#b-pin")
    page.keyboard.type(NUMBER)
    page.keyboard.press("Enter")
    page.keyboard.type("9053")
    shoot("pin-secret")
    page.keyboard.type("17")
    page.keyboard.press("Enter")
    expect(page.locator(".said-no")).to_be_visible(timeout=25_000)
    shoot("pin-wrong")
    page.keyboard.press("Escape")
    for number in range(help_entries(page)):
        page.click("#b-help")
        page.locator(".choices-2 .wide").nth(number).click()
        page.wait_for_timeout(400)
        shoot(f"help-{number}")
        page.keyboard.press("Escape")


def prefer(page: Page, *, easy: bool) -> None:
    """What somebody chose; a page that was loaded anew knows no more of it. A sheet may lie over the buttons."""
    if easy:
        page.evaluate("document.getElementById('b-easy').click()")


def what_one_stamps(page: Page, shoot: Callable[[str], None], language: str, *, easy: bool) -> None:
    """As far as the page hears of it: which approval, the face, the press, and that it is done."""
    for stage in ("choose", "verify", "press", "done", "failed"):
        told_otherwise(page, abilities=["stamp"])
        told_of_a_lock(page, stage)
        prefer(page, easy=easy)
        page.click("#b-help")
        page.get_by_role("button", name=words.catalogue(language)["help.seal"]).click()
        for text in (NUMBER, PIN):
            expect(page.locator(".pad")).to_be_visible(timeout=25_000)
            page.keyboard.type(text)
            page.keyboard.press("Enter")
        if stage != "choose":
            page.locator(".sheet > .wide").click(timeout=25_000)
        page.wait_for_timeout(500)
        shoot(f"seal-{stage}")
        page.unroute_all(behavior="ignoreErrors")
        page.keyboard.press("Escape")


def help_entries(page: Page) -> int:
    page.click("#b-help")
    found = page.locator(".choices-2 .wide").count()
    page.keyboard.press("Escape")
    return found


def what_one_does(kiosk: Kiosk, page: Page, shoot: Callable[[str], None]) -> None:
    """Sheets behind number and PIN; two of the records were put right before."""
    voided, corrected, disputed = (punched(kiosk) for _ in range(3))
    kiosk.corrections.void(voided, "a colleague's badge", "web:li")
    kiosk.corrections.correct(corrected, "in", "", "pressed the wrong way", "web:li")
    kiosk.corrections.dispute(disputed, "not me", "kiosk")

    def sign() -> None:
        for text in (NUMBER, PIN):
            expect(page.locator(".pad")).to_be_visible(timeout=25_000)
            page.keyboard.type(text)
            page.keyboard.press("Enter")

    for name, entry, done in (("mine", 1, ".rows li"), ("pin-new", 4, ".pad .ask"), ("consent-signed", 2, ".said-yes")):
        page.click("#b-help")
        page.locator(".choices-2 .wide").nth(entry).click()
        if name == "consent-signed":
            page.locator(".choices-2 .wide").nth(1).click(timeout=25_000)
        if name != "pin-new":  # a new PIN is asked for with the old one, all else also with a face or a phone
            expect(page.locator(".choices-2 .wide").nth(2 if name == "mine" else 1)).to_be_visible(timeout=25_000)
            shoot(f"{name}-by")
            page.locator(".choices-2 .wide").first.click()
        sign()
        expect(page.locator(done).first).to_be_visible(timeout=25_000)
        page.wait_for_timeout(500)
        shoot(name)
        page.keyboard.press("Escape")


def punched(kiosk: Kiosk) -> int:
    rest()
    return kiosk.personnel.pin(NUMBER, PIN).seq


def somebody_comes(kiosk: Kiosk, page: Page, shoot: Callable[[str], None]) -> None:
    kiosk.walk_up("impostor_2.jpg", seconds=9.0)
    expect(page.locator("#mirror")).to_be_visible(timeout=25_000)
    shoot("somebody")
    expect(page.locator("#results > li[data-outcome='refused']").first).to_be_visible(timeout=25_000)
    shoot("stranger")
    kiosk.walk_up("obama2.jpg", seconds=9.0)
    expect(page.locator("#results > li[data-outcome='punched']").first).to_be_visible(timeout=25_000)
    shoot("result")
    for _ in range(2):
        punched(kiosk)
    expect(page.locator("#results > li[data-outcome='punched']").nth(1)).to_be_visible(timeout=25_000)
    shoot("results")
    page.wait_for_timeout(STILL_MS)
    page.locator("#results > li").first.locator(".choices button").last.click()
    expect(page.locator("#results .said").first).to_be_visible(timeout=25_000)
    shoot("changed")
    expect(page.locator("#results > li")).to_have_count(0, timeout=60_000)
    expect(page.locator("#mirror")).to_be_hidden(timeout=25_000)
    kiosk.personnel.badge(BADGE)  # says who it is; a face, or here a PIN, completes it
    expect(page.locator("#sheet")).to_be_visible(timeout=25_000)
    shoot("badge-completes")
    page.keyboard.press("Escape")


def told(page: Page, heard: dict[str, Any], *, easy: bool) -> None:
    """The same page, told something else by its daemon; only the screen is looked at here."""

    def change(route: Route) -> None:
        said = route.fetch().json()
        more = {name: [*said[name], *value] if name == "abilities" else value for name, value in heard.items()}
        route.fulfill(body=json.dumps(said | more), content_type="application/json")

    page.unroute_all(behavior="ignoreErrors")
    page.route("**/v1/scene*", change)
    page.reload()
    page.wait_for_selector("body.ready")
    prefer(page, easy=easy)

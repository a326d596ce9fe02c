"""The kiosk page by keyboard alone, spoken, low, with more time; an enrolment before its camera; the enterprise's messages."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from device import api, keys, messages
from device.demonstration import script
from tests import browser as browsers
from tests.device import parts
from tests.e2e.kiosk import SAMPLES, Kiosk
from tests.e2e.page import CN, EN, PIN, SOON_MS, WITH_BADGES, card, opened, rest, type_on_the_pad

ANNIKA, WANG = "1002", "1004"
POLICY_KEY = parts.signing_key(7)
MOST_STEPS = 40
FOCUSED = """(({ activeElement: one }) => one.tagName !== "BUTTON" ? ["", ""]
  : [one.getAttribute("aria-label") ?? one.innerText, getComputedStyle(one).outlineStyle])(document)"""
LISTEN = """
window.said = [];
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
Object.defineProperty(window, "speechSynthesis", { value: {
  getVoices: () => [{ lang: "zh-CN" }, { lang: "zh-TW" }, { lang: "en-GB" }],
  speak: (one) => window.said.push([one.lang, one.text]), cancel: () => {},
} });
"""

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    policy_key = messages.public_key_text(POLICY_KEY)
    made = Kiosk(tmp_path_factory.mktemp("easy"), more=f'{WITH_BADGES}[uplink]\npolicy_key = "{policy_key}"\n')
    made.start()
    made.employ(ANNIKA, "Annika", "en", pin=PIN)
    made.employ(WANG, "王小明", "zh-CN", pin=PIN)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.chromium() as found:
        yield found


@pytest.fixture
def page(kiosk: Kiosk, browser: Browser) -> Iterator[Page]:
    with opened(kiosk, browser, LISTEN) as found:
        yield found


def reach(page: Page, words: str) -> None:
    """Tab until the button with these words has the focus, and can be seen to have it; then Enter."""
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUSED)
        if words in found[0].split("\n"):
            assert found[1] != "none", f"nobody sees that {words} has the focus"
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"{words} is not reached by the Tab key")


def typed(page: Page, *texts: str) -> None:
    for text in texts:
        expect(page.locator(".pad")).to_be_visible(timeout=SOON_MS)
        asked = page.locator(".ask").inner_text()
        page.keyboard.type(text)
        page.keyboard.press("Enter")
        expect(page.locator(".ask").filter(has_text=re.compile(f"^{re.escape(asked)}$"))).to_have_count(0, timeout=SOON_MS)


def easy(page: Page) -> None:
    reach(page, CN["bar.easy"])
    expect(page.locator(":root.easy")).to_have_count(1)


def test_who_works_the_easy_mode_by_keyboard_keeps_it_for_a_minute(kiosk: Kiosk, page: Page) -> None:
    easy(page)
    page.wait_for_timeout(2_500)  # it was taken from them within a second
    expect(page.locator(":root.easy")).to_have_count(1)


def sound(page: Page) -> None:
    assert browsers.violations(page) == []


def test_in_easy_mode_one_clocks_in_and_puts_it_right_by_keyboard_alone(kiosk: Kiosk, page: Page) -> None:
    easy(page)
    reach(page, CN["bar.pin"])
    sound(page)
    typed(page, ANNIKA, PIN)
    card(page)
    sound(page)
    reach(page, EN["result.to_out"])
    expect(page.locator("#results .what").first).to_have_text(EN["done.out"], timeout=SOON_MS)
    rest()
    reach(page, CN["bar.pin"])
    typed(page, ANNIKA, PIN)
    expect(page.locator("#results > li")).to_have_count(2, timeout=SOON_MS)
    reach(page, EN["result.not_me"])
    expect(page.locator("#results .said").first).to_have_text(EN["result.disputed"], timeout=SOON_MS)
    sound(page)


def test_in_easy_mode_every_sheet_is_opened_worked_and_left_by_keyboard_alone(kiosk: Kiosk, page: Page) -> None:
    easy(page)
    reach(page, CN["bar.qr"])
    expect(page.locator(".viewer canvas")).to_be_visible(timeout=SOON_MS)
    sound(page)
    reach(page, CN["close"])
    expect(page.locator("#sheet")).to_be_hidden()
    reach(page, CN["bar.badge"])
    sound(page)
    page.keyboard.press("Escape")
    reach(page, CN["bar.help"])
    sound(page)
    reach(page, CN["help.mine"])
    typed(page, ANNIKA, PIN)
    expect(page.locator(".rows li").first).to_be_visible(timeout=SOON_MS)
    sound(page)
    page.keyboard.press("Escape")
    reach(page, CN["bar.help"])
    reach(page, CN["help.face"])
    expect(page.locator(".consent")).to_be_visible(timeout=SOON_MS)
    reach(page, CN["enrol.refuse"])
    expect(page.locator(".sheet")).to_contain_text(CN["enrol.refused"])
    sound(page)
    reach(page, CN["bar.pin"])
    kiosk.personnel.pin(WANG, PIN)
    card(page)
    expect(page.locator(".pad")).to_be_visible()
    page.keyboard.press("Escape")
    reach(page, CN["bar.language"])
    sound(page)
    reach(page, "English")
    expect(page.locator("#b-help")).to_contain_text(EN["bar.help"])
    reach(page, EN["bar.easy_off"])
    expect(page.locator(":root.easy")).to_have_count(0)


def test_in_easy_mode_what_is_asked_and_what_came_of_it_is_said_aloud(kiosk: Kiosk, page: Page) -> None:
    def said() -> list[list[str]]:
        return list(page.evaluate("window.said"))

    kiosk.personnel.badge("a badge that nobody has")
    card(page, "refused")
    assert said() == [], "nobody listens yet"
    page.click("#b-easy")
    page.click("#b-pin")
    type_on_the_pad(page, ANNIKA)
    expect(page.locator(".ask")).to_have_text(CN["pin.pin"])
    type_on_the_pad(page, "905137")
    expect(page.locator(".said-no")).to_be_visible(timeout=SOON_MS)
    wanted = [["zh-CN", CN[name]] for name in ("pin.number", "pin.pin", "why.wrong")]
    assert said() == wanted
    rest()
    type_on_the_pad(page, ANNIKA)
    type_on_the_pad(page, PIN)
    card(page)
    found = said()
    assert found[-1][0] == "en", "the result speaks the person's language"
    assert found[-1][1] in {EN["done.in"], EN["done.out"]}
    assert not [text for _, text in found if "Annika" in text or PIN in text], "no name and no digit is said"
    kiosk.personnel.badge("a badge that nobody has")
    page.wait_for_function("text => window.said.some((one) => one[1] === text)", arg=CN["why.unknown_badge"], timeout=SOON_MS)


def test_in_easy_mode_there_is_more_time_and_everything_is_within_reach(kiosk: Kiosk, browser: Browser) -> None:
    with opened(kiosk, browser, viewport={"width": 800, "height": 1280}) as page:
        for is_easy in (False, True):
            page.clock.install()
            if is_easy:
                page.click("#b-easy")
            page.click("#b-pin")
            boxes = [one.bounding_box() for one in page.locator("dialog .key").all()]
            tops = [box["y"] for box in boxes if box]
            assert len(tops) == 12
            page.clock.fast_forward(46_000)
            expect(page.locator("#sheet")).to_be_visible() if is_easy else expect(page.locator("#sheet")).to_be_hidden()
        assert min(tops) >= 0.4 * 1280, "a hand on an armrest reaches the lower part of the screen"
        page.clock.fast_forward(90_000)
        expect(page.locator("#sheet")).to_be_hidden()


def stand(kiosk: Kiosk, photograph: str, *, mirrored: bool = False) -> None:
    """One face before the camera, large and still, for long enough to be taken."""
    eyes = kiosk.eyes()
    scene = script.Scene("", (script.Role(photograph, approach=(0.55, 0.55), path=((0.5, 0.5), (0.5, 0.5))),), "", "", seconds=5.0)
    walk = script.walk_up(scene, SAMPLES, eyes, 1)
    kiosk.play(dataclasses.replace(walk, person=tuple(dataclasses.replace(one, mirrored=mirrored) for one in walk.person)))


def test_a_person_agrees_is_enrolled_at_the_kiosk_and_clocks_in_by_face(kiosk: Kiosk, page: Page) -> None:
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.face"]).click()
    expect(page.locator(".consent")).to_contain_text("人脸")
    page.get_by_role("button", name=CN["enrol.agree"], exact=True).click()
    type_on_the_pad(page, WANG)
    type_on_the_pad(page, PIN)
    page.get_by_role("button", name=CN["enrol.start"]).click(timeout=SOON_MS)
    for done, (pose, photograph, mirrored) in enumerate(POSES):
        expect(page.locator(".sheet h2")).to_have_text(CN[f"challenge.{pose}"], timeout=SOON_MS)
        expect(page.locator(".progress .done")).to_have_count(done)
        stand(kiosk, photograph, mirrored=mirrored)
    expect(page.locator(".said-yes")).to_have_text(CN["enrol.done"], timeout=SOON_MS)
    expect(page.locator(".sheet")).to_contain_text(CN["enrol.other"])
    sizes = {(box["width"], box["height"]) for one in page.locator(".choices-2 .wide").all() if (box := one.bounding_box())}
    assert len(sizes) == 1, "the other ways are offered at one size"
    sound(page)
    assert next(person.templates for person in kiosk.admin.people() if person.number == WANG) == 3
    page.keyboard.press("Escape")
    assert {punch["method"] for punch in kiosk.punches(WANG)} <= {"pin"}, "whoever was only enrolled is not clocked in by it"
    kiosk.walk_up("obama3.jpg")
    assert "王小明" in card(page)["text"]


POSES = (("forward", "obama.jpg", False), ("turn_left", "obama2.jpg", True), ("turn_right", "obama2.jpg", False))


def send(kiosk: Kiosk, version: int, *notices: messages.Notice) -> None:
    """What the enterprise says, signed and sealed to this kiosk, as the uplink hands it over."""
    recipient, at = keys.sealing_key(kiosk.folder.keys).public_key(), messages.write_time(datetime.now(UTC))
    content = messages.Content(notices=notices)
    pages = messages.write_pages(
        device="kiosk-1", recipient=recipient, key=POLICY_KEY, time=at, place=messages.Place(100, version), content=content
    )
    with api.UplinkClient(kiosk.folder.uplink_socket) as uplink:
        for one in pages:
            uplink.desire(one)


def test_a_message_to_all_and_one_to_a_person_are_read_where_they_are_meant_and_go_when_their_time_is_over(
    kiosk: Kiosk, page: Page
) -> None:
    now = datetime.now(UTC)
    begins, later = (messages.write_time(now + timedelta(seconds=seconds)) for seconds in (-5, 3_600))
    own = messages.Notice("n-2", kiosk.person_of(ANNIKA), "Please see HR at noon.", begins, later, "hr:li")
    to_all = messages.Notice("n-1", "", "The east gate closes at six.", begins, later, "hr:li")
    send(kiosk, 1, to_all, own)
    expect(page.locator("#b-help .dot")).to_have_count(1, timeout=SOON_MS)
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.messages"]).click()
    expect(page.locator(".rows li")).to_have_text(["The east gate closes at six."])
    page.keyboard.press("Escape")
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.mine"]).click()
    typed(page, ANNIKA, PIN)
    expect(page.locator(".told")).to_have_text(["Please see HR at noon."], timeout=SOON_MS)
    page.keyboard.press("Escape")
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.mine"]).click()
    typed(page, WANG, PIN)
    expect(page.locator(".sheet h2")).to_have_text("王小明", timeout=SOON_MS)
    expect(page.locator(".told")).to_have_count(0)
    page.keyboard.press("Escape")
    send(kiosk, 2, dataclasses.replace(to_all, ends_at=messages.write_time(datetime.now(UTC) + timedelta(seconds=3))), own)
    expect(page.locator("#b-help .dot")).to_have_count(0, timeout=SOON_MS)
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.messages"]).click()
    expect(page.locator(".sheet")).to_contain_text(CN["messages.none"])

"""The kiosk page by keyboard alone, spoken, low, with more time; an enrolment before its camera; the enterprise's messages."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import struct
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from device import api, keys, messages
from device.demonstration import script
from tests import browser as browsers
from tests.device import parts
from tests.e2e.kiosk import SAMPLES, Kiosk
from tests.e2e.page import (
    CN,
    EN,
    PIN,
    SOON_MS,
    VISIT,
    WITH_BADGES,
    card,
    opened,
    rest,
    told_of_a_lock,
    told_otherwise,
    type_on_the_pad,
)

ANNIKA, WANG, LI = "1002", "1004", "1003"
LIS_BADGE = "a badge of Li's"
POLICY_KEY = parts.signing_key(7)
MOST_STEPS = 40
MOST_STANDS = 6
FOCUSED = """(({ activeElement: one }) => one.tagName !== "BUTTON" ? ["", ""]
  : [one.getAttribute("aria-label") ?? one.innerText, getComputedStyle(one).outlineStyle])(document)"""
NOON = datetime(2027, 1, 15, 12, 0, tzinfo=UTC)
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
    made.employ(LI, "李主管", "zh-CN", pin=PIN)
    made.personnel.change_person(LI, "", "", "", "", "yes", "test")
    made.personnel.add_badge(LI, LIS_BADGE, "test")
    yield made
    made.stop()


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


HAS_FOCUS = """((one) => one.id || [...one.classList].join(" ") || one.tagName)(document.activeElement)"""


def focus(page: Page) -> str:
    """What has the focus, by its id or its classes."""
    return str(page.evaluate(HAS_FOCUS))


PAD = ("123", "456", "789", "<0!")  # ! is OK


def walked(page: Page, text: str) -> None:
    """A number entered on the pad with the arrow keys and the space bar alone, and OK."""
    asked = page.locator(".ask").inner_text()
    page.keyboard.press("ArrowDown")  # from the pad to its first key
    row, column = 0, 0
    for key in f"{text}!":
        to_row = next(number for number, keys in enumerate(PAD) if key in keys)
        to_column = PAD[to_row].index(key)
        for _ in range(abs(to_column - column)):
            page.keyboard.press("ArrowRight" if to_column > column else "ArrowLeft")
        for _ in range(abs(to_row - row)):
            page.keyboard.press("ArrowDown" if to_row > row else "ArrowUp")
        row, column = to_row, to_column
        page.keyboard.press("Space")
    expect(page.locator(".ask").filter(has_text=re.compile(f"^{re.escape(asked)}$"))).to_have_count(0, timeout=SOON_MS)


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


def test_in_a_queue_one_persons_language_and_easy_mode_do_not_stay_for_everybody(kiosk: Kiosk, page: Page) -> None:
    """Somebody is in view all the time."""
    picture = cv2.imencode(".jpg", np.zeros((480, 640, 3), np.uint8))[1].tobytes()
    faces = {"Daka-Faces": '[{"face": 7, "box": [0.4, 0.3, 0.2, 0.3], "regard": "meant", "waiting": "looking", "leads": true}]'}
    more = {"Daka-Frame": "1", "Daka-Waiting": "looking", "Daka-Age-Ms": "1"}
    page.clock.install(time=NOON)
    page.route("**/v1/frame*", lambda route: route.fulfill(body=picture, content_type="image/jpeg", headers=faces | more))
    page.reload()
    expect(page.locator("#mirror")).to_be_visible(timeout=SOON_MS)
    page.clock.pause_at(NOON + timedelta(hours=1))  # from here on no time passes but what is given
    page.click("#b-language")
    page.click("[data-language='en']")
    page.click("#b-easy")
    for seconds, is_easy in ((58, 1), (4, 0)):
        page.clock.fast_forward(seconds * 1_000)
        expect(page.locator("#mirror")).to_be_visible(timeout=SOON_MS)
        page.clock.run_for(1_100)
        expect(page.locator(":root.easy")).to_have_count(is_easy)
    expect(page.locator("#come-words")).to_have_text(CN["idle.come"])


def sound(page: Page) -> None:
    assert browsers.violations(page) == []


def test_in_easy_mode_one_clocks_in_and_puts_it_right_by_keyboard_alone(kiosk: Kiosk, page: Page) -> None:
    easy(page)
    reach(page, CN["bar.pin"])
    sound(page)
    typed(page, ANNIKA, PIN)
    card(page)
    sound(page)
    other = "out" if kiosk.punches(ANNIKA)[-1]["direction"] == "in" else "in"
    reach(page, EN[f"result.to_{other}"])
    expect(page.locator("#results .what").first).to_have_text(EN[f"done.{other}"], timeout=SOON_MS)
    rest()
    reach(page, CN["bar.pin"])
    typed(page, ANNIKA, PIN)
    expect(page.locator("#results > li")).to_have_count(2, timeout=SOON_MS)
    reach(page, EN["result.not_me"])
    expect(page.locator("#results .said").first).to_have_text(EN["result.disputed"], timeout=SOON_MS)
    sound(page)


def test_in_easy_mode_every_sheet_is_opened_worked_and_left_by_keyboard_alone(kiosk: Kiosk, page: Page) -> None:
    rest()
    kiosk.personnel.pin(ANNIKA, PIN)
    card(page)
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
    sound(page)
    reach(page, CN["verify.pin"])
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


def test_the_next_sheet_stays_open_where_the_escape_before_it_has_not_been_painted_yet(page: Page) -> None:
    """The browser tells of an Escape with its next frame, which may take its time on a busy machine."""
    page.click("#b-help")
    page.evaluate("""() => {
        document.getElementById("sheet").close();  // as Escape does
        document.getElementById("b-language").click();
        return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))));
    }""")
    expect(page.locator("[data-language='en']")).to_be_visible()


def test_with_tab_enter_space_and_arrows_alone_one_clocks_in(kiosk: Kiosk, page: Page) -> None:
    rest()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert focus(page) == "b-pin", "along the bar and back"
    page.keyboard.press("Space")
    expect(page.locator(".pad")).to_be_focused()
    walked(page, ANNIKA)
    expect(page.locator(".ask")).to_have_text(CN["pin.pin"])
    expect(page.locator(".pad")).to_be_focused()
    walked(page, PIN)
    assert "Annika" in card(page)["text"]
    expect(page.locator("#b-pin")).to_be_focused()
    page.keyboard.press("ArrowUp")
    assert focus(page) == "BUTTON", "up from the bar to what the card offers"
    reach(page, EN["result.not_me"])
    expect(page.locator("#results .said")).to_be_focused(timeout=SOON_MS)


def test_each_sheet_begins_where_one_goes_on_and_gives_the_focus_back(kiosk: Kiosk, page: Page) -> None:
    for button, first in (
        ("bar.pin", "pad"),
        ("bar.qr", "sheet"),
        ("bar.badge", "sheet"),
        ("bar.help", "wide"),
        ("bar.language", "wide centre"),
    ):
        reach(page, CN[button])
        expect(page.locator("#sheet")).to_be_visible()
        page.wait_for_function(f"() => ({HAS_FOCUS}) === {first!r}", timeout=SOON_MS)
        page.keyboard.press("Tab")
        assert page.evaluate("document.getElementById('sheet').contains(document.activeElement)")
        page.keyboard.press("Escape")
        expect(page.locator("#sheet")).to_be_hidden()
        assert focus(page) == f"b-{button.removeprefix('bar.')}"


def test_a_supervisor_vouches_by_keyboard_alone(kiosk: Kiosk, page: Page) -> None:
    rest()
    before = len(kiosk.punches(WANG))
    reach(page, CN["bar.help"])
    page.keyboard.press("Space")  # the first entry, which has the focus
    expect(page.locator("#sheet-title")).to_have_text(CN["supervisor.title"])
    assert focus(page) == "sheet"
    kiosk.personnel.badge(LIS_BADGE)
    expect(page.locator(".ask")).to_have_text(CN["supervisor.pin"], timeout=SOON_MS)
    expect(page.locator(".pad")).to_be_focused()
    typed(page, PIN, WANG)
    expect(page.locator(".sheet h2")).to_have_text(CN["supervisor.why"])
    assert focus(page) == "wide", "on the first reason"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.innerText") == CN["supervisor.reason.not_recognised"]
    page.keyboard.press("Enter")
    assert "王小明" in card(page)["text"]
    expect(page.locator("#b-help")).to_be_focused()
    assert len(kiosk.punches(WANG)) == before + 1
    assert kiosk.punches(WANG)[-1]["reason"] == "not_recognised"


def test_a_stamp_is_chosen_followed_and_left_by_keyboard_alone(kiosk: Kiosk, page: Page) -> None:
    """What the daemon says of the lock is told to the page here; with a lock the demonstration of stamping shows it."""
    told_otherwise(page, abilities=["stamp"])
    asked = told_of_a_lock(page, "verify", "connecting", "press", "press", "done")
    reach(page, CN["bar.help"])
    reach(page, CN["help.seal"])
    typed(page, WANG, PIN)
    expect(page.locator(".sheet h2")).to_have_text(CN["seal.which"], timeout=SOON_MS)
    assert focus(page) == "wide", "on the approval"
    page.keyboard.press("Enter")
    expect(page.locator(".said-yes")).to_contain_text("1", timeout=SOON_MS)
    assert page.evaluate("document.getElementById('sheet').contains(document.activeElement)"), "the focus was lost on the way"
    reach(page, CN["close"])
    expect(page.locator("#sheet")).to_be_hidden()
    assert asked[:2] == ["", "/begin"]
    page.unroute_all(behavior="ignoreErrors")


def test_a_kiosk_that_goes_away_while_the_button_may_be_pressed_says_to_look_at_the_paper(kiosk: Kiosk, page: Page) -> None:
    told_otherwise(page, abilities=["stamp"])
    told_of_a_lock(page, "verify")
    page.route("**/v1/stamps/begin", lambda route: route.fulfill(json=VISIT | {"stage": "press", "change": 1, "seconds": 30}))
    page.route("**/v1/stamps/progress", lambda route: route.abort())
    reach(page, CN["bar.help"])
    reach(page, CN["help.seal"])
    typed(page, WANG, PIN)
    expect(page.locator(".sheet h2")).to_have_text(CN["seal.which"], timeout=SOON_MS)
    page.keyboard.press("Enter")
    expect(page.locator(".sheet .said-no")).to_have_text(CN["seal.why.unknown"], timeout=SOON_MS)
    page.unroute_all(behavior="ignoreErrors")


def test_the_pin_that_an_approval_asks_for_goes_to_its_visit_and_is_too_late_in_words(kiosk: Kiosk, page: Page) -> None:
    told_otherwise(page, abilities=["stamp"])
    told_of_a_lock(page, "verify")
    page.route("**/v1/stamps/begin", lambda route: route.fulfill(json=VISIT | {"stage": "verify", "change": 1, "missing": "pin"}))
    page.route("**/v1/stamps/progress", lambda route: None)
    sent: list[object] = []

    def late(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json={"outcome": "refused", "why": "for_seal"})

    page.route("**/v1/stamps/pin", late)
    before = len(kiosk.punches(WANG))
    reach(page, CN["bar.help"])
    reach(page, CN["help.seal"])
    typed(page, WANG, PIN)
    expect(page.locator(".sheet h2")).to_have_text(CN["seal.which"], timeout=SOON_MS)
    page.keyboard.press("Enter")
    expect(page.locator(".pad")).to_be_visible(timeout=SOON_MS)
    page.keyboard.type(PIN)
    page.keyboard.press("Enter")
    expect(page.locator(".sheet .said-no")).to_have_text(CN["seal.why.late"], timeout=SOON_MS)
    assert sent == [{"visit": VISIT["ticket"], "number": WANG, "pin": PIN}]
    assert len(kiosk.punches(WANG)) == before
    page.unroute_all(behavior="ignoreErrors")


def test_a_wrong_pin_of_a_visit_is_said_and_its_pad_is_scrambled_where_it_is_set(kiosk: Kiosk, page: Page) -> None:
    told_otherwise(page, abilities=["stamp"], scramble=True)
    told_of_a_lock(page, "verify")
    page.route("**/v1/stamps/begin", lambda route: route.fulfill(json=VISIT | {"stage": "verify", "change": 1, "missing": "pin"}))
    page.route("**/v1/stamps/progress", lambda route: None)
    refused = iter(({"why": "wrong", "wait_s": 0}, {"why": "wait", "wait_s": 30}))
    page.route("**/v1/stamps/pin", lambda route: route.fulfill(json={"outcome": "refused"} | next(refused)))
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.seal"]).click()
    typed(page, WANG, PIN)
    page.locator(".sheet > .wide").click(timeout=SOON_MS)
    orders = set()
    for said in (CN["why.wrong"], CN["why.wait"].format(seconds=30)):
        expect(page.locator(".ask")).to_have_text(CN["pin.pin"], timeout=SOON_MS)
        orders.add("".join(page.locator("[data-digit]").all_text_contents()))
        page.keyboard.type(PIN)
        page.keyboard.press("Enter")
        expect(page.locator(".pad").get_by_role("alert")).to_have_text(said, timeout=SOON_MS)
    orders.add("".join(page.locator("[data-digit]").all_text_contents()))
    assert orders != {"1234567890"}
    page.unroute_all(behavior="ignoreErrors")


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


SPEAK = """([names, isHint]) => import("/speech.js").then((speech) => {
  for (const name of names) isHint ? speech.hint(name) : speech.tellAloud(name, { seconds: 12 }, "en");
})"""


def silence(seconds: float) -> bytes:
    """A sentence that lasts so long."""
    samples = bytes(2 * int(22_050 * seconds))
    head = (
        b"RIFF" + struct.pack("<I", len(samples) + 36) + b"WAVEfmt \x10\0\0\0\x01\0\x01\0\x22\x56\0\0\x44\xac\0\0\x02\0\x10\0data"
    )
    return head + struct.pack("<I", len(samples)) + samples


BEGINS = """void (AudioBufferSourceNode.prototype.start = ((start) => function (...when) {
  window.begun = true;
  return start.apply(this, when);
})(AudioBufferSourceNode.prototype.start))"""


def told_with_a_voice(page: Page) -> list[Route]:
    """A browser without a voice before a kiosk that has one; what it was asked to say and has not been answered yet."""
    told_otherwise(page, abilities=["voice"])
    asked: list[Route] = []
    page.route("**/v1/say", lambda route: asked.append(route))
    page.evaluate("speechSynthesis.getVoices = () => []")
    page.evaluate(BEGINS)
    return asked


def until_asked(page: Page, asked: list[Route], meanwhile: Callable[[], object] = lambda: None) -> str:
    """For the next sentence: which one."""
    ends = time.monotonic() + SOON_MS / 1_000
    while not asked:
        assert time.monotonic() < ends, "nothing was to be said"
        meanwhile()
        page.wait_for_timeout(20)
    return str(asked[0].request.post_data_json["word"])  # type: ignore[index]  # it has a body


def said(asked: list[Route], seconds: float) -> Any:
    """What was asked for is said, and takes so long."""
    route = asked.pop(0)
    route.fulfill(body=silence(seconds), content_type="audio/wav")
    return route.request.post_data_json


def test_with_the_kiosks_voice_a_result_is_said_whole_at_once_and_with_its_number(kiosk: Kiosk, page: Page) -> None:
    asked = told_with_a_voice(page)
    easy(page)
    page.evaluate(SPEAK, [["waiting.too_far", "waiting.tilted"], True])
    assert until_asked(page, asked) == "waiting.tilted", "the newest hint"
    said(asked, 2 * SOON_MS / 1_000)
    page.wait_for_function("() => window.begun", timeout=SOON_MS)
    page.evaluate(SPEAK, [["why.wait", "done.in"], False])
    assert until_asked(page, asked) == "why.wait", "the result does not wait until the hint is said"
    page.evaluate(SPEAK, [["waiting.too_dark"], True])
    assert said(asked, 0.1) == {"word": "why.wait", "language": "en", "values": {"seconds": 12}}
    assert until_asked(page, asked) == "done.in", "no hint is said over a result"
    said(asked, 0.1)
    again = until_asked(page, asked, lambda: page.evaluate(SPEAK, [["waiting.too_bright"], True]))
    assert again == "waiting.too_bright", "once both are said"


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


def stand(kiosk: Kiosk, page: Page, photograph: str, *, mirrored: bool = False) -> None:
    """One face before the camera, large and still, for long enough to be taken, however busy the machine is."""
    asked = page.locator(".sheet h2").inner_text()
    scene = script.Scene("", (script.Role(photograph, approach=(0.55, 0.55), path=((0.5, 0.5), (0.5, 0.5))),), "", "", seconds=5.0)
    walk = script.walk_up(scene, SAMPLES, kiosk.eyes(), 1)
    posed = dataclasses.replace(walk, person=tuple(dataclasses.replace(one, mirrored=mirrored) for one in walk.person))
    for _ in range(MOST_STANDS):
        kiosk.play(posed)
        with contextlib.suppress(AssertionError):
            expect(page.locator(".sheet h2", has_text=re.compile(f"^{re.escape(asked)}$"))).to_have_count(0, timeout=7_000)
            return
    raise AssertionError(f"{asked}: not taken in {MOST_STANDS} times")


def test_a_person_agrees_is_enrolled_at_the_kiosk_and_clocks_in_by_face(kiosk: Kiosk, page: Page) -> None:
    """Without a pointer: Tab, Enter, the arrows and the digits."""
    reach(page, CN["bar.help"])
    reach(page, CN["help.face"])
    expect(page.locator(".consent")).to_contain_text("人脸")
    expect(page.locator(".consent")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".consent")).to_be_focused()  # the arrows read on in it
    reach(page, CN["enrol.agree"])
    reach(page, CN["verify.pin"])
    typed(page, WANG, PIN)
    expect(page.get_by_role("button", name=CN["enrol.start"])).to_be_focused(timeout=SOON_MS)
    page.keyboard.press("Enter")
    for done, (pose, photograph, mirrored) in enumerate(POSES):
        expect(page.locator(".sheet h2")).to_have_text(CN[f"challenge.{pose}"], timeout=SOON_MS)
        expect(page.locator(".progress .done")).to_have_count(done)
        stand(kiosk, page, photograph, mirrored=mirrored)
    expect(page.locator(".said-yes")).to_have_text(CN["enrol.done"], timeout=SOON_MS)
    expect(page.locator(".sheet")).to_contain_text(CN["enrol.other"])
    assert focus(page) == "wide", "on the first of the other ways"
    sizes = {(box["width"], box["height"]) for one in page.locator(".choices-2 .wide").all() if (box := one.bounding_box())}
    assert len(sizes) == 1, "the other ways are offered at one size"
    sound(page)
    assert next(person.templates for person in kiosk.admin.people() if person.number == WANG) == 3
    page.keyboard.press("Escape")
    assert "face" not in {punch["method"] for punch in kiosk.punches(WANG)}, "whoever was only enrolled is not clocked in by it"
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
    expect(page.locator("#b-help")).to_have_accessible_name(f"{CN['bar.help']} {CN['messages.new']}")
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.messages"], exact=True).click()
    expect(page.locator(".rows li")).to_have_text(["The east gate closes at six."])
    page.keyboard.press("Escape")
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.mine"]).click()
    page.get_by_role("button", name=CN["verify.pin"]).click()
    typed(page, ANNIKA, PIN)
    expect(page.locator(".told")).to_have_text(["Please see HR at noon."], timeout=SOON_MS)
    page.keyboard.press("Escape")
    rest()
    kiosk.personnel.pin(ANNIKA, PIN)
    assert "HR" not in card(page)["text"], "what it says is for her alone"
    page.get_by_role("button", name=EN["result.message"]).click()
    expect(page.locator("#sheet-title")).to_have_text(CN["mine.title"])
    page.keyboard.press("Escape")
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.mine"]).click()
    page.get_by_role("button", name=CN["verify.pin"]).click()
    typed(page, WANG, PIN)
    expect(page.locator(".sheet h2")).to_have_text("王小明", timeout=SOON_MS)
    expect(page.locator(".told")).to_have_count(0)
    page.keyboard.press("Escape")
    kiosk.personnel.pin(WANG, PIN)
    assert CN["result.message"] not in card(page)["text"]
    page.keyboard.press("Escape")
    send(kiosk, 2, dataclasses.replace(to_all, ends_at=messages.write_time(datetime.now(UTC) + timedelta(seconds=3))), own)
    expect(page.locator("#b-help .dot")).to_have_count(0, timeout=SOON_MS)
    page.click("#b-help")
    page.get_by_role("button", name=CN["help.messages"], exact=True).click()
    expect(page.locator(".sheet")).to_contain_text(CN["messages.none"])

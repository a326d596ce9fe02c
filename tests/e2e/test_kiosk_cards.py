"""Several results at a time on the kiosk page: what is said stays readable, and nobody presses on what has just moved."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.kiosk import Kiosk
from tests.e2e.page import EN, STILL_MS, told_otherwise

SHOW = 'decision => import("/results.js").then((results) => results.show(decision))'
PRESS = f"""detail => [...document.querySelectorAll("#results li:first-child button")]
  .find((one) => one.textContent === "{EN["result.not_me"]}").dispatchEvent(new MouseEvent("click", {{ bubbles: true, detail }}))"""
HURRY = """() => import("/results.js").then((results) => {
  results.set({ stays_s: 0.2, change_s: 20, abilities: ["dispute"] }, false);
  document.activeElement.dispatchEvent(new FocusEvent("focusin", { bubbles: true })); // whoever goes to a card has its time anew
  results.set({ stays_s: 20, change_s: 20, abilities: ["dispute"] }, false);
})"""  # the card that has the focus leaves first, as when the easy mode, in which it stays for longer, has just ended
STAYS = (
    """() => import("/results.js").then((results) => results.set({ stays_s: 60, change_s: 60, abilities: ["dispute"] }, false))"""
)

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    made = Kiosk(tmp_path_factory.mktemp("cards"))
    made.start()
    yield made
    made.stop()


def told(name: str, seq: int) -> dict[str, object]:
    """A punch, as the daemon says it."""
    return {"outcome": "punched", "direction": "in", "name": name, "seq": seq, "at": "2027-01-15T08:00:00Z", "language": "en"}


def queue(page: Page, *names: str) -> None:
    """One after the other clocks in; the last one has the newest card."""
    for seq, name in enumerate(names, start=1):
        page.evaluate(SHOW, told(name, seq))


def fill(page: Page, spare_px: int = 0) -> None:
    """What stands there fills the list to the last line, or nearly."""
    page.evaluate(
        """(spare_px) => { const list = document.getElementById("results"), { firstChild, lastChild } = list;
        list.style.maxHeight = `${lastChild.offsetTop + lastChild.offsetHeight - firstChild.offsetTop + spare_px}px`; }""",
        spare_px,
    )


def is_whole(button: Locator) -> bool:
    """In sight, and no edge of the list cuts it."""
    inner, outer = button.bounding_box(), button.page.locator("#results").bounding_box()
    assert inner is not None
    assert outer is not None
    return outer["y"] <= inner["y"] and inner["y"] + inner["height"] <= outer["y"] + outer["height"] + 1


def refused(route: Route) -> None:
    route.fulfill(status=409, json={"kind": "late", "error": "too late"})


def test_what_could_not_be_changed_is_said_on_a_small_card_as_well(page: Page) -> None:
    page.route("**/v1/direction", refused)
    queue(page, "Annika", "Bertil")
    annikas = page.locator("#results > li.small")
    annikas.get_by_role("button", name=EN["result.to_out"]).press("Enter")
    expect(annikas.get_by_role("status")).to_have_text(EN["result.not_changed"])
    expect(annikas.get_by_role("status")).to_be_focused()
    assert annikas.get_by_role("status").evaluate("one => one.offsetHeight") > 20


def test_a_change_on_a_small_card_is_heard_and_keeps_the_focus(page: Page) -> None:
    page.route("**/v1/direction", lambda route: route.fulfill(json={}))
    queue(page, "Annika", "Bertil")
    annikas = page.locator("#results > li.small")
    annikas.get_by_role("button", name=EN["result.to_out"]).press("Enter")
    expect(annikas.locator(".what")).to_have_text(EN["done.out"])
    expect(annikas.get_by_role("status")).to_have_text(EN["result.changed"])
    expect(annikas.get_by_role("status")).to_be_focused()


def test_of_two_directions_pressed_while_the_daemon_is_slow_the_last_one_alone_is_shown(page: Page) -> None:
    told_otherwise(page, abilities=["choose"])
    asked: list[Route] = []
    page.route("**/v1/choice", lambda route: asked.append(route))
    for direction in ("in", "out"):
        page.locator(f"#choose [data-direction='{direction}']").click()
    answer_all(page, asked, 2)
    expect(page.locator("#choose [data-direction='out']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#choose [aria-pressed='true']")).to_have_count(1)


def test_a_direction_that_a_punch_has_used_up_is_not_shown_as_pressed(page: Page) -> None:
    told_otherwise(page, abilities=["choose"])
    asked: list[Route] = []
    page.route("**/v1/choice", lambda route: asked.append(route))
    page.locator("#choose [data-direction='out']").click()
    page.evaluate('import("/choice.js").then((choice) => choice.over())')  # as each punch does
    answer_all(page, asked, 1)
    assert page.locator("#choose [aria-pressed='true']").count() == 0


def answer_all(page: Page, asked: list[Route], count: int) -> None:
    """At last, in the order of asking; and the page has taken it in: what it asks for afterwards it has heard."""
    while len(asked) < count:
        page.wait_for_timeout(50)
    for route in asked:
        route.fulfill(json={})
        answer = route.request.response()
        assert answer is not None
        answer.finished()
    for _ in range(2):
        page.evaluate("fetch('/icon.svg').then((one) => one.text())")


def test_the_button_that_a_dispute_offers_is_never_cut_off_and_stays_while_others_come(page: Page) -> None:
    page.route("**/v1/dispute", lambda route: route.fulfill(json={}))
    queue(page, "Annika", "Bertil")
    fill(page, spare_px=45)
    page.get_by_role("button", name=EN["result.not_me"]).last.press("Enter")
    pin = page.locator("#results").get_by_role("button", name=EN["bar.pin"])
    expect(pin).to_be_visible()
    assert is_whole(pin)
    queue(page, "Cecilia", "Dora")
    assert is_whole(pin)


def test_a_press_does_not_count_on_what_has_just_moved_under_the_finger_and_a_key_does(page: Page) -> None:
    disputed: list[str] = []

    def hear(route: Route) -> None:
        disputed.append(json.loads(route.request.post_data or "")["seq"])
        route.fulfill(json={})

    page.route("**/v1/dispute", hear)
    queue(page, "Annika")
    page.evaluate(f"decision => ({SHOW})(decision).then(() => ({PRESS})(1))", told("Bertil", 2))
    page.wait_for_timeout(STILL_MS)
    assert disputed == []
    page.get_by_role("button", name=EN["result.not_me"]).first.click()
    expect(page.locator("#results .disputed")).to_have_count(1)
    page.evaluate(f"decision => ({SHOW})(decision).then(() => ({PRESS})(0))", told("Cecilia", 3))
    expect(page.locator("#results .disputed")).to_have_count(2)
    assert disputed == ["2", "3"]


def test_the_only_card_is_pressed_at_once(page: Page) -> None:
    page.route("**/v1/dispute", lambda route: route.fulfill(json={}))
    page.evaluate(f"decision => ({SHOW})(decision).then(() => ({PRESS})(1))", told("Annika", 1))
    expect(page.locator("#results .disputed")).to_have_count(1)


def test_who_has_gone_to_a_card_by_keyboard_keeps_it_while_others_come(page: Page) -> None:
    queue(page, "Annika", "Bertil")
    fill(page)
    annikas = page.locator("#results > li[data-seq='1']").get_by_role("button", name=EN["result.not_me"])
    annikas.focus()
    for seq, name in enumerate(("Cecilia", "Dora", "Erik"), start=3):
        page.evaluate(SHOW, told(name, seq))
        expect(annikas).to_be_focused()
    assert is_whole(annikas)


def test_who_has_no_room_left_goes_on_by_keyboard_at_a_button_that_is_seen(page: Page) -> None:
    queue(page, "Annika", "Bertil")
    page.locator("#results > li[data-seq='1'] button").first.focus()
    page.evaluate("document.getElementById('results').style.maxHeight = '150px'")
    page.evaluate(SHOW, told("Cecilia", 3))
    expect(page.locator("#results > li[data-seq='3'] button").first).to_be_focused()


def test_when_a_card_leaves_the_keyboard_goes_on_at_the_next_one_that_has_its_buttons_again(page: Page) -> None:
    page.evaluate("document.getElementById('results').style.maxHeight = '360px'")
    page.evaluate(STAYS)
    queue(page, "Annika", "Bertil")
    annikas, bertils = (page.locator(f"#results > li[data-seq='{seq}']") for seq in (1, 2))
    expect(annikas).to_have_class("card yes in small tiny")
    bertils.get_by_role("button").first.focus()
    page.evaluate(HURRY)
    expect(bertils).to_have_count(0)
    expect(annikas.get_by_role("button").first).to_be_focused()

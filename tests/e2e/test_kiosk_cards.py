"""Several results at a time on the kiosk page: what is said stays readable, and nobody presses on what has just moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests import browser as browsers
from tests.e2e.kiosk import Kiosk
from tests.e2e.page import EN, opened, told_otherwise

SHOW = 'decision => import("/results.js").then((results) => results.show(decision))'

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    made = Kiosk(tmp_path_factory.mktemp("cards"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.chromium() as found:
        yield found


@pytest.fixture
def page(kiosk: Kiosk, browser: Browser) -> Iterator[Page]:
    with opened(kiosk, browser) as found:
        yield found


def queue(page: Page, *names: str) -> None:
    """Who clocked in, as the daemon says it; the last one has the newest card."""
    for seq, name in enumerate(names, start=1):
        told = {"outcome": "punched", "direction": "in", "name": name, "seq": seq, "at": "2027-01-15T08:00:00Z", "language": "en"}
        page.evaluate(SHOW, told)


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
    pressed = page.locator("#choose [aria-pressed='true']")
    assert [one.get_attribute("data-direction") for one in pressed.all()] == ["out"]


def test_a_direction_that_a_punch_has_used_up_is_not_shown_as_pressed(page: Page) -> None:
    told_otherwise(page, abilities=["choose"])
    asked: list[Route] = []
    page.route("**/v1/choice", lambda route: asked.append(route))
    page.locator("#choose [data-direction='out']").click()
    page.evaluate('import("/choice.js").then((choice) => choice.over())')  # as each punch does
    answer_all(page, asked, 1)
    assert page.locator("#choose [aria-pressed='true']").count() == 0


def answer_all(page: Page, asked: list[Route], count: int) -> None:
    """At last, in the order of asking; and the page has had the time to take it in."""
    while len(asked) < count:
        page.wait_for_timeout(50)
    for route in asked:
        route.fulfill(json={})
    page.wait_for_timeout(300)

"""What stands in the way has its screen, its colour and its way on, with nobody there and with somebody before the camera."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from device.page.scene import Condition
from tests import browser as browsers
from tests.e2e.kiosk import Kiosk
from tests.e2e.page import CN, SOON_MS, opened

LARGE = ("storage_full", "storage_failing", "camera_away", "camera_black", "locked")
SMALL = ("clock_unknown", "clock_unsure", "server_away", "simulated")
BACKLOG = 12
LANDSCAPE, PORTRAIT = {"width": 1024, "height": 600}, {"width": 800, "height": 1280}

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    made = Kiosk(tmp_path_factory.mktemp("conditions"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def page(kiosk: Kiosk, browser: Browser) -> Iterator[Page]:
    with opened(kiosk, browser, viewport=LANDSCAPE) as found:
        yield found


def told(page: Page, *conditions: str) -> None:
    """The same page, told by its daemon that this and nothing else stands in the way."""

    def change(route: Route) -> None:
        heard = route.fetch().json() | {"conditions": list(conditions), "backlog": BACKLOG}
        route.fulfill(body=json.dumps(heard), content_type="application/json")

    page.unroute_all(behavior="ignoreErrors")
    page.route("**/v1/scene*", change)
    page.reload()
    page.wait_for_selector("body.ready")


def barriers(page: Page) -> list[str]:
    """What axe finds in both themes, plain and in the accessible mode."""
    found = []
    for easy in (False, True):
        page.evaluate(
            "easy => document.documentElement.classList.contains('easy') === easy || document.getElementById('b-easy').click()",
            easy,
        )
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found += [f"{scheme}{' easy' if easy else ''}: {one}" for one in browsers.violations(page)]
    page.emulate_media(color_scheme="light")
    return found


def test_these_are_all() -> None:
    assert {*LARGE, *SMALL} == set(Condition)


@pytest.mark.parametrize("name", LARGE)
def test_what_stands_in_the_way_of_faces_or_records_is_said_large_with_what_to_do(page: Page, name: str) -> None:
    told(page, name)
    expect(page.locator("#blocker h1")).to_have_text(CN[f"condition.{name}.title"])
    expect(page.locator("#blocker p")).to_have_text(CN[f"condition.{name}.way"])
    expect(page.locator("#b-pin")).to_be_visible()
    expect(page.locator("#warning")).to_be_hidden()
    assert barriers(page) == []


@pytest.mark.parametrize("viewport", [LANDSCAPE, PORTRAIT], ids=["landscape", "portrait"])
@pytest.mark.parametrize("name", SMALL)
def test_what_stands_in_nobodys_way_is_said_in_words_beside_the_clock(page: Page, name: str, viewport: dict[str, int]) -> None:
    page.set_viewport_size(viewport)  # type: ignore[arg-type]
    told(page, name)
    expect(page.locator("#chips")).to_contain_text(CN[f"condition.{name}.title"])
    expect(page.locator("#chips").get_by_text(CN[f"condition.{name}.title"], exact=True)).to_be_in_viewport(ratio=1)
    if name != "simulated":
        expect(page.locator("#come-other")).to_have_text(CN[f"condition.{name}.way"].format(backlog=BACKLOG))
    if viewport is LANDSCAPE:
        assert barriers(page) == []


def test_each_has_its_colour(page: Page) -> None:
    colours = {}
    for name in ("storage_full", "camera_away", "clock_unknown", "server_away", "simulated"):
        told(page, name)
        shown = page.locator("#blocker" if name in LARGE else "#chips li")
        expect(shown).to_be_visible()
        colours[name] = shown.evaluate("one => getComputedStyle(one).backgroundColor")
    assert len(set(colours.values())) == len(colours), colours


@pytest.mark.parametrize("viewport", [LANDSCAPE, PORTRAIT], ids=["landscape", "portrait"])
def test_whoever_comes_while_nothing_can_be_recorded_is_told_to_write_on_paper(
    kiosk: Kiosk, page: Page, viewport: dict[str, int]
) -> None:
    """Before they have waited for an answer, and for as long as they stand there."""
    page.set_viewport_size(viewport)  # type: ignore[arg-type]
    told(page, "storage_full", "simulated")
    kiosk.walk_up("impostor_2.jpg", seconds=12.0)
    expect(page.locator("#mirror")).to_be_visible(timeout=SOON_MS)
    warning = page.locator("#warning")
    expect(warning).to_contain_text(CN["condition.storage_full.title"])
    expect(warning).to_contain_text(CN["condition.storage_full.way"])
    expect(warning).to_be_in_viewport(ratio=1)
    expect(page.locator("#glass")).to_be_in_viewport(ratio=1)
    assert warning.evaluate(
        "one => one.getBoundingClientRect().bottom <= document.getElementById('glass').getBoundingClientRect().top"
    )
    expect(page.locator("#mirror")).to_be_hidden(timeout=SOON_MS)
    expect(warning).to_be_hidden()
    expect(page.locator("#blocker")).to_be_visible()


def test_a_page_that_nobody_answers_has_no_barriers_either(page: Page) -> None:
    page.unroute_all(behavior="ignoreErrors")
    page.route("**/v1/scene*", lambda route: route.abort())
    page.reload()
    expect(page.locator("#away")).to_be_visible(timeout=SOON_MS)
    assert barriers(page) == []

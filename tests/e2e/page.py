"""What tests of the kiosk page share: opening it, the pad, the cards, and a daemon that is told otherwise."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Route, expect

from device.page import words
from tests.e2e.kiosk import GAP_S, Kiosk

CN, EN = words.catalogue("zh-CN"), words.catalogue("en")
SOON_MS = 25_000
STILL_MS = 450  # a little longer than a press waits on cards that have just moved
PIN = "274951"
WATCH = """
window.painted = {};
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    const seq = node.dataset?.seq;
    if (seq) requestAnimationFrame(() => requestAnimationFrame(() => { window.painted[seq] = Date.now(); }));
  }
}).observe(document.getElementById("results"), { childList: true });
"""
WITH_BADGES = '[ways]\nbadge_reader = "/dev/input/no-reader"\n'


@contextmanager
def opened(kiosk: Kiosk, browser: Browser, before: str = "", **options: object) -> Iterator[Page]:
    """The page in a browser of its own; `before` is a script that runs ahead of the page's. Its faults are the test's."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"} | options))  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    if before:
        page.add_init_script(before)
    page.goto(kiosk.url)
    expect(page.locator("#come-words")).to_have_text(CN["idle.come"], timeout=SOON_MS)
    yield page
    page.unroute_all(behavior="ignoreErrors")  # what is answered otherwise may be under way
    context.close()
    assert not errors


def type_on_the_pad(page: Page, text: str) -> None:
    """A finger on one digit after the other, and OK."""
    for digit in text:
        page.click(f"[data-digit='{digit}']")
    page.click(".key.go")


def card(page: Page, outcome: str = "punched") -> dict[str, str]:
    """The newest result, once there is one and it can be pressed."""
    first = page.locator(f"#results > li[data-outcome='{outcome}']").first
    expect(first).to_be_visible(timeout=SOON_MS)
    page.wait_for_timeout(STILL_MS)
    return {"seq": first.get_attribute("data-seq") or "", "text": first.inner_text(), "classes": first.get_attribute("class") or ""}


def rest() -> None:
    """Until the same person may clock in once more."""
    time.sleep(GAP_S)


def told_otherwise(page: Page, **other: object) -> None:
    """The same daemon with another setting, as far as the page hears of it."""

    def change(route: Route) -> None:
        heard = route.fetch().json()
        more = {name: heard[name] + value if isinstance(value, list) else value for name, value in other.items()}
        route.fulfill(body=json.dumps(heard | more), content_type="application/json")

    page.route("**/v1/scene*", change)
    page.reload()
    expect(page.locator("#come-words")).to_have_text(re.compile("."), timeout=SOON_MS)


APPROVAL = {
    "grant": "g" * 32, "label": "合同 4711", "lock": "SEAL-0001", "stamps": 2, "used": 0,
    "expires_at": "2027-01-15T09:00:00.000000Z",
}  # fmt: skip
VISIT = {
    "ticket": "t", "lock": "SEAL-0001", "label": "合同 4711", "why": "", "missing": "", "factor": False, "seconds": 30, "stamps": 2,
}  # fmt: skip


def told_of_a_lock(page: Page, *stages: str) -> list[str]:
    """What the daemon would say of a visit at a contract lock, stage by stage; the last one stays. What was asked is noted."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        path = route.request.url.rpartition("/v1/stamps")[2]
        asked.append(path)
        step = min(len(asked) - 2, len(stages) - 1)
        visit = VISIT | {"stage": stages[step], "change": step + 1, "used": int(stages[step] == "done")}
        route.fulfill(body=json.dumps(visit if path else [APPROVAL]), content_type="application/json")

    page.route("**/v1/stamps**", answer)
    return asked

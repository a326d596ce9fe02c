"""The locks' page against a running kiosk daemon whose bridge is away, and its parts with one that answers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from device import api
from device.api.bridge import DONE, FAILED, LockJob
from device.sentences import say
from tests.web_ui.bridge import Bridge, bridged
from tests.web_ui.running import Browser, Office, text_of


@pytest.fixture
def bridge(office: Office) -> Iterator[Bridge]:
    with bridged(office) as made:
        yield made


def test_a_bridge_that_is_away_is_said_and_the_page_is_there(browsers: dict[str, Browser]) -> None:
    page = text_of(browsers["administrator"].get("/locks"))
    assert "does not answer" in page
    assert "Nothing is approved to be stamped here" in page
    assert "Search for locks" not in page


def test_a_lock_is_shown_with_its_health_and_an_auditor_can_do_nothing_to_it(browsers: dict[str, Browser], bridge: Bridge) -> None:
    shown = text_of(browsers["auditor"].get("/locks"))
    assert "Finance seal" in shown
    assert "77 %" in shown
    assert "Let it light up" not in shown
    assert "Let it light up" in text_of(browsers["administrator"].get("/locks"))


def test_a_test_is_begun_watched_and_its_outcome_shown(browsers: dict[str, Browser], bridge: Bridge) -> None:
    browser = browsers["administrator"]
    answer = browser.submit("/locks", form="/locks/SEAL-0001/do/test")
    assert bridge.asked == [("SEAL-0001", "test", "")]
    assert answer.headers["location"] == "/locks/job/job-1"
    assert "About to begin" in text_of(browser.get("/locks/job/job-1"))
    bridge.job = LockJob("job-1", "SEAL-0001", "test", 5, DONE, "done", said=api.reason(say("lock.log_kept", events=9)))
    assert "9 events are on record" in text_of(browser.get("/locks/job/job-1"))


@pytest.mark.parametrize(
    ("language", "paired", "over"), [("zh-CN", "未与本终端配对", "已过期"), ("zh-TW", "未與本終端機配對", "已過期")]
)
def test_what_the_bridge_says_is_read_in_the_readers_language(
    browsers: dict[str, Browser], bridge: Bridge, language: str, paired: str, over: str
) -> None:
    browser = browsers["administrator"]
    bridge.trouble = say("lock.not_paired")
    bridge.job = LockJob("job-1", "SEAL-0001", "test", 5, FAILED, "failed", "expired", said=api.reason(say("lock.no.expired")))
    browser.submit("/me/password", form=0, language=language)
    try:
        assert text_of(browser.get("/locks")).count(paired) == 2, "of Bluetooth, and of the lock"
        page = browser.get("/locks/job/job-1")
        assert over in text_of(page)
        assert not re.search(r"\b(the|and|with|has|not)\b", text_of(page).split("SEAL-0001", 1)[1])
    finally:
        browser.submit("/me/password", form=0, language="en")


def test_the_number_is_shown_large_and_the_answer_is_handed_on(browsers: dict[str, Browser], bridge: Bridge) -> None:
    bridge.job = LockJob("job-1", "SEAL-0001", "pair", 2, stage="compare", number="012345")
    browser = browsers["administrator"]
    page = browser.get("/locks/job/job-1")
    assert "012 345" in text_of(page)
    assert 'http-equiv="refresh"' not in page.text
    browser.submit("/locks/job/job-1", form="/locks/job/job-1/compare", same="no")
    assert bridge.asked == [("job-1", "no")]


def test_removing_names_what_follows_and_a_name_can_be_changed(browsers: dict[str, Browser], bridge: Bridge) -> None:
    browser = browsers["administrator"]
    assert "compares numbers anew" in text_of(browser.get("/locks/SEAL-0001/remove"))
    browser.submit("/locks/SEAL-0001/rename", name="Legal seal")
    browser.submit("/locks/SEAL-0001/remove")
    assert bridge.asked == [("SEAL-0001", "rename", "Legal seal"), ("SEAL-0001", "remove", "")]


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_only_administrators_may_touch_a_lock(browsers: dict[str, Browser], bridge: Bridge, role: str) -> None:
    for page in ("/locks/SEAL-0001/remove", "/locks/SEAL-0001/rename", "/locks/job/job-1"):
        assert browsers[role].get(page).status_code == 403
    assert bridge.asked == []

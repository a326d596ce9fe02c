"""A consent is recorded for the text that stood on the page, and for no other."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web_ui import running
from tests.web_ui.running import PASSWORD, Browser, text_of


@pytest.fixture(scope="module")
def afresh() -> Iterator[dict[str, Browser]]:
    """Before daemons of this file alone: a text that is published stays for every other."""
    with tempfile.TemporaryDirectory(prefix="daka-") as folder, running.office(Path(folder)) as found:
        yield running.everybody(found)


def _publish(administrator: Browser, version: str) -> None:
    words = dict.fromkeys(("zh_cn", "zh_tw", "en"), f"{version}: another text in words of our own.")
    assert administrator.submit("/privacy/texts", version=version, current=PASSWORD, **words).status_code == 302


def _hash(page: str) -> str:
    return str(re.findall(r'name="shown" value="([0-9a-f]{64})"', page)[0])


def test_a_text_that_was_published_meanwhile_is_shown_before_anybody_agrees_to_it(afresh: dict[str, Browser]) -> None:
    operator = afresh["operator"]
    shown = operator.get("/people/1003/consent")
    _publish(afresh["administrator"], "meanwhile-1")
    answer = operator.send(shown, basis="consent", agreed="y")
    assert answer.status_code == 422
    assert "The text has changed since this page was opened" in text_of(answer)
    assert "meanwhile-1: another text" in text_of(answer)
    assert not re.search(r'<input[^>]*name="agreed"[^>]*checked|<input[^>]*checked[^>]*name="agreed"', answer.text)
    assert "In force" not in operator.get("/people/1003").text
    assert operator.send(answer, basis="consent", agreed="y").status_code == 302
    assert "In force" in operator.get("/people/1003").text


def test_a_form_that_does_not_say_what_it_showed_records_nothing(afresh: dict[str, Browser]) -> None:
    operator = afresh["operator"]
    answer = operator.submit("/people/1008/consent", basis="consent", agreed="y", shown="")
    assert answer.status_code == 422
    assert "In force" not in operator.get("/people/1008").text


def test_a_tick_below_an_older_text_is_not_kept_beside_a_newer_one(afresh: dict[str, Browser]) -> None:
    operator = afresh["operator"]
    answer = operator.submit("/people/1008/consent", basis="nothing", agreed="y", shown="0" * 64)
    assert answer.status_code == 422
    assert _hash(answer.text) != "0" * 64
    assert not re.search(r'<input[^>]*checked[^>]*name="agreed"', answer.text)


def test_the_button_says_what_it_does(afresh: dict[str, Browser]) -> None:
    assert "Record the consent</button>" in afresh["operator"].get("/people/1008/consent").text


def test_a_legal_duty_names_its_law_and_nothing_typed_is_lost_without_it(afresh: dict[str, Browser]) -> None:
    operator = afresh["operator"]
    answer = operator.submit("/people/1007/consent", basis="legal_duty", agreed="y")
    assert answer.status_code == 422
    assert "Name the law" in text_of(answer)
    assert re.search(r'<input[^>]*checked[^>]*name="agreed"', answer.text), "the tick stays: the text is the same"
    answer = operator.send(answer, basis="legal_duty", agreed="y", reference="a\x07b")
    assert answer.status_code == 422
    assert "none of them a control character" in text_of(answer)
    answer = operator.send(answer, basis="legal_duty", agreed="y", reference="Act 12, section 3")
    assert answer.headers["location"] == "/people/1007"
    assert "In force" in operator.get("/people/1007").text

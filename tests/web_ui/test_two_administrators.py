"""Two people change the same things from pages that stood open: nobody's change is taken back in silence."""

from __future__ import annotations

import re

from tests.web_ui.running import Browser, Office, signed_in, text_of


def _value(browser: Browser, name: str) -> str:
    (value,) = re.findall(rf'name="{re.escape(name)}" value="([^"]*)"', browser.get("/settings").text)
    return str(value)


def test_what_somebody_else_has_set_stays(office: Office, afresh: dict[str, Browser]) -> None:
    first, second = afresh["administrator"], signed_in(office, "administrator")
    pages = first.get("/settings"), second.get("/settings")
    assert first.send(pages[0], -1, attend__min_gap_s="130").status_code == 302
    assert second.send(pages[1], -1, attend__change_within_s="21").status_code == 302
    assert (_value(first, "attend.min_gap_s"), _value(first, "attend.change_within_s")) == ("130.0", "21.0")


def test_whoever_types_over_a_value_that_has_moved_sees_both_first(office: Office, afresh: dict[str, Browser]) -> None:
    first, second = afresh["administrator"], signed_in(office, "administrator")
    pages = first.get("/settings"), second.get("/settings")
    first.send(pages[0], -1, attend__min_gap_s="140")
    answer = second.send(pages[1], -1, attend__min_gap_s="150")
    assert answer.status_code == 422
    assert "Somebody has set this to “140" in text_of(answer)
    assert _value(first, "attend.min_gap_s") == "140.0"
    assert second.send(answer, -1).status_code == 302, "once it is known, it is meant"
    assert _value(first, "attend.min_gap_s") == "150.0"


def test_a_dangerous_change_that_was_confirmed_too_late_is_asked_again(office: Office, afresh: dict[str, Browser]) -> None:
    first, second = afresh["administrator"], signed_in(office, "administrator")
    asked = second.submit("/settings", recognition__votes="1")
    assert "Change these settings?" in text_of(asked)
    first.submit("/settings", recognition__votes="3")
    answer = second.send(asked, -1, current="correct horse battery")
    assert answer.status_code == 422
    assert "Somebody has set this" in text_of(answer)


def test_two_who_change_a_person_write_what_they_typed(office: Office, afresh: dict[str, Browser]) -> None:
    first, second = afresh["operator"], signed_in(office, "administrator")
    pages = first.get("/people/1011/change"), second.get("/people/1011/change")
    assert first.send(pages[0], -1, expires="2031-12-31", supervisor="y").status_code == 302
    assert second.send(pages[1], -1, group="guard").status_code == 302
    page = first.get("/people/1011/change").text
    assert 'value="2031-12-31"' in page
    assert 'value="guard"' in page
    assert re.search(r'<input[^>]*checked[^>]*name="supervisor"', page)
    answer = first.send(pages[0], -1, group="gate")
    assert answer.status_code == 422
    assert "Somebody has set this to “guard” while this page stood open with “–”" in text_of(answer)
    assert 'value="2031-12-31"' in answer.text, "what was not typed stands as it is by now"
    assert first.send(answer, -1).status_code == 302
    assert 'value="gate"' in first.get("/people/1011/change").text

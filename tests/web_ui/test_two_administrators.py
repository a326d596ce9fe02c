"""Two people change the same things from pages that stood open: nobody's change is taken back in silence."""

from __future__ import annotations

import re

import pytest

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


@pytest.mark.parametrize("between", [{"name": " "}, {"expires": "2031-13-01"}, {"_language": "en"}])
def test_a_form_that_comes_back_once_undoes_nobody(office: Office, afresh: dict[str, Browser], between: dict[str, str]) -> None:
    first, second = afresh["operator"], signed_in(office, "administrator")
    first.submit("/people/1012/change", -1, name="Twelve", group="", expires="", supervisor="")
    mine = second.get("/people/1012/change")
    first.submit("/people/1012/change", -1, group="guard", supervisor="y")
    again = second.send(mine, -1, **between)
    assert re.search(r'<input[^>]*checked[^>]*name="supervisor"', again.text)
    assert second.send(again, -1, name="Twelfth", expires="").status_code == 302
    page = first.get("/people/1012/change").text
    assert 'value="guard"' in page
    assert 'value="Twelfth"' in page
    assert re.search(r'<input[^>]*checked[^>]*name="supervisor"', page)


@pytest.mark.parametrize("between", [{"name": " "}, {"expires": "2031-13-01"}, {"_language": "en"}])
def test_what_was_typed_over_another_value_is_asked_after_a_slip_too(
    office: Office, afresh: dict[str, Browser], between: dict[str, str]
) -> None:
    first, second = afresh["operator"], signed_in(office, "administrator")
    first.submit("/people/1012/change", -1, name="Twelve", group="", expires="")
    mine = second.get("/people/1012/change")
    first.submit("/people/1012/change", -1, group="guard")
    again = second.send(mine, -1, group="gate", **between)
    assert 'value="gate"' in again.text
    answer = second.send(again, -1, name="Twelve", expires="")
    assert answer.status_code == 422
    assert "Somebody has set this to “guard”" in text_of(answer)
    assert second.send(answer, -1).status_code == 302, "once it is known, it is meant"


def test_a_slip_in_a_setting_hides_nobody_elses_value(office: Office, afresh: dict[str, Browser]) -> None:
    first, second = afresh["administrator"], signed_in(office, "administrator")
    mine = second.get("/settings")
    first.submit("/settings", -1, attend__min_gap_s="160")
    answer = second.send(mine, -1, attend__min_gap_s="17o")
    assert answer.status_code == 422
    assert "Somebody has set this to “160" in text_of(answer)

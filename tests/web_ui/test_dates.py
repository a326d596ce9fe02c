"""A slip in a date is said beside its field."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from device.commands.main import daka
from tests.web_ui.running import Browser, Office, text_of

PUNCH = {"number": "1001", "direction": "in", "reason": "forgotten"}
REQUEST = {"number": "1001", "kind": "access"}
SLIPS = (
    ("/people/1010/change", {"expires": "9999-12-31"}),
    ("/people/1010/change", {"expires": "0001-01-01"}),
    ("/punches/new", {**PUNCH, "at": "0001-01-01T00:00"}),
    ("/punches/new", {**PUNCH, "at": "9999-12-31T23:59"}),
    ("/privacy/requests", {**REQUEST, "opened": "9999-12-31"}),
    ("/privacy/requests", {**REQUEST, "opened": "0001-01-01"}),
)


@pytest.mark.parametrize(("page", "typed"), SLIPS)
def test_a_slip_in_a_year_keeps_the_form_and_says_so(afresh: dict[str, Browser], page: str, typed: dict[str, str]) -> None:
    answer = afresh["operator"].submit(page, **typed)
    assert answer.status_code == 422
    assert "There is a slip in this date" in text_of(answer)
    for value in typed.values():
        assert value in answer.text, "everything typed stays"


def test_nobody_asked_something_tomorrow(afresh: dict[str, Browser]) -> None:
    answer = afresh["operator"].submit("/privacy/requests", **REQUEST, opened="2150-01-01")
    assert answer.status_code == 422
    assert "has not come yet" in text_of(answer)


@pytest.mark.parametrize("at", ["0001-01-01T00:00+08:00", "9999-12-31T23:59-08:00"])
def test_the_command_line_says_the_same_of_a_punch(office: Office, at: str) -> None:
    told = CliRunner().invoke(daka, ["--state", str(office.folder.root), "correct", "add", "1001", "in", at, "--reason", "x"])
    assert "is no time" in str(told.exception)


def test_the_command_line_says_the_same_of_a_last_day(office: Office) -> None:
    words = ["people", "change", "1001", "--expires", "0001-01-01T00:00+08:00"]
    told = CliRunner().invoke(daka, ["--state", str(office.folder.root), *words])
    assert "expires is a date such as" in str(told.exception)

"""Lists of people as spreadsheets here write them, and numbers that look like other addresses."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import flask
import httpx
import pytest

from tests.web_ui import running
from tests.web_ui.running import Browser, ended, text_of
from web_ui import addresses, people_forms
from web_ui.pages import PAGES
from web_ui.sheet import Sheet

NAMES = "number,name,language\n4001,陳美玲,zh-TW\n4002,林志豪,zh-TW\n"


def _look(browser: Browser, data: bytes, **typed: str) -> httpx.Response:
    answer = browser.submit("/people/import", files={"file": ("list.csv", data, "text/csv")}, **typed)
    return browser.get(answer.headers["location"]) if answer.status_code == 302 else answer


def test_a_list_in_big5_brings_the_names_that_stand_in_it(afresh: dict[str, Browser]) -> None:
    looked = _look(afresh["operator"], NAMES.encode("big5"), encoding="big5")
    assert "陳美玲" in looked.text
    assert "林志豪" in looked.text


def test_names_that_were_read_in_the_wrong_encoding_are_seen_before_they_are_taken_over(afresh: dict[str, Browser]) -> None:
    looked = text_of(_look(afresh["operator"], NAMES.encode("big5"), encoding="gb18030"))
    assert "陳美玲" not in looked
    assert "private use" in looked
    assert "cannot be taken over" in looked
    assert "neither UTF-8 nor" in text_of(_look(afresh["operator"], b"number,name\n1,\xff\xfe\n", encoding="big5"))


@pytest.mark.parametrize(("language", "encoding"), [("zh-TW", "big5"), ("zh-CN", "gb18030"), ("en", "gb18030")])
def test_a_page_in_traditional_chinese_proposes_big5(tmp_path: Path, language: str, encoding: str) -> None:
    _parts, app = running.alone(tmp_path)
    with app.test_request_context(headers={"Accept-Language": language}):
        assert people_forms.usual_encoding() == encoding


@pytest.mark.parametrize("language", ["en", "zh-CN", "zh-TW"])
def test_the_empty_list_is_understood_when_it_comes_back_filled_in(afresh: dict[str, Browser], language: str) -> None:
    empty = afresh["operator"].get("/people/import/empty.csv", headers={"Accept-Language": language})
    heads = empty.content.decode("utf-8-sig").strip().split(",")
    filled = empty.content + "4003,林怡君,zh-TW,ops,2028/2/29,,,,\r\n".encode()
    looked = text_of(_look(afresh["operator"], filled))
    assert ("林怡君" in looked, len(set(heads))) == (True, 9)
    assert "cannot be taken over" not in looked


def test_a_dry_run_names_what_would_change_of_whom(afresh: dict[str, Browser]) -> None:
    operator = afresh["operator"]
    operator.submit("/people/1004/change", group="guard", supervisor="on")
    looked = _look(operator, b"number,name\n1005,\xe9\x99\xb3\xe7\xbe\x8e\xe7\x8e\xb2\n1004,Grace B. Hopper\n")
    first, second = re.findall(r"<tr><td class=.figure.>.*?</tr>", looked.text)
    assert re.sub("<[^>]*>", " ", first).split() == ["3", "1004", "Grace", "B.", "Hopper", "Will", "be", "changed", "Name"]
    assert "Stays as it is" in second
    taken = operator.send(looked, -2)
    assert "1 changed" in text_of(ended(operator, taken.headers["location"]))
    assert "guard" in operator.get("/people/1004").text


@pytest.mark.parametrize(
    "number", ["a/b", ".", "..", "new", "import", "photographs", "1/erase", "~2F", "...", "a b", "員工 7", "%2F"]
)
def test_every_employee_number_can_be_reached(afresh: dict[str, Browser], number: str) -> None:
    operator = afresh["operator"]
    made = operator.submit("/people/new", number=number, name=f"Named {number}")
    where = made.headers["location"]
    assert f"Named {number}" in operator.get(where).text
    assert operator.get(f"{where}/change").status_code == 200
    (link,) = re.findall(
        r'href="(/people/[^"]*)">' + re.escape(number) + "<", operator.get("/people", params={"search": number}).text
    )
    assert link == where


def test_no_page_lies_where_a_person_would() -> None:
    app = flask.Flask("test")
    for pages in PAGES:
        app.register_blueprint(pages)
    beside = {rule.rule.split("/")[2] for rule in app.url_map.iter_rules() if rule.rule.startswith("/people/")}
    assert beside - {"<number:number>"} == set(addresses.TAKEN)


def test_a_name_that_no_spreadsheet_can_hold_leaves_the_file_readable(tmp_path: Path) -> None:
    sheet = Sheet(("Name",), (20,))
    sheet.append(("bad\uffffname\ufffe",))
    sheet.save(tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as file:
        for name in file.namelist():
            if name.endswith(".xml"):
                ElementTree.fromstring(file.read(name))


def test_a_letter_that_is_none_is_refused_before_it_stands_anywhere(afresh: dict[str, Browser]) -> None:
    answer = afresh["operator"].submit("/people/new", number="3902", name="bad\uffffname")
    assert answer.status_code == 422
    assert afresh["operator"].get("/people/3902").status_code == 404

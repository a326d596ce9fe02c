"""The recognition page: what is searched and why, and an auditor's reports, in which nothing can act."""

from __future__ import annotations

from tests.web_ui.running import Browser, text_of
from web_ui.reports import MOST_BYTES

PAGE = b"<!DOCTYPE html><html><head><style>p{color:red}</style></head><body><p>FMR 1e-5</p><script>alert(1)</script></body></html>"


def bring(browser: Browser, name: str, content: bytes) -> str:
    answer = browser.submit("/recognition", form="/recognition/reports", files={"report": (name, content)})
    assert answer.status_code == 302
    return text_of(browser.get("/recognition"))


def test_the_page_says_how_people_are_found_and_from_what(browsers: dict[str, Browser]) -> None:
    page = text_of(browsers["auditor"].get("/recognition"))
    assert "people may be searched; 0 are enrolled" in page
    assert "not yet; the figures that came with the models hold" in page
    assert "Prints and screens by their raster" in page
    assert "If an enrolment is refused because somebody looks the same" in page


def test_a_report_is_kept_as_it_came_and_nothing_in_it_acts(browsers: dict[str, Browser]) -> None:
    auditor, administrator = browsers["auditor"], browsers["administrator"]
    assert auditor.client.post("/recognition/reports").status_code in (400, 403)
    assert "The report is kept" in bring(browsers["operator"], "march.html", PAGE)
    listed = auditor.get("/recognition").text
    number = listed.partition('href="/recognition/reports/')[2].partition('"')[0]
    shown = auditor.get(f"/recognition/reports/{number}/page")
    assert shown.content == PAGE
    assert shown.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "script-src" not in shown.headers["content-security-policy"]
    assert "img-src" not in shown.headers["content-security-policy"]
    file = auditor.get(f"/recognition/reports/{number}/file")
    assert file.content == PAGE
    assert file.headers["content-type"] == "application/octet-stream"
    assert "attachment" in file.headers["content-disposition"]
    assert auditor.client.post(f"/recognition/reports/{number}/remove").status_code in (400, 403)
    assert administrator.submit("/recognition", form=f"/recognition/reports/{number}/remove").status_code == 302
    assert auditor.get(f"/recognition/reports/{number}").status_code == 404
    assert "Evaluation report kept" in text_of(auditor.get("/audit?kind=audit"))


def test_a_document_is_shown_as_a_table(browsers: dict[str, Browser]) -> None:
    document = b'{"version": 1, "title": "<b>March</b>", "comparison": {"people": 40}, "thresholds": [1, 2]}'
    bring(browsers["operator"], "march.json", document)
    listed = browsers["auditor"].get("/recognition").text
    number = listed.partition('href="/recognition/reports/')[2].partition('"')[0]
    page = browsers["auditor"].get(f"/recognition/reports/{number}")
    assert "comparison.people 40" in text_of(page)
    assert "&lt;b&gt;March&lt;/b&gt;" in page.text
    assert browsers["auditor"].get(f"/recognition/reports/{number}/page").status_code == 404


def test_what_is_no_report_is_refused_with_the_reason(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    assert "A report is a page" in bring(operator, "face.jpg", b"\xff\xd8\xff")
    assert "not a page as daka evaluate" in bring(operator, "face.html", b"\xff\xd8\xff")
    assert "not JSON as daka evaluate" in bring(operator, "list.json", b"[1, 2]")
    assert "not JSON as daka evaluate" in bring(operator, "deep.json", b"[" * 100_000)
    assert "at most 8 MB" in bring(operator, "large.json", b" " * (MOST_BYTES + 1))

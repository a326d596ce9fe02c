"""Every page by every role, without script: what is shown, what is kept, what is refused."""

from __future__ import annotations

import re

import httpx
import pyotp
import pytest

from tests.web_ui import running
from tests.web_ui.running import NAMES, PASSWORD, ROLES, Browser, Office, text_of

PAGES = (
    "/", "/today/live", "/people", "/people/1001", "/punches", "/locks", "/privacy/retention", "/sync", "/health",
    "/recognition", "/privacy", "/privacy/components", "/privacy/requests", "/accounts", "/me", "/me/password",
    "/me/second-factor", "/audit", "/settings",
)  # fmt: skip
OFFICE_PAGES = ("/people/new", "/people/1001/consent")
ADMINISTRATORS_PAGES = (
    "/accounts/new", "/privacy/texts", "/accounts/1", "/accounts/1/role", "/accounts/1/password", "/accounts/1/remove",
    "/settings/restart", "/setup", "/setup/enterprise", "/setup/camera", "/setup/person", "/setup/health",
)  # fmt: skip


@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_a_role_may_open_opens(browsers: dict[str, Browser], role: str) -> None:
    pages = PAGES + (OFFICE_PAGES if role != "auditor" else ()) + (ADMINISTRATORS_PAGES if role == "administrator" else ())
    for page in pages:
        answer = browsers[role].get(page)
        assert answer.status_code == 200, (page, text_of(answer))
        assert "Something went wrong" not in answer.text


def test_what_a_role_may_not_open_says_so(browsers: dict[str, Browser]) -> None:
    for page in OFFICE_PAGES + ADMINISTRATORS_PAGES:
        assert browsers["auditor"].get(page).status_code == 403, page
    for page in ADMINISTRATORS_PAGES:
        assert browsers["operator"].get(page).status_code == 403, page
    assert "Your role may not do this" in text_of(browsers["auditor"].get("/people/new"))


def test_whoever_is_not_signed_in_is_asked_who_they_are_and_then_gets_where_they_wanted(office: Office) -> None:
    with office.browser() as nobody:
        for page in PAGES + OFFICE_PAGES + ADMINISTRATORS_PAGES:
            answer = nobody.get(page)
            assert answer.status_code == 302, page
            assert answer.headers["location"].startswith("/login"), page
        page = "/punches?direction=in&size=25"
        answer = nobody.submit(nobody.get(page).headers["location"], name=NAMES["auditor"], password="correct horse battery")
        assert answer.headers["location"] == page


def test_an_unknown_address_is_a_page_with_a_way_on(browsers: dict[str, Browser]) -> None:
    answer = browsers["auditor"].get("/nothing")
    assert answer.status_code == 404
    assert "To the first page" in answer.text
    assert browsers["auditor"].get("/people/nobody").status_code == 404
    assert browsers["auditor"].get("/punches/1").status_code == 404


def test_a_person_is_added_and_what_was_typed_stays_when_something_is_wrong(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    answer = operator.submit("/people/new", number="1001", name="Somebody Else", language="zh-TW")
    assert answer.status_code == 422
    assert "belongs to somebody already" in answer.text
    assert 'value="Somebody Else"' in answer.text
    assert re.search(r'<option selected value="zh-TW"', answer.text)
    answer = operator.submit("/people/new", number="2001", name="新同事", language="zh-CN")
    assert answer.headers["location"] == "/people/2001"
    assert "新同事 was added" in text_of(operator.get("/people/2001"))


def test_consent_needs_the_tick_and_withdrawal_names_what_follows(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    answer = operator.submit("/people/1002/consent", basis="consent")
    assert answer.status_code == 422
    assert "Without this there is no consent" in answer.text
    assert operator.submit("/people/1002/consent", basis="consent", agreed="y").headers["location"] == "/people/1002"
    assert "In force" in operator.get("/people/1002").text
    assert "cannot be brought back" in text_of(operator.get("/people/1002/withdraw"))
    assert operator.submit("/people/1002/withdraw").status_code == 302
    assert "In force" not in operator.get("/people/1002").text
    assert operator.submit("/people/1002/withdraw").headers["location"] == "/people/1002"  # a colleague was faster
    assert "there is nothing to withdraw" in text_of(operator.get("/people/1002"))


def test_a_face_is_removed_only_where_one_is_and_what_follows_is_said_first(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    assert "with the person there" in text_of(operator.get("/people/1002/remove-face"))
    assert operator.submit("/people/1002/remove-face").headers["location"] == "/people/1002"
    assert "there is nothing to remove" in text_of(operator.get("/people/1002"))
    assert browsers["auditor"].get("/people/1002/remove-face").status_code == 403


def test_people_are_searched_sorted_and_paged_by_the_address_alone(browsers: dict[str, Browser]) -> None:
    auditor = browsers["auditor"]
    assert "王小明" in auditor.get("/people?search=小明").text
    assert "Grace" not in auditor.get("/people?search=小明").text
    assert "Nobody matches" in auditor.get("/people?search=qqq").text
    numbers = re.findall(r">(1\d{3})</a>", auditor.get("/people?sort=number&order=descending").text)
    assert numbers == sorted(numbers, reverse=True)
    assert re.findall(r'href="/people/\d+"', auditor.get("/people?size=25&page=99").text), "there is no such page: the last one"


def test_punches_are_filtered_and_a_punch_shows_its_record(browsers: dict[str, Browser]) -> None:
    auditor = browsers["auditor"]
    everything = auditor.get("/punches?first=2020-01-01&last=2100-01-01&size=200").text
    assert everything.count('<td><a href="/punches/') >= 40
    only = auditor.get("/punches?first=2020-01-01&last=2100-01-01&size=200&method=pin&direction=in").text
    assert 0 < only.count('<td><a href="/punches/') < 20
    assert "Face and badge</td>" not in only
    assert "No punches match" in auditor.get("/punches?first=2020-01-01&last=2020-01-02").text
    seq = re.findall(r'href="/punches/(\d+)"', only)[0]
    page = auditor.get(f"/punches/{seq}").text
    assert "first_attempt_at" in page
    assert "Main gate" in page


def test_settings_are_changed_together_with_what_was_typed_kept_on_an_error(browsers: dict[str, Browser]) -> None:
    administrator = browsers["administrator"]
    answer = administrator.submit("/settings", attend__min_gap_s="-5", device__contact="Front desk")
    assert answer.status_code == 422
    assert "attend.min_gap_s" in text_of(answer)
    assert 'value="Front desk"' in answer.text
    assert 'value="Front desk"' not in administrator.get("/settings").text
    answer = administrator.submit("/settings", attend__min_gap_s="abc")
    assert "This is not a number" in answer.text
    assert administrator.submit("/settings", attend__min_gap_s="45").status_code == 302
    assert "Written: attend.min_gap_s" in text_of(administrator.get("/settings"))
    audit = text_of(administrator.get("/audit?kind=audit"))
    assert "Setting changed" in audit
    assert "attend.min_gap_s = 45.0" in audit
    assert "web:ada" in audit


def test_a_capability_is_switched_and_nothing_else_changes(browsers: dict[str, Browser]) -> None:
    administrator, switch = browsers["administrator"], "page.messages"
    for expected in ("page.messages = Off", "page.messages = On"):
        assert administrator.submit("/settings", form=switch).status_code == 302
        assert "Written: page.messages." in text_of(administrator.get("/settings"))
        assert expected in text_of(administrator.get("/audit?kind=audit"))


def test_a_change_that_can_hurt_is_asked_again_with_its_consequence_and_ones_own_password(browsers: dict[str, Browser]) -> None:
    administrator = browsers["administrator"]
    asked = administrator.submit("/settings", form="liveness.passive")
    assert asked.status_code == 200
    assert "passes more easily for a living person" in text_of(asked)
    assert "liveness.passive On Off" in text_of(asked)
    assert "liveness.passive = Off" not in text_of(administrator.get("/audit?kind=audit"))
    wrong = administrator.send(asked, "yes", current="not the password")
    assert wrong.status_code == 422
    done = administrator.send(wrong, "yes", current=PASSWORD)
    assert done.status_code == 302, text_of(done)
    assert "liveness.passive = Off" in text_of(administrator.get("/audit?kind=audit"))
    assert administrator.submit("/settings", form="liveness.passive").status_code == 302, "the safe way back asks nothing"


def test_a_looser_rate_and_a_shorter_retention_are_asked_again_and_a_harmless_change_beside_them_waits(
    browsers: dict[str, Browser],
) -> None:
    administrator = browsers["administrator"]
    looser = administrator.submit("/recognition", form="/recognition/rate", rate="0.1")
    assert "taken for somebody else" in text_of(looser)
    both = administrator.submit("/settings", retention__left_days="30", device__site="East gate")
    assert "destroyed for good" in text_of(both)
    assert "device.site" in text_of(both)
    assert 'value="East gate"' not in administrator.get("/settings").text
    done = administrator.send(both, "yes", current=PASSWORD)
    assert done.status_code == 302, text_of(done)
    assert 'value="East gate"' in administrator.get("/settings").text
    back = administrator.submit("/settings", retention__left_days="90", device__site="Main gate")
    assert "stay longer" in text_of(back)
    assert administrator.send(back, "yes", current=PASSWORD).status_code == 302


def test_a_second_factor_is_asked_for_again_too(browsers: dict[str, Browser]) -> None:
    """An account of its own: codes serve once, and the other tests sign in without."""
    administrator, first = browsers["administrator"], "first of many words"
    administrator.submit("/accounts/new", name="tess", role="administrator", password=first, current=PASSWORD)
    with administrator.office.browser() as tess:
        tess.sign_in("tess", first)
        tess.submit("/me/password", current=first, password=PASSWORD, again=PASSWORD)
        tess.sign_in("tess")
        page = tess.get("/me/second-factor")
        secret = re.findall(r"<code>([A-Z2-7]{32})</code>", page.text)[0]
        assert tess.send(page, current=PASSWORD, code=pyotp.TOTP(secret).now()).status_code == 302
        asked = tess.submit("/settings", form="liveness.passive")
        assert tess.send(asked, "yes", current=PASSWORD).status_code == 422, "the password alone is not enough"
        refused = tess.send(asked, "yes", current=PASSWORD, second="000000")
        assert "This code is not right, or has been used already" in text_of(refused)
        right = running.fresh_code(tess.office, "tess", secret)
        assert tess.send(asked, "yes", current=PASSWORD, second=right).status_code == 302
        assert tess.submit("/settings", form="liveness.passive").status_code == 302
    accounts = re.findall(r'href="/accounts/(\d+)">tess', administrator.get("/accounts").text)
    assert administrator.submit(f"/accounts/{accounts[0]}/remove", current=PASSWORD).status_code == 302


def test_another_language_keeps_what_was_typed_and_does_nothing_else(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    page = operator.submit("/people/new", number="9901", name="Half typed", _language="zh-TW")
    try:
        assert page.status_code == 200
        assert 'value="Half typed"' in page.text
        assert '<html lang="zh-TW"' in page.text
        assert operator.get("/people/9901").status_code == 404
        consent = operator.submit("/people/1003/consent", reference="Half a law", agreed="y", _language="zh-TW")
        assert (consent.status_code, 'value="Half a law"' in consent.text) == (200, True)
        assert 'id="typed"' in consent.text, "the form that the buttons of the languages send"
        assert 'form="typed"' in consent.text
        settings = browsers["administrator"].submit("/settings", device__site="Half a name", _language="en")
        assert 'value="Half a name"' in settings.text
        assert 'value="Half a name"' not in browsers["administrator"].get("/settings").text
    finally:
        back = operator.submit("/people/new", _language="en")
    assert '<html lang="en"' in back.text, "the answer speaks it already, also where another one was chosen before"
    assert "Employee number" in text_of(back)


def test_a_request_counts_its_fifteen_days_and_is_closed(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    assert operator.submit("/privacy/requests", number="nobody", kind="access", opened="2026-11-01").status_code == 422
    answer = operator.submit("/privacy/requests", number="1003", kind="access", opened="2026-11-01")
    assert answer.status_code == 302, text_of(answer)
    page = text_of(operator.get("/privacy/requests"))
    assert "Nov 16, 2026" in page
    assert "Open requests about personal data" in text_of(operator.get("/"))
    assert browsers["auditor"].client.post("/privacy/requests").status_code in (400, 403)
    assert operator.submit("/privacy/requests", form="/privacy/requests/1/close", outcome="granted").status_code == 302
    assert "Granted" in text_of(operator.get("/privacy/requests"))


def test_the_first_text_is_no_new_version_to_anybody(browsers: dict[str, Browser]) -> None:
    for browser in browsers.values():
        assert "new version of the consent text" not in browser.get("/privacy").text


def test_the_whole_chain_is_checked_beside_the_page(browsers: dict[str, Browser]) -> None:
    auditor = browsers["auditor"]
    where = auditor.submit("/sync", form="/sync/verify").headers["location"]
    for _ in range(100):
        page = auditor.get(where).text
        if "The chain holds" in page:
            break
    assert "The chain holds" in page
    assert browsers["operator"].get(where).status_code == 404


def test_a_person_is_given_a_pin_that_is_shown_once(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    page = operator.submit("/people/1004/ways", form="/people/1004/ways/pin")
    assert re.search(r"<code>\d{8}</code>", page.text)
    assert "繁體中文" not in page.text, "in another language the page would be fetched anew, and the PIN gone"
    assert not re.search(r"<code>\d{8}</code>", operator.get("/people/1004/ways").text)
    assert "Remove the PIN" in operator.get("/people/1004/ways").text
    assert operator.submit("/people/1004/ways", form="/people/1004/ways/remove/pin").status_code == 302
    assert "Remove the PIN" not in operator.get("/people/1004/ways").text


def test_a_badge_is_one_persons_and_stays_typed_when_it_is_somebody_elses(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    assert operator.submit("/people/1004/ways", badge="04A1B2C3D4").status_code == 302
    answer = operator.submit("/people/1005/ways", badge="04A1B2C3D4")
    assert answer.status_code == 422
    assert 'value="04A1B2C3D4"' in answer.text


def test_a_list_is_looked_at_first_and_a_refused_line_changes_nothing(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    bad = "number,name,language\n3001,赵一,zh-CN\n3002,,zh-CN\n".encode()
    answer = looked_at(operator, bad)
    assert "Lines are refused" in text_of(answer)
    assert "Take the list over" not in answer.text
    good = "number,name,language\n3001,赵一,zh-CN\n3002,钱二,zh-CN\n".encode("gb18030")
    answer = looked_at(operator, good)
    assert "Nothing has been changed yet" in text_of(answer)
    assert operator.get("/people/3001").status_code == 404
    assert text_of(operator.get(answer.url.path)) == text_of(answer), "its address shows it again"
    assert browsers["administrator"].get(answer.url.path).status_code == 404, "to whoever looked at it, and nobody else"
    done = running.ended(operator, operator.send(answer, 2).headers["location"])
    assert operator.get(answer.url.path).status_code == 404, "it was used"
    assert "2 added, 0 changed" in text_of(done)
    assert "赵一" in operator.get("/people/3001").text


def test_a_list_with_pins_says_how_far_it_is_and_its_page_can_be_opened_again(browsers: dict[str, Browser]) -> None:
    """Told by the kiosk daemon: each PIN is sealed slowly on purpose."""
    operator, many = browsers["operator"], 120
    table = "number,name,pin\n" + "".join(f"{6_600 + row},Nr {row},{705_193 + 7 * row}\n" for row in range(many))
    where, told = operator.send(looked_at(operator, table.encode()), 2).headers["location"], list[str]()
    while "this page renews itself" in (page := operator.get(where)).text:
        told += re.findall(rf"PINs are sealed.*?<progress[^>]*>.*?([\d]+) of {many}<", page.text, re.DOTALL)
    done = [int(one) for one in told]
    assert len(set(done)) > 1, "nobody saw how far it is"
    assert done == sorted(done)
    assert f"{many} added" in text_of(page)
    assert text_of(operator.get(where)) == text_of(page), "opened again it says the same"
    assert browsers["auditor"].get(where).status_code == 403


def test_a_long_list_that_was_looked_at_can_be_taken_over(browsers: dict[str, Browser]) -> None:
    """Spreadsheets leave empty lines behind; with them, or with thousands of people, a list is larger than any other form."""
    operator = browsers["operator"]
    first = looked_at(operator, b"number,name\n7700,Nobody\n").url.path
    table = "number,name,language\n7701,長名單,zh-TW\n" + "\n" * 400_000
    page = looked_at(operator, table.encode("utf-8"))
    assert operator.get(first).status_code == 404, "another one was looked at since"
    taken = operator.send(page, 2)
    assert "1 added" in text_of(running.ended(operator, taken.headers["location"]))
    assert browsers["auditor"].get(taken.headers["location"]).status_code == 403
    assert "長名單" in operator.get("/people/7701").text


def looked_at(browser: Browser, table: bytes) -> httpx.Response:
    """The page of a list that was looked at."""
    where = browser.submit("/people/import", files={"file": ("list.csv", table, "text/csv")}).headers["location"]
    return browser.get(where)


def test_an_erasure_asks_for_ones_own_password_and_leaves_a_receipt(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    assert "not even from a backup" in text_of(operator.get("/people/1006/erase"))
    assert operator.submit("/people/1006/erase", reason="asked", current="not the password").status_code == 422
    assert operator.get("/people/1006").status_code == 200
    assert operator.submit("/people/1006/erase", reason="asked", current=PASSWORD).status_code == 302
    assert "nothing remains" in text_of(operator.get("/people"))
    assert operator.get("/people/1006").status_code == 404
    assert "Erasure" in text_of(operator.get("/audit?kind=erasure"))


def test_a_last_day_is_kept_and_shown_as_it_was_typed(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    answer = operator.submit("/people/1007/change", name="Visitor", group="Lab", expires="2027-03-31", language="zh-TW")
    assert answer.status_code == 302, text_of(answer)
    assert "Mar 31, 2027" in operator.get("/people/1007").text
    assert 'value="2027-03-31"' in operator.get("/people/1007/change").text


def test_a_last_day_is_the_same_from_a_list_and_from_the_page_and_stays_until_it_is_changed(
    office: Office, browsers: dict[str, Browser]
) -> None:
    operator = browsers["operator"]
    looked = looked_at(operator, b"number,name,expires\n2001,Ann,2026-11-30\n")
    running.ended(operator, operator.send(looked, 2).headers["location"])
    assert 'value="2026-11-30"' in operator.get("/people/2001/change").text
    with office.personnel() as client:
        before = client.change_person("2001", "", "", "", "2026-11-30T12:00+08:00", "", "cli:test").expires_at
        operator.submit("/people/2001/change", group="Lab")
        assert client.change_person("2001", "", "", "Gate", "", "", "cli:test").expires_at == before, "it ends at noon still"


def newest(browser: Browser, query: str = "") -> int:
    page = browser.get(f"/punches?first=2020-01-01&last=2100-01-01&state=counts&{query}").text
    return int(re.findall(r'href="/punches/(\d+)"', page)[0])


def test_a_correction_keeps_the_first_record_and_needs_a_reason(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    seq = newest(operator, "search=1008")
    assert operator.submit(f"/punches/{seq}/correct", direction="out", reason="").status_code == 422
    answer = operator.submit(f"/punches/{seq}/correct", direction="out", reason="went the other way")
    assert answer.status_code == 302, text_of(answer)
    page = text_of(operator.get(answer.headers["location"]))
    assert "went the other way" in page
    assert "web:otto" in page
    first = operator.get(f"/punches/{seq}").text
    assert "Voided" in first
    assert f'{answer.headers["location"]}">' in first
    again = operator.submit(f"/punches/{seq}/correct", reason="again")
    assert again.status_code == 422
    assert f"punch {seq} does not count any more" in text_of(again)
    assert browsers["auditor"].get(f"/punches/{seq}/correct").status_code == 403


def test_a_time_is_corrected_in_the_time_of_the_place(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    seq = newest(operator, "search=1009")
    blank = operator.submit(f"/punches/{seq}/correct", at="2026-10-05T08:59:30", reason="   ")
    assert "Please fill this in." in text_of(blank)
    answer = operator.submit(f"/punches/{seq}/correct", at="2026-10-05T08:59:30", reason="the reader was broken")
    assert "2026-10-05 08:59:30" in operator.get(answer.headers["location"]).text
    assert "2026-10-05 08:59:30" in operator.get("/punches?first=2026-10-05&last=2026-10-05").text


def test_a_voided_punch_counts_no_more_but_can_be_seen(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    seq = newest(operator, "search=1010")
    assert "cannot be brought back" in text_of(operator.get(f"/punches/{seq}/void"))
    assert operator.submit(f"/punches/{seq}/void", reason="a test").status_code == 302
    assert newest(operator, "search=1010") != seq
    assert f'href="/punches/{seq}"' in operator.get("/punches?first=2020-01-01&last=2100-01-01&state=voided").text


def test_a_forgotten_punch_is_added_and_shown_as_the_offices(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    typed = {"number": "nobody", "direction": "in", "at": "2026-10-06T08:00", "reason": "forgot the badge"}
    answer = operator.submit("/punches/new", **typed)
    assert answer.status_code == 422
    assert 'value="2026-10-06T08:00' in answer.text
    assert operator.submit("/punches/new", **{**typed, "number": "1011"}).status_code == 302
    assert "By the office" in text_of(operator.get("/punches?first=2026-10-06&last=2026-10-06"))


def test_everything_held_about_somebody_is_a_signed_file_without_a_template(browsers: dict[str, Browser]) -> None:
    answer = browsers["operator"].submit("/people/1008", form="/people/1008/held")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert "1008" in answer.text
    assert "sealed" not in answer.text
    assert browsers["auditor"].client.post("/people/1008/held").status_code in (400, 403)


def test_a_new_consent_text_asks_for_all_three_languages_and_brings_the_notice_back(browsers: dict[str, Browser]) -> None:
    administrator, auditor = browsers["administrator"], browsers["auditor"]
    words = {"zh_cn": "我们的文本", "zh_tw": "我們的文本", "en": "Our own text"}
    assert administrator.submit("/privacy/texts", version="2027-1", **{**words, "zh_tw": ""}, current=PASSWORD).status_code == 422
    answer = administrator.submit("/privacy/texts", version="2027-1", **words, asks_again="y", current=PASSWORD)
    assert answer.status_code == 302, text_of(answer)
    page = auditor.get("/privacy").text
    assert "Our own text" in page
    assert "new version of the consent text" in page
    assert auditor.submit("/privacy", form="/privacy/notice").status_code == 302
    assert "new version of the consent text" not in auditor.get("/privacy").text
    assert "new version of the consent text" in administrator.get("/privacy").text, "each reads it for themself"


def test_what_is_too_old_is_looked_at_before_it_is_destroyed(browsers: dict[str, Browser]) -> None:
    assert "What is too old?" in browsers["auditor"].get("/privacy/retention").text


def test_an_enrolment_at_the_kiosk_is_begun_watched_and_stopped_from_the_office(browsers: dict[str, Browser]) -> None:
    operator = browsers["operator"]
    for path, begin in (("/people/1009/sitting", "Begin at the kiosk"), ("/people/1009/enrol", 'name="photograph"')):
        refused = operator.get(path)
        assert "no consent in force" in text_of(refused), "without a consent nobody is looked at"
        assert begin not in refused.text
        assert 'href="/people/1009/consent"' in refused.text
    operator.submit("/people/1009/consent", basis="consent", agreed="y")
    opened = operator.get("/people/1009/sitting")
    operator.submit("/people/1009/withdraw")
    assert operator.send(opened).headers["location"] == "/people/1009", "a page of before begins nothing either"
    assert "no consent in force" in text_of(operator.get("/people/1009"))
    operator.submit("/people/1009/consent", basis="consent", agreed="y")
    assert operator.submit("/people/1009/sitting").headers["location"] == "/people/1009/sitting"
    page = operator.get("/people/1009/sitting").text
    assert "looks straight ahead" in page
    assert 'http-equiv="refresh"' in page
    assert operator.submit("/people/1009/sitting", act="end").status_code == 302
    assert "nothing was kept" in text_of(operator.get("/people/1009/sitting"))
    assert browsers["auditor"].get("/people/1009/sitting").status_code == 403

"""Three languages: nothing is missing, nothing is left over, and what stands in for a value stays."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import web_ui
from device import config
from device.sentences import parts, say
from tests.chinese import strays
from tests.web_ui.running import Browser, Office, text_of
from web_ui import languages

ROOM = Path(web_ui.__file__).parent
KEYWORDS = dict.fromkeys(("_", "_l", "gettext", "lazy_gettext"))
SAME_IN_CHINESE = {"PIN", "a PIN", "NTP", "web.db"}


def said() -> set[str]:
    """Every text that pages and code say in English."""
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    found = extract_from_dir(str(ROOM), methods, keywords=KEYWORDS)
    return {str(message) for _, _, message, _, _ in found if message}


def catalogue(locale: str, name: str = "messages.po") -> Catalog:
    with (ROOM / "translations" / locale / "LC_MESSAGES" / name).open("rb") as file:
        return read_po(file, locale=locale)


@pytest.mark.parametrize("locale", languages.TRANSLATED)
def test_every_text_is_translated_and_no_translation_is_left_over(locale: str) -> None:
    texts, known = said(), {str(message.id): str(message.string) for message in catalogue(locale) if message.id}
    assert len(texts) > 400
    assert not texts - set(known), "run tools/strings.sh and translate what is empty"
    assert not set(known) - texts, "run tools/strings.sh"
    assert not [text for text, translation in known.items() if not translation.strip()]
    worded = [text for text in known if re.search("[a-z]", re.sub(r"%\(\w+\)s", "", text)) and text not in SAME_IN_CHINESE]
    latin = [text for text in worded if not re.search(r"[\u4e00-\u9fff]", known[text])]
    assert not latin, "these look untranslated"


@pytest.mark.parametrize("locale", languages.TRANSLATED)
def test_what_stands_for_a_value_stands_in_the_translation_too(locale: str) -> None:
    for message in catalogue(locale):
        values = [sorted(re.findall(r"%\(\w+\)[sd]", str(text))) for text in (message.id, message.string)]
        assert values[0] == values[1], message.id


@pytest.mark.parametrize("locale", languages.TRANSLATED)
def test_what_settings_mean_is_translated_by_their_names(locale: str) -> None:
    known = {str(one.id): str(one.string) for one in catalogue(locale, "settings.po") if one.id}
    names = {name for name, _, _ in config.settings()}
    assert names <= set(known), "write what the new setting means into settings.po"
    assert all(re.search(r"[\u4e00-\u9fff]", words) for words in known.values())


def test_simplified_and_traditional_are_not_mixed_up() -> None:
    simplified, traditional = (" ".join(str(one.string) for one in catalogue(locale)) for locale in languages.TRANSLATED)
    assert not set("設網錄個員號開關") & set(simplified)
    assert not set("设网录个员号开关") & set(traditional)


@pytest.mark.parametrize(("locale", "language"), [("zh_Hans_CN", "zh-CN"), ("zh_Hant_TW", "zh-TW")])
def test_each_chinese_is_written_as_it_is_where_it_is_read(locale: str, language: str) -> None:
    words = [str(one.string) for name in ("messages.po", "settings.po") for one in catalogue(locale, name)]
    assert not strays(language, "\n".join(words))


def test_one_thing_has_one_name() -> None:
    """Two words for the same would make readers look for a second one."""
    simplified, traditional = ("\n".join(str(one.string) for one in catalogue(locale)) for locale in languages.TRANSLATED)
    assert not re.findall("登记(?:人脸|面部)|服务进程|桥接进程|上行进程|账号|同意文本|终端屏幕上的代码", simplified)
    assert not re.findall("帳號|橋接程|上傳程|服務程|螢幕上的(?:代碼|程式碼)|終端(?!機)|.{4}條紀錄", traditional)


def test_a_verdict_on_liveness_and_the_way_back_in_a_table_are_not_those_of_other_sentences() -> None:
    for locale, passed, back in (("zh_Hans_CN", "通过", "上一页"), ("zh_Hant_TW", "通過", "上一頁")):
        known = {str(one.id): str(one.string) for one in catalogue(locale)}
        assert (known["Passed"], known["Failed"], known["Previous"]) == (passed, f"未{passed}", back)


def test_the_kiosk_has_one_name_in_every_text() -> None:
    """Other words for the same thing would make readers look for a second one."""
    for locale, others in (("zh_Hans_CN", ("考勤机", "打卡机", "本设备")), ("zh_Hant_TW", ("考勤機", "打卡機", "本裝置"))):
        for name in ("messages.po", "settings.po"):
            words = (ROOM / "translations" / locale / "LC_MESSAGES" / name).read_text("utf-8")
            assert not [other for other in others if other in words], (locale, name)


def test_no_page_marks_a_text_as_english() -> None:
    """That is how sentences of the daemons stood on pages in Chinese before each had a name."""
    assert not [path.name for path in (ROOM / "templates").glob("*.html") if 'lang="en"' in path.read_text("utf-8")]


@pytest.mark.parametrize(
    ("asked", "lang", "word"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.5", "zh-CN", "登录"),
        ("zh-TW", "zh-TW", "登入"),
        ("zh-HK,en;q=0.5", "zh-TW", "登入"),
        ("en-GB", "en", "Sign in"),
        ("fr-FR,zh-Hans;q=0.5", "zh-CN", "登录"),
        ("fr", "en", "Sign in"),  # as this place is set
    ],
)
def test_a_browser_gets_the_language_that_it_asks_for(
    office: Office, browsers: dict[str, Browser], asked: str, lang: str, word: str
) -> None:
    with office.browser() as nobody:
        page = nobody.get("/login", headers={"Accept-Language": asked})
    assert f'<html lang="{lang}"' in page.text
    assert word in text_of(page)


def test_an_account_keeps_the_language_that_it_chose(browsers: dict[str, Browser]) -> None:
    auditor = browsers["auditor"]
    assert auditor.submit("/me/password", form=0, language="zh-TW").headers["location"] == "/me/password"
    try:
        assert "人員" in auditor.get("/people").text
        assert "密碼至少需要" in auditor.submit("/me/password", current="correct horse battery", password="a", again="a").text
    finally:
        auditor.submit("/me/password", form=0, language="en")
    assert "People" in auditor.get("/people").text


SIMPLE_WORDS = re.compile(r"\b(?:the|and|with|from|not|yet|of|is|in|at|to|it|no|there)\b")
CHINESE_PAGES = (
    "/", "/today/people", "/people", "/people/new", "/people/import", "/people/photographs", "/people/1001", "/people/1001/ways",
    "/people/1001/sitting", "/punches", "/punches/new", "/punches/5", "/locks", "/sync", "/sync/test", "/health",
    "/recognition", "/privacy", "/privacy/requests", "/privacy/retention", "/accounts", "/accounts/new", "/accounts/1",
    "/audit?kind=boot", "/backups", "/backups/restore", "/updates", "/updates/bring", "/me", "/me/second-factor", "/setup",
    "/settings/kiosk", "/setup/enterprise", "/setup/camera", "/setup/health", "/nothing-here",
)  # fmt: skip


@pytest.mark.parametrize(
    ("language", "camera", "update"),
    [
        ("zh-CN", "处没有摄像头：设备不存在", "0.9.1 低于正在运行的 0.9.2"),
        ("zh-TW", "處沒有攝影機：裝置不存在", "0.9.1 低於正在執行的 0.9.2"),
    ],
)
def test_no_page_in_chinese_is_left_half_english(
    office: Office, browsers: dict[str, Browser], language: str, camera: str, update: str
) -> None:
    """Neither what the pages themselves say nor what the daemons say through them; names, keys and commands aside."""
    administrator = browsers["administrator"]
    older = say("update.older", version="0.9.1", running="0.9.2")
    refused = {"outcome": "refused", "archive": "daka-0.9.1.tar", "why": older, "said": parts(older)}
    office.folder.update.write_text(json.dumps(refused), encoding="utf-8")
    administrator.submit("/me/password", form=0, language=language)
    try:
        assert "须有多少次观察认定同一人" in administrator.get("/settings").text or language != "zh-CN"
        for page in CHINESE_PAGES:
            shown = re.sub(r"<(code|pre|blockquote|button|select)\b.*?</\1>", " ", administrator.get(page).text, flags=re.DOTALL)
            words = SIMPLE_WORDS.findall(re.sub(r"<[^>]*>", " ", shown))
            assert not words, (page, words)
        assert camera in text_of(administrator.get("/health"))
        assert update in text_of(administrator.get("/updates"))
        looked = administrator.submit("/people/import", files={"file": ("list.csv", b"number,name\n77,\n", "text/csv")})
        refusal = administrator.get(looked.headers["location"])
        assert ("姓名须有 1 至 64 个字符" if language == "zh-CN" else "姓名須有 1 至 64 個字元") in text_of(refusal)
        broken = administrator.submit(
            "/people/import", files={"file": ("list.csv", b"number,name,consent\n77,A,yes\n", "text/csv")}
        )
        assert "同意是本人的行" in text_of(broken)
    finally:
        administrator.submit("/me/password", form=0, language="en")
        office.folder.update.unlink()

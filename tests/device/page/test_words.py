"""Every sentence in three languages: none missing, none untranslated, none asked for that is not there."""

from __future__ import annotations

import dataclasses
import re
from importlib import resources

import pytest

from device import messages
from device.attend import Why
from device.page import words
from device.page.scene import Condition
from device.recognise import Waiting
from device.ways import No
from models.challenge import Action
from tests.chinese import strays
from tests.device.parts import REPO

OTHERS = ("zh-CN", "zh-TW")
THE_SAME_EVERYWHERE = {"enrol.step"}  # figures only
SILENT = {"waiting.nobody"}


def sources() -> str:
    folder = resources.files("device.page").joinpath("assets")
    return "\n".join(file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith((".js", ".html")))


def named_in_the_page() -> set[str]:
    """Names that stand in quotation marks in the page's files; those that are put together are checked one by one below."""
    quoted = re.findall(r"[\"'`]([a-z_]+(?:\.[a-z0-9_]+)+)[\"'`]", sources())
    return {name for name in quoted if not name.endswith((".js", ".css", ".html", ".json", ".svg"))}


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated(language: str) -> None:
    found = words.read(language)
    for name, english in words.ENGLISH.items():
        message = found.get(english, context=name)
        assert message is not None, f"{name} is missing in {language}"
        assert message.string, f"{name} is not translated into {language}"
        assert not message.fuzzy, f"{name} is marked as unsure in {language}"
        assert message.string != english or name in THE_SAME_EVERYWHERE, f"{name} is still English in {language}"


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_of_a_sentence_that_is_gone(language: str) -> None:
    assert {message.context for message in words.read(language) if message.id} == set(words.ENGLISH)


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_filled_in_is_the_same_in_every_language(language: str) -> None:
    for name, sentence in words.catalogue(language).items():
        assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", words.ENGLISH[name])), name


def test_traditional_chinese_is_not_simplified_chinese() -> None:
    traditional = "".join(words.catalogue("zh-TW").values())
    assert not set("请们员录断时间纸签").intersection(traditional)


@pytest.mark.parametrize("language", OTHERS)
def test_each_chinese_is_written_as_it_is_where_it_is_read(language: str) -> None:
    texts = [path.read_text("utf-8") for path in sorted((REPO / "device" / "texts").glob(f"*.{language}.txt"))]
    assert texts
    assert not strays(language, "\n".join([*words.catalogue(language).values(), *texts]))


def test_every_sentence_that_the_page_names_exists() -> None:
    named = named_in_the_page()
    assert len(named) > 30
    assert not named - set(words.ENGLISH)


@pytest.mark.parametrize(
    "name",
    [
        *(f"waiting.{waiting}" for waiting in Waiting),
        *(f"why.{why}" for why in (*Why, *No)),
        *(f"challenge.{action}" for action in (*Action, "forward")),
        *(f"condition.{condition}.{part}" for condition in Condition for part in ("title", "way")),
    ],
)
def test_whatever_the_kiosk_says_has_its_sentence(name: str) -> None:
    assert name in words.ENGLISH or name in SILENT


# What a punch's record holds, and the word that says so in privacy.3, in English and in both Chinese.
SAID_OF_A_PUNCH = {
    "person": ("identifier", "编号", "編號"),
    "method": ("way used", "打卡方式", "打卡方式"),
    "direction": ("in, out", "上班", "上班"),
    "pause": ("break", "休息", "休息"),
    "score_band": ("how sure", "把握", "把握"),
    "votes": ("how sure", "把握", "把握"),
    "liveness": ("living", "活体", "活體"),
    "site": ("place", "地点", "地點"),
    "first_attempt_at": ("time", "时间", "時間"),
    "assisted_by": ("supervisor", "主管的编号", "主管的編號"),
    "reason": ("why", "原因", "原因"),
}
OF_THE_TERMINAL = {"capture", "models"}  # and nothing of the person


def test_what_is_recorded_of_a_punch_is_said_whole_in_every_language() -> None:
    assert {field.name for field in dataclasses.fields(messages.PunchBody)} == set(SAID_OF_A_PUNCH) | OF_THE_TERMINAL
    for place, language in enumerate(("en", *OTHERS)):
        sentence = words.catalogue(language)["privacy.3"]
        assert not [field for field, said in SAID_OF_A_PUNCH.items() if said[place] not in sentence]
        assert "只有" not in sentence


PUT_TOGETHER = (
    "seal.stage.",
    "seal.why.",
    "challenge.",
    "condition.",
    "direction.",
    "done.",
    "method.",
    "privacy.",
    "supervisor.reason.",
    "waiting.",
    "why.",
)


def test_no_sentence_lies_about_unused() -> None:
    page = sources()
    unused = [name for name in words.ENGLISH if not name.startswith(PUT_TOGETHER) and f'"{name}"' not in page]
    pieces = {"bar.", "result.to_"}  # a name that is put together from one of these and a piece
    assert not [name for name in unused if not any(name.startswith(piece) for piece in pieces)]

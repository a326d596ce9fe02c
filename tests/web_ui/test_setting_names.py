"""Each setting has a name that people read, in their language, beside the key under which files and documents have it."""

from __future__ import annotations

import re

import pytest

from device import config
from tests.web_ui.running import Browser, text_of
from web_ui import setting_names

SETTINGS = [name for name, _, _ in config.settings()]


def test_every_setting_has_a_name_of_its_own_within_its_section() -> None:
    assert list(setting_names.NAMES) == SETTINGS, "in the order of the settings"
    for section in {name.split(".")[0] for name in SETTINGS}:
        named = [str(text) for name, text in setting_names.NAMES.items() if name.startswith(f"{section}.")]
        assert len(set(named)) == len(named), named


@pytest.mark.parametrize(
    ("language", "name"),
    [("en", "Least time between two punches"), ("zh-CN", "两次打卡的最短间隔"), ("zh-TW", "兩次打卡的最短間隔")],
)
def test_settings_are_labelled_by_their_names_and_their_keys_stand_beside(auditor: Browser, language: str, name: str) -> None:
    auditor.submit("/me/password", form=0, language=language)
    try:
        page = auditor.get("/settings").text
    finally:
        auditor.submit("/me/password", form=0, language="en")
    assert re.search(f'<label for="attend.min_gap_s">{name} <code>min_gap_s</code></label>', page)
    bare = re.findall(r"<(?:label|span)[^>]*>(?:<input[^>]*>)?\s*(?:<span>)?<code>(\w+)</code>", page)
    assert not bare, "a key alone"


def test_what_is_asked_again_is_said_by_name(afresh: dict[str, Browser]) -> None:
    administrator = afresh["administrator"]
    asked = administrator.submit("/settings", liveness__challenge_steps="1")
    assert "Change these settings?" in asked.text
    assert text_of(asked).count("How many actions") == 2, "with what follows from it, and in the table"
    assert "<code>liveness.challenge_steps</code>" in asked.text

"""What the kiosk's daemons say of themselves reaches a page by name and values, and has its words in every language."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import flask
import pytest
from flask_babel import Babel, force_locale

from device import api, enrolment, pictures, sentences, sitting, updates, upgrade, upgrades
from device.camera import hardware, live, sources, stage
from device.commands import update
from device.people import credentials, roster
from device.sentences import ENGLISH, say
from web_ui import languages
from web_ui.said import SAID, said

# Who speaks to people, and by what: none of them may say a sentence that has no name.
SPEAKERS = {
    hardware: {"CameraAway"},
    live: {"_become", "_go_away"},
    sources: {"EndOfPictures"},
    stage: {"CameraAway"},
    pictures: {"PictureError"},
    enrolment: {"EnrolmentRefused"},
    sitting: {"EnrolmentRefused"},
    roster: {"ImportRefused", "PeopleError", "Refusal"},
    credentials: {"CodeRefused"},
    updates: {"UpdateRefused", "UpdateNotNow", "UpdateFailed", "_go_back"},
    update: {"UpdateRefused", "UpdateNotNow"},
    upgrade: {"UpgradeFailed"},
    upgrades: set(),
}
AT_THE_COMMAND_LINE = ("updates change the machine", "standing.json cannot be read")  # seen by root alone


def test_every_sentence_has_its_words_and_none_is_left_over() -> None:
    application = flask.Flask("words")
    Babel(application)
    with application.test_request_context():
        shown = {name: re.sub(r"%\((\w+)\)s", r"{\1}", str(words)) for name, words in SAID.items()}
    assert shown == ENGLISH


@pytest.mark.parametrize("module", SPEAKERS, ids=lambda module: module.__name__)
def test_whatever_these_say_to_people_has_a_name(module: object) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))  # type: ignore[attr-defined]
    calls = [call for call in ast.walk(tree) if isinstance(call, ast.Call) and spoken(call) in SPEAKERS[module]]  # type: ignore[index]
    assert calls or not SPEAKERS[module]  # type: ignore[index]
    plain = [
        ast.unparse(text)
        for call in calls
        for text in call.args
        if isinstance(text, ast.JoinedStr | ast.Constant) and is_prose(text)
    ]
    assert not [text for text in plain if not any(known in text for known in AT_THE_COMMAND_LINE)]


def spoken(call: ast.Call) -> str:
    return str(getattr(call.func, "id", "") or getattr(call.func, "attr", ""))


def is_prose(text: ast.expr) -> bool:
    return len(re.findall(r"[a-z]+ [a-z]+", ast.unparse(text))) > 0


def test_a_sentence_goes_over_a_socket_by_name_and_is_read_in_the_readers_language() -> None:
    """Also one that stands inside another, and a text that has no name at all."""
    inner = say("update.python", python="3.13")
    whole = say("update.did_not_hold", version="1.2.3", why=ValueError(inner), before="1.2.2")
    told = api.reason(str(ValueError(whole)))
    assert (told.name, told.inner["why"].name, told.text) == ("update.did_not_hold", "update.python", whole)
    application = flask.Flask("words")
    Babel(application, default_translation_directories=str(Path(languages.__file__).parent / "translations"))
    with application.test_request_context(), force_locale("en"):
        assert said(told) == str(whole)
        assert said(api.reason("whatever a program printed")) == "whatever a program printed"


def test_a_sentence_is_its_english_text_for_logs_and_people_at_a_terminal() -> None:
    sentence = say("camera.unplugged", path="/dev/video0")
    assert sentence == "Camera /dev/video0 was unplugged. Plug it in again; it comes back by itself."
    assert f"{sentence}" == str(sentence)
    assert sentences.parts("plain") == {"name": "", "values": {}, "text": "plain", "inner": {}}
    assert sentences.parts(sentence)["values"] == {"path": "/dev/video0"}

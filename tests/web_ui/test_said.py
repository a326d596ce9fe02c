"""What the kiosk's daemons say of themselves reaches a page by name and values, and has its words in every language."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import flask
import pytest
from flask_babel import Babel, force_locale

import device
from device import (
    admission,
    api,
    corrections,
    corrections_counter,
    enrolment,
    join_client,
    joining,
    mqtt,
    pictures,
    release_roots,
    selftest,
    sentences,
    server,
    settings,
    sitting,
    tls_files,
    unlock,
    unlocker,
    updates,
    upgrade,
    upgrades,
)
from device.camera import hardware, live, sources, stage
from device.commands import update
from device.locks import cabinet, desk, journey, ledger
from device.people import credentials, roster
from device.sentences import ENGLISH, heard, parts, say
from firmware_bridge import bridge
from firmware_bridge.link import errors as link
from firmware_bridge.lock import driver, jobs, profile_driver, register, works
from firmware_bridge.protocol import commands, session
from tests.web_ui.test_languages import catalogue
from web_ui import languages, words
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
    corrections: {"CorrectionRefused", "TooLate"},
    corrections_counter: {"CorrectionRefused"},
    updates: {"UpdateRefused", "UpdateNotNow", "UpdateFailed", "_go_back"},
    update: {"UpdateRefused", "UpdateNotNow"},
    upgrade: {"UpgradeFailed"},
    upgrades: set(),
    release_roots: {"RootRefused", "RootsUnreadable"},
    selftest: {"Finding"},
    mqtt: {"BrokerConfigError"},
    settings: {"SettingsRefused"},
    join_client: {"JoinRefused", "JoinUnreachable"},
    joining: {"JoinRefused"},
    tls_files: {"JoinRefused"},
    admission: {"JoinRefused", "_because"},
    unlock: {"ShareRefused"},
    unlocker: {"ShareNotGiven"},
    desk: {"LocksError", "NeverSeen", "NotVerified"},
    cabinet: {"LockNotEnrolled", "EnrolmentOver", "GrantUnknown"},
    journey: {"VisitUnknown", "NotVerified"},
    ledger: {"LogBehind", "LogRefused"},
    bridge: {"LockError", "LockBusy", "done", "failed"},
    driver: {"DriverUnknown"},
    jobs: {"JobUnknown", "NobodyCompares"},
    register: {"LockUnknown", "MemoryBroken"},
    works: {"NotStamped"},
    profile_driver: {"NotUnderstood", "NotThisLock", "LockRefused", "SessionBroken"},
    session: {"SessionRefused"},
}
# Of refusals' classes those texts that no page meets: other sockets' and the kiosk page's, which has words of its own by kind.
ELSEWHERE = {
    "cards.py", "claims.py", "downlink.py", "identity.py", "own.py", "outlet.py", "page/counter.py", "page/stamps.py", "policy.py",
    "post.py", "renewal.py", "site.py", "packages.py", "people/sisters.py", "config/reading.py", "locks/ledger.py", "membership.py",
}  # fmt: skip
FOR_PROGRAMS = (
    "is one of", "is not one of", "is Argon2id", "is an Argon2id string", "a card is good for", "a roster names each person",
    "a template is (", "has the wrong length", "is not waited for any more", "has fewer steps", "belongs to device", "'unexpected'",
)  # fmt: skip
SEEN_ELSEWHERE = (  # by root alone, or by a lock that writes it down
    "updates change the machine", "standing.json cannot be read", "a greeting of another version", "the message that finishes",
    "the kiosk's enrolment", "the kiosk cannot prove", "there is no", "the head answers another", "name resolution", "topic rights",
    "certificate dates",
)  # fmt: skip


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
    assert not [text for text in plain if not any(known in text for known in SEEN_ELSEWHERE)]


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


def test_no_refusal_that_a_page_may_meet_is_left_in_english() -> None:
    """Each has a name, or its kind has words, or its text stands in the catalogues word for word."""
    for module in pkgutil.walk_packages(device.__path__, "device."):
        if not module.name.startswith(("device.commands", "device.demonstration")):
            importlib.import_module(module.name)
    kinds = {kind.__name__ for base, _ in server.REFUSALS for kind in family(base)} - set(words.REFUSALS)
    known, room = {str(message.id) for message in catalogue("zh_Hans_CN")}, Path(str(device.__file__)).parent
    plain = [
        f"{place}: {ast.unparse(text)}"
        for place in (path.relative_to(room) for path in room.rglob("*.py"))
        if place.parts[0] not in ("commands", "demonstration", "messages", "backups") and str(place) not in ELSEWHERE
        for call in ast.walk(ast.parse((room / place).read_text("utf-8")))
        if isinstance(call, ast.Call) and spoken(call) in kinds
        for text in call.args
        if isinstance(text, ast.JoinedStr | ast.Constant) and is_prose(text) and getattr(text, "value", "") not in known
    ]
    assert len(kinds) > 30
    assert not [one for one in plain if not any(text in one for text in FOR_PROGRAMS)]


def family(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(family(one) for one in kind.__subclasses__()))


def test_every_no_of_a_lock_and_every_way_to_fail_has_its_sentence() -> None:
    assert {f"lock.no.{word}" for word in commands.WHY} | {"lock.no.other"} == {
        name for name in ENGLISH if name.startswith("lock.no.")
    }
    assert {link.SENTENCES[kind] for kind in family(link.LinkError) - {link.LinkError}} <= set(ENGLISH)  # type: ignore[index]
    assert set(works.RESULTS.values()) <= set(ENGLISH)


def test_what_another_daemon_says_is_heard_by_name_and_never_more_than_a_sentence() -> None:
    sentence = say("lock.no_session", lock="SEAL-1", why=say("session.changed"))
    again = heard(parts(sentence))
    assert (again, api.reason(again)) == (sentence, api.reason(sentence))
    assert heard({"name": "lock.no_session", "values": {}, "inner": {}, "text": "of another version"}) == "of another version"
    assert heard({"name": "nothing.of.ours", "values": {}, "inner": {}, "text": "plain\x1b[2J"}) == "plain [2J"
    assert heard({"name": ["lock.busy"], "values": 7, "text": None}) == heard("lock.busy") == heard(None) == ""
    deep: dict[str, object] = parts(say("session.changed"))
    for _ in range(100):
        deep = {"name": "lock.session_over", "values": {"why": ""}, "inner": {"why": deep}, "text": "deep"}
    assert heard(deep).count("the session with the lock is over") == 4

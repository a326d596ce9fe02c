"""What a person may do at the page, over its routes."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from device import api, attend, config, journal, messages
from device.messages import Notice
from device.page import application, counter, voice
from device.page.application import Role
from device.page.readers import Readers
from tests.device import parts
from tests.device.page.stage import ADDRESS, Stage, headers


class Line:
    """Remembers how long it was told to look away, and which way was pressed."""

    def __init__(self) -> None:
        self.lasts = timedelta(0)
        self.chosen = ""
        self.policy = attend.Policy(timedelta(minutes=1), timedelta(hours=16), allow_simulated=False)

    def suspend(self, since: object, lasts: timedelta) -> None:
        self.lasts = lasts

    def choose(self, direction: messages.Direction, since: object, lasts: timedelta) -> None:
        self.chosen = direction


@pytest.fixture
def stage(tmp_path: Path, opened: journal.Journal) -> Iterator[Stage]:
    made = Stage(tmp_path, opened)
    yield made
    made.source.close()


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def desk(stage: Stage, line: Line) -> counter.Counter:
    absent: Any = None
    readers = Readers(absent, stage.clock)
    silent = voice.Voice(lambda name: None)
    hands = (readers, line, absent, absent, by_face(), absent, absent)
    return counter.Counter(stage.settings, absent, *hands, stage.clock, lambda: (), silent)


def by_face() -> Any:
    return types.SimpleNamespace(ask=lambda number: timedelta(seconds=15), leave=lambda: None)


@pytest.fixture
def client(desk: counter.Counter) -> FlaskClient:
    routes = tuple(route for route in desk.routes() if "/ways/" not in route.path)
    return application.application(routes, ADDRESS).test_client()


def post(client: FlaskClient, path: str, **body: str) -> int:
    return client.post(path, headers=headers(Origin=ADDRESS.origin), json=body).status_code


def test_everything_at_the_counter_is_for_whoever_stands_there(desk: counter.Counter) -> None:
    assert {route.role for route in desk.routes()} == {Role.PERSON}


def test_the_page_can_type_neither_badge_nor_code(desk: counter.Counter) -> None:
    paths = {route.path for route in desk.routes()}
    assert "/v1/ways/pin" in paths
    assert not {"/v1/ways/badge", "/v1/ways/code"} & paths


def test_a_way_without_a_face_looks_away_from_faces_for_as_long_as_it_takes(client: FlaskClient, line: Line) -> None:
    for kind in ("pin", "reader", "verify"):
        assert post(client, "/v1/other-way", kind=kind) == 200
        assert line.lasts == timedelta(seconds=60)
        assert post(client, "/v1/other-way", kind="none") == 200
        assert line.lasts == timedelta(0)
    assert post(client, "/v1/other-way", kind="for ever") == 400


def test_whoever_is_to_be_known_by_the_face_is_looked_at_again(desk: counter.Counter, line: Line) -> None:
    routes = tuple(route for route in desk.routes() if route.path in ("/v1/ways/face", "/v1/other-way"))
    client = application.application(routes, ADDRESS).test_client()
    assert post(client, "/v1/other-way", kind="pin") == 200
    answer = client.post("/v1/ways/face", headers=headers(Origin=ADDRESS.origin), json={"number": "1001"})
    assert (answer.get_json(), line.lasts) == ({"wait_s": 15.0}, timedelta(0))


def test_in_out_or_where_there_are_breaks_a_break_is_pressed_and_nothing_else(client: FlaskClient, line: Line) -> None:
    assert post(client, "/v1/choice", direction="out") == 200
    assert line.chosen == "out"
    assert post(client, "/v1/choice", direction="up") == 400
    assert post(client, "/v1/choice", direction="break") == post(client, "/v1/direction", seq="1", direction="break") == 400
    line.policy = dataclasses.replace(line.policy, breaks=attend.Breaks.ALWAYS)
    assert post(client, "/v1/choice", direction="break") == 200
    assert line.chosen == "break"


def test_the_page_offers_a_break_and_buttons_as_the_rules_that_are_in_force_have_them(desk: counter.Counter, line: Line) -> None:
    assert not {"break", "choose"} & set(desk.abilities())
    line.policy = dataclasses.replace(line.policy, breaks=attend.Breaks.ALWAYS, direction=attend.Rule.BUTTON)
    assert {"break", "choose"} <= set(desk.abilities())


@pytest.mark.parametrize("seq", ["", "-1", "1e3", "x", "9" * 16, "１"])
def test_a_receipt_is_a_number(client: FlaskClient, seq: str) -> None:
    assert post(client, "/v1/dispute", seq=seq) == 400
    assert post(client, "/v1/direction", seq=seq, direction="in") == 400


def test_a_kiosk_without_a_voice_says_so(client: FlaskClient) -> None:
    assert post(client, "/v1/say", word="done.in", language="en") == 404


def test_a_sentence_of_the_page_comes_as_a_sound_with_its_numbers(client: FlaskClient, desk: counter.Counter) -> None:
    def said(name: str, language: str, values: dict[str, str]) -> bytes:
        return f"{name} {language} {values['seconds']}".encode()

    desk.voice.said = said  # type: ignore[method-assign,assignment]
    asked = {"word": "why.wait", "language": "en", "values": {"seconds": 12}}
    answer = client.post("/v1/say", headers=headers(Origin=ADDRESS.origin), json=asked)
    assert (answer.mimetype, answer.data) == ("audio/wav", b"why.wait en 12")
    assert client.post("/v1/say", headers=headers(Origin=ADDRESS.origin), json=asked | {"values": "12"}).status_code == 400


def test_messages_are_shown_to_whom_they_are_meant_for_and_in_their_time() -> None:
    def notice(person: str, text: str, begins_s: float, ends_s: float) -> Notice:
        begins, ends = (messages.write_time(parts.moment(seconds).at) for seconds in (begins_s, ends_s))
        return Notice(text, person, text, begins, ends, "hr")

    notices = (
        notice("", "to all", 0, 100),
        notice("", "not yet", 60, 100),
        notice("", "no longer", 0, 50),
        notice(parts.ADA, "to Ada", 0, 100),
    )
    assert counter.notices_for("", notices, parts.moment(50)) == ("to all",)
    assert counter.notices_for(parts.ADA, notices, parts.moment(50)) == ("to Ada",)
    assert counter.notices_for(parts.BOB, notices, parts.moment(50)) == ()


@pytest.mark.parametrize("shown", [True, False])
def test_a_message_to_one_person_is_shown_unless_messages_are_switched_off(
    tmp_path: Path, opened: journal.Journal, shown: bool
) -> None:
    stage = Stage(tmp_path, opened, config.parse({"page": {"messages": shown}}))
    absent: Any = None
    ways: Any = types.SimpleNamespace(owner=lambda ticket: types.SimpleNamespace(person=parts.ADA))
    affairs: Any = types.SimpleNamespace(affairs=lambda ticket: api.OwnAffairs("Ada", "1001", "en", 0, (), ()))
    begins, ends = (messages.write_time(parts.moment(seconds).at) for seconds in (-86_400, 86_400))
    told = (Notice("1", parts.ADA, "Your badge is ready.", begins, ends, "hr"),)
    readers, silent = Readers(absent, stage.clock), voice.Voice(lambda name: None)
    made = counter.Counter(
        stage.settings, ways, readers, Line(), absent, affairs, by_face(), absent, absent, stage.clock, lambda: told, silent
    )
    routes = tuple(route for route in made.routes() if route.path == "/v1/own")
    client = application.application(routes, ADDRESS).test_client()
    answer = client.post("/v1/own", headers=headers(Origin=ADDRESS.origin), json={"ticket": "t"})
    stage.source.close()
    assert answer.get_json()["notices"] == (["Your badge is ready."] if shown else [])

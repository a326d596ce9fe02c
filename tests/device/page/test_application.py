"""Who may ask the page's server, and what it says beside its answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from device import journal
from device.page import application
from device.page.application import PageRoute, Role, RoleMissing
from tests.device import parts
from tests.device.page.stage import ADDRESS, Stage, decision, headers


@pytest.fixture
def stage(tmp_path: Path, opened: journal.Journal) -> Iterator[Stage]:
    made = Stage(tmp_path, opened)
    yield made
    made.source.close()


def test_every_route_says_who_may_ask(stage: Stage) -> None:
    with pytest.raises(RoleMissing, match="/v1/everything"):
        application.application((PageRoute("GET", "/v1/everything", None, dict),), ADDRESS)  # type: ignore[arg-type]


def test_a_route_that_came_another_way_is_noticed() -> None:
    app = Flask("x", static_folder=None)
    app.add_url_rule("/hidden", "hidden", lambda: "")
    with pytest.raises(RoleMissing, match="/hidden"):
        application.check_roles(app, {})


def test_the_shell_needs_no_token_and_everything_else_does(stage: Stage) -> None:
    client = stage.client()
    for asset in stage.shell.assets:
        assert client.get(asset.path, headers={"Host": ADDRESS.host}).status_code == 200
    for path in ("/v1/scene", "/v1/frame"):
        assert client.get(path, headers={"Host": ADDRESS.host}).status_code == 401
        assert client.get(path, headers=headers(Daka_Token="0b7c6b1e.guessed")).status_code == 401
        assert client.get(path, headers=headers()).status_code in (200, 204)


@pytest.mark.parametrize("host", ["localhost:8460", "127.0.0.1", "127.0.0.1:8461", "kiosk.example:8460", "[::1]:8460"])
def test_another_host_is_refused_even_for_the_shell(stage: Stage, host: str) -> None:
    assert stage.client().get("/", headers=headers(Host=host)).status_code == 403
    assert stage.client().get("/v1/scene", headers=headers(Host=host)).status_code == 403


@pytest.mark.parametrize("origin", ["null", "http://localhost:8460", "https://127.0.0.1:8460", "http://127.0.0.1:9000"])
def test_what_another_page_asks_is_refused(stage: Stage, origin: str) -> None:
    assert stage.client().get("/v1/scene", headers=headers(Origin=origin)).status_code == 403
    assert stage.client().get("/v1/scene", headers=headers(Sec_Fetch_Site="cross-site")).status_code == 403
    assert stage.client().get("/v1/scene", headers=headers(Sec_Fetch_Site="same-site")).status_code == 403
    assert stage.client().get("/v1/scene", headers=headers(Origin=ADDRESS.origin)).status_code == 200


def test_whoever_changes_something_has_to_be_the_page_itself() -> None:
    route = PageRoute("POST", "/v1/thing", Role.PERSON, lambda: {"done": True})
    client = application.application((route,), ADDRESS).test_client()
    assert client.post("/v1/thing", headers=headers()).status_code == 403
    assert client.post("/v1/thing", headers=headers(Origin=ADDRESS.origin)).status_code == 200


def test_no_answer_may_be_kept_framed_or_bring_foreign_code(stage: Stage) -> None:
    for path in ("/", "/main.js", "/v1/scene", "/v1/frame", "/nowhere"):
        answer = stage.client().get(path, headers=headers())
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert "*" not in policy


def test_a_refusal_is_a_kind_and_a_sentence(stage: Stage) -> None:
    for path in ("/nowhere", "/v1/scene?after=x", "/v1/frame?wait_s=9999"):
        answer = stage.client().get(path, headers=headers())
        assert answer.status_code in (400, 404)
        assert set(json.loads(answer.text)) == {"kind", "error"}


def test_the_scene_tells_nothing_of_a_person_that_is_not_on_the_screen(stage: Stage) -> None:
    stage.board.put(decision())
    answer = stage.client().get("/v1/scene?boot=earlier", headers=headers())
    text = answer.text
    assert [one["name"] for one in answer.get_json()["decisions"]] == ["王小明"]
    assert parts.ADA not in text
    assert "score" not in text
    assert "f" * 64 not in text

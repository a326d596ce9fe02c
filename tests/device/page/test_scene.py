"""What the page hears: what stands in the way, and decisions as far as they are shown."""

from __future__ import annotations

import dataclasses
import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path

import pytest

from device import api, camera, config, journal, terms, ways
from device.clock import Quality
from device.page import scene, scenery
from device.sentences import say
from tests.device import parts
from tests.device.page.stage import Stage, decision


@pytest.fixture
def stage(tmp_path: Path, opened: journal.Journal) -> Iterator[Stage]:
    made = Stage(tmp_path, opened)
    yield made
    made.source.close()


def healthy() -> scene.Health:
    status = camera.CameraStatus(camera.State.STREAMING, parts.moment(), "The camera is working.")
    return scene.Health(status, False, parts.moment(), True, "", 0, None)


def with_camera(state: camera.State) -> scene.Health:
    return dataclasses.replace(healthy(), camera=dataclasses.replace(healthy().camera, state=state))


def at(moment: datetime, quality: Quality = Quality.UNSYNCED) -> scene.Health:
    return dataclasses.replace(healthy(), now=dataclasses.replace(parts.moment(), at=moment, quality=quality))


LONG_AGO = parts.moment().at - timedelta(minutes=11)


@pytest.mark.parametrize(
    ("health", "names"),
    [
        (healthy(), ()),
        (with_camera(camera.State.AWAY), ("camera_away",)),
        (with_camera(camera.State.BLACK), ("camera_black",)),
        (with_camera(camera.State.OPENING), ()),
        (dataclasses.replace(healthy(), room_left=False, trouble="x"), ("storage_full",)),
        (dataclasses.replace(healthy(), trouble="the disk takes no writes"), ("storage_failing",)),
        (at(datetime(1970, 1, 1, tzinfo=UTC)), ("clock_unknown",)),
        (at(datetime(2026, 11, 23, tzinfo=UTC)), ("clock_unsure",)),
        (dataclasses.replace(healthy(), waits_since=LONG_AGO, backlog=3), ("server_away",)),
        (dataclasses.replace(healthy(), waits_since=parts.moment().at, backlog=3), ()),
        (dataclasses.replace(healthy(), simulated=True), ("simulated",)),
    ],
)
def test_what_stands_in_the_way_is_named(health: scene.Health, names: tuple[str, ...]) -> None:
    assert scene.conditions(health) == names


def test_the_worst_comes_first() -> None:
    everything = dataclasses.replace(with_camera(camera.State.AWAY), room_left=False, simulated=True)
    assert scene.conditions(everything) == ("storage_full", "camera_away", "simulated")


@pytest.mark.parametrize(("names", "expected"), [("full", "王小明"), ("first", "王＊＊"), ("hidden", "")])
def test_a_name_is_shown_as_the_enterprise_has_set_it(names: str, expected: str) -> None:
    assert scene.name_shown("王小明", names) == expected
    assert scene.shown(decision(), names, lambda person: "zh-CN").name == expected


def test_whoever_agreed_to_an_older_text_is_told_so_when_they_have_clocked_in_and_nobody_else_is() -> None:
    asked = {"p-1"}.__contains__
    told = [scene.shown(dataclasses.replace(decision(), person=person), "full", lambda one: "", asked) for person in ("p-1", "p-2")]
    assert [one.new_text for one in told] == [True, False]
    refused = dataclasses.replace(decision(), person="p-1", outcome="refused")
    assert not scene.shown(refused, "full", lambda one: "", asked).new_text


def test_two_decisions_about_one_person_are_told_to_be_so_and_nothing_else_of_who_it_is(stage: Stage) -> None:
    for person in (parts.ADA, parts.BOB, parts.ADA, ""):
        stage.board.put(decision(person=person))
    ada, bob, again, nobody = (one.whose for one in stage.scenery.scene(0).decisions)
    assert ada == again != bob
    assert nobody == ""
    assert parts.ADA not in ada
    assert scenery.Scenery(stage.scenery._parts, "").scene(0).decisions[0].whose != ada, "another one after each start"


def test_whose_face_comes_too_late_is_told_so_and_what_the_pad_has_answered_is_not_told_again() -> None:
    late = decision(outcome="refused", why="ticket_gone", face=3)
    assert scene.is_for_the_hall(late)
    assert not scene.is_for_the_hall(dataclasses.replace(late, face=0))


def test_a_fresh_page_is_not_told_old_decisions(stage: Stage) -> None:
    stage.board.put(decision())
    found = stage.scenery.wait("", 0, "", 0.0)
    assert found.decisions == ()
    assert found.count == 1


def test_a_page_that_was_there_before_the_daemon_misses_no_decision(stage: Stage) -> None:
    stage.board.put(decision())
    found = stage.scenery.wait("the boot before", 57, "", 0.0)
    assert [one.seq for one in found.decisions] == [7]


def test_a_decision_that_falls_between_two_looks_is_told_the_next_time(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile() -> scene.Health:
        stage.board.put(decision())
        return healthy()

    before = stage.scenery.wait("", 0, "", 0.0)
    monkeypatch.setattr(stage.scenery, "_health", meanwhile)
    missed = stage.scenery.scene(before.count)
    monkeypatch.undo()
    assert missed.decisions == ()
    assert [one.seq for one in stage.scenery.scene(missed.count).decisions] == [7]


def test_a_decision_reaches_a_waiting_page_at_once(stage: Stage) -> None:
    before = stage.scenery.wait("", 0, "", 0.0)
    threading.Timer(0.2, stage.board.put, (decision(),)).start()
    started = time.monotonic()
    found = stage.scenery.wait(before.boot, before.count, before.digest(), 20.0)
    assert len(found.decisions) == 1
    assert time.monotonic() - started < 5.0


def test_a_change_of_the_kiosks_state_reaches_a_waiting_page(stage: Stage) -> None:
    before = stage.scenery.wait("", 0, "", 0.0)
    threading.Timer(0.2, setattr, (stage.board, "trouble", "the disk takes no writes")).start()
    found = stage.scenery.wait(before.boot, before.count, before.digest(), 20.0)
    assert "storage_failing" in found.conditions


def test_nothing_new_is_an_answer_too(stage: Stage) -> None:
    before = stage.scenery.wait("", 0, "", 0.0)
    started = time.monotonic()
    after = stage.scenery.wait(before.boot, before.count, before.digest(), 0.4)
    assert time.monotonic() - started >= 0.35
    assert after.digest() == before.digest()


def test_the_settings_reach_the_page(tmp_path: Path, opened: journal.Journal) -> None:
    settings = config.parse(
        {
            "device": {"enterprise": "东方", "language": "zh-TW", "time_zone": "Asia/Taipei", "contact": "李主管 8-1234"},
            "page": {"scramble_pin": True, "result_s": 5.0, "messages": False},
        }
    )
    stage = Stage(tmp_path, opened, settings)
    found = stage.scenery.scene(0)
    stage.source.close()
    assert (found.title, found.language, found.zone, found.scramble, found.stays_s) == ("东方", "zh-TW", "Asia/Taipei", True, 5.0)
    assert (found.contact, found.notices) == ("李主管 8-1234", ())


def asset(name: str) -> str:
    return resources.files("device.page").joinpath("assets", name).read_text("utf-8")


@pytest.mark.parametrize(("change_within_s", "result_s", "offered_s"), [(15.0, 8.0, 24.0), (60.0, 8.0, 60.0), (15.0, 60.0, 180.0)])
def test_whatever_the_page_offers_in_easy_mode_the_daemon_still_takes(
    change_within_s: float, result_s: float, offered_s: float
) -> None:
    settings = config.parse({"attend": {"change_within_s": change_within_s}, "page": {"result_s": result_s}})
    assert settings.change_s == offered_s
    assert terms.changes_last(settings).total_seconds() > offered_s
    assert f"EASY_TIMES = {config.EASY_TIMES};" in asset("results.js")


def test_nobody_is_offered_a_change_where_there_is_to_be_none() -> None:
    settings = config.parse({"attend": {"change_within_s": 0.0}})
    assert (settings.change_s, terms.changes_last(settings).total_seconds()) == (0.0, 0.0)


def test_a_ticket_outlasts_the_steps_of_a_sheet_in_easy_mode() -> None:
    (stays_ms,) = re.findall(r"const STAYS_MS = ([\d_]+);", asset("sheets.js"))
    (times,) = re.findall(r"EASY_TIMES = (\d+);", asset("sheets.js"))
    assert ways.TICKET_LASTS.total_seconds() == 3 * int(times) * int(stays_ms) / 1_000, "PIN, number and reason after a badge"


def test_why_an_enrolment_was_refused_reaches_the_page_by_its_name(stage: Stage) -> None:
    refused = api.Sitting("1001", "refused", said=api.reason(say("enrol.another_face")))
    stage.scenery = scenery.Scenery(dataclasses.replace(stage.scenery._parts, sitting=lambda: refused), stage.shell.version)
    assert stage.scenery.scene(0).sitting.why == "enrol.another_face"


def test_messages_are_shown_unless_they_are_switched_off(stage: Stage) -> None:
    assert stage.scenery.scene(0).notices == ("The gate closes at six.",)


def test_a_disk_without_room_is_noticed_before_anybody_tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert scenery.has_room(tmp_path)
    monkeypatch.setattr(scenery, "LEAST_ROOM_BYTES", 2**62)
    assert not scenery.has_room(tmp_path)
    assert not scenery.has_room(tmp_path / "nowhere")


@pytest.mark.parametrize("owed", [True, False])
def test_the_server_is_away_only_where_records_are_owed_to_one(tmp_path: Path, opened: journal.Journal, owed: bool) -> None:
    parts.fill(opened, 2)
    stage = Stage(tmp_path, opened, clock=parts.Clock(900.0), owed=owed)
    assert (scene.Condition.SERVER_AWAY in stage.scenery.scene(0).conditions) == owed
    stage.source.close()

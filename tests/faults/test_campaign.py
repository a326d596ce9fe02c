"""Short campaigns: whatever is done to the parts, the server has what the screen said yes to, once, in order, at the right time."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.faults import campaign, faults, rig, verdict
from tests.postgres import running


def assert_holds(found: verdict.Verdict) -> None:
    assert found.holds, str(found)
    assert found.receipts > 20


@pytest.mark.timeout(600)
def test_after_each_fault_the_server_has_what_the_screen_said_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(7)
    plan = [*faults.KILLS, *faults.TROUBLES]
    with campaign.rig(tmp_path) as made:
        campaign.suffer(made, plan, chance, calm_s=0.3)
        assert_holds(campaign.judge(made))
        assert made.refusals() > 0, "the disk was never felt to fail"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_postgresql_killed_and_put_back_from_a_backup(tmp_path: Path) -> None:
    restored = next(fault for fault in faults.TROUBLES if fault.name == "database put back from a backup")
    plan = [faults.DATABASE_KILLED, restored, faults.DATABASE_KILLED]
    with running() as server, campaign.rig(tmp_path, server) as made:
        campaign.suffer(made, plan, random.Random(3), calm_s=0.5)
        assert_holds(campaign.judge(made))


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_fault_at_least_once_among_forty_kills(tmp_path: Path) -> None:
    assert_holds(campaign.run(tmp_path, kills=40, seed=11).verdict)


def test_a_plan_holds_every_fault_and_as_many_kills_as_asked_for() -> None:
    plan = campaign.schedule(300, random.Random(1))
    assert {fault.name for fault in plan} == {fault.name for fault in (*faults.KILLS, *faults.TROUBLES)}
    assert sum(fault.kills for fault in plan) >= 300


def test_a_record_that_is_missing_or_another_is_noticed() -> None:
    """The judge itself: what it compares, it compares."""
    assert verdict.unequal({5: "a", 6: "b"}, {1: "x", 5: "a", 6: "b"}) == []
    assert verdict.unequal({5: "a", 6: "b"}, {5: "a"}) == [6]
    assert verdict.unequal({5: "a", 6: "b"}, {5: "a", 6: "c"}) == [6]
    assert verdict.unequal({5: "a"}, {5: "a", 6: "b"}) == [6]


def test_whoever_was_refused_or_came_once_and_is_there_otherwise_is_noticed() -> None:
    """To Ada the screen said yes, to Ben no, and to Cy nothing any more; nobody else came."""
    said = rig.Said([rig.Receipt("e", 1, "a", 0, "ada")], ["ben"], ["cy"])
    here, theirs = ("e", {1: "a", 2: "c"}), {"e": {1: "a", 2: "c"}}

    def noticed(*persons: str) -> verdict.Differences:
        return verdict.compared(said, here, theirs, Counter(persons))

    assert not noticed("ada")
    assert not noticed("ada", "cy")
    assert noticed("ada", "ben").unasked == ("ben",)
    assert noticed("ada", "dee").unasked == ("dee",)
    assert noticed("ada", "cy", "cy").doubled == ("cy",)
    assert verdict.compared(said, here, {"e": {1: "b", 2: "c"}}, Counter(["ada"])).lost == ("e/1", "e/1")
    assert verdict.compared(said, here, {}, Counter()).lost == ("e/1", "e/1", "e/2")

"""Short campaigns: whatever is done to the parts, the server has what the screen said yes to, once, in order, at the right time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults import campaign, faults, verdict
from tests.postgres import running

QUICK = ("fsync fails (EIO)", "write finds no room (ENOSPC)", "full disk", "file system made read-only", "power off, boot in 1970")


def assert_holds(found: verdict.Verdict) -> None:
    assert found.holds, str(found)
    assert found.receipts > 20


@pytest.mark.timeout(240)
def test_each_part_killed_once_and_each_disk_fault_once(tmp_path: Path) -> None:
    chance = random.Random(7)
    plan = [*faults.KILLS, *(fault for fault in faults.TROUBLES if fault.name in QUICK)]
    with campaign.rig(tmp_path) as rig:
        campaign.suffer(rig, plan, chance, calm_s=0.3)
        assert_holds(campaign.judge(rig))
        assert rig.refusals() > 0, "the disk was never felt to fail"


@pytest.mark.long
@pytest.mark.timeout(240)
def test_postgresql_killed_and_put_back_from_a_backup(tmp_path: Path) -> None:
    restored = next(fault for fault in faults.TROUBLES if fault.name == "database put back from a backup")
    plan = [faults.DATABASE_KILLED, restored, faults.DATABASE_KILLED]
    with running() as server, campaign.rig(tmp_path, server) as rig:
        campaign.suffer(rig, plan, random.Random(3), calm_s=0.5)
        assert_holds(campaign.judge(rig))


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

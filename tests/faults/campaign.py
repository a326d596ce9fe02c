"""A campaign: punches go on while one fault follows the other; at the end everything is compared."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import disks
from tests.faults import verdict
from tests.faults.faults import DATABASE_KILLED, KILLS, TROUBLES, Fault
from tests.faults.rig import Rig
from tests.postgres import Postgres

DISK_MEGABYTES = 256
LONGEST_CALM_S = 2.0  # between two faults
A_TROUBLE_EVERY = 12  # kills
JUDGE_EVERY = 8  # faults of a long campaign, so that most of them meet a kiosk that has not caught up with the one before


@dataclass(frozen=True, slots=True)
class Result:
    """What was done, for how long, and what came of it."""

    seed: int
    seconds: float
    faults: Counter[str]
    kills: int
    refusals: int
    verdict: verdict.Verdict


@contextmanager
def rig(folder: Path, server: Postgres | None = None) -> Iterator[Rig]:
    """Everything running, the kiosk's state on an ext4 of its own; killed and unmounted afterwards."""
    with disks.ext4(folder, DISK_MEGABYTES) as disk:
        made = Rig(folder, disk, server.fresh() if server else f"sqlite:///{folder}/records.db", server=server)
        made.prepare()
        try:
            made.start_all()
            made.goes_on()
            yield made
        finally:
            made.end_all()


def schedule(kills: int, chance: random.Random, *, postgres: bool = False) -> list[Fault]:
    """As many kills as asked for, and every trouble at least once, in an order that chance decides."""
    possible = (*KILLS, DATABASE_KILLED) if postgres else KILLS
    troubles = list(TROUBLES)
    plan: list[Fault] = []
    while sum(fault.kills for fault in plan) < kills or troubles:
        if troubles or len(plan) % A_TROUBLE_EVERY == 0:
            plan.append(troubles.pop() if troubles else chance.choice(TROUBLES))
        if sum(fault.kills for fault in plan) < kills:
            plan.append(chance.choice(possible))
    chance.shuffle(plan)
    return plan


def suffer(
    made: Rig, plan: Sequence[Fault], chance: random.Random, *, calm_s: float = LONGEST_CALM_S, judge_every: int = 1
) -> Counter[str]:
    """One fault after the other; after each the kiosk must go on, and after every so many both ends must hold the same."""
    done: Counter[str] = Counter()
    for number, fault in enumerate(plan, start=1):
        time.sleep(chance.uniform(0.0, calm_s))
        fault.act(made, chance)
        made.goes_on()
        done[fault.name] += 1
        print(f"{number}/{len(plan)} {fault.name}", flush=True)
        if number % judge_every == 0:
            compare(made)
    return done


def compare(made: Rig) -> None:
    """Quiet for a moment: the server has what the kiosk has and what the screen said yes to, once, and nothing that it refused."""
    made.settle(stay_quiet=True)
    store = made.store()
    try:
        made.wait(lambda: f"both ends differ ({verdict.differences(made, store)})", lambda: not verdict.differences(made, store))
    finally:
        store.close()
    made.quiet.unlink()


def judge(made: Rig) -> verdict.Verdict:
    """Stop the kiosk and the ingester, and compare."""
    made.settle(stay_quiet=True)
    for name in ("kiosk", "uplink", "ingester"):
        made.stop(name)
    return verdict.reach(made)


def run(folder: Path, kills: int, seed: int, server: Postgres | None = None) -> Result:
    """A whole campaign; the same seed gives the same plan, though never the same moments."""
    chance, began = random.Random(seed), time.monotonic()
    plan = schedule(kills, chance, postgres=server is not None)
    with rig(folder, server) as made:
        done = suffer(made, plan, chance, judge_every=JUDGE_EVERY)
        found = judge(made)
        return Result(seed, time.monotonic() - began, done, sum(fault.kills for fault in plan), made.refusals(), found)

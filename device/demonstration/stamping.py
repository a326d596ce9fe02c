"""A contract is stamped: the server signs, a face verifies, the reference lock stamps, the log is verified; timed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device import api, walkups
from device.api.bridge import DONE, FAILED, STILL, LockJob
from device.api.locks import LocksClient, LockVisit
from device.demonstration import director, script, theatre
from device.demonstration.theatre import DEVICE, DemonstrationFailed, House, wait_for

LOCK = "SEAL-0001"
NAME = "Contract seal"
DOCUMENT = b"Contract 4711, as it was approved"
STAMPS = 2
PATIENCE_S = 90.0
WALK = script.Scene("1001 comes to stamp", (script.Role("obama2.jpg"),), script.ADA, "lock_verified")


@dataclass(slots=True)
class Clock:
    """What took how long, in the order in which it was done."""

    took: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """Seconds of the block, noted under `what`."""
        began = time.monotonic()
        yield
        self.took.append((what, time.monotonic() - began))


def lock_folder(house: House) -> Path:
    """The reference lock's own."""
    return house.root / "seal"


def hand(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The hand at the lock: one call of `daka-lock`."""
    command = (sys.executable, "-m", "firmware_bridge.reference.commands", arguments[0], "--dir", str(lock_folder(house)))
    return subprocess.run((*command, *arguments[1:]), capture_output=True, text=True, check=False)


def prepare(house: House) -> str:
    """Grant and policy keys, a lock that believes them, and a kiosk that runs the bridge; the lock's own key."""
    keys = {role: theatre.enterprise("keys", "init", role, "--dir", str(house.keys)).strip() for role in ("grant", "policy")}
    made = hand(house, "init", LOCK, keys["grant"], theatre.server_key(house), "--name", NAME)
    if made.returncode:
        raise DemonstrationFailed(f"daka-lock init failed: {made.stderr.strip()}")
    settings = house.kiosk.config.read_text(encoding="utf-8")
    settings += f'policy_key = "{keys["policy"]}"\n\n[lock]\nenabled = true\ngrant_key = "{keys["grant"]}"\n'
    house.kiosk.config.write_text(settings, encoding="utf-8")
    return made.stdout.strip()


def running(house: House) -> Mapping[str, tuple[str, ...]]:
    """What is kept running: the usual parts, the lock with its virtual radio, and the bridge on that radio's bus."""
    usual = dict(theatre.commands(house))
    bus = f"DBUS_SYSTEM_BUS_ADDRESS=unix:path={lock_folder(house) / 'system-bus.sock'}"
    at_lock = ("firmware_bridge.reference.commands", "run", "--dir", str(lock_folder(house)), "--move-ms", "300")
    return usual | {"daka": ("/usr/bin/env", bus, *usual["daka"]), "lock": (sys.executable, "-m", *at_lock)}


def approve(house: House, desk: LocksClient, person: str, lock_key: str) -> str:
    """The enterprise knows the lock, enrols the kiosk and approves two stamps; the grant's id, once it is here."""
    database, by = ("--database", theatre.database(house)), ("--by", "demonstration")
    signing = ("--keys", str(house.keys), *database, *by)
    theatre.enterprise("lock", "add", LOCK, lock_key, *database, *by)
    theatre.enterprise("lock", "enrol", LOCK, DEVICE, desk.key(), *signing)
    wanted = ("--lock", LOCK, "--device", DEVICE, "--person", person, "--sha256", hashlib.sha256(DOCUMENT).hexdigest())
    said = theatre.enterprise("grant", "issue", *wanted, "--stamps", str(STAMPS), "--label", "contract 4711", *signing)
    grant = said.splitlines()[-1].partition(":")[0]
    wait_for("the approval comes down", lambda: any(one.grant == grant for one in desk.approvals()), house)
    return grant


def heard(house: House) -> bool:
    """Whether the server knows to which key this kiosk's desired state has to be sealed."""
    try:
        theatre.enterprise("desired", "sign", "--device", DEVICE, "--keys", str(house.keys), "--database", theatre.database(house))
    except DemonstrationFailed:
        return False
    return True


def pair(house: House, desk: LocksClient) -> LockJob:
    """Numbers compared at both ends by one who sees both."""
    job = desk.pair(LOCK, _heard(house, desk), "demonstration")
    while job.state == STILL:
        job = desk.job(job.id, job.change, 5.0)
        if job.stage == "compare" and job.number:
            same = shown(house)["number"] == int(job.number)
            hand(house, "agree" if same else "disagree")
            desk.compare(job.id, same)
    if job.state == FAILED:
        raise DemonstrationFailed(f"pairing: {job.sentence}; the logs in {house.logs} say why")
    return job


def shown(house: House) -> dict[str, Any]:
    """What the lock's display shows."""
    found: dict[str, Any] = json.loads(hand(house, "show").stdout)
    return found


def stamp(
    house: House, desk: LocksClient, grant: str, make: Callable[[int], walkups.WalkUp], number: int, clock: Clock
) -> LockVisit:
    """One visit: chosen, verified by the face, pressed at the lock; DemonstrationFailed names what was not."""
    visit = desk.visit(grant)
    with clock.measured(f"stamp {number}: walking up and being verified"):
        walkups.write(make(number), house.stage / f"stamp-{number}.toml")
        visit = _until(desk, visit, lambda found: found.stage not in ("verify",))
    with clock.measured(f"stamp {number}: connection, session, the server's word, grant"):
        visit = _until(desk, visit, lambda found: found.stage in ("press", DONE, FAILED))
    if visit.stage == "press":
        with clock.measured(f"stamp {number}: press, movement, log on record"):
            hand(house, "press")
            visit = _until(desk, visit, lambda found: found.stage in (DONE, FAILED))
    return visit


def _until(desk: LocksClient, visit: LockVisit, there: Callable[[LockVisit], bool]) -> LockVisit:
    deadline = time.monotonic() + PATIENCE_S
    while not there(visit):
        if time.monotonic() > deadline:
            raise DemonstrationFailed(f"the visit stands at {visit.stage}: {visit.why or visit.sentence}")
        visit = desk.progress(visit.ticket, visit.change, 5.0)
    return visit


def _heard(house: House, desk: LocksClient) -> str:
    """The address of the lock that advertises, once the bridge hears it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if found := desk.heard():
                return found[0].address
        except api.KioskError:
            time.sleep(0.5)
    raise DemonstrationFailed(f"the lock was not heard; the logs in {house.logs} say why")


def let_the_scene_end(house: House, number: int) -> None:
    """Nobody walks up while somebody stands there."""
    director.let_the_scene_end(house.stage / f"stamp-{number}.toml")

"""`daka demo-lock`: a contract is stamped, with every part real but the radio."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from device import api, config, sight
from device.api.bridge import DONE, FAILED
from device.api.locks import LocksClient
from device.commands.context import Context, pass_context
from device.commands.demo import all_acknowledged, enrol, house_for, open_doors
from device.demonstration import script, stamping, theatre
from device.demonstration.stamping import LOCK, STAMPS, WALK, Clock
from device.demonstration.theatre import House, wait_for


@click.command("demo-lock")
@click.option("--keep", is_flag=True, help="Leave database, journal, lock and logs for a look, and say where.")
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="Where to keep them; implies --keep.")
@pass_context
def demo_lock(context: Context, keep: bool, folder: Path | None) -> None:
    """The server approves two stamps, a face verifies, the reference lock stamps twice and not a third time, the log is verified.

    The lock is on a virtual radio: bleak, D-Bus, pairing, sessions and the lock's memory are real; BlueZ and the radio are not.
    """
    console, began = Console(), time.monotonic()
    with house_for(folder, keep, console) as house:
        right = _play(house, context.weights(), console)
        console.print(f"{time.monotonic() - began:.0f} s in all")
    sys.exit(0 if right else 1)


def _play(house: House, samples: Path, console: Console) -> bool:
    clock = Clock()
    with console.status("certificates, keys, a lock, configuration"):
        theatre.prepare(house, f"stage:{house.stage}", samples)
        lock_key = stamping.prepare(house)
        eyes = sight.load(samples, config.Recognition())
    with (
        theatre.Theatre(house, stamping.running(house)),
        api.AdminClient(house.kiosk.admin_socket) as client,
        LocksClient(house.kiosk.admin_socket) as desk,
    ):
        open_doors(house, client, console)
        enrol(client, script.EMPLOYEES[0], (samples / script.EMPLOYEES[0].photograph).read_bytes(), console)
        person = next(one.person for one in client.people() if one.number == script.ADA)
        wait_for("the server hears the kiosk", lambda: stamping.heard(house), house)
        with clock.measured("approval signed, sent down and taken in"):
            grant = stamping.approve(house, desk, person, lock_key)
        console.print(f"the enterprise approves {STAMPS} stamps on contract 4711 for employee {script.ADA}: {grant}")
        with clock.measured("first pairing, numbers compared, session, log"):
            console.print(stamping.pair(house, desk).sentence)
        right = _stamps(house, desk, grant, eyes, samples, clock, console)
        all_acknowledged(house, client, console)
    return _report(house, clock, console) and right


def _stamps(house: House, desk: LocksClient, grant: str, eyes: sight.Sight, samples: Path, clock: Clock, console: Console) -> bool:
    """Two stamps are made; a third is refused by the lock."""
    right = True
    for number in range(1, STAMPS + 2):
        visit = stamping.stamp(house, desk, grant, lambda seed: script.walk_up(WALK, samples, eyes, seed), number, clock)
        console.print(f"{number}: {visit.stage}, {visit.sentence or visit.why} ({visit.used} of {visit.stamps})")
        wanted = (DONE, "") if number <= STAMPS else (FAILED, "count")
        right = right and (visit.stage, visit.why) == wanted
        stamping.let_the_scene_end(house, number)
    return right


def _report(house: House, clock: Clock, console: Console) -> bool:
    """The enterprise's own view, and what took how long."""
    database = ("--database", theatre.database(house))
    console.print(theatre.enterprise("lock", "log", LOCK, *database))
    console.print(theatre.enterprise("verify", *database).strip().splitlines()[-1])
    alarms = [line for line in theatre.enterprise("show", "alarms", *database).splitlines() if "lock_" in line]
    for line in alarms:
        console.print(line)
    table = Table("what", "seconds", title="timings")
    for what, seconds in clock.took:
        table.add_row(what, f"{seconds:.2f}")
    console.print(table)
    return not alarms

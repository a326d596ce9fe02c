"""`daka demo`: the main job in under a minute, with the real parts."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from device import api, config, consent, sight
from device.commands.context import Context, pass_context
from device.demonstration import audience, report, script, theatre
from device.demonstration.director import Director
from device.demonstration.theatre import House, wait_for
from device.demonstration.watch import Watch

LIVE_S = 60.0


@click.command()
@click.option(
    "--camera", default="", help="0, 1 ... for a real camera (or any source, such as video:FILE) instead of staged walk-ups."
)
@click.option("--keep", is_flag=True, help="Leave database, journal and logs for a look, and say where.")
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="Where to keep them; implies --keep.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one line of JSON as well.")
@click.option("--seconds", default=LIVE_S, show_default=True, help="How long to watch a real camera.")
@pass_context
def demo(context: Context, camera: str, keep: bool, folder: Path | None, as_json: bool, seconds: float) -> None:
    """People walk up, are identified, and lie signed in a database, with a broker, an ingester and the daemons of their own.

    Staged walk-ups are made from sample photographs and declare themselves simulated, so that liveness is not assessed.
    """
    console, started = Console(), time.monotonic()
    samples = context.weights()
    with house_for(folder, keep, console) as house:
        if camera:
            right = _play_live(house, camera_source(camera), samples, seconds, console)
        else:
            right = _play_staged(house, samples, console, as_json)
        console.print(f"{time.monotonic() - started:.0f} s in all")
    sys.exit(0 if right else 1)


def camera_source(text: str) -> str:
    """`0` means device:0; anything else is a source as the configuration names it."""
    return f"device:{text}" if text.isdigit() or text.startswith("/dev/") else text


@contextmanager
def house_for(folder: Path | None, keep: bool, console: Console) -> Iterator[House]:
    root = folder.absolute() if folder else Path(tempfile.mkdtemp(prefix="daka-demo-"))
    root.mkdir(parents=True, exist_ok=True)
    try:
        yield House(root, theatre.free_port())
    finally:
        if keep or folder:
            console.print(f"kept: {root} (enterprise.db is the database, kiosk/ the kiosk, logs/ what each process said)")
        else:
            shutil.rmtree(root, ignore_errors=True)


def _play_staged(house: House, samples: Path, console: Console, as_json: bool) -> bool:
    with console.status("certificates, keys, configuration"):
        theatre.prepare(house, f"stage:{house.stage}", samples)
        eyes = sight.load(samples, config.Recognition())
    with theatre.Theatre(house), api.AdminClient(house.kiosk.admin_socket) as client, Watch(house) as watch:
        open_doors(house, client, console)
        for employee in script.EMPLOYEES:
            enrol(client, employee, (samples / employee.photograph).read_bytes(), console)
        director = Director(client, house, lambda scene, seed: script.walk_up(scene, samples, eyes, seed))
        played = []
        for number, scene in enumerate(director.play(script.SCENES), start=1):
            came_of_it = f"{report.decided(scene)}, {report.why(scene)}"
            console.print(f"{number}/{len(script.SCENES)} {scene.scene.title}: {came_of_it}")
            played.append(scene)
        all_acknowledged(house, client, console)
        result = report.collect(house, client, tuple(played), watch.seen())
    report.show(result, console)
    if as_json:
        click.echo(json.dumps(report.as_json(result)))
    return result.right


def open_doors(house: House, client: api.AdminClient, console: Console) -> None:
    with console.status("the kiosk daemon, the uplink, the broker and the ingester start"):
        wait_for("the kiosk daemon answers", lambda: theatre.is_up(client), house)
        key = client.status().public_key
        theatre.enterprise("trust", "--database", theatre.database(house), theatre.DEVICE, key)
    if house.kiosk.page_address.exists():
        console.print(f"its page, while this lasts: {house.kiosk.page_address.read_text('ascii').strip()}", soft_wrap=True)
    console.print(f"kiosk {theatre.DEVICE} runs; the enterprise trusts its key {key[:20]}...")


def enrol(client: api.AdminClient, employee: script.Employee, photograph: bytes, console: Console) -> None:
    client.add_person(employee.number, employee.name, employee.language, "demonstration")
    client.give_consent(employee.number, employee.language, "consent", "demonstration")
    client.enrol(employee.number, photograph, "demonstration")
    shown = consent.text(employee.language)
    console.print(f"{employee.number} agreed (text {shown.version}, {shown.language}); enrolled from one photograph, not kept")


def all_acknowledged(house: House, client: api.AdminClient, console: Console) -> None:
    def done() -> bool:
        try:
            status = client.status()
        except api.KioskAway:
            return False
        return status.acknowledged == status.last

    with console.status("the server signs for the last record"):
        wait_for("every record is acknowledged", done, house, 60.0)


def _play_live(house: House, source: str, samples: Path, seconds: float, console: Console) -> bool:
    """A real camera: whoever agrees is enrolled from it, and then whoever comes is decided about."""
    console.print(consent.text("en").words)
    click.confirm("Do you agree, for this demonstration only", abort=True)
    photograph = audience.photograph(source, sight.load(samples, config.Recognition()), console)
    theatre.prepare(house, source, samples)
    with theatre.Theatre(house), api.AdminClient(house.kiosk.admin_socket) as client, Watch(house) as watch:
        open_doors(house, client, console)
        enrol(client, script.Employee(script.ADA, "You", "en", ""), photograph, console)
        console.print(f"Step away and come back; the kiosk decides for {seconds:.0f} s.")
        audience.announce(client, seconds, console)
        all_acknowledged(house, client, console)
        result = report.collect(house, client, (), watch.seen())
    report.show(result, console)
    return result.agree

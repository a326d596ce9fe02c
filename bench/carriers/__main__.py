"""`python -m bench.carriers`: the trials in turn, a table, and the same as JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench import report as bench_report
from bench.carriers import herd, peers, postgres
from bench.carriers.ours import Ours
from bench.carriers.trial import Carrier
from tests.postgres import running as running_postgres

Results = dict[str, Any]
CARRIERS: tuple[Carrier, ...] = (Ours(), peers.Trials(peers.Gateway), peers.Trials(peers.Bridge))


@click.command()
@click.option("--records", default=100_000, show_default=True, help="Backlog to be carried.")
@click.option("--peer-records", default=20_000, show_default=True, help="The same for the peers, which are slower.")
@click.option("--kiosks", default=500, show_default=True, help="That come back after a restart of the broker.")
@click.option("--ingest", default=60_000, show_default=True, help="Records of each worker into PostgreSQL.")
@click.option("--only", type=click.Choice(["carry", "survive", "ingest", "herd"]), multiple=True, help="Default: all.")
@click.option("--peers/--no-peers", "with_peers", default=True, help="thingsboard-gateway and a Mosquitto bridge beside ours.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("build/carriers.json"), show_default=True)
def main(records: int, peer_records: int, kiosks: int, ingest: int, only: tuple[str, ...], with_peers: bool, output: Path) -> None:
    """Carry a backlog, survive the same faults, ingest into PostgreSQL, come back after a restart."""
    chosen = CARRIERS if with_peers else CARRIERS[:1]
    trials: dict[str, Callable[[Path], Results]] = {
        "carry": lambda scratch: carry(scratch, chosen, records, peer_records),
        "survive": lambda scratch: survive(scratch, chosen),
        "ingest": lambda scratch: ingested(ingest),
        "herd": lambda scratch: returned(scratch, kiosks, with_peers),
    }
    found: Results = {"machine": bench_report.machine()}
    for name, run in trials.items():
        if not only or name in only:
            with tempfile.TemporaryDirectory(prefix="daka-carriers-") as scratch:
                found[name] = run(Path(scratch))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    click.echo(f"written to {output}")


def carry(scratch: Path, chosen: tuple[Carrier, ...], records: int, peer_records: int) -> Results:
    """A backlog, from the moment that the link comes up until all of it is at the far end."""
    found = {}
    for number, one in enumerate(chosen):
        done = one.carry(scratch / f"carry-{number}", records if number == 0 else peer_records)
        spent = ", ".join(f"{name} {us:.0f}" for name, us in done.processor_us.items())
        sentence = f"{done.records} records in {done.seconds:.1f} s, {done.rate:.0f}/s, peak {done.peak_mb:.0f} MB"
        click.echo(f"{one.name}: {sentence}; processor time a record, us: {spent}")
        found[one.name] = asdict(done)
    return found


def survive(scratch: Path, chosen: tuple[Carrier, ...]) -> Results:
    """100 records/s for 40 s, with one silent link and two kills."""
    found = {}
    for number, one in enumerate(chosen):
        done = one.survive(scratch / f"survive-{number}")
        click.echo(f"{one.name}: {done.accepted} accepted, {done.lost} lost, {done.doubled} arrived twice")
        found[one.name] = asdict(done)
    return found


def ingested(records: int) -> Results:
    """One worker and two, and the profile of one."""
    found: Results = {}
    with running_postgres() as server:
        for workers in (1, 2):
            done = postgres.measure(server.fresh(), workers, records)
            click.echo(
                f"PostgreSQL, {workers} workers: {done.rate:.0f} records/s; "
                f"{done.worker_us:.0f} us a record in the worker, {done.database_us:.0f} us in the database"
            )
            found[str(workers)] = asdict(done)
        found["profile"] = postgres.profile(server.fresh(), records // 3)
        click.echo(found["profile"])
    return found


def returned(scratch: Path, kiosks: int, with_peers: bool) -> Results:
    """After a restart of the broker."""
    runs = {"daka": herd.ours} | ({"paho-mqtt's own reconnection": herd.peer} if with_peers else {})
    found = {}
    for name, run in runs.items():
        done = run(scratch / name.partition(" ")[0], kiosks)
        click.echo(f"{name}: {done.back} of {done.clients} came back in {done.seconds:.1f} s, {done.share:.1%} in one 100 ms")
        found[name] = asdict(done)
    return found


if __name__ == "__main__":
    main()

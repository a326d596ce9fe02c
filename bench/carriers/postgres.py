"""How many records a second the ingester's workers take into PostgreSQL, chain and signature verified; and where their time goes.

`python -m bench.carriers.postgres worker DATABASE KIOSK RECORDS` is one worker with a kiosk's batches in memory;
it begins at a line.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import messages
from enterprise import store as stores
from enterprise.ingest import Ingester
from enterprise.outcome import Arrival, Kind
from tests.enterprise.kiosk import START, Kiosk

A_COMMIT = 32  # messages, as the daemon takes
SLOWEST = 14  # functions that the profile names


@dataclass(frozen=True, slots=True)
class Ingested:
    """`rate`: records a second of all workers together; microseconds of processor time for each record, on both sides."""

    workers: int
    records: int
    rate: float
    worker_us: float
    database_us: float


def arrivals(kiosk: Kiosk) -> list[Arrival]:
    """Everything that the kiosk has, as it comes from the broker: compressed batches of 200."""
    found = []
    for first in range(1, kiosk.last + 1, messages.MAX_BATCH_RECORDS):
        batch = kiosk.batch(first, min(first + messages.MAX_BATCH_RECORDS - 1, kiosk.last))
        found.append(Arrival(Kind.RECORDS, kiosk.name, *messages.compress(batch)))
    return found


def ready(database: str, name: str, records: int) -> tuple[Ingester, list[Arrival]]:
    """An ingester, and a trusted kiosk's batches."""
    kiosk = Kiosk(name)
    kiosk.punch(records - 1)
    store = stores.connect(database)
    with store.transaction() as transaction:
        transaction.trust(kiosk.name, kiosk.public_key, START)
    return Ingester(store, Ed25519PrivateKey.generate(), lambda: datetime.now(UTC)), arrivals(kiosk)


def take(ingester: Ingester, found: list[Arrival]) -> None:
    for first in range(0, len(found), A_COMMIT):
        ingester.take_all(found[first : first + A_COMMIT])


def measure(database: str, workers: int, records: int) -> Ingested:
    """`records` for each of the workers, all at once."""
    command = [sys.executable, "-m", "bench.carriers.postgres", "worker", database]
    processes = [
        subprocess.Popen(
            [*command, f"kiosk-{number}", str(records)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        for number in range(workers)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    before, began = database_seconds(), time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
    spent = sum(float(process.stdout.readline()) for process in processes if process.stdout)
    seconds, total = time.perf_counter() - began, workers * records
    database_spent = database_seconds() - before  # while the workers hold their connections: what has ended is counted later
    for process in processes:
        process.communicate()
    return Ingested(workers, total, total / seconds, spent / total * 1e6, database_spent / total * 1e6)


def database_seconds() -> float:
    """Processor time of every PostgreSQL process so far, those that have ended included."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, fields = path.read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if name == "postgres":
            ticks += sum(int(field) for field in fields.split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def profile(database: str, records: int) -> str:
    """The functions of one worker that take the most time of their own."""
    ingester, found = ready(database, "kiosk-profiled", records)
    profiler = cProfile.Profile()
    profiler.runcall(take, ingester, found)
    rows = sorted(pstats.Stats(profiler).stats.items(), key=lambda row: -row[1][2])[:SLOWEST]  # type: ignore[attr-defined]
    return "\n".join(
        f"{own / records * 1e6:7.1f} us  {Path(file).name}:{line} {name}" for (file, line, name), (_, _, own, *_) in rows
    )


def worker() -> None:
    ingester, found = ready(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    print("ready", flush=True)
    sys.stdin.readline()
    before = time.process_time()
    take(ingester, found)
    print(time.process_time() - before, flush=True)
    sys.stdin.read()  # until the other end has looked at the database


if __name__ == "__main__":
    worker()

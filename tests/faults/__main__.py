"""`python -m tests.faults --kills N [--report FILE]`: a campaign by hand; exit code 1 if anything was lost."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click

from bench import report as bench_report
from tests.faults import campaign
from tests.postgres import running


@click.command()
@click.option("--kills", default=40, show_default=True, type=click.IntRange(min=1), help="Processes to end with SIGKILL, at least.")
@click.option("--seed", default=None, type=int, help="For the same plan again.")
@click.option("--postgres", is_flag=True, help="The enterprise stores in PostgreSQL, which is killed, too; default: SQLite.")
@click.option("--report", type=click.Path(path_type=Path), help="Write the report to this file, too.")
@click.option("--keep", type=click.Path(path_type=Path), help="Work in this new folder, and keep it.")
def main(kills: int, seed: int | None, postgres: bool, report: Path | None, keep: Path | None) -> None:
    """Kill, silence, fill and set wrong, and compare what the screen said with what the server has."""
    seed = int.from_bytes(os.urandom(3)) if seed is None else seed
    with tempfile.TemporaryDirectory(prefix="daka-faults-") as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(exist_ok=True)
        with running() if postgres else nullcontext() as server:
            found = campaign.run(folder, kills, seed, server)
    text = document(found, "PostgreSQL" if postgres else "SQLite")
    click.echo(f"{text}\n{found.verdict}")
    if report:
        report.write_text(text, encoding="utf-8")
    sys.exit(0 if found.verdict.holds else 1)


def document(found: campaign.Result, database: str) -> str:
    """The result as a page."""
    rows = "\n".join(f"| {name} | {count} |" for name, count in sorted(found.faults.items()))
    outcome, processor = found.verdict, bench_report.processor(Path("/proc/cpuinfo"))
    return f"""\
# Faults: the last campaign

Made by `make faults N={found.kills}` on {datetime.now(UTC):%Y-%m-%d}; the plan is that of seed {found.seed}.
Machine: {processor}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}.

The journal, the clock, the uplink, Mosquitto with mutual TLS and the ingester are the real ones, each a process of its own; a
generator of punches stands in for camera and models. The kiosk's state lies on a small ext4 of its own, the server's rows in
{database}. Whoever punches comes once and is somebody new. Every line that the screen would have shown is kept together with the
true time. After every {campaign.JUDGE_EVERY} faults, and at the end, it is compared with what the server has stored, as is the
kiosk's journal; a short campaign with one fault of each kind, where that is done after each, is part of the tests.

| what | result |
|---|---|
| processes killed with SIGKILL | {found.kills} |
| punches confirmed on the screen | {outcome.receipts} |
| punches refused on the screen while the disk failed | {found.refusals} |
| records stored by the server (punches, boots, times) | {outcome.stored} |
| **lost** | **{len(outcome.differences.lost)}** |
| **persons stored twice** | **{len(outcome.differences.doubled)}** |
| **refused and stored nevertheless** | **{len(outcome.differences.unasked)}** |
| the same, by a disk that became read-only between the write and its sync (ADR 0130) | {outcome.differences.undone} |
| duplicates received and recognised | {outcome.duplicates_received} |
| largest error of a corrected time | {outcome.worst_time_us / 1e6:.3f} s |
| wrong times, times out of order, holes, findings of `verify` | {len(outcome.wrong_times) + len(outcome.findings)} |
| duration | {found.seconds / 60:.0f} min |

| fault | times |
|---|---|
{rows}

A kill is no power cut: what the disk had not been told to keep survives it. `tests/faults/test_power_cut.py` takes that away, too.
"""


if __name__ == "__main__":
    main()

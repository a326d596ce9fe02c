"""Measures what was asked for, draws the tables and writes the JSON."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from rich.console import Console

from bench import measure, registry, report
from bench.registry import Gauge, Number, Setting, Unmeasured


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure, with what, and for how long each; `only` is a family, or empty for all."""

    only: str
    weights: Path
    peers: Path
    faces: Path | None
    seconds: float


def measured(number: Number, setting: Setting, seconds: float) -> measure.Comparison:
    """One number."""
    with number.prepared(setting) as pair:
        return measure.compare(pair, seconds)


def run(wish: Wish, output: Path) -> int:
    """Everything of the family, or of all; the count of those that came out higher than accepted."""
    cv2.setNumThreads(1)
    console = Console()
    results = [_one(found, wish, console) for found in registry.measurements() if wish.only in ("", found.family)]
    machine = report.machine()
    console.print(report.table(results, machine))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report.document(results, machine), indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {output}")
    return missed(results)


def _one(found: Number | Gauge, wish: Wish, console: Console) -> report.Result:
    console.print(f"{found.family}: {found.name} ...", style="dim")
    with tempfile.TemporaryDirectory(prefix="daka-bench-") as scratch:
        setting = Setting(wish.weights, Path(scratch), wish.peers, wish.faces)
        try:
            return (found, found.read(setting) if isinstance(found, Gauge) else measured(found, setting, wish.seconds))
        except Unmeasured as reason:
            return (found, reason)


def missed(results: Sequence[report.Result]) -> int:
    """How many came out higher than accepted; what could not be measured is not among them, and is said."""
    return sum(report.accepted(result) is False for result in results)


def families() -> list[str]:
    """Names for `--only`."""
    return list(dict.fromkeys(found.family for found in registry.measurements()))

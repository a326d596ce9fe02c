"""Measures the numbers that were asked for, draws the table and writes the JSON."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import cv2
from rich.console import Console

from bench import measure, registry, report
from bench.registry import Number, Setting


def measured(number: Number, weights: Path, seconds: float) -> measure.Comparison:
    """One number, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="daka-bench-") as scratch, number.prepared(Setting(weights, Path(scratch))) as pair:
        return measure.compare(pair, seconds)


def run(only: str, weights: Path, output: Path, seconds: float) -> int:
    """Every number of the family `only`, or of all; the count of numbers whose ratio was not accepted."""
    cv2.setNumThreads(1)
    console = Console()
    results: list[report.Result] = []
    for number in registry.numbers():
        if only in ("", number.family):
            console.print(f"{number.family}: {number.name} ...", style="dim")
            results.append((number, measured(number, weights, seconds)))
    machine = report.machine()
    console.print(report.table(results, machine))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report.document(results, machine), indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {output}")
    return sum(found.ratio > number.at_most for number, found in results)


def families() -> list[str]:
    """Names for `--only`."""
    return list(dict.fromkeys(number.family for number in registry.numbers()))

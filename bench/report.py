"""The results as a table and as JSON, with the machine that they belong to."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group
from rich.table import Table

from bench.measure import Comparison
from bench.registry import Number

Result = tuple[Number, Comparison]

DISTRIBUTIONS = ("numpy", "opencv-contrib-python", "onnxruntime")


def table(results: Iterable[Result], machine: dict[str, Any]) -> Group:
    """One row per number, and below it what was ours and what the peer did."""
    found = list(results)
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for heading in ("number", "ours ms", "peer ms", "ratio", "half of them", "min..max", "accepted"):
        drawn.add_column(heading, justify="left" if heading == "number" else "right", overflow="fold")
    for number, one in found:
        drawn.add_row(*_cells(number, one))
    about = ", ".join(f"{key} {value}" for key, value in machine.items())
    told = "\n".join(f"  {number.family}: {number.name}\n    ours: {number.ours}\n    peer: {number.peer}" for number, _ in found)
    return Group(about, drawn, f"ratio: our time over the peer's, median of neighbouring samples; below 1 is faster\n{told}")


def _cells(number: Number, found: Comparison) -> tuple[str, ...]:
    low, high = found.quartiles
    return (
        number.name,
        f"{statistics.median(found.ours_ms):.3f}",
        f"{statistics.median(found.peer_ms):.3f}",
        f"{found.ratio:.2f}",
        f"{low:.2f}..{high:.2f}",
        f"{min(found.ratios):.2f}..{max(found.ratios):.2f}",
        f"≤ {number.at_most:g} {'yes' if found.ratio <= number.at_most else 'NO'}",
    )


def document(results: Iterable[Result], machine: dict[str, Any]) -> dict[str, Any]:
    """The same for machines, with every sample in milliseconds."""
    return {"version": 1, "machine": machine, "numbers": [_row(number, found) for number, found in results]}


def _row(number: Number, found: Comparison) -> dict[str, Any]:
    return {
        "family": number.family,
        "name": number.name,
        "ours": number.ours,
        "peer": number.peer,
        "ours_ms": statistics.median(found.ours_ms),
        "peer_ms": statistics.median(found.peer_ms),
        "ratio": found.ratio,
        "ratio_quartiles": list(found.quartiles),
        "ratio_range": [min(found.ratios), max(found.ratios)],
        "at_most": number.at_most,
        "accepted": found.ratio <= number.at_most,
        "samples_ms": {"ours": list(found.ours_ms), "peer": list(found.peer_ms)},
    }


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """Processor, cores, and the versions that a time depends on."""
    versions = {name: importlib.metadata.version(name) for name in DISTRIBUTIONS}
    about = {"processor": processor(cpuinfo), "cores": os.cpu_count(), "threads used": 1, "Python": platform.python_version()}
    return about | versions


def processor(cpuinfo: Path) -> str:
    """Its name; a Raspberry Pi calls it `Model`."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.machine()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    stripped = {key.strip(): value.strip() for key, value in fields.items()}
    return stripped.get("model name") or stripped.get("Model") or platform.machine()

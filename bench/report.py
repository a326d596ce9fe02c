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
from bench.registry import Gauge, Number, Reading, Unmeasured

Result = tuple[Number | Gauge, Comparison | Reading | Unmeasured]

DISTRIBUTIONS = ("numpy", "opencv-contrib-python", "onnxruntime")


def accepted(result: Result) -> bool | None:
    """Whether it is within what is accepted; None for what could not be measured."""
    found, outcome = result
    if isinstance(outcome, Comparison) and isinstance(found, Number):
        return outcome.ratio <= found.at_most
    if isinstance(outcome, Reading) and isinstance(found, Gauge):
        return found.statistic.of(outcome.ours) <= _limit(found, outcome)
    return None


def _limit(gauge: Gauge, found: Reading) -> float:
    return gauge.statistic.of(found.peer) if gauge.at_most is None else gauge.at_most


def table(results: Iterable[Result], machine: dict[str, Any]) -> Group:
    """One row each, and below what was ours, what the peer did, and what could not be measured."""
    found = list(results)
    ratios = _drawn(("number", "ours ms", "peer ms", "ratio", "half of them", "min..max", "accepted"))
    gauges = _drawn(("gauge", "ours", "peer", "unit", "min..max", "accepted"))
    for result in found:
        number, outcome = result
        if isinstance(outcome, Comparison):
            ratios.add_row(*_cells(number, outcome, accepted(result)))
        elif isinstance(outcome, Reading) and isinstance(number, Gauge):
            gauges.add_row(*_gauge_cells(number, outcome, accepted(result)))
    about = ", ".join(f"{key} {value}" for key, value in machine.items())
    told = "\n".join(
        f"  {one.family}: {one.name}\n    ours: {one.ours}\n    peer: {one.peer}{_said(outcome)}" for one, outcome in found
    )
    legend = f"ratio: our time over the peer's, median of neighbouring samples; below 1 is faster\n{told}"
    drawn = [one for one in (ratios, gauges) if one.row_count]
    return Group(about, *drawn, legend)


def _drawn(headings: tuple[str, ...]) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for number, heading in enumerate(headings):
        drawn.add_column(heading, justify="right" if number else "left", overflow="fold")
    return drawn


def _said(outcome: Comparison | Reading | Unmeasured) -> str:
    if isinstance(outcome, Unmeasured):
        return f"\n    not measured here: {outcome}"
    return f"\n    {outcome.said}" if isinstance(outcome, Reading) and outcome.said else ""


def _cells(number: Number | Gauge, found: Comparison, good: bool | None) -> tuple[str, ...]:
    low, high = found.quartiles
    return (
        number.name,
        f"{statistics.median(found.ours_ms):.3f}",
        f"{statistics.median(found.peer_ms):.3f}",
        f"{found.ratio:.2f}",
        f"{low:.2f}..{high:.2f}",
        f"{min(found.ratios):.2f}..{max(found.ratios):.2f}",
        f"≤ {number.at_most:g} {'yes' if good else 'NO'}",
    )


def _gauge_cells(gauge: Gauge, found: Reading, good: bool | None) -> tuple[str, ...]:
    return (
        f"{gauge.name} ({gauge.statistic})",
        f"{gauge.statistic.of(found.ours):.3g}",
        f"{gauge.statistic.of(found.peer):.3g}" if found.peer else "",
        gauge.unit,
        f"{min(found.ours):.3g}..{max(found.ours):.3g}",
        f"≤ {_limit(gauge, found):.3g} {'yes' if good else 'NO'}",
    )


def document(results: Iterable[Result], machine: dict[str, Any]) -> dict[str, Any]:
    """The same for machines, with every sample."""
    found = list(results)
    return {
        "version": 2,
        "machine": machine,
        "numbers": [_row(result) for result in found if isinstance(result[1], Comparison)],
        "gauges": [_gauge_row(result) for result in found if isinstance(result[1], Reading)],
        "unmeasured": [_named(number) | {"why": str(why)} for number, why in found if isinstance(why, Unmeasured)],
    }


def _named(number: Number | Gauge) -> dict[str, Any]:
    return {"family": number.family, "name": number.name, "ours": number.ours, "peer": number.peer, "at_most": number.at_most}


def _row(result: Result) -> dict[str, Any]:
    number, found = result
    assert isinstance(found, Comparison)
    return _named(number) | {
        "ours_ms": statistics.median(found.ours_ms),
        "peer_ms": statistics.median(found.peer_ms),
        "ratio": found.ratio,
        "ratio_quartiles": list(found.quartiles),
        "ratio_range": [min(found.ratios), max(found.ratios)],
        "accepted": accepted(result),
        "samples_ms": {"ours": list(found.ours_ms), "peer": list(found.peer_ms)},
    }


def _gauge_row(result: Result) -> dict[str, Any]:
    gauge, found = result
    assert isinstance(gauge, Gauge)
    assert isinstance(found, Reading)
    return _named(gauge) | {
        "unit": gauge.unit,
        "statistic": gauge.statistic,
        "ours_value": gauge.statistic.of(found.ours),
        "peer_value": gauge.statistic.of(found.peer) if found.peer else None,
        "accepted": accepted(result),
        "said": found.said,
        "samples": {"ours": list(found.ours), "peer": list(found.peer)},
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

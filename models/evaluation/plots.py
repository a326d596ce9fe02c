"""The report's plots as SVG text to stand inside a page: curves and limits of rates, never a face. Matplotlib is loaded here alone.

Nothing is drawn beyond what was counted: where fewer than one impostor pair remains, the plane is hatched.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from models.evaluation import scores
from models.evaluation.identification import Trial
from models.evaluation.limits import Estimate
from models.evaluation.measure import Evaluation, Subgroup
from models.evaluation.verification import Curve, Point

GENUINE, IMPOSTOR, INK, FAINT = "#0b5cad", "#b4400b", "#1f2933", "#d5dbe1"
PALETTE = ("#0b5cad", "#b4400b", "#2d7d46", "#7b3fa0", "#8a6d00", "#0d7d85", "#a61e4d", "#5f6b76")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be searched and read aloud
    "font.family": "sans-serif",
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "hatch.color": FAINT,
}
Drawing = Callable[[Axes], None]

BIN = 100  # steps: a hundredth of a cosine


def distributions(found: Evaluation) -> str:
    """How genuine and impostor scores lie, as shares of each, on a logarithmic scale."""

    def draw(axes: Axes) -> None:
        for counts, colour, name in (
            (found.impostor_scores, IMPOSTOR, f"impostor, {found.impostor_pairs:,} pairs"),
            (found.genuine_scores, GENUINE, f"genuine, {found.genuine_pairs:,} pairs"),
        ):
            whole = np.append(counts, np.zeros(-len(counts) % BIN, dtype=counts.dtype)).reshape(-1, BIN).sum(axis=1)
            edges = np.arange(len(whole) + 1) * BIN / scores.STEPS_PER_UNIT - 1
            seen = np.flatnonzero(whole)
            part = slice(int(seen[0]), int(seen[-1]) + 1)
            axes.stairs(whole[part] / whole.sum(), edges[seen[0] : seen[-1] + 2], color=colour, fill=True, alpha=0.35, label=name)
        axes.set(yscale="log", xlabel="score (cosine), in bins of 0.01", ylabel="share of pairs")
        axes.set_ylim(top=3)
        axes.legend(loc="upper right")

    return _svg("scores", "Histogram of genuine and impostor scores", draw)


def roc(found: Evaluation) -> str:
    """Genuine pairs matched against impostor pairs matched."""

    def draw(axes: Axes) -> None:
        least = _hatched(axes, found.impostor_pairs)
        matched, missed = _thinned(found.curve)
        axes.plot(matched, 1 - missed, color=GENUINE)
        for point in _points_of(found):
            axes.plot([point.fmr.value], [1 - point.fnmr.value], "o", color=IMPOSTOR)
            label, place = f"≥ {point.threshold:.4f}", (point.fmr.value, 1 - point.fnmr.value)
            axes.annotate(label, place, xytext=(6, -12), textcoords="offset points", fontsize=9)
        low = min((1 - point.fnmr.value for point in _points_of(found)), default=0.5)
        axes.set(
            xscale="log", xlim=(least / 3, 1), ylim=(max(0.0, low - (1 - low) * 1.5), 1.002), xlabel="FMR", ylabel="TAR = 1 - FNMR"
        )

    return _svg("roc", "ROC curve", draw)


def det(found: Evaluation) -> str:
    """FNMR against FMR, both logarithmic; with subgroups, one curve each."""
    limits = {"xlim": (1 / found.impostor_pairs / 3, 1), "ylim": (0.3 / found.genuine_pairs, 1)}

    def draw(axes: Axes) -> None:
        axes.set(xscale="log", yscale="log", **limits)  # first: a curve without a miss could not be scaled by itself
        _hatched(axes, found.impostor_pairs)
        axes.plot(*_thinned(found.curve), color=INK, label="all")
        for group, colour in zip(_with_curve(found.subgroups), PALETTE, strict=False):
            assert group.curve is not None
            axes.plot(*_thinned(group.curve), color=colour, linewidth=1, label=group.name)
        axes.set(xlabel="FMR", ylabel="FNMR")
        if found.subgroups:
            axes.legend(loc="lower left", fontsize=9)

    return _svg("det", "DET curve", draw)


def errors(found: Evaluation) -> str:
    """FMR and FNMR by threshold; the bars are the 95 % limits of the table."""

    def draw(axes: Axes) -> None:
        curve = found.curve
        for rates, colour, name in ((curve.fmr, IMPOSTOR, "FMR"), (curve.fnmr, GENUINE, "FNMR")):
            seen = rates > 0
            keep = np.flatnonzero(seen)[:: max(1, int(seen.sum()) // 800)]
            axes.plot(curve.thresholds[keep], rates[keep], color=colour, label=name)
        places = [point.threshold for point in found.points]
        _bars(axes, places, [point.fmr for point in found.points], IMPOSTOR)
        _bars(axes, places, [point.fnmr for point in found.points], GENUINE)
        axes.set(yscale="log", ylim=(0.3 / found.impostor_pairs, 1.2), xlabel="threshold (cosine)", ylabel="rate")
        axes.legend(loc="lower left")

    return _svg("errors", "False match and false non-match rate by threshold, with limits", draw)


def galleries(found: Evaluation) -> str:
    """FPIR by gallery size: measured with limits, and computed from FMR."""
    thresholds = list(dict.fromkeys(trial.threshold for trial in found.trials))
    sizes = sorted({trial.size for trial in found.trials})
    least = min((trial.modelled for trial in found.trials if trial.modelled), default=1e-4)

    def draw(axes: Axes) -> None:
        axes.set(xscale="log", yscale="log", ylim=(least / 10, 1.2), xlabel="people enrolled", ylabel="FPIR")
        for number, (threshold, colour) in enumerate(zip(thresholds, PALETTE, strict=False)):
            rows: list[Trial] = [trial for trial in found.trials if trial.threshold == threshold]
            measured = [(trial.size * 1.04**number, trial.fpir) for trial in rows if trial.fpir is not None]  # side by side
            axes.plot([trial.size for trial in rows], [trial.modelled for trial in rows], "--", color=colour, linewidth=1)
            _bars(axes, [place for place, _ in measured], [fpir for _, fpir in measured], colour, f"at {threshold:.4g}")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
        axes.set_xticks([], minor=True)
        axes.legend(loc="upper left", ncols=2, fontsize=9)

    return _svg("galleries", "False positive identification rate by gallery size", draw)


def subgroups(found: Evaluation, threshold: float) -> str:
    """FMR of each subgroup among itself at one threshold, with limits."""

    def draw(axes: Axes) -> None:
        rows = [(group.name, point.fmr) for group in found.subgroups for point in group.points if point.threshold == threshold]
        rows += [("all", point.fmr) for point in found.points if point.threshold == threshold]
        for place, (_, fmr) in enumerate(rows):
            axes.plot([max(fmr.limits.low, 1e-12), fmr.limits.high], [place, place], color=IMPOSTOR, linewidth=2)
            axes.plot([fmr.value], [place], "o", color=IMPOSTOR)
        least = min(fmr.limits.high for _, fmr in rows)
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.set(
            xscale="log", xlim=(least / 100, min(1.0, max(fmr.limits.high for _, fmr in rows) * 3)), ylim=(-0.6, len(rows) - 0.4)
        )
        axes.set_xlabel(f"FMR within the subgroup at {threshold:.2f}; no dot: no false match")

    return _svg("subgroups", "False match rate by subgroup", draw, height=1.6 + 0.35 * (1 + len(found.subgroups)))


def _points_of(found: Evaluation) -> list[Point]:
    return [target.point for target in found.targets if target.point is not None]


def _with_curve(groups: Iterable[Subgroup]) -> list[Subgroup]:
    return [group for group in groups if group.curve is not None]


def _hatched(axes: Axes, impostor_pairs: int) -> float:
    """Hatches what lies below one impostor pair, and gives that rate."""
    least = 1 / impostor_pairs
    axes.axvspan(least / 3, least, facecolor="white", hatch="////", edgecolor=FAINT, linewidth=0)
    return least


def _thinned(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """FMR and FNMR where there was a false match, without points that would fall onto one another."""
    seen = curve.fmr > 0
    matched, missed = curve.fmr[seen], curve.fnmr[seen]
    places = np.stack([np.round(np.log10(matched), 2), np.round(missed, 3)], axis=1)
    keep = np.sort(np.unique(places, axis=0, return_index=True)[1])
    return matched[keep], missed[keep]


def _bars(axes: Axes, places: Sequence[float], rates: Sequence[Estimate], colour: str, label: str = "") -> None:
    """A dot for each rate and a bar over its limits; a rate of zero has the bar alone."""
    for place, rate in zip(places, rates, strict=True):
        axes.plot([place, place], [max(rate.limits.low, 1e-12), rate.limits.high], color=colour, linewidth=1.5, alpha=0.6)
    axes.plot(list(places), [rate.value or np.nan for rate in rates], "o", color=colour, markersize=4, label=label or None)


def _svg(name: str, description: str, draw: Drawing, height: float = 3.6) -> str:
    """One figure as an `<svg>` element, the same bytes for the same numbers, with ids of its own and no address outside."""
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": "daka"}):
        figure = Figure(figsize=(6.6, height), layout="constrained")
        draw(figure.add_subplot())
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :].strip()
    drawn = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", drawn)  # ids such as axes_1 would stand on the page twice
    return drawn.replace("<svg", f'<svg role="img" aria-label="{description}"', 1)

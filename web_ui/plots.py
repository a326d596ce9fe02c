"""Small plots as SVG, drawn here: no script, no style of their own, and the figures beside them for whoever cannot see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 640, 160, 8


@dataclass(frozen=True, slots=True)
class Plot:
    """One line over time: `points` is SVG's list of x,y; `low` and `high` are the axis' ends, `times` its first and last moment."""

    title: str
    unit: str
    points: str
    low: float
    high: float
    latest: float
    times: tuple[str, str]


def line(title: str, unit: str, samples: Sequence[tuple[str, float]]) -> Plot | None:
    """A plot of (time, value) samples in order; None for fewer than two."""
    if len(samples) < 2:
        return None
    values = [value for _, value in samples]
    low, high = axis(min(values), max(values))
    step = (WIDTH - 2 * EDGE) / (len(values) - 1)
    points = " ".join(
        f"{EDGE + place * step:.1f},{HEIGHT - EDGE - (value - low) / (high - low) * (HEIGHT - 2 * EDGE):.1f}"
        for place, value in enumerate(values)
    )
    return Plot(title, unit, points, low, high, values[-1], (samples[0][0], samples[-1][0]))


def axis(low: float, high: float) -> tuple[float, float]:
    """Ends that leave a flat line in the middle instead of drawing its noise as mountains."""
    room = max((high - low) * 0.1, abs(high) * 0.02, 0.5)
    return (0.0 if low >= 0 and low < high / 2 else low - room), high + room

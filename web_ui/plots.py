"""Small plots as SVG, drawn here: no script, no style of their own, and the figures beside them for whoever cannot see them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE, DASH = 640, 160, 8, 4


@dataclass(frozen=True, slots=True)
class Plot:
    """One line over time, in pieces where there was nothing to show: each of `lines` is SVG's list of x,y.

    `low` and `high` are the axis' ends, `least` and `most` what was seen, `times` the first and last moment.
    """

    title: str
    unit: str
    lines: tuple[str, ...]
    low: float
    high: float
    least: float
    most: float
    latest: float
    times: tuple[str, str]


def line(title: str, unit: str, samples: Sequence[tuple[str, float | None]]) -> Plot | None:
    """A plot of (time, value) samples in order, None where there was none; nothing for fewer than two values."""
    values = [value for _, value in samples if value is not None]
    if len(values) < 2:
        return None
    low, high = axis(min(values), max(values))
    step = (WIDTH - 2 * EDGE) / (len(samples) - 1)
    places = [
        None if value is None else (EDGE + place * step, HEIGHT - EDGE - (value - low) / (high - low) * (HEIGHT - 2 * EDGE))
        for place, (_, value) in enumerate(samples)
    ]
    pieces = [list(piece) for is_there, piece in itertools.groupby(places, key=bool) if is_there]
    lines = tuple(_points([point for point in piece if point]) for piece in pieces)
    return Plot(title, unit, lines, low, high, min(values), max(values), values[-1], (samples[0][0], samples[-1][0]))


def _points(piece: list[tuple[float, float]]) -> str:
    """One alone is a short dash, or nobody would see it."""
    (first, height), *more = piece
    if not more:
        piece = [(first - DASH / 2, height), (first + DASH / 2, height)]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in piece)


def axis(low: float, high: float) -> tuple[float, float]:
    """Ends that leave a flat line in the middle instead of drawing its noise as mountains; what is never negative starts at 0."""
    room = max((high - low) * 0.1, abs(high) * 0.02, 0.5)
    if low >= 0:
        return (0.0 if low < high / 2 else max(0.0, low - room)), high + room
    return low - room, high + room

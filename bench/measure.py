"""Two callables, timed in turns. A busy moment hits both, so the ratio of neighbours is steadier than either time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.registry import Pair

SAMPLE_S = 0.01  # one sample repeats a quick call until it takes at least this long, far above the clock's own cost
LEAST_ROUNDS = 11
MOST_ROUNDS = 400


@dataclass(frozen=True, slots=True)
class Comparison:
    """Milliseconds per call of each round, ours and the peer's, side by side."""

    ours_ms: tuple[float, ...]
    peer_ms: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """Ours divided by the peer's, round by round; below 1 is faster than the peer."""
        return tuple(ours / peer for ours, peer in zip(self.ours_ms, self.peer_ms, strict=True))

    @property
    def ratio(self) -> float:
        """Median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Half of the rounds lie between these ratios."""
        low, _, high = statistics.quantiles(self.ratios, n=4)
        return low, high


def compare(pair: Pair, seconds: float) -> Comparison:
    """Rounds for about `seconds`; each has one sample of ours and one of the peer, and every other round starts with the peer."""
    ours_repeats, peer_repeats = repeats(pair.ours), repeats(pair.peer)
    ours: list[float] = []
    peer: list[float] = []
    ends = time.perf_counter() + seconds
    while len(ours) < LEAST_ROUNDS or (time.perf_counter() < ends and len(ours) < MOST_ROUNDS):
        if len(ours) % 2:
            peer.append(sample_ms(pair.peer, peer_repeats))
            ours.append(sample_ms(pair.ours, ours_repeats))
        else:
            ours.append(sample_ms(pair.ours, ours_repeats))
            peer.append(sample_ms(pair.peer, peer_repeats))
    return Comparison(tuple(ours), tuple(peer))


def repeats(call: Callable[[], object]) -> int:
    """How many calls one sample takes. The calls made to find out also warm everything up."""
    fastest = min(sample_ms(call, 1) for _ in range(5))
    return max(1, round(SAMPLE_S * 1e3 / max(fastest, 1e-4)))


def sample_ms(call: Callable[[], object], times: int) -> float:
    """Milliseconds per call."""
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) * 1e3 / times

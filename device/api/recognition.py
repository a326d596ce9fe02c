"""How recognition stands, for the administrators' page: what is searched, from what evidence, and who looks like whom."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RecognitionStanding:
    """`searched`: everybody is compared with a face (1:N); otherwise people say who they are first (1:1).

    `most_people` may be searched at the chosen rate, `enrolled` have templates. `threshold` is the cosine in force. `level` of
    liveness: off, raster (print and screen only) or learned. `measured_at` is when this site was measured ("" for never), with so
    many `measured_people`. `look_alikes` are pairs of employee numbers who look alike.
    """

    searched: bool
    most_people: int
    enrolled: int
    threshold: float
    level: str
    measured_at: str
    measured_people: int
    look_alikes: tuple[tuple[str, str], ...]

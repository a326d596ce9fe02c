"""How a trial says how often something happened."""

from __future__ import annotations

from models.evaluation import limits


def rate(count: int, of: int) -> dict[str, object]:
    """Count, share, and its 95 % limits as if the trials were independent."""
    bounds = limits.proportion(count, of)
    return {"count": count, "of": of, "rate": round(count / max(1, of), 5), "limits": [round(bounds.low, 5), round(bounds.high, 5)]}

"""What of contract locks becomes an alarm by time alone: the ingester looks once a day."""

from __future__ import annotations

from datetime import datetime

from enterprise import lock_stamps
from enterprise.store import Transaction


def look(transaction: Transaction, now: datetime) -> None:
    """Raise an alarm for each thing that is overdue; what was told already is no news."""
    lock_stamps.complain(transaction, now)

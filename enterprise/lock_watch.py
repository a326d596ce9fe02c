"""What of contract locks becomes an alarm by time alone: the ingester looks once a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from enterprise import alarms, lock_stamps, tables
from enterprise.store import Transaction

SOON = timedelta(days=30)


def look(transaction: Transaction, now: datetime) -> None:
    """Raise an alarm for each thing that is overdue; what was told already is no news."""
    lock_stamps.complain(transaction, now)
    _enrolments(transaction, now)


def _enrolments(transaction: Transaction, now: datetime) -> None:
    """Of each lock the kiosks that may not use it much longer: from then on it refuses every approval."""
    column = tables.lock_kiosk.c
    soon = select(tables.lock_kiosk).where(column.expires_at <= int((now + SOON).timestamp())).order_by(column.device)
    found: dict[str, list[str]] = {}
    for row in transaction.connection.execute(soon):
        found.setdefault(row.lock, []).append(f"{row.device} on {datetime.fromtimestamp(row.expires_at, UTC).date()}")
    for lock, kiosks in found.items():
        said = f"enrolments with {lock} end: {', '.join(kiosks)}; for longer: daka-enterprise lock enrol {lock} KIOSK"
        alarms.news(transaction, lock, "lock_enrolment_ends", 0, said, now)

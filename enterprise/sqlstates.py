"""What PostgreSQL's five-letter codes mean to us; SQLite has none, and its errors are told apart by their classes alone."""

from __future__ import annotations

LOCK_NOT_AVAILABLE = "55P03"  # a lock that was waited for long enough
REFUSING = ("22", "23", "54")  # data that it cannot hold, a rule of the tables, its own limits
STUCK = ("40", "55", "57014", "XX")  # rolled back, locked by somebody, took too long, damaged: maybe this content alone


def of(error: BaseException) -> str:
    """The code of an error, the library's or the driver's; empty if the server did not say one."""
    return getattr(getattr(error, "orig", None) or error, "sqlstate", None) or ""

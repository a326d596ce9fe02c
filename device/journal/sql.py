"""Rows of a journal's file as values."""

from __future__ import annotations

import sqlite3

from device import messages
from device.journal.values import Tip
from device.messages import timeline

# SQLite's JSON functions take a BLOB for its own binary JSON, hence the cast.
BRIEF = """
WITH punch AS (
    SELECT seq, kind, at, CAST(text AS TEXT) AS text FROM record
    WHERE seq > ? AND kind IN ('punch', 'correction', 'void', 'dispute') ORDER BY seq LIMIT ?
)
SELECT seq, kind, at, json_extract(text, '$.boot_id'), json_extract(text, '$.monotonic_us'), json_extract(text, '$.time_quality'),
       coalesce(json_extract(text, '$.body.person'), ''),
       CASE WHEN json_extract(text, '$.body.pause') THEN iif(json_extract(text, '$.body.direction') = 'out', 'break', 'back')
       ELSE coalesce(json_extract(text, '$.body.direction'), '') END,
       coalesce(json_extract(text, '$.body.method'), 'office'), coalesce(json_extract(text, '$.body.punched_at'), ''),
       coalesce(json_extract(text, '$.body.punch'), json_extract(text, '$.body.replaces'), 0),
       coalesce(json_extract(text, '$.body.by'), '')
FROM punch
"""
MENTIONS = """
WITH other AS (
    SELECT seq, kind, CAST(text AS TEXT) AS text FROM record WHERE kind <> 'punch' AND seq > ? ORDER BY seq LIMIT ?
)
SELECT seq, kind, coalesce(json_extract(text, '$.body.action'), nullif(json_extract(text, '$.body.event'), ''),
       json_extract(text, '$.body.act'), kind),
       coalesce(json_extract(text, '$.body.by'), ''), coalesce(json_extract(text, '$.body.person'), ''),
       coalesce(json_extract(text, '$.body.lock'), '')
FROM other
"""
# Before the cursor goes back, unless it had been further already.
KEEP_CURSOR = """
INSERT OR REPLACE INTO signed_before SELECT only, upto, head, message FROM acknowledged
WHERE upto > coalesce((SELECT upto FROM signed_before), 0)
"""
CURSORS = "SELECT upto, head FROM acknowledged WHERE upto > 0 UNION ALL SELECT upto, head FROM signed_before ORDER BY upto"
# A newer version may have had the time from elsewhere.
KNOWN = ", ".join(f"'{source}'" for source in messages.Source)
ANCHORS = f"SELECT boot_id, monotonic_us, utc, source, uncertainty_us FROM (SELECT * FROM anchor WHERE source IN ({KNOWN}))"


def anchor(row: tuple[str, int, str, str, int]) -> messages.Anchor:
    """A row of ANCHORS."""
    utc_us = timeline.microseconds(messages.read_time(row[2]))
    return messages.Anchor(row[0], row[1], utc_us, messages.Source(row[3]), row[4])


def boots(connection: sqlite3.Connection) -> list[timeline.Boot]:
    """Every boot, with the monotonic clock of its last record: the one before the next boot's first."""
    rows = connection.execute(
        "SELECT b.boot_id, b.first_seq, b.first_at, b.first_monotonic_us, b.first_quality, r.text FROM boot b LEFT JOIN record r "
        "ON r.seq = (SELECT min(n.first_seq) - 1 FROM boot n WHERE n.first_seq > b.first_seq) ORDER BY b.first_seq"
    ).fetchall()
    return [boot(*row) for row in rows]


def boot(boot_id: str, seq: int, at: str, monotonic_us: int, quality: str, last: bytes | None) -> timeline.Boot:
    """A boot whose last record is gone, or that still runs, is known up to its first one."""
    ended_us = int(messages.parse(last)["monotonic_us"]) if last else monotonic_us
    at_us = timeline.microseconds(messages.read_time(at))
    return timeline.Boot(boot_id, seq, at_us, monotonic_us, quality, max(monotonic_us, ended_us))


def tip(connection: sqlite3.Connection) -> Tip:
    """Where the chain ends."""
    epoch = one(connection, "SELECT epoch FROM epoch")
    last = connection.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    return Tip(epoch, last[0], last[1].hex()) if last else Tip(epoch, 0, messages.GENESIS_PREV)


def acknowledged(connection: sqlite3.Connection) -> int:
    """The last record that the server has signed for, or 0."""
    row = connection.execute("SELECT upto FROM acknowledged").fetchone()
    return int(row[0]) if row else 0


def cursors(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """What the server has signed for, now and before it was restored: number and hash of the record, the furthest last."""
    return connection.execute(CURSORS).fetchall()


def other_history(connection: sqlite3.Connection, upto: int, head: str) -> bool:
    """Whether record `upto` is not here, or another one, though it is none of those that were pruned."""
    row = connection.execute("SELECT hash FROM record WHERE seq = ?", (upto,)).fetchone()
    return upto >= int(one(connection, "SELECT min(seq) FROM record")) if row is None else row[0].hex() != head


def one(connection: sqlite3.Connection, query: str) -> str:
    """The one value that a query gives."""
    (value,) = connection.execute(query).fetchone()
    return value  # type: ignore[no-any-return]


def used_bytes(connection: sqlite3.Connection) -> int:
    """Pages in use; deleted ones are reused, so the file itself need not shrink."""
    pages, free = int(one(connection, "PRAGMA page_count")), int(one(connection, "PRAGMA freelist_count"))
    return (pages - free) * int(one(connection, "PRAGMA page_size"))

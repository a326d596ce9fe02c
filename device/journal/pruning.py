"""Old records go in small steps, and never one that waits for the server."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from device import last_punches
from device.journal import sql
from device.journal.checking import Checked

PRUNE_STEP = 500  # records a transaction: 4 to 18 ms here, so that no punch waits long behind it
EMERGENCY_STEP = 200  # records: at most 3.3 MB are overwritten, which fits into the reserve
AUDIT_KINDS = frozenset({"audit", "consent", "erasure"})  # who did what with whose data: may have to be kept longer


class Prunable(Checked):
    """A journal whose acknowledged records may go."""

    def prune(self, older_than: datetime, most_bytes: int, audit_older_than: datetime | None = None) -> int:
        """Remove a small step of the oldest records that the server has signed for; says how many went.

        They go when every record up to them is older than `older_than` (by its corrected time: a clock that stood at 1970 makes no
        record old; one whose time nobody knows is as young as it can be), or while the file's used pages exceed `most_bytes`. The
        record at the server's cursor and all after it stay: the cursor can be verified, and what is kept is one unbroken stretch.
        """
        with self._database.transaction() as connection:
            end = sql.acknowledged(connection) - 1
            first = int(sql.one(connection, "SELECT min(seq) FROM record"))
            last = min(end, first + PRUNE_STEP - 1)
            if sql.used_bytes(connection) <= most_bytes:
                last = min(last, self._first_young(connection, older_than, audit_older_than or older_than, last) - 1)
            return self._delete_up_to(connection, last)

    def _delete_up_to(self, connection: sqlite3.Connection, last: int) -> int:
        last_punches.catch_up(connection)
        gone = connection.execute("DELETE FROM record WHERE seq <= ?", (last,)).rowcount
        if gone:
            self._forget_boots(connection, last + 1)
        return gone

    def _first_young(self, connection: sqlite3.Connection, older_than: datetime, audit_older_than: datetime, last: int) -> int:
        """The first record up to `last` that is not older; `last + 1` if all are."""
        query = "SELECT seq, kind, text FROM record WHERE seq <= ? ORDER BY seq"
        for seq, kind, text in connection.execute(query, (last,)):
            found, limit = self._corrected(text), audit_older_than if kind in AUDIT_KINDS else older_than
            youngest = (found.latest or limit) if found.review else found.at
            if youngest >= limit:
                return int(seq)
        return last + 1

    def _forget_boots(self, connection: sqlite3.Connection, kept_from: int) -> None:
        """Boots without a record go with their anchors, all but the last of them: it bounds the one after it."""
        spare = "SELECT max(first_seq) FROM boot WHERE first_seq <= (SELECT max(first_seq) FROM boot WHERE first_seq <= ?) - 1"
        connection.execute(f"DELETE FROM boot WHERE first_seq < ({spare})", (kept_from,))
        connection.execute("DELETE FROM anchor WHERE boot_id NOT IN (SELECT boot_id FROM boot)")
        self._timeline = None

    def _drop_acknowledged(self) -> int:
        with self._database.transaction() as connection:
            last = min(
                sql.acknowledged(connection) - 1, int(sql.one(connection, "SELECT min(seq) FROM record")) + EMERGENCY_STEP - 1
            )
            return self._delete_up_to(connection, last)

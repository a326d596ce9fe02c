"""The last punch of each person that counts, kept with the record in one transaction: what the next direction hangs on."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from device import clock, messages
from device.attend import LastPunch
from device.messages import Body, Direction, direction

NO_BOOT = "00000000-0000-0000-0000-000000000000"  # of a moment before this boot: only the wall clock tells of it
COUNTS = """
SELECT text FROM record
WHERE {kind} AND instr(CAST(text AS TEXT), ?)
  AND seq NOT IN (
    SELECT json_extract(CAST(text AS TEXT), '$.body.punch') FROM record WHERE kind <> 'punch' AND kind = 'void'
  )
ORDER BY seq DESC
"""
# Whether it was to or from a break stands in its record alone: a version that knows of no breaks reads this table, too.
LAST = """
SELECT l.seq, l.at, l.boot_id, l.monotonic_us, l.direction, coalesce(json_extract(CAST(r.text AS TEXT), '$.body.pause'), 0)
FROM last_punch l LEFT JOIN record r USING (seq) WHERE l.person = ?
"""
LATEST_PUNCH = COUNTS.format(kind="kind = 'punch'") + "LIMIT 1"
CORRECTIONS = COUNTS.format(kind="kind <> 'punch' AND kind = 'correction'")


def remember(connection: sqlite3.Connection, seq: int, body: Body, moment: clock.Moment) -> None:
    """What a new record means for somebody's last punch: a punch is it, a void undoes it, a correction may stand in its place."""
    if isinstance(body, messages.PunchBody):
        _keep(connection, body.person, seq, moment, body.direction)
    elif isinstance(body, messages.Void):
        _undo(connection, body.punch)
    elif isinstance(body, messages.Correction):
        _correct(connection, seq, body, moment)


def of(connection: sqlite3.Connection, person: str) -> LastPunch | None:
    """The person's last punch, its time as it was when it was kept."""
    row = connection.execute(LAST, (person,)).fetchone()
    if row is None:
        return None
    moment = clock.Moment(messages.read_time(row[1]), row[3], row[2], clock.Quality.UNSYNCED)
    return LastPunch(row[0], moment, direction.of(row[4], row[5]))


def _keep(connection: sqlite3.Connection, person: str, seq: int, moment: clock.Moment, door: Direction) -> None:
    row = (person, seq, messages.write_time(moment.at), moment.boot_id, moment.monotonic_us, door)
    connection.execute("INSERT OR REPLACE INTO last_punch VALUES (?, ?, ?, ?, ?, ?)", row)


def _undo(connection: sqlite3.Connection, punch: int) -> None:
    """The latest of those that count is the last again; where the journal keeps none, nobody knows of one.

    By their times, not their numbers: a correction that was written late may stand for an early punch.
    """
    row = connection.execute("SELECT person FROM last_punch WHERE seq = ?", (punch,)).fetchone()
    if row is None:
        return
    connection.execute("DELETE FROM last_punch WHERE seq = ?", (punch,))
    texts = [*connection.execute(LATEST_PUNCH, row), *connection.execute(CORRECTIONS, row)]
    records = [messages.read_record(messages.parse(text)) for (text,) in texts]
    found = [(_moment_of(connection, record), record) for record in records]
    if found:
        moment, record = max(found, key=lambda one: (one[0].at, one[1].seq))
        _keep(connection, row[0], record.seq, moment, Direction(record.body["direction"]))


def _correct(connection: sqlite3.Connection, seq: int, body: messages.Correction, made: clock.Moment) -> None:
    """It is the last one unless a later one is known."""
    moment, known = _meant(connection, body, made), of(connection, body.person)
    if known is None or known.moment.at <= moment.at:
        _keep(connection, body.person, seq, moment, body.direction)


def _meant(connection: sqlite3.Connection, body: messages.Correction, made: clock.Moment) -> clock.Moment:
    """When the corrected punch was, by all clocks that tell of it."""
    if body.punched_at:
        at = messages.read_time(body.punched_at)
        monotonic_us = made.monotonic_us - (made.at - at) // timedelta(microseconds=1)
        if monotonic_us < 0:
            return clock.Moment(at, 0, NO_BOOT, clock.Quality.UNSYNCED)
        return clock.Moment(at, monotonic_us, made.boot_id, clock.Quality.UNSYNCED)
    row = connection.execute("SELECT text FROM record WHERE seq = ?", (body.replaces,)).fetchone()
    if row is None:
        return made
    return _moment_of(connection, messages.read_record(messages.parse(row[0])))


def _moment_of(connection: sqlite3.Connection, record: messages.Record) -> clock.Moment:
    """When a punch was, or the one that a correction stands for."""
    stamp, body = record.stamp, messages.read_body(record)
    made = clock.Moment(stamp.at, stamp.monotonic_us, stamp.boot_id, clock.Quality(stamp.time_quality))
    return _meant(connection, body, made) if isinstance(body, messages.Correction) else made

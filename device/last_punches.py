"""The last punch of each person that counts: what the next direction hangs on.

The table follows the records some steps behind, so that a punch writes one page less; what it was not told yet is in the records.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta

from device import clock, messages
from device.attend import LastPunch
from device.messages import Body, Direction, direction

NO_BOOT = "00000000-0000-0000-0000-000000000000"  # of a moment before this boot: only the wall clock tells of it
STEP = 64  # records; the newest that many at most are looked through for one person, in about 0.1 ms
DOORS = (Direction.IN, Direction.OUT)
KNOWN_DOOR = "json_extract(CAST(text AS TEXT), '$.body.direction') IN ('in', 'out')"  # a newer version may have had others
COUNTS = f"""
SELECT text FROM record
WHERE {{kind}} AND {{of_person}} AND {KNOWN_DOOR}
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
OF_PERSON = "instr(CAST(text AS TEXT), ?1) AND json_extract(CAST(text AS TEXT), '$.body.person') = ?1"
UNTOLD = f"""
SELECT text FROM record WHERE seq > (SELECT seq FROM last_punch_upto) AND kind = 'punch' AND {OF_PERSON} AND {KNOWN_DOOR}
ORDER BY seq DESC LIMIT 1
"""
ALL_TOLD = "UPDATE last_punch_upto SET seq = (SELECT coalesce(max(seq), 0) FROM record)"
TELL = f"""
INSERT OR REPLACE INTO last_punch
SELECT json_extract(text, '$.body.person'), seq, at, json_extract(text, '$.boot_id'), json_extract(text, '$.monotonic_us'),
       json_extract(text, '$.body.direction')
FROM (SELECT seq, at, CAST(text AS TEXT) AS text FROM record
      WHERE seq > (SELECT seq FROM last_punch_upto) AND kind = 'punch' AND {KNOWN_DOOR} ORDER BY seq)
"""
LATEST_PUNCH = COUNTS.format(kind="kind = 'punch'", of_person=OF_PERSON) + "LIMIT 1"
CORRECTIONS = COUNTS.format(kind="kind <> 'punch' AND kind = 'correction'", of_person=OF_PERSON)


def remember(connection: sqlite3.Connection, seq: int, body: Body, moment: clock.Moment) -> None:
    """What a new record means for somebody's last punch: a punch is it, a void undoes it, a correction may stand in its place."""
    if isinstance(body, messages.Void):
        catch_up(connection)
        _undo(connection, body.punch)
    elif isinstance(body, messages.Correction):
        catch_up(connection)
        _correct(connection, seq, body, moment)
    elif seq % STEP == 0:
        catch_up(connection)


def catch_up(connection: sqlite3.Connection) -> None:
    """Tell the table of every punch that is on record; needed before records go."""
    connection.execute(TELL)
    connection.execute(ALL_TOLD)


def settle(connection: sqlite3.Connection) -> None:
    """Tell the table of everything, for versions that look nowhere else; theirs is newer where one of them has run since."""
    (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM last_punch").fetchone()
    (upto,) = connection.execute("SELECT seq FROM last_punch_upto").fetchone()
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM record").fetchone()
    if newest > upto:
        connection.execute(ALL_TOLD)
    elif last > upto:
        catch_up(connection)


def of(connection: sqlite3.Connection, person: str) -> LastPunch | None:
    """The person's last punch, its time as it was when it was recorded."""
    newest = connection.execute(UNTOLD, (person,)).fetchone()
    if newest is not None:
        record = messages.read_kept(messages.parse(newest[0]))
        moment = replace(_made(record), quality=clock.Quality.UNSYNCED)
        return LastPunch(record.seq, moment, direction.direction_of(record.body))
    row = connection.execute(LAST, (person,)).fetchone()
    if row is None or row[4] not in DOORS:
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
    records = [messages.read_kept(messages.parse(text)) for (text,) in texts]
    found = [(moment, record) for record in records if (moment := _moment_of(connection, record)) is not None]
    if found:
        moment, record = max(found, key=lambda one: (one[0].at, one[1].seq))
        _keep(connection, row[0], record.seq, moment, Direction(record.body["direction"]))


def _correct(connection: sqlite3.Connection, seq: int, body: messages.Correction, made: clock.Moment) -> None:
    """It is the last one unless a later one is known."""
    moment, known = _meant(connection, body, made), of(connection, body.person)
    if moment is not None and (known is None or known.moment.at <= moment.at):
        _keep(connection, body.person, seq, moment, body.direction)


def _meant(connection: sqlite3.Connection, body: messages.Correction, made: clock.Moment) -> clock.Moment | None:
    """When the corrected punch was, by all clocks that tell of it; None where the record that says so is gone."""
    if body.punched_at:
        at = messages.read_time(body.punched_at)
        monotonic_us = made.monotonic_us - (made.at - at) // timedelta(microseconds=1)
        if monotonic_us < 0:
            return clock.Moment(at, 0, NO_BOOT, clock.Quality.UNSYNCED)
        return clock.Moment(at, monotonic_us, made.boot_id, clock.Quality.UNSYNCED)
    row = connection.execute("SELECT text FROM record WHERE seq = ?", (body.replaces,)).fetchone()
    return None if row is None else _moment_of(connection, messages.read_kept(messages.parse(row[0])))


def _moment_of(connection: sqlite3.Connection, record: messages.Record) -> clock.Moment | None:
    """When a punch was, or the one that a correction stands for."""
    body = messages.read_body(record) if record.kind == "correction" else None
    return _meant(connection, body, _made(record)) if isinstance(body, messages.Correction) else _made(record)


def _made(record: messages.Record) -> clock.Moment:
    stamp = record.stamp
    return clock.Moment(stamp.at, stamp.monotonic_us, stamp.boot_id, clock.Quality(stamp.time_quality))

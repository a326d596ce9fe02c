"""What may be asked of a journal: nothing here changes a record."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from device import clock, database, last_punches, messages
from device.attend import LastPunch
from device.journal import sql
from device.journal.values import Brief, ChainBroken, Head, Mention, Stretch, Times
from device.messages import Record, Stamp, timeline
from device.sentences import say

ABOUT_STEP = 5_000  # records looked through at a time


class Readable:
    """An open journal file of one device, for whoever reads; safe to use from several threads."""

    def __init__(self, opened: database.Database) -> None:
        self._database = opened
        self._timeline: timeline.Timeline | None = None  # None where a boot or a trusted time has come since it was made

    def anchors(self, boot_id: str) -> tuple[messages.Anchor, ...]:
        """The trusted times that this boot has on record, as they came."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{sql.ANCHORS} WHERE boot_id = ? ORDER BY seq", (boot_id,)).fetchall()
        return tuple(sql.anchor(row) for row in rows)

    def timeline(self) -> timeline.Timeline:
        """What is known about the times of this journal's records; made anew when a boot or a trusted time has come."""
        with self._database.reading() as connection:
            if self._timeline is None:
                anchors = [sql.anchor(row) for row in connection.execute(sql.ANCHORS).fetchall()]
                self._timeline = timeline.of(sql.boots(connection), anchors)
            return self._timeline

    def as_read(self, moment: clock.Moment) -> datetime:
        """The time with which a record of this moment is read by what is known now, as it is listed then."""
        return self.timeline().correct(stamp(moment)).at

    def last_punch(self, person: str) -> LastPunch | None:
        """The person's latest punch on this kiosk that counts, or None; its time as it should be read by now."""
        with self._database.reading() as connection:
            found = last_punches.of(connection, person)
        line = self.timeline()
        if found is None or found.moment.boot_id not in line.lines:
            return found
        return replace(found, moment=replace(found.moment, at=line.correct(stamp(found.moment)).at))

    def erased(self) -> frozenset[str]:
        """Everybody whose erasure was ever recorded here, however long ago."""
        with self._database.reading() as connection:
            return frozenset(person for (person,) in connection.execute("SELECT person FROM erased"))

    def head(self) -> Head:
        """The latest record, the oldest kept one and the server's cursor."""
        with self._database.reading() as connection:
            epoch = sql.one(connection, "SELECT epoch FROM epoch")
            newest = connection.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1").fetchone()
            if newest is None:
                raise ChainBroken(1, say("chain.all_missing"))
            seq, digest = newest
            kept_from = int(sql.one(connection, "SELECT min(seq) FROM record"))
            acknowledged = sql.acknowledged(connection)
        return Head(epoch, kept_from, seq, digest.hex(), acknowledged)

    def stretch(self, after: int, most_records: int = messages.MAX_BATCH_RECORDS) -> Stretch | None:
        """The records that follow `after`, as many as the limits allow; None when there are none."""
        with self._database.reading() as connection:
            epoch = sql.one(connection, "SELECT epoch FROM epoch")
            rows = connection.execute(
                "SELECT seq, text, sig FROM record WHERE seq > ? ORDER BY seq LIMIT ?", (after, most_records)
            ).fetchall()
        texts: list[bytes] = []
        size = 0
        for _, text, _ in rows:
            if texts and size + len(text) > messages.MAX_BATCH_BYTES - 1_024:  # the envelope's own share
                break
            texts.append(text)
            size += len(text) + 1
        return Stretch(epoch, rows[0][0], texts, rows[len(texts) - 1][2]) if texts else None

    def oldest_unacknowledged(self) -> datetime | None:
        """When the oldest record that still waits for the server was made."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT text, at FROM record WHERE seq > coalesce((SELECT upto FROM acknowledged), 0) ORDER BY seq LIMIT 1"
            ).fetchone()
        try:
            return self._corrected(row[0]).at if row else None
        except messages.MessageError:  # damaged since the start: as it was filed
            return messages.read_time(row[1])

    def _corrected(self, text: bytes) -> messages.Corrected:
        return self.timeline().correct(messages.read_kept(messages.parse(text)).stamp)

    def punches(self, after: int, most: int) -> list[Record]:
        """Punch records that follow `after`, oldest first."""
        return list(itertools.islice(self.of_kinds(("punch",), after), most))

    def brief_punches(self, after: int, most: int) -> list[Brief]:
        """Punches and what was said about them since, as little of each as a list needs: picked out of the text, unchecked."""
        with self._database.reading() as connection:
            rows = connection.execute(sql.BRIEF, (after, most)).fetchall()
        return [Brief(*row) for row in rows]

    def pick(self, seqs: Sequence[int]) -> list[Record]:
        """The records with these numbers that are still here, in the order asked for."""
        with self._database.reading() as connection:
            rows = [connection.execute("SELECT text FROM record WHERE seq = ?", (seq,)).fetchone() for seq in seqs]
        return list(_understood(text for (text,) in filter(None, rows)))

    def of_kinds(self, kinds: Sequence[str], after: int = 0) -> Iterator[Record]:
        """Every record of these kinds after number `after`, oldest first; nothing waits for the reader."""
        marks = ", ".join("?" * len(kinds))
        rare = "kind <> 'punch' AND" if "punch" not in kinds else ""  # so that the index of rare records is used
        query = f"SELECT seq, text FROM record WHERE {rare} kind IN ({marks}) AND seq > ? ORDER BY seq LIMIT 1000"
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query, (*kinds, after)).fetchall()
            if not rows:
                return
            yield from _understood(text for _, text in rows)
            after = rows[-1][0]

    def mentions(self, after: int, most: int) -> list[Mention]:
        """Records that are no punches, as little of each as a list needs: picked out of the text, unchecked; oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(sql.MENTIONS, (after, most)).fetchall()
        return [Mention(seq, *map(sys.intern, texts)) for seq, *texts in rows]  # the same few words, again and again

    def about(self, person: str) -> list[dict[str, Any]]:
        """Every record kept here that holds this opaque id, oldest first: `record` as it stands in the chain, and its `hash`.

        In steps, so that no punch waits long behind it.
        """
        head, found = self.head(), list[dict[str, Any]]()
        query = "SELECT hash, text FROM record WHERE seq >= ? AND seq < ? AND instr(text, ?) > 0 ORDER BY seq"
        for first in range(head.kept_from, head.seq + 1, ABOUT_STEP):
            with self._database.reading() as connection:
                rows = connection.execute(query, (first, first + ABOUT_STEP, person.encode("ascii"))).fetchall()
            found += [{"record": messages.parse(text), "hash": digest.hex()} for digest, text in rows]
        return found

    def times(self) -> Times:
        """How many of the punches kept here are read at another time than they say, and how many a person must look at."""
        corrected = to_review = after = 0
        line = self.timeline()
        while page := self.punches(after, 1_000):
            found = [line.correct(record.stamp) for record in page]
            to_review += sum(one.review for one in found)
            corrected += sum(one.quality is clock.Quality.CORRECTED for one in found)
            after = page[-1].seq
        return Times(corrected, to_review)


def _understood(texts: Iterable[bytes]) -> Iterator[Record]:
    """As records; what only a newer version could show is passed over."""
    for text in texts:
        record = messages.read_kept(messages.parse(text))
        if not record.newer:
            yield record


def stamp(moment: clock.Moment) -> Stamp:
    """A moment as a record carries it."""
    return Stamp(moment.at, moment.boot_id, moment.monotonic_us, moment.quality)

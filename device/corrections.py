"""How a punch that is wrong is put right: the record stays, another says how it is to be read, who said so and why.

At the kiosk a direction may be changed for some seconds, and a punch disputed; an administrator may void a punch, correct it or add
one that was forgotten.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from device import api, attend, clock, messages
from device.errors import DeviceError
from device.journal import Journal
from device.messages import Direction, Record, Stamp
from device.messages.attendance import AMENDMENTS, AT_THE_KIOSK, Disputes
from device.sentences import say

FROM_THE_FUTURE = timedelta(minutes=1)
LONG_AGO = timedelta(days=400)  # a little more than a year: nobody remembers a punch for longer, and a wrong year is easily typed
FIRST_YEAR = 1900  # times of before some zones cannot show
MOST_REASON = 200  # letters, as a record takes them


class CorrectionRefused(DeviceError):
    """The punch stays as it is; the message says why."""


class TooLate(CorrectionRefused):
    """The seconds in which the person may change it at the kiosk are over."""


@dataclass(slots=True)
class Amended:
    """What was said about punches, by number."""

    voided: dict[int, int] = field(default_factory=dict)  # by which record
    disputed: Disputes = field(default_factory=Disputes)
    replaced_by: dict[int, int] = field(default_factory=dict)

    def note(self, record: Record) -> None:
        """One more record."""
        if record.kind == "void":
            self.voided.setdefault(record.body["punch"], record.seq)
        elif record.kind == "dispute":
            self.disputed.dispute(record.body["punch"])
        elif record.kind == "correction" and record.body["replaces"]:
            self.replaced_by[record.body["replaces"]] = record.seq
            self.disputed.correct(record.seq, record.body["replaces"], record.body["by"])

    def amendment(self, seq: int) -> api.Amendment:
        """What was said about that punch."""
        return api.Amendment(seq in self.voided, seq in self.disputed, self.replaced_by.get(seq, 0), self.voided.get(seq, 0))


class Corrections:
    """Voids, corrections and disputes of one kiosk's journal. Safe to use from several threads."""

    def __init__(self, journal: Journal, time_source: clock.Clock, change_within: Callable[[], timedelta]) -> None:
        self._journal, self._clock, self._change_within = journal, time_source, change_within
        self._lock = threading.Lock()
        self._adding = threading.Lock()  # alone for seconds, while the whole journal is read; nobody at the kiosk waits for it
        self._seen, self._epoch = 0, ""
        self._amended = Amended()

    def change_direction(self, seq: int, direction: str) -> api.Corrected:
        """The person's own change at the kiosk; TooLate when its seconds are over. The same direction again is no change."""
        wanted = _direction(direction)
        with self._lock:
            record = self._standing(seq)
            if attend.elapsed(_moment(record.stamp), now := self._clock.now()) > self._change_within():
                raise TooLate(say("correction.too_late"))
            if messages.direction_of(record.body) is wanted:
                return api.Corrected(seq, 0, seq)
            return self._replace(record, wanted, "", "direction changed at the kiosk", AT_THE_KIOSK, now)

    def dispute(self, seq: int, reason: str = "not me", by: str = AT_THE_KIOSK) -> api.Corrected:
        """Somebody says that this is not their punch. It counts on until a person has looked; a second time changes nothing."""
        with self._lock:
            record = self._standing(seq)
            if seq not in self._amended.disputed:
                self._journal.append(messages.Dispute(seq, record.hash.hex(), _reason(reason), by), self._clock.now())
            return api.Corrected(seq, 0, seq)

    def void(self, seq: int, reason: str, by: str) -> api.Corrected:
        """The punch counts no more."""
        with self._lock:
            record = self._standing(seq)
            receipt = self._journal.append(messages.Void(seq, record.hash.hex(), _reason(reason), by), self._clock.now())
            return api.Corrected(seq, receipt.seq, 0)

    def correct(self, seq: int, direction: str, at: datetime | None, reason: str, by: str) -> api.Corrected:
        """The punch as it should have been; `at` None where its time is right."""
        wanted = _direction(direction)
        with self._lock:
            record, now = self._standing(seq), self._clock.now()
            return self._replace(record, wanted, _written(at, now), _reason(reason), by, now)

    def add(self, person: str, direction: str, at: datetime, reason: str, by: str, site: str = "") -> api.Corrected:
        """A punch that was forgotten. One that counts already, by the minute, is none."""
        now = self._clock.now()
        way = _direction(direction)
        body = messages.Correction(person, way.door, _written(at, now), 0, site, _reason(reason), by, way.pause)
        with self._adding:
            for one in self._counted_of(person):
                if one.direction is way and one.at.at.replace(second=0, microsecond=0) == at.replace(second=0, microsecond=0):
                    raise CorrectionRefused(say("correction.twice", seq=one.seq))
            return api.Corrected(0, 0, self._journal.append(body, now).seq)

    def _counted_of(self, person: str) -> list[messages.Counted]:
        everything = (messages.read_kept(one["record"]) for one in self._journal.about(person))
        punches = [record for record in everything if record.kind in ("punch", "correction") and not record.newer]
        with self._lock:
            self._catch_up()
            return [one for one in messages.counted(punches, self._journal.timeline()) if one.seq not in self._amended.voided]

    def standing(self, seqs: Iterable[int]) -> dict[int, api.Amendment]:
        """For each of these punches: whether it counts, is disputed, and which record stands in its place (0: none)."""
        with self._lock:
            self._catch_up()
            known = self._amended
            return {seq: known.amendment(seq) for seq in seqs}

    def counted(self) -> tuple[messages.Counted, ...]:
        """Every punch of this journal that counts, with the time that it is to be read with."""
        kinds = ("punch", "void", "correction", "dispute")
        return messages.counted(self._journal.of_kinds(kinds), self._journal.timeline())

    def _replace(self, record: Record, direction: Direction, at: str, reason: str, by: str, now: clock.Moment) -> api.Corrected:
        void = messages.Void(record.seq, record.hash.hex(), reason, by)
        body = record.body
        meant = (body["person"], direction.door, at, record.seq, body["site"], reason, by, direction.pause)
        correction = messages.Correction(*meant)
        receipts = self._journal.append_all([void, correction], now)
        return api.Corrected(record.seq, receipts[0].seq, receipts[1].seq)

    def _standing(self, seq: int) -> Record:
        """The punch (or correction) with that number, if it counts."""
        self._catch_up()
        found = [record for record in self._journal.pick([seq]) if record.kind in ("punch", "correction")]
        if not found:
            raise CorrectionRefused(say("correction.gone", seq=seq))
        if seq in self._amended.voided:
            raise CorrectionRefused(say("correction.voided", seq=seq))
        return found[0]

    def _catch_up(self) -> None:
        head = self._journal.head()
        if head.epoch != self._epoch:
            self._epoch, self._seen, self._amended = head.epoch, 0, Amended()
        for record in self._journal.of_kinds(AMENDMENTS, self._seen):
            self._amended.note(record)
            self._seen = record.seq


def _direction(text: str) -> Direction:
    try:
        return Direction(text)
    except ValueError as error:
        raise CorrectionRefused(say("correction.direction", given=repr(text[:20]))) from error


def _reason(text: str) -> str:
    if not 1 <= len(bare := text.strip()) <= MOST_REASON:
        raise CorrectionRefused(say("correction.reason", most=MOST_REASON))
    return bare


def _written(at: datetime | None, now: clock.Moment) -> str:
    if at is None:
        return ""
    is_sure = now.quality is not clock.Quality.UNSYNCED
    if at.year < FIRST_YEAR:
        raise CorrectionRefused(say("correction.early", year=FIRST_YEAR))
    if is_sure and at > now.at + FROM_THE_FUTURE:
        raise CorrectionRefused(say("correction.future"))
    if is_sure and at < now.at - LONG_AGO:
        raise CorrectionRefused(say("correction.long_ago", days=LONG_AGO.days))
    return messages.write_time(at)


def _moment(stamp: Stamp) -> clock.Moment:
    return clock.Moment(stamp.at, stamp.monotonic_us, stamp.boot_id, clock.Quality(stamp.time_quality))

"""The journal: every record hashed onto its predecessor, signed, and on the disk before anybody is told.

A record leaves only after the server has signed for it. It is never changed; pictures, templates and names never enter.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device import clock, database, last_punches, messages, reserve
from device.attend import LastPunch
from device.errors import DeviceError
from device.messages import Body, Purpose, Record, Stamp, timeline

log = logging.getLogger(__name__)

PRUNE_STEP = 500  # records a transaction: 4 to 18 ms here, so that no punch waits long behind it
EMERGENCY_STEP = 200  # records: at most 3.3 MB are overwritten, which fits into the reserve
RESERVE_BYTES = 4 * 2**20
NOWHERE = messages.Place(0, 0)  # no desired state was ever applied
AUDIT_KINDS = frozenset({"audit", "consent", "erasure"})  # who did what with whose data: may have to be kept longer
ABOUT_STEP = 5_000  # records looked through at a time
TAIL_CHECKED_AT_START = 1_000  # records; the whole chain is for `daka verify`


class JournalError(DeviceError):
    """The journal cannot do what was asked."""


class WrongKey(JournalError):
    """The signing key at hand is not the one that this journal was begun with."""


class ChainBroken(JournalError):
    """A record is not what its hash, its predecessor or its signature says; `seq` names the first such record."""

    def __init__(self, seq: int, sentence: str) -> None:
        super().__init__(f"record {seq}: {sentence}")
        self.seq = seq


class AcknowledgementRefused(JournalError):
    """An acknowledgement that cannot be for this journal: unsigned, of another epoch, or of records that are not here."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof for the screen that a record is on the disk: its number and its hash (lowercase hex)."""

    seq: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Times:
    """Punches whose time is corrected, and punches whose time nobody knows for sure."""

    corrected: int
    to_review: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands; `kept_from` is the oldest record that is still here."""

    epoch: str
    kept_from: int
    seq: int
    hash: str
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Brief:
    """What the register keeps of a punch, or of a record that says how one is to be read (`about`: the punch's number)."""

    seq: int
    kind: str
    at: str
    boot_id: str
    monotonic_us: int
    time_quality: str
    person: str
    direction: str
    method: str
    punched_at: str
    about: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive records as canonical bytes, with the signature of the last."""

    epoch: str
    first: int
    texts: list[bytes]
    sig: str

    @property
    def last(self) -> int:
        return self.first + len(self.texts) - 1


@dataclass(frozen=True, slots=True)
class Tip:
    """The end of the chain, which the next record continues; `seq` 0 and 64 zeros before the first."""

    epoch: str
    seq: int
    hash: str


class Journal:
    """One open journal file of one device; safe to use from several threads."""

    def __init__(self, path: Path, device: str, key: Ed25519PrivateKey, software: str) -> None:
        self.device = device
        self._key = key
        self._software = software
        self._database = database.Database(path, "journal")
        self._reserve = reserve.Reserve(path.with_name(f"{path.name}.reserve"), RESERVE_BYTES)
        self._reserve.hold()
        self._grown = threading.Condition()
        self._appending = threading.Lock()
        self._tip: Tip | None = None  # where the chain ends, None where only the file knows
        self._newest = self._last_seq()
        self._boots: frozenset[str] = frozenset()  # those that the table `boot` has for sure
        self._timeline: timeline.Timeline | None = None

    def _last_seq(self) -> int:
        with self._database.reading() as connection:
            (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM record").fetchone()
        return int(seq)

    @property
    def public_key(self) -> str:
        """This device's identity, ed25519:BASE64."""
        return messages.public_key_text(self._key)

    def sign(self, purpose: Purpose, about: str, digest: bytes) -> str:
        """This device's signature under something that is no record; `about` takes the place of the epoch."""
        return messages.sign(self._key, purpose, self.device, about, digest)

    def begin(self, reason: str, moment: clock.Moment) -> None:
        """Write the epoch and its genesis record, unless there is one; a half-begun journal cannot exist."""
        with self._database.transaction() as connection:
            if connection.execute("SELECT 1 FROM epoch").fetchone():
                return
            key = messages.public_key_text(self._key)
            connection.execute("INSERT INTO epoch VALUES (1, ?, ?, ?)", (secrets.token_hex(16), self.device, key))
            self._append(connection, _tip(connection), messages.Genesis(reason, self._software, key), moment)
        self._newest = self._last_seq()

    def append(self, body: Body, moment: clock.Moment) -> Receipt:
        """One record, durable when this returns; StorageError, and nothing written, when it cannot be.

        On a full disk the oldest records that the server has signed for make room.
        """
        return self.append_all((body,), moment)[0]

    def append_all(self, bodies: Sequence[Body], moment: clock.Moment) -> tuple[Receipt, ...]:
        """Several records in one step, like `append`: all of them durable when this returns, or none written."""
        try:
            receipts = self._append_durably(bodies, moment)
        except database.StorageFull:
            if not self._make_room():
                raise
            receipts = self._append_durably(bodies, moment)
        if receipts:
            self._boots |= {moment.boot_id}
            with self._grown:
                self._newest = receipts[-1].seq
                self._grown.notify_all()
        return receipts

    def _append_durably(self, bodies: Sequence[Body], moment: clock.Moment) -> tuple[Receipt, ...]:
        with self._appending:
            tip, self._tip = self._tip, None  # unless the commit succeeds, the file alone knows
            receipts = []
            with self._database.transaction() as connection:
                tip = tip or _tip(connection)
                for body in bodies:
                    receipts.append(self._append(connection, tip, body, moment))
                    tip = Tip(tip.epoch, receipts[-1].seq, receipts[-1].hash)
            self._tip = tip
            return tuple(receipts)

    def _make_room(self) -> bool:
        """Give up a step of acknowledged records, in the room kept for that; False when there are none, or it cannot be done."""
        head = self.head()
        if head.kept_from >= head.acknowledged:
            return False
        self._reserve.release()
        try:
            self._database.checkpoint()
            gone = self._drop_acknowledged()
            self._database.checkpoint()
        except database.StorageError as error:
            log.error("a full disk, and old records could not be removed: %s", error)
            gone = 0
        self._reserve.hold()
        if gone:
            log.warning("the disk is full: %d records that the server has signed for made room", gone)
        return gone > 0

    def _drop_acknowledged(self) -> int:
        with self._database.transaction() as connection:
            last = min(_acknowledged(connection) - 1, int(_one(connection, "SELECT min(seq) FROM record")) + EMERGENCY_STEP - 1)
            return self._delete_up_to(connection, last)

    def set_room_aside(self) -> None:
        """Keep the reserve whole: others may have filled the disk while it was given up."""
        self._reserve.hold()

    def wait_beyond(self, seq: int, wait_s: float) -> None:
        """Returns when there is a record after `seq`, or after `wait_s` seconds."""
        with self._grown:
            self._grown.wait_for(lambda: self._newest > seq, wait_s)

    def _append(self, connection: sqlite3.Connection, tip: Tip, body: Body, moment: clock.Moment) -> Receipt:
        seq, at = tip.seq + 1, messages.write_time(moment.at)
        record = messages.write_record(self.device, tip.epoch, seq, tip.hash, stamp(moment), body)
        sig = messages.sign(self._key, Purpose.RECORD, self.device, tip.epoch, record.hash)
        row = (seq, record.kind, at, record.hash, sig, record.text)
        connection.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", row)
        last_punches.remember(connection, seq, body, moment)
        if isinstance(body, messages.Erasure):
            connection.execute("INSERT OR REPLACE INTO erased VALUES (?, ?)", (body.person, at))
        self._remember_time(connection, seq, body, moment)
        return Receipt(seq, record.hash.hex(), moment.at)

    def _remember_time(self, connection: sqlite3.Connection, seq: int, body: Body, moment: clock.Moment) -> None:
        """The boot's first record, and every trusted time, in the tables that the correction of times reads."""
        if moment.boot_id not in self._boots:
            row = (moment.boot_id, seq, messages.write_time(moment.at), moment.monotonic_us, moment.quality)
            connection.execute("INSERT OR IGNORE INTO boot VALUES (?, ?, ?, ?, ?)", row)
            self._timeline = None
        if isinstance(body, messages.TimeBody):
            anchor = (seq, body.boot_id, body.monotonic_us, messages.write_time(body.utc), body.source, body.uncertainty_us)
            connection.execute("INSERT INTO anchor VALUES (?, ?, ?, ?, ?, ?)", anchor)
            self._timeline = None

    def anchors(self, boot_id: str) -> tuple[messages.Anchor, ...]:
        """The trusted times that this boot has on record, as they came."""
        with self._database.reading() as connection:
            rows = connection.execute(f"{ANCHORS} WHERE boot_id = ? ORDER BY seq", (boot_id,)).fetchall()
        return tuple(_anchor(row) for row in rows)

    def timeline(self) -> timeline.Timeline:
        """What is known about the times of this journal's records; made anew when a boot or a trusted time has come."""
        with self._database.reading() as connection:
            if self._timeline is None:
                anchors = [_anchor(row) for row in connection.execute(ANCHORS).fetchall()]
                self._timeline = timeline.of(_boots(connection), anchors)
            return self._timeline

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
            epoch = _one(connection, "SELECT epoch FROM epoch")
            newest = connection.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1").fetchone()
            if newest is None:
                raise ChainBroken(1, "missing, and so is every other one")
            seq, digest = newest
            kept_from = int(_one(connection, "SELECT min(seq) FROM record"))
            acknowledged = _acknowledged(connection)
        return Head(epoch, kept_from, seq, digest.hex(), acknowledged)

    def stretch(self, after: int, most_records: int = messages.MAX_BATCH_RECORDS) -> Stretch | None:
        """The records that follow `after`, as many as the limits allow; None when there are none."""
        with self._database.reading() as connection:
            epoch = _one(connection, "SELECT epoch FROM epoch")
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

    def hello(self, nonce: str, sealing_key: str = "", place: messages.Place = NOWHERE) -> dict[str, object]:
        """Where this journal stands, signed by its key; and what a desired state is sealed to, and the place of the last one."""
        head = self.head()
        greeting = messages.Hello(
            head.epoch,
            head.kept_from,
            head.seq,
            head.hash,
            head.acknowledged,
            nonce,
            self._software,
            ("gzip",),
            sealing_key,
            place.generation,
            place.version,
        )
        return messages.signed(greeting, self._key, Purpose.HELLO, self.device)

    def acknowledge(self, payload: bytes, server_key: Ed25519PublicKey, nonce: str) -> messages.Acknowledgement:
        """Move the cursor to where the server has signed for.

        Backwards (a restored server) only when it answers `nonce`, the latest hello's: a retained message may be an old one.
        """
        try:
            data = messages.open_envelope(payload, "acknowledgement", self.device)
            messages.verify_signed(data, server_key, Purpose.ACKNOWLEDGEMENT, self.device)
        except messages.MessageError as error:
            raise AcknowledgementRefused(f"the acknowledgement is not the pinned server's: {error}") from error
        answer = messages.read_message(data, messages.Acknowledgement)
        with self._database.transaction() as connection:
            self._check_acknowledgement(connection, answer, nonce)
            answers_hello = bool(nonce) and answer.nonce == nonce  # before the first hello there is no nonce, in an old one neither
            if answer.upto != (now := _acknowledged(connection)) and (answer.upto > now or answers_hello):
                row = (answer.upto, answer.head, payload.decode("utf-8"))
                connection.execute("INSERT OR REPLACE INTO acknowledged VALUES (1, ?, ?, ?)", row)
        return answer

    def _check_acknowledgement(self, connection: sqlite3.Connection, answer: messages.Acknowledgement, nonce: str) -> None:
        if answer.epoch != _one(connection, "SELECT epoch FROM epoch"):
            raise AcknowledgementRefused("the acknowledgement is for another epoch of this device")
        if answer.upto == 0 and answer.head == messages.GENESIS_PREV:
            return
        row = connection.execute("SELECT hash FROM record WHERE seq = ?", (answer.upto,)).fetchone()
        if row is None and answer.nonce == nonce and answer.upto < int(_one(connection, "SELECT min(seq) FROM record")):
            return  # a server that was restored to before the oldest record kept here: it has to live with the gap
        if row is None:
            raise AcknowledgementRefused(f"the server has signed for record {answer.upto}, which is not in this journal")
        if row[0].hex() != answer.head:
            raise AcknowledgementRefused(f"the server has signed for another record {answer.upto} than this journal holds: a fork")

    def oldest_unacknowledged(self) -> datetime | None:
        """When the oldest record that still waits for the server was made."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT text FROM record WHERE seq > coalesce((SELECT upto FROM acknowledged), 0) ORDER BY seq LIMIT 1"
            ).fetchone()
        return self._corrected(row[0]).at if row else None

    def _corrected(self, text: bytes) -> messages.Corrected:
        return self.timeline().correct(messages.read_record(messages.parse(text)).stamp)

    def punches(self, after: int, most: int) -> list[Record]:
        """Punch records that follow `after`, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT text FROM record WHERE seq > ? AND kind = 'punch' ORDER BY seq LIMIT ?", (after, most)
            ).fetchall()
        return [messages.read_record(messages.parse(text)) for (text,) in rows]

    def brief_punches(self, after: int, most: int) -> list[Brief]:
        """Punches and what was said about them since, as little of each as a list needs: picked out of the text, unchecked."""
        with self._database.reading() as connection:
            rows = connection.execute(BRIEF, (after, most)).fetchall()
        return [Brief(*row) for row in rows]

    def pick(self, seqs: Sequence[int]) -> list[Record]:
        """The records with these numbers that are still here, in the order asked for."""
        found: dict[int, Record] = {}
        with self._database.reading() as connection:
            for seq in seqs:
                row = connection.execute("SELECT text FROM record WHERE seq = ?", (seq,)).fetchone()
                if row is not None:
                    found[seq] = messages.read_record(messages.parse(row[0]))
        return [found[seq] for seq in seqs if seq in found]

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
            yield from (messages.read_record(messages.parse(text)) for _, text in rows)
            after = rows[-1][0]

    def rare(self, kinds: Sequence[str], before: int, most: int) -> list[Record]:
        """The newest records of these kinds (all but punches) before number `before`, newest first."""
        marks = ", ".join("?" * len(kinds))
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT text FROM record WHERE kind <> 'punch' AND kind IN ({marks}) AND seq < ? ORDER BY seq DESC LIMIT ?",
                (*kinds, before, most),
            ).fetchall()
        return [messages.read_record(messages.parse(text)) for (text,) in rows]

    def about(self, person: str) -> list[dict[str, object]]:
        """Every record kept here that holds this opaque id, oldest first: `record` as it stands in the chain, and its `hash`.

        In steps, so that no punch waits long behind it.
        """
        head, found = self.head(), list[dict[str, object]]()
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

    def prune(self, older_than: datetime, most_bytes: int, audit_older_than: datetime | None = None) -> int:
        """Remove a small step of the oldest records that the server has signed for; says how many went.

        They go when every record up to them is older than `older_than` (by its corrected time: a clock that stood at 1970 makes no
        record old; one whose time nobody knows is as young as it can be), or while the file's used pages exceed `most_bytes`. The
        record at the server's cursor and all after it stay: the cursor can be verified, and what is kept is one unbroken stretch.
        """
        with self._database.transaction() as connection:
            end = _acknowledged(connection) - 1
            first = int(_one(connection, "SELECT min(seq) FROM record"))
            last = min(end, first + PRUNE_STEP - 1)
            if _used_bytes(connection) <= most_bytes:
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

    def verify(self, newest: int | None = None) -> Head:
        """Walk the chain (or its `newest` records); ChainBroken names the first record that does not hold."""
        head = self.head()
        if head.kept_from > head.acknowledged + 1:
            raise ChainBroken(1, f"missing, though the server has not signed for it; the first one here is {head.kept_from}")
        start = head.kept_from if newest is None else max(head.kept_from, head.seq - newest + 1)
        prev = messages.GENESIS_PREV if start == 1 else None
        expected = start
        while rows := self._rows(expected, 1_000):
            for row in rows:
                prev = self._verified(head.epoch, row, expected, prev)
                expected += 1
        self._verify_cursor()
        return head

    def _rows(self, first: int, most: int) -> list[tuple[int, bytes, str, bytes, str, str]]:
        with self._database.reading() as connection:
            return connection.execute(
                "SELECT seq, hash, sig, text, kind, at FROM record WHERE seq >= ? ORDER BY seq LIMIT ?", (first, most)
            ).fetchall()

    def _verified(self, epoch: str, row: tuple[int, bytes, str, bytes, str, str], expected: int, prev: str | None) -> str:
        seq, digest, sig, text, kind, at = row
        if seq != expected:
            raise ChainBroken(expected, f"missing; the next one here is {seq}")
        if not (isinstance(text, bytes) and isinstance(digest, bytes) and isinstance(sig, str)):
            raise ChainBroken(seq, "it is not stored as this journal stores records")
        if hashlib.sha256(text).digest() != digest:
            raise ChainBroken(seq, "its content does not match its hash")
        record = _read(seq, text)
        if (record.device, record.epoch, record.seq) != (self.device, epoch, seq):
            raise ChainBroken(seq, "it was made by another device, in another epoch or at another place")
        if (record.kind, messages.write_time(record.stamp.at)) != (kind, at):
            raise ChainBroken(seq, "it is filed under another kind or time than its own")
        if prev is not None and record.prev != prev:
            raise ChainBroken(seq, "it does not name the record before it")
        if record.kind == "time" and not self._files_anchor(record):
            raise ChainBroken(seq, "the trusted time that it states is filed otherwise")
        try:
            messages.verify(self._key.public_key(), Purpose.RECORD, self.device, epoch, digest, sig)
        except messages.SignatureRefused as error:
            raise ChainBroken(seq, "its signature does not hold") from error
        return digest.hex()

    def _files_anchor(self, record: Record) -> bool:
        """Whether the table of anchors repeats what this `time` record says."""
        body = messages.read_body(record)
        with self._database.reading() as connection:
            row = connection.execute(f"{ANCHORS} WHERE seq = ?", (record.seq,)).fetchone()
        return row is not None and isinstance(body, messages.TimeBody) and _anchor(row) == timeline.anchor_of(body)

    def _verify_cursor(self) -> None:
        """What the server has signed for must still be here: a journal whose tail was cut off fails."""
        with self._database.reading() as connection:
            cursor = connection.execute("SELECT upto, head FROM acknowledged").fetchone()
            if cursor is None or cursor[0] == 0:
                return
            row = connection.execute("SELECT hash FROM record WHERE seq = ?", (cursor[0],)).fetchone()
        if row is None:
            raise ChainBroken(cursor[0], "missing, though the server has signed for it")
        if row[0].hex() != cursor[1]:
            raise ChainBroken(cursor[0], "not the record that the server has signed for")

    def check_at_start(self) -> None:
        """Sound pages, the right key, and a chain whose newest part holds; raises what is wrong."""
        with self._database.reading() as connection:
            if (verdict := _one(connection, "PRAGMA quick_check(1)")) != "ok":
                raise database.StorageDamaged(f"{self._database.path.name}: {verdict}")
            row = connection.execute("SELECT device, key FROM epoch").fetchone()
            orphans = connection.execute("SELECT 1 FROM record LIMIT 1").fetchone()
        if row is None and orphans:
            raise ChainBroken(1, "its epoch is gone from the file")
        if row is None:
            return
        if row != (self.device, messages.public_key_text(self._key)):
            raise WrongKey(
                f"{self._database.path.name} belongs to device {row[0]} and its key; "
                "restore keys/journal.key and device.id, or move the journal away to begin a new epoch"
            )
        self.verify(TAIL_CHECKED_AT_START)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def stamp(moment: clock.Moment) -> Stamp:
    """A moment as a record carries it."""
    return Stamp(moment.at, moment.boot_id, moment.monotonic_us, moment.quality)


def open_journal(
    path: Path,
    device: str,
    key: Ed25519PrivateKey,
    software: str,
    moment: clock.Moment,
    *,
    replace_damaged: bool = True,
    begun: str = "first_start",
) -> Journal:
    """The journal at `path`, begun if there is none; `begun` is why, then.

    One that fails its check is kept under another name and a new epoch begins; without `replace_damaged` the failure is raised.
    """
    reason = begun
    try:
        journal = _checked(path, device, key, software)
    except (database.StorageDamaged, ChainBroken) as error:
        if not replace_damaged:
            raise
        kept = _quarantine(path, moment)
        log.error("journal failed its check (%s); kept as %s, a new epoch begins", error, kept.name)
        reason, journal = "damaged_journal", Journal(path, device, key, software)
    journal.begin(reason, moment)
    return journal


def _checked(path: Path, device: str, key: Ed25519PrivateKey, software: str) -> Journal:
    """The journal at `path` if it passes its check; otherwise its file is let go before the error is raised."""
    journal = Journal(path, device, key, software)
    try:
        journal.check_at_start()
    except BaseException:
        journal.close()
        raise
    return journal


def _quarantine(path: Path, moment: clock.Moment) -> Path:
    kept = path.with_name(f"{path.name}.damaged-{moment.at:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}")
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(kept.with_name(kept.name + suffix))
    database.sync_folder(path.parent)
    return kept


def _read(seq: int, text: bytes) -> Record:
    try:
        return messages.read_record(messages.parse(text))
    except messages.MessageError as error:
        raise ChainBroken(seq, "it is not a record") from error


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
       coalesce(json_extract(text, '$.body.punch'), json_extract(text, '$.body.replaces'), 0)
FROM punch
"""
ANCHORS = "SELECT boot_id, monotonic_us, utc, source, uncertainty_us FROM anchor"


def _anchor(row: tuple[str, int, str, str, int]) -> messages.Anchor:
    utc_us = timeline.microseconds(messages.read_time(row[2]))
    return messages.Anchor(row[0], row[1], utc_us, messages.Source(row[3]), row[4])


def _boots(connection: sqlite3.Connection) -> list[timeline.Boot]:
    """Every boot, with the monotonic clock of its last record: the one before the next boot's first."""
    rows = connection.execute(
        "SELECT b.boot_id, b.first_seq, b.first_at, b.first_monotonic_us, b.first_quality, r.text FROM boot b LEFT JOIN record r "
        "ON r.seq = (SELECT min(n.first_seq) - 1 FROM boot n WHERE n.first_seq > b.first_seq) ORDER BY b.first_seq"
    ).fetchall()
    return [_boot(*row) for row in rows]


def _boot(boot_id: str, seq: int, at: str, monotonic_us: int, quality: str, last: bytes | None) -> timeline.Boot:
    """A boot whose last record is gone, or that still runs, is known up to its first one."""
    ended_us = int(messages.parse(last)["monotonic_us"]) if last else monotonic_us
    at_us = timeline.microseconds(messages.read_time(at))
    return timeline.Boot(boot_id, seq, at_us, monotonic_us, quality, max(monotonic_us, ended_us))


def _used_bytes(connection: sqlite3.Connection) -> int:
    """Pages in use; deleted ones are reused, so the file itself need not shrink."""
    pages, free = int(_one(connection, "PRAGMA page_count")), int(_one(connection, "PRAGMA freelist_count"))
    return (pages - free) * int(_one(connection, "PRAGMA page_size"))


def _tip(connection: sqlite3.Connection) -> Tip:
    epoch = _one(connection, "SELECT epoch FROM epoch")
    last = connection.execute("SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1").fetchone()
    return Tip(epoch, last[0], last[1].hex()) if last else Tip(epoch, 0, messages.GENESIS_PREV)


def _acknowledged(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT upto FROM acknowledged").fetchone()
    return int(row[0]) if row else 0


def _one(connection: sqlite3.Connection, query: str) -> str:
    (value,) = connection.execute(query).fetchone()
    return value  # type: ignore[no-any-return]

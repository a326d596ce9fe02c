"""The journal: every record hashed onto its predecessor, signed, and on the disk before anybody is told.

A record leaves only after the server has signed for it. It is never changed; pictures, templates and names never enter.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device import clock, database, last_punches, messages, reserve
from device.journal import sql
from device.journal.pruning import Prunable
from device.journal.reading import stamp
from device.journal.values import AcknowledgementRefused, JournalForked, Receipt, Tip
from device.messages import Body, Purpose
from device.sentences import say

log = logging.getLogger(__name__)

RESERVE_BYTES = 4 * 2**20
NOWHERE = messages.Place(0, 0)  # no desired state was ever applied


class Journal(Prunable):
    """One open journal file of one device; safe to use from several threads."""

    def __init__(self, path: Path, device: str, key: Ed25519PrivateKey, software: str) -> None:
        super().__init__(database.Database(path, "journal"), device, key.public_key())
        self._key = key
        self._software = software
        self._reserve = reserve.Reserve(path.with_name(f"{path.name}.reserve"), RESERVE_BYTES)
        self._reserve.hold()
        self._grown = threading.Condition()
        self._appending = threading.Lock()
        self._tip: Tip | None = None  # where the chain ends, None where only the file knows
        self._newest = self._last_seq()
        self._boots: frozenset[str] = frozenset()  # those that the table `boot` has for sure

    def _last_seq(self) -> int:
        with self._database.reading() as connection:
            (seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM record").fetchone()
        return int(seq)

    @property
    def public_key(self) -> str:
        """This device's identity, ed25519:BASE64."""
        return messages.public_key_text(self._public)

    def sign(self, purpose: Purpose, about: str, digest: bytes) -> str:
        """This device's signature under something that is no record; `about` takes the place of the epoch."""
        return messages.sign(self._key, purpose, self.device, about, digest)

    def begin(self, reason: str, moment: clock.Moment) -> None:
        """Write the epoch and its genesis record, unless there is one; a half-begun journal cannot exist."""
        with self._database.transaction() as connection:
            if not connection.execute("SELECT 1 FROM epoch").fetchone():
                key = messages.public_key_text(self._public)
                connection.execute("INSERT INTO epoch VALUES (1, ?, ?, ?)", (secrets.token_hex(16), self.device, key))
                self._append(connection, sql.tip(connection), messages.Genesis(reason, self._software, key), moment)
        self._newest = self._last_seq()
        self._settle()

    def _settle(self) -> None:
        """At the beginning and at the end: another version may open the file next. A disk that takes nothing now stops neither."""
        with suppress(database.StorageError), self._database.transaction() as connection:
            last_punches.settle(connection)

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
                tip = tip or sql.tip(connection)
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
        try:
            with self._in_the_reserve():
                gone = self._drop_acknowledged()
        except database.StorageError as error:
            log.error("a full disk, and old records could not be removed: %s", error)
            gone = 0
        if gone:
            log.warning("the disk is full: %d records that the server has signed for made room", gone)
        return gone > 0

    @contextmanager
    def _in_the_reserve(self) -> Iterator[None]:
        """What is written in here has the room that is kept for a full disk; it is set aside again afterwards."""
        self._reserve.release()
        try:
            self._database.checkpoint()
            yield
            self._database.checkpoint()
        finally:
            self._reserve.hold()

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

        Backwards (a restored server) only when it answers `nonce`, the latest hello's: a retained message may be an old one. Where
        such an answer names a record that is not here, JournalForked.
        """
        try:
            data = messages.open_envelope(payload, "acknowledgement", self.device)
            messages.verify_signed(data, server_key, Purpose.ACKNOWLEDGEMENT, self.device)
        except messages.MessageError as error:
            raise AcknowledgementRefused(say("ack.not_servers", why=error)) from error
        answer = messages.read_message(data, messages.Acknowledgement)
        answers_hello = bool(nonce) and answer.nonce == nonce  # before the first hello there is no nonce, in an old one neither
        try:
            self._follow(answer, payload, answers_hello)
        except database.StorageFull:
            with self._in_the_reserve():  # what is signed for now is what may go, and nothing else can make room
                self._follow(answer, payload, answers_hello)
                self._drop_acknowledged()
        return answer

    def _follow(self, answer: messages.Acknowledgement, payload: bytes, answers_hello: bool) -> None:
        if answers_hello:
            self._find_fork(answer, payload)
        with self._database.transaction() as connection:
            self._check_acknowledgement(connection, answer, answers_hello)
            if answer.upto != (now := sql.acknowledged(connection)) and (answer.upto > now or answers_hello):
                if answer.upto < now:
                    connection.execute(sql.KEEP_CURSOR)
                row = (answer.upto, answer.head, payload.decode("utf-8"))
                connection.execute("INSERT OR REPLACE INTO acknowledged VALUES (1, ?, ?, ?)", row)

    def _find_fork(self, answer: messages.Acknowledgement, payload: bytes) -> None:
        """JournalForked, its proof kept, where no record of this epoch can be signed for any more."""
        with self._database.transaction() as connection:
            here = answer.epoch == sql.one(connection, "SELECT epoch FROM epoch") and answer.upto > 0
            if not here or not sql.other_history(connection, answer.upto, answer.head):
                return
            row = (answer.upto, answer.head, payload.decode("utf-8"))
            connection.execute("INSERT OR REPLACE INTO signed_before VALUES (1, ?, ?, ?)", row)
        raise JournalForked(
            f"the server has signed for another record {answer.upto} than this journal holds: its last records were lost, or this "
            "kiosk was copied; the journal is kept aside and a new epoch begins at the next start"
        )

    def _check_acknowledgement(self, connection: sqlite3.Connection, answer: messages.Acknowledgement, answers_hello: bool) -> None:
        if answer.epoch != sql.one(connection, "SELECT epoch FROM epoch"):
            raise AcknowledgementRefused(say("ack.other_epoch"))
        if answer.upto == 0 and answer.head == messages.GENESIS_PREV:
            return
        row = connection.execute("SELECT hash FROM record WHERE seq = ?", (answer.upto,)).fetchone()
        if row is None and answers_hello and answer.upto < int(sql.one(connection, "SELECT min(seq) FROM record")):
            return  # a server that was restored to before the oldest record kept here: it has to live with the gap
        if row is None:
            raise AcknowledgementRefused(say("ack.not_here", seq=answer.upto))
        if row[0].hex() != answer.head:
            raise AcknowledgementRefused(say("ack.fork", seq=answer.upto))

    def close(self) -> None:
        """Close the file."""
        if self._tip is not None:  # else nothing was appended, or the last try failed
            self._settle()
        self._database.close()

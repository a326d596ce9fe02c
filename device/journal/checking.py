"""Whether a chain holds: each record by its hash, its predecessor and its signature, and the end of it by the server's cursor."""

from __future__ import annotations

import hashlib
import logging

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device import database, messages
from device.journal import sql
from device.journal.reading import Readable
from device.journal.values import ChainBroken, Head, SignedForAnother, WrongKey
from device.messages import Purpose, Record, timeline
from device.sentences import say
from device.telling import Tell, silent

log = logging.getLogger(__name__)

TAIL_CHECKED_AT_START = 1_000  # records; the whole chain is for `daka verify`


class Checked(Readable):
    """A readable journal that can be held against its device's key."""

    def __init__(self, opened: database.Database, device: str, key: Ed25519PublicKey) -> None:
        super().__init__(opened)
        self.device = device
        self._public = key

    def verify(self, newest: int | None = None, tell: Tell = silent) -> Head:
        """Walk the chain (or its `newest` records); ChainBroken names the first record that does not hold."""
        head = self.head()
        with self._database.reading() as connection:
            cursors = sql.cursors(connection)
        if head.kept_from > (cursors[-1][0] if cursors else 0) + 1:
            raise ChainBroken(1, say("chain.first_missing", first=head.kept_from))
        start = head.kept_from if newest is None else max(head.kept_from, head.seq - newest + 1)
        prev = messages.GENESIS_PREV if start == 1 else None
        expected, newer = start, 0
        while rows := self._rows(expected, 1_000):
            for row in rows:
                record = self._verified(head.epoch, row, expected, prev)
                prev, newer, expected = record.hash.hex(), newer + record.newer, expected + 1
            tell("records", expected - start, head.seq - start + 1)
        if newer:
            log.warning("%d record%s of a newer version: kept and sent as they are, shown nowhere", newer, "s" * (newer > 1))
        for upto, signed in cursors:
            if upto >= head.kept_from:  # else a restored server's: it was signed for further once, and that was pruned
                self._verify_cursor(upto, signed)
        return head

    def _rows(self, first: int, most: int) -> list[tuple[int, bytes, str, bytes, str, str]]:
        with self._database.reading() as connection:
            return connection.execute(
                "SELECT seq, hash, sig, text, kind, at FROM record WHERE seq >= ? ORDER BY seq LIMIT ?", (first, most)
            ).fetchall()

    def _verified(self, epoch: str, row: tuple[int, bytes, str, bytes, str, str], expected: int, prev: str | None) -> Record:
        seq, digest, sig, text, kind, at = row
        if seq != expected:
            raise ChainBroken(expected, say("chain.missing", next=seq))
        if not (isinstance(text, bytes) and isinstance(digest, bytes) and isinstance(sig, str)):
            raise ChainBroken(seq, say("chain.stored"))
        if hashlib.sha256(text).digest() != digest:
            raise ChainBroken(seq, say("chain.hash"))
        record = _read(seq, text)
        if (record.device, record.epoch, record.seq) != (self.device, epoch, seq):
            raise ChainBroken(seq, say("chain.elsewhere"))
        if (record.kind, messages.write_time(record.stamp.at)) != (kind, at):
            raise ChainBroken(seq, say("chain.filed"))
        if prev is not None and record.prev != prev:
            raise ChainBroken(seq, say("chain.before"))
        if record.kind == "time" and not record.newer and not self._files_anchor(record):
            raise ChainBroken(seq, say("chain.time"))
        try:
            messages.verify(self._public, Purpose.RECORD, self.device, epoch, digest, sig)
        except messages.SignatureRefused as error:
            raise ChainBroken(seq, say("chain.signature")) from error
        return record

    def _files_anchor(self, record: Record) -> bool:
        """Whether the table of anchors repeats what this `time` record says."""
        body = messages.read_body(record)
        with self._database.reading() as connection:
            row = connection.execute(f"{sql.ANCHORS} WHERE seq = ?", (record.seq,)).fetchone()
        return row is not None and isinstance(body, messages.TimeBody) and sql.anchor(row) == timeline.anchor_of(body)

    def _verify_cursor(self, upto: int, signed: str) -> None:
        """What the server has signed for must still be here: a journal whose tail was cut off fails."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT hash FROM record WHERE seq = ?", (upto,)).fetchone()
        if row is None:
            raise SignedForAnother(upto, say("chain.signed_missing"))
        if row[0].hex() != signed:
            raise SignedForAnother(upto, say("chain.signed_other"))

    def check_at_start(self) -> None:
        """Sound pages, the right key, and a chain whose newest part holds; raises what is wrong."""
        with self._database.reading() as connection:
            if (verdict := sql.one(connection, "PRAGMA quick_check(1)")) != "ok":
                raise database.StorageDamaged(say("storage.other", file=self._database.path.name, why=verdict))
            row = connection.execute("SELECT device, key FROM epoch").fetchone()
            orphans = connection.execute("SELECT 1 FROM record LIMIT 1").fetchone()
        if row is None and orphans:
            raise ChainBroken(1, say("chain.epoch"))
        if row is None:
            return
        if row != (self.device, messages.public_key_text(self._public)):
            raise WrongKey(
                f"{self._database.path.name} belongs to device {row[0]} and its key; "
                "restore keys/journal.key and device.id, or move the journal away to begin a new epoch"
            )
        self.verify(TAIL_CHECKED_AT_START)


def _read(seq: int, text: bytes) -> Record:
    """One that this version does not understand is none the worse: what its hash, predecessor and signature say is asked next."""
    try:
        return messages.read_kept(messages.parse(text))
    except messages.MessageError as error:
        raise ChainBroken(seq, say("chain.no_record")) from error

"""One signed message against one locked epoch: what is stored, what is alarmed, what is answered. The rules stand in `ingest`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import messages
from device.messages import Purpose, schema
from device.messages.wire import Link
from enterprise import attendance, downlink, endings, times
from enterprise.lock_log import LockLog
from enterprise.outcome import Outcome, Pressure, Signed, Verdict
from enterprise.store import EpochState, ParkedRow, RecordRow, Transaction, storable

PERSON = re.compile(r"p-[0-9a-f]{32}")
FORKED = (
    "this kiosk's journal before lacked records that were signed for: its card lost its last writes, or it was copied; "
    "what was recorded there since lies aside on the kiosk and was never sent"
)
FORGOTTEN = "a database of before? daka-enterprise desired follow"


@dataclass(frozen=True, slots=True)
class Case:
    """One message's transaction; `state` is the locked epoch as it stood before the message."""

    transaction: Transaction
    state: EpochState
    now: datetime
    key: Ed25519PrivateKey
    pressure: Pressure

    def settle(self, message: Signed) -> Outcome:
        """Store, count and answer, or say why not."""
        if self.state.begun and self.transaction.other_epochs(self.state):
            detail = "this kiosk has begun another journal; ask why: a reset, a restored backup, a damaged file, a cloned card?"
            self._alarm("new_epoch", 0, detail)
        if self.state.key != message.key:
            return self._refused(Verdict.BAD_SIGNATURE, 0, "the epoch was begun under another key than the one trusted now")
        if isinstance(message.content, messages.Hello):
            return self._greet(message.content)
        return self._take(message.content)

    def _take(self, batch: messages.Batch) -> Outcome:
        if complaint := _genesis_complaint(batch, self.state.key):
            return self._refused(Verdict.WRONG_GENESIS, 1, complaint)
        stored = self.transaction.hashes(self.state, batch.first - 1, batch.last + 1)
        if (seq := self._first_conflict(batch, stored)) is not None:
            detail = f"record {seq} contradicts the chain that is stored: a cloned kiosk, or a journal that was put back"
            self._alarm(Verdict.FORK, seq, detail)
            return self._answered(Verdict.FORK, detail=detail)
        if batch.first > self.state.upto + 1 and batch.first > (self.transaction.gap_end(self.state) or 0) + 1:
            return self._answered(Verdict.HOLE, detail=f"begins at {batch.first}, expected {self.state.upto + 1}")
        return self._store(batch, stored)

    def _first_conflict(self, batch: messages.Batch, stored: Mapping[int, str]) -> int | None:
        """The first record that contradicts what is stored or signed for, or None; `stored` reaches one beyond the batch."""
        known = {**stored, self.state.upto: self.state.head}
        if known.get(batch.first - 1, batch.links[0].prev) != batch.links[0].prev:
            return batch.first
        for link in batch.links:
            if known.get(link.seq, link.hash.hex()) != link.hash.hex():
                return link.seq
        if batch.last + 1 in stored and batch.last not in stored:  # the end of a gap that is being filled
            successor = messages.parse(self.transaction.body(self.state, batch.last + 1))
            return batch.last if successor["prev"] != batch.links[-1].hash.hex() else None
        return None

    def _store(self, batch: messages.Batch, stored: Mapping[int, str]) -> Outcome:
        fresh = [link for link in batch.links if link.seq not in stored]
        records, parked = _rows(batch, fresh, messages.write_time(self.now))
        self.transaction.add(records, parked)
        LockLog(self.transaction, self.state, self.now).settle(records)
        usable = {row.seq for row in records}
        times.remember(self.transaction, self.state, [link for link in fresh if link.seq in usable])
        if batch.first == 1 and batch.links[0].plain["body"].get("reason") == "forked_journal" and 1 not in stored:
            self._alarm(Verdict.FORK, 1, FORKED)
        self._look_at_erasures(link for link in fresh if link.seq in usable)
        for row in parked[:1]:
            self._alarm("parked", 0, f"record {row.seq}: {row.reason}")
        upto, head = max((self.state.upto, self.state.head), (batch.last, batch.links[-1].hash.hex()))
        duplicates = len(batch.links) - len(fresh)
        state = self.transaction.advance(self.state, upto, head, duplicates, self.now)
        verdict = Verdict.STORED if fresh else Verdict.DUPLICATE
        answered = replace(self, state=state)._answered(verdict)
        return replace(answered, stored=len(records), parked=len(parked), duplicates=duplicates)

    def _look_at_erasures(self, links: Iterable[Link]) -> None:
        """Of whoever was erased because this server had asked it knows nothing any more: its database is of before."""
        ours = [link for link in links if link.plain["kind"] == "erasure" and endings.is_of_ours(link.plain["body"])]
        if not ours:
            return
        connection = self.transaction.connection
        shared, erased = attendance.aliases(connection), endings.erased(connection)  # read once: everybody waits for this commit
        for link in ours:
            said = link.plain["body"]["person"]
            person = shared.get(said, said)  # a kiosk says it under each id that it knows them by
            if person not in erased:
                where = "stands on a roster" if downlink.is_on_a_roster(connection, person) else "is not erased"
                self._alarm(
                    "erasure_forgotten", link.seq, f"{person} was erased, as this server had asked, and {where} here: {FORGOTTEN}"
                )

    def _greet(self, hello: messages.Hello) -> Outcome:
        stored = self.transaction.hashes(self.state, hello.last, hello.last)
        for kind, seq, detail in _complaints(self.state, hello, {**stored, self.state.upto: self.state.head}):
            self._alarm(kind, seq, detail)
        if hello.first_kept > self.state.upto + 1:
            self._declare_gap(hello.first_kept - 1)
        for kind, detail in downlink.heard(self.transaction, self.state.device, hello, self.now):
            self._alarm(kind, 0, detail)
        self.transaction.advance(self.state, self.state.upto, self.state.head, 0, self.now)
        return self._answered(Verdict.GREETED, nonce=hello.nonce)

    def _declare_gap(self, last: int) -> None:
        first = self.state.upto + 1
        self.transaction.declare_gap(self.state, first, last, self.now)
        self._alarm("gap", first, f"records {first} to {last} were never here, and the kiosk no longer keeps them")

    def _alarm(self, kind: str, seq: int, detail: str) -> None:
        self.transaction.alarm(self.state.device, self.state.epoch, kind, seq, detail, self.now)

    def _refused(self, verdict: Verdict, seq: int, detail: str) -> Outcome:
        self._alarm(verdict, seq, detail)
        return Outcome(verdict, self.state.device, self.state.epoch, self.state.upto, detail=detail)

    def _answered(self, verdict: Verdict, *, detail: str = "", nonce: str = "") -> Outcome:
        answer = acknowledgement(self.key, self.state, nonce, self.now, self.pressure)
        return Outcome(verdict, self.state.device, self.state.epoch, self.state.upto, detail=detail, answer=answer)


def acknowledgement(key: Ed25519PrivateKey, state: EpochState, nonce: str, now: datetime, pressure: Pressure) -> bytes:
    """The signed answer as it goes to the broker: every record up to `state.upto` is committed."""
    time = messages.write_time(now)
    asked = (pressure.window, pressure.retry_after_ms)
    answer = messages.Acknowledgement(state.epoch, state.upto, state.head, *asked, time, nonce)
    data = messages.signed(answer, key, Purpose.ACKNOWLEDGEMENT, state.device)
    return messages.seal_envelope("acknowledgement", state.device, f"{state.epoch}/{state.upto}/{secrets.token_hex(8)}", time, data)


def copied_columns(plain: dict[str, Any]) -> tuple[str, str, str]:
    """`kind`, `person` and `at` as the table repeats them for queries; `person` is empty where the record concerns nobody.

    Some kinds may say more than we know, and what they call a person there can be anything, of a length that no index takes.
    """
    person = plain["body"].get("person")
    return plain["kind"], person if isinstance(person, str) and PERSON.fullmatch(person) else "", plain["at"]


def why_unusable(link: Link) -> str:
    """Why this server cannot use a record whose chain holds; empty if it can."""
    if len(link.text) > messages.MAX_RECORD_BYTES:
        return f"{len(link.text)} bytes are over the limit of {messages.MAX_RECORD_BYTES}"
    if b"\\u0000" in link.text:
        return "a text holds the character NUL, which not every database can hold"
    if link.seq != 1 and link.plain.get("kind") == "genesis":
        return "a genesis record stands only at the beginning of an epoch"
    try:
        schema.check("record", link.plain, messages.SchemaRefused)
        times.check(link.plain)
    except messages.MessageError as error:
        return str(error)
    return ""


def _rows(batch: messages.Batch, fresh: list[Link], received_at: str) -> tuple[list[RecordRow], list[ParkedRow]]:
    records: list[RecordRow] = []
    parked: list[ParkedRow] = []
    for link in fresh:
        place, digest, body = (batch.device, batch.epoch, link.seq), link.hash.hex(), link.text.decode("utf-8")
        sig = batch.sig if link.seq == batch.last else None
        if reason := why_unusable(link):
            parked.append(ParkedRow(*place, digest, storable(reason), body, sig, received_at))
        else:
            records.append(RecordRow(*place, digest, *copied_columns(link.plain), body, sig, received_at))
    return records, parked


def _genesis_complaint(batch: messages.Batch, key: str) -> str:
    """What is wrong with the epoch's beginning, or with whose it is; empty if nothing."""
    if batch.first > 1:
        return ""
    plain = batch.links[0].plain
    body = plain.get("body")
    if plain.get("kind") != "genesis" or not isinstance(body, dict):
        return "the first record of an epoch must be its genesis record"
    return "" if body.get("key") == key else "the genesis record names another key than the trusted one"


def _complaints(state: EpochState, hello: messages.Hello, known: Mapping[int, str]) -> list[tuple[str, int, str]]:
    """Alarms that a hello gives rise to: kind, record, sentence."""
    found = []
    if hello.last < state.upto:
        detail = f"the kiosk's journal ends at record {hello.last}, {state.upto} were signed for: its tail was cut off"
        found.append(("tail_cut", hello.last, detail))
    if known.get(hello.last, hello.head) != hello.head:
        found.append(("fork", hello.last, f"the kiosk's record {hello.last} differs from the one that is stored"))
    if hello.acknowledged > state.upto:
        detail = f"the kiosk holds a signature up to {hello.acknowledged}, this database ends at {state.upto}: an older backup? "
        detail += "What was decided here since is gone, too"
        found.append(("rewound", state.upto, detail))
    return found

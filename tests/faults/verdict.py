"""After a campaign: does the server have exactly what the screen said yes to, once each, in order, at the right times?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from device import messages
from device.messages import timeline
from enterprise import tables, verify
from enterprise.store import Store
from tests.faults.rig import DEVICE, Receipt, Rig, Said

TIMES_WITHIN_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of one comparison; `differences` must be none, and the times right."""

    receipts: int
    stored: int
    duplicates_received: int
    differences: Differences
    wrong_times: tuple[str, ...]
    worst_time_us: int
    findings: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not (self.differences or self.wrong_times or self.findings)

    def __str__(self) -> str:
        sentence = f"{self.receipts} receipts, {self.stored} records stored, {self.differences}"
        times = (
            f"times right within {self.worst_time_us / 1e6:.3f} s"
            if not self.wrong_times
            else f"wrong times: {self.wrong_times[:5]}"
        )
        return f"{sentence}; {times}; findings: {', '.join(self.findings) or 'none'}"


@dataclass(frozen=True, slots=True)
class Differences:
    """Between what the screen said, what the kiosk holds and what the server has stored.

    `lost`: confirmed, or on the kiosk, and not the same at the server; `doubled`: persons, who all came once, with two punches;
    `unasked`: persons with a punch to whom the screen had said no, or who never came; `undone`: how many of those were refused by a
    disk that could not take anything back any more, which is no fault.
    """

    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    unasked: tuple[str, ...]
    undone: int

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.unasked)

    def __str__(self) -> str:
        counts = f"{len(self.lost)} lost, {len(self.doubled)} stored twice, {len(self.unasked)} refused and stored"
        return f"{counts} {[*self.lost[:5], *self.doubled[:5], *self.unasked[:5]] or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Stored:
    """One journal as the server holds it: hash by number, and when each record really was."""

    hashes: dict[int, str]
    times: dict[int, timeline.Corrected]


def reach(rig: Rig) -> Verdict:
    """Compare; the kiosk's daemon and the ingester are stopped."""
    receipts, store, journal = rig.receipts(), rig.store(), rig.journal()
    try:
        epochs = {epoch: stored(store, epoch) for epoch in {receipt.epoch for receipt in receipts}}
        off = {one: time_error_us(one, epochs[one.epoch]) for one in receipts if one.seq in epochs[one.epoch].times}
        journal.verify()
        return Verdict(
            len(receipts),
            sum(len(found.hashes) for found in epochs.values()),
            duplicates_received(store),
            differences(rig, store),
            tuple(f"{one.epoch[:8]}/{one.seq} by {us / 1e6:.3f} s" for one, us in off.items() if us > TIMES_WITHIN_US),
            max(off.values(), default=0),
            tuple(findings(store, receipts, epochs)),
        )
    finally:
        journal.close()
        store.close()


def differences(rig: Rig, store: Store) -> Differences:
    """As things are at this moment; everything may run, as long as the kiosk is quiet."""
    found = compared(rig.said(), rig.kept(), hashes(store), punched(store))
    unasked = tuple(person for person in found.unasked if person not in rig.doubtful)
    return replace(found, unasked=unasked, undone=len(found.unasked) - len(unasked))


def compared(said: Said, here: tuple[str, dict[int, str]], theirs: dict[str, dict[int, str]], persons: Counter[str]) -> Differences:
    """What the screen said and the kiosk holds, against the server's records and how often each person has punched there."""
    epoch, kept = here
    lost = [f"{one.epoch[:8]}/{one.seq}" for one in said.receipts if theirs.get(one.epoch, {}).get(one.seq) != one.hash]
    lost += [f"{epoch[:8]}/{seq}" for seq in unequal(kept, theirs.get(epoch, {}))]
    may_be = {one.person for one in said.receipts}.union(said.silences)
    doubled = [person for person, count in persons.items() if count > 1]
    return Differences(tuple(lost), tuple(doubled), tuple(person for person in persons if person not in may_be), 0)


def hashes(store: Store) -> dict[str, dict[int, str]]:
    """What the server has stored of each epoch, by number."""
    column, found = tables.record.c, dict[str, dict[int, str]]()
    with store.reading() as connection:
        rows = connection.execute(select(column.epoch, column.seq, column.hash).where(column.device == DEVICE)).all()
    for epoch, seq, digest in rows:
        found.setdefault(epoch, {})[seq] = digest
    return found


def punched(store: Store) -> Counter[str]:
    """How often each person has punched, by what the server has stored."""
    column = tables.record.c
    with store.reading() as connection:
        return Counter(connection.scalars(select(column.person).where(column.device == DEVICE, column.kind == "punch")))


def unequal(kept: dict[int, str], theirs: dict[int, str]) -> list[int]:
    """Numbers that only one of the two has, or that differ; what the server has signed for may be gone from the kiosk."""
    first = min(kept)
    return sorted(seq for seq in kept.keys() | theirs.keys() if seq >= first and kept.get(seq) != theirs.get(seq))


def stored(store: Store, epoch: str) -> Stored:
    column = tables.record.c
    query = select(column.seq, column.hash, column.body).where(column.device == DEVICE, column.epoch == epoch)
    with store.reading() as connection:
        rows = connection.execute(query.order_by(column.seq)).all()
    records = [messages.read_record(messages.parse(row.body.encode())) for row in rows]
    line = timeline.read(records)
    return Stored({row.seq: row.hash for row in rows}, {record.seq: line.correct(record.stamp) for record in records})


def time_error_us(receipt: Receipt, found: Stored) -> int:
    """By how much the time is wrong; a time that says of itself that it is uncertain must lie within its own bounds."""
    corrected = found.times[receipt.seq]
    if corrected.review:
        early = corrected.earliest is None or timeline.microseconds(corrected.earliest) <= receipt.true_us + TIMES_WITHIN_US
        late = corrected.latest is None or receipt.true_us - TIMES_WITHIN_US <= timeline.microseconds(corrected.latest)
        return 0 if early and late else 2**62
    return abs(timeline.microseconds(corrected.at) - receipt.true_us)


def findings(store: Store, receipts: Sequence[Receipt], epochs: dict[str, Stored]) -> list[str]:
    """Holes, times that run backwards, and whatever the enterprise's own verification complains about."""
    found = [finding.sentence for chain in verify.chains(store) for finding in chain.findings]
    for epoch, one in epochs.items():
        if sorted(one.hashes) != list(range(1, len(one.hashes) + 1)):
            found.append(f"{epoch[:8]} has holes")
        punched = [
            one.times[seq] for seq in sorted(receipt.seq for receipt in receipts if receipt.epoch == epoch) if seq in one.times
        ]
        sure = [corrected.at for corrected in punched if not corrected.review]
        if sure != sorted(sure):
            found.append(f"{epoch[:8]}: the times of punches run backwards")
    return found if receipts else [*found, "the kiosk took no punch at all"]


def duplicates_received(store: Store) -> int:
    with store.reading() as connection:
        return sum(connection.scalars(select(tables.epoch.c.duplicates)))

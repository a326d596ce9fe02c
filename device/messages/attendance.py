"""Which punches count: the raw ones stay for ever, voids and corrections say how they are to be read. Values in, values out.

A void takes a punch, or a correction, out of what counts; a correction puts another in its place, or adds one that was forgotten. A
dispute takes nothing away: a person looks at it, and an office's correction says that one has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from device.messages.direction import Direction, direction_of
from device.messages.errors import SchemaRefused
from device.messages.records import Record, read_time
from device.messages.timeline import Corrected, Quality, Timeline

AMENDMENTS = ("void", "correction", "dispute")
AT_THE_KIOSK = "kiosk"  # who corrects, where the person does so within seconds


@dataclass(frozen=True, slots=True)
class Counted:
    """A punch as it counts; `seq` is the record that says so, `replaces` the one that it stands for (0: none).

    `voided_by`: the record since which it counts no more (0: it counts).
    """

    device: str
    epoch: str
    seq: int
    person: str
    direction: Direction
    at: Corrected
    site: str = ""
    replaces: int = 0
    by: str = ""
    reason: str = ""
    disputed: bool = False
    voided_by: int = 0


@dataclass(slots=True)
class Disputes:
    """Which punches are disputed, as their journal's records go by."""

    disputed: set[int] = field(default_factory=set)
    replaced_by: dict[int, int] = field(default_factory=dict)

    def __contains__(self, seq: int) -> bool:
        return seq in self.disputed

    def dispute(self, punch: int) -> tuple[int, ...]:
        """Somebody says that this is not theirs; the numbers of the punch, and of what has been put in its place by then."""
        found = [punch]
        while found[-1] in self.replaced_by:
            found.append(self.replaced_by[found[-1]])
        self.disputed.update(found)
        return tuple(found)

    def correct(self, seq: int, replaces: int, by: str) -> bool:
        """Whether what is put in a punch's place is disputed as it was: not once somebody at the office has looked."""
        if replaces < seq:  # else a journal that was made up could lead round in a circle
            self.replaced_by[replaces] = seq
        if by == AT_THE_KIOSK and replaces in self.disputed:
            self.disputed.add(seq)
        return seq in self.disputed


def counted(records: Iterable[Record], line: Timeline) -> tuple[Counted, ...]:
    """The punches of one journal that count, in the order of their records; times are those that they are to be read with.

    A correction that states no time has that of the punch which it replaces: where that is not kept any more, neither counts.
    """
    return tuple(one for one in recorded(records, line) if not one.voided_by)


def recorded(records: Iterable[Record], line: Timeline) -> tuple[Counted, ...]:
    """The same, and those that were voided: what a kiosk knew when it proposed a direction is told by both."""
    found: dict[int, Counted] = {}
    stamps: dict[int, Corrected] = {}
    voided: dict[int, int] = {}
    disputes = Disputes()
    for record in records:
        body = record.body
        if record.kind == "punch":
            stamps[record.seq] = line.correct(record.stamp)
            found[record.seq] = _counted(record, stamps[record.seq])
        elif record.kind == "correction":
            disputes.correct(record.seq, body["replaces"], body["by"])
            if (at := _at(body, stamps)) is None:
                continue
            stamps[record.seq] = at
            found[record.seq] = replace(_counted(record, at), replaces=body["replaces"], by=body["by"], reason=body["reason"])
        elif record.kind == "void":
            voided.setdefault(body["punch"], record.seq)
        elif record.kind == "dispute":
            disputes.dispute(body["punch"])
    return tuple(replace(one, disputed=seq in disputes, voided_by=voided.get(seq, 0)) for seq, one in sorted(found.items()))


def _counted(record: Record, at: Corrected) -> Counted:
    body = record.body
    return Counted(record.device, record.epoch, record.seq, body["person"], direction_of(body), at, body["site"])


def _at(body: dict[str, Any], stamps: dict[int, Corrected]) -> Corrected | None:
    """The time that the correction states, else that of the punch which it replaces, corrected as that one is; None: not known.

    One that no calendar has is not known either: it must not stop a listing.
    """
    try:
        if body["punched_at"]:
            return Corrected(read_time(body["punched_at"]), Quality.SYNCED)
    except SchemaRefused:
        return None
    return stamps.get(body["replaces"])

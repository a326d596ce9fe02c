"""A list of employees against the directory: what becomes of every line, planned against how things stand once all is done.

Pure: nothing is changed. Whoever is refused is left as they are, and keeps what they have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from device.people.roster import OPTIONAL, Act, Change, Digest, Entry, Known, Refusal, Step, changes_of
from device.sentences import say


def plan(
    lines: Iterable[tuple[int, Entry | Refusal]],
    known: Sequence[Known],
    erased: frozenset[str],
    digest: Digest,
    complete_at: datetime | None = None,
) -> tuple[Step, ...]:
    """What becomes of every line, and, of a roster that is complete at that moment, of those whom it no longer has."""
    planner = _Planner(known, erased, digest)
    return planner.steps([planner.line(line, entry) for line, entry in lines], complete_at)


@dataclass(slots=True)
class _Line:
    """A line, whom of the directory it means, and why it is refused."""

    line: int
    entry: Entry | Refusal
    found: Known | None
    why: str


class _Planner:
    """The directory as it stands, and what the list makes of it."""

    def __init__(self, known: Sequence[Known], erased: frozenset[str], digest: Digest) -> None:
        self._known, self._erased, self._digest = known, erased, digest
        self._by_number = {one.entry.number: one for one in known}
        self._by_person = {one.person: one for one in known}
        self._taken: dict[str, int] = {}

    def line(self, line: int, entry: Entry | Refusal) -> _Line:
        """A line by itself and beside those before it."""
        found = self._by_person.get(entry.person) if entry.person else self._by_number.get(entry.number)
        if isinstance(entry, Refusal):
            return _Line(line, entry, found, entry.why)
        why = say("list.erased") if entry.person in self._erased else ""
        return _Line(line, entry, found, why or self._repeated(entry, line))

    def steps(self, lines: Sequence[_Line], complete_at: datetime | None) -> tuple[Step, ...]:
        meant = {one.found.person for one in lines if one.found}
        gone = [] if complete_at is None else [one for one in self._known if one.origin == "roster" and one.person not in meant]
        self._refuse(lines, {one.person for one in gone})
        left = frozenset(code for one in gone for code in one.badges | one.codes)
        ends = [one for one in gone if complete_at and (one.entry.expires_at is None or one.entry.expires_at > complete_at)]
        ended = tuple(Step(0, one.entry.number, Act.END, person=one.person) for one in ends)
        return tuple(self._step(one, left) for one in lines) + ended

    def _refuse(self, lines: Sequence[_Line], gone: set[str]) -> None:
        """Whoever asks for what somebody else keeps; who is refused keeps what they have, which may refuse the next."""
        asked = {key: one for one in lines if not one.why for key in self._asked(one.entry)}
        meant = {one.found.person: one for one in lines if one.found and not one.why}
        staying = [(one, _kept(one, meant.get(one.person), one.person in gone)) for one in self._known]
        while staying:
            holder, keys = staying.pop()
            for key in keys:
                one = asked.get(key)
                if one is None or one.why or one.found is holder:
                    continue
                one.why = say("list.taken") if isinstance(key, bytes) else say("list.holder", number=key, person=holder.person)
                if one.found:
                    staying.append((one.found, _kept(one.found, None, has_gone=False)))

    def _asked(self, entry: Entry | Refusal) -> list[str | bytes]:
        """The number, badges and code of a line."""
        return [entry.number, *self._codes(entry)] if isinstance(entry, Entry) else []

    def _codes(self, entry: Entry) -> list[bytes]:
        badges = [self._digest("badge", text) for text in entry.badges or ()]
        return badges + ([self._digest("qr", entry.qr)] if entry.qr else [])

    def _repeated(self, entry: Entry, line: int) -> str:
        """A number, id, badge or code that an earlier line has, too."""
        mine = [f"number {entry.number}", *([f"id {entry.person}"] if entry.person else [])]
        mine += [f"badge {text}" for text in entry.badges or ()] + ([f"code {entry.qr}"] if entry.qr else [])
        earlier = [self._taken[key] for key in mine if key in self._taken]
        self._taken.update(dict.fromkeys(mine, line))
        return say("list.repeated", line=earlier[0]) if earlier else ""

    def _step(self, one: _Line, left: frozenset[bytes]) -> Step:
        entry, found = one.entry, one.found
        if one.why or isinstance(entry, Refusal):
            return Step(one.line, entry.number, Act.REFUSE, one.why, entry.person)
        inherited = tuple(code for code in self._codes(entry) if code in left)
        if found is None:
            return Step(one.line, entry.number, Act.ADD, "", entry.person, entry, inherited=inherited)
        kept = {OPTIONAL[name]: getattr(found.entry, OPTIONAL[name]) for name in entry.unsaid}
        named = replace(entry, person=found.person, unsaid=frozenset(), **kept)
        changes = self._changes(named, found)
        return Step(one.line, entry.number, Act.CHANGE if changes else Act.SAME, "", found.person, named, changes, inherited)

    def _changes(self, entry: Entry, found: Known) -> tuple[Change, ...]:
        brought = entry.pin or entry.pin_hash
        secret = {
            "pin": bool(brought) and found.assigned != self._digest("assigned", f"{found.person}:{brought}"),
            "badge": entry.badges is not None and found.badges != {self._digest("badge", text) for text in entry.badges},
            "qr": entry.qr is not None and found.codes != ({self._digest("qr", entry.qr)} if entry.qr else set()),
        }
        return changes_of(found.entry, entry) + tuple(Change(column) for column, changes in secret.items() if changes)


def _kept(holder: Known, line: _Line | None, has_gone: bool) -> list[str | bytes]:
    """What stays with somebody: all of it where no line means them, of a leaver the number alone, else what the line leaves.

    A leaver keeps the number until they are erased: the records of both would be asked for by it.
    """
    if has_gone:
        return [holder.entry.number]
    if line is None or not isinstance(line.entry, Entry):
        return [holder.entry.number, *holder.badges, *holder.codes]
    badges = holder.badges if line.entry.badges is None else frozenset()
    return [*badges, *(holder.codes if line.entry.qr is None else ())]

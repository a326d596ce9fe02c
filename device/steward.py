"""Does what a desired state asks for, section by section, and records the result. Doing it twice is doing it once.

What cannot be done is named in the record by kind and opaque id, never with a name, a number or a secret; the rest is done all the
same. A disk that fails ends the whole attempt, to be made again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from device import clock, database, desired, messages
from device.errors import DeviceError
from device.messages import Alias, Content, Place, Problem, SectionDone

log = logging.getLogger(__name__)

MOST_PROBLEMS, MOST_ALIASES = 20, 60  # of each in one record: it has to stay small


class Journal(Protocol):
    """Remembers, durably; device.journal has the real one."""

    def append(self, body: messages.Body, moment: clock.Moment) -> object: ...
    def append_all(self, bodies: Sequence[messages.Body], moment: clock.Moment) -> object: ...


@dataclass(frozen=True, slots=True)
class RosterDone:
    """How many people were taken in, changed or let go; who could not be, and why; who was known here under another id."""

    changed: int
    refused: tuple[tuple[str, str], ...] = ()
    aliases: tuple[Alias, ...] = ()


class Office(Protocol):
    """Whoever keeps the people; device.roster has the real one."""

    def take(self, roster: messages.Roster) -> RosterDone:
        """From now on these people belong here, and nobody else whom an earlier roster brought."""

    def bury(self, tombstone: messages.Tombstone, here: str) -> bool:
        """Follow a withdrawal or an erasure of `here`; whether there was anything to do."""


@dataclass(slots=True)
class Report:
    """What was done so far, and what could not be."""

    sections: list[SectionDone] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    aliases: list[Alias] = field(default_factory=list)

    def attempt(self, section: str, item: str, do: Callable[[], bool]) -> int:
        """1 if it was done and changed something, else 0; a refusal is named."""
        try:
            return int(do())
        except database.StorageError:
            raise
        except (DeviceError, messages.MessageError) as error:
            log.warning("desired state: %s %s: %s", section, item, type(error).__name__)
            self.problems.append(Problem(section, item, type(error).__name__))
            return 0

    def done(self, section: str, by: Iterable[str], changed: int) -> None:
        """Note a section that said something."""
        if asked := sorted({name for name in by if name}):
            self.sections.append(SectionDone(section, ", ".join(asked)[:64], changed))


@dataclass(frozen=True, slots=True)
class Steward:
    """`settle` puts settings into force and names those that it cannot; `rewind` has records sent again."""

    office: Office
    kept: desired.Kept
    journal: Journal
    time_source: clock.Clock
    settle: Callable[[Content], tuple[Problem, ...]]
    rewind: Callable[[messages.Rewind], None]

    def apply(self, place: Place, content: Content) -> None:
        """All of `content`; the record of it is durable when this returns. StorageError: try again."""
        report = Report()
        self._bury(content.tombstones, report)
        self._roster(content.roster, report)
        problems = self.settle(content)
        report.problems += problems
        for section, by, wanted in (
            ("policy", content.policy.by, len(content.policy.settings)),
            ("retention", content.retention.by, len(content.retention.days)),
        ):
            report.done(section, [by], wanted - sum(problem.section == section for problem in problems))
        report.done("notices", (notice.by for notice in content.notices), len(content.notices))
        report.done("grants", (grant.by for grant in content.grants), len(content.grants))
        self._rewind(content.rewinds, report)
        self.journal.append_all(_records(place, report), self.time_source.now())

    def _bury(self, stones: tuple[messages.Tombstone, ...], report: Report) -> None:
        """First of all: who was erased must not come back by the roster of the same state.

        A withdrawal is followed once: the state repeats it, and whoever agrees again afterwards has agreed. An erasure is for good.
        """
        aliases = self.kept.aliases()
        here = [(stone, aliases.get(stone.person, stone.person)) for stone in stones]
        undone = self.kept.undone(_once(stone, person) for stone, person in here)
        changed = sum(
            report.attempt("tombstones", stone.id, partial(self._bury_one, stone, person))
            for stone, person in here
            if _once(stone, person) in undone or stone.act is messages.TombstoneAct.ERASED
        )
        report.done("tombstones", (stone.by for stone in stones), changed)

    def _bury_one(self, stone: messages.Tombstone, person: str) -> bool:
        changed = self.office.bury(stone, person)
        self.kept.did(_once(stone, person))
        return changed

    def _roster(self, roster: messages.Roster, report: Report) -> None:
        if not roster.by:
            return
        try:
            found = self.office.take(roster)
        except database.StorageError:
            raise
        except (DeviceError, messages.MessageError) as error:  # signed, and no list that can be: the rest of the state counts
            report.problems.append(Problem("roster", "", type(error).__name__))
            return
        self.kept.learn_aliases(found.aliases)
        report.aliases += found.aliases
        report.problems += [Problem("roster", person, why) for person, why in found.refused]
        report.done("roster", [roster.by], found.changed)

    def _rewind(self, rewinds: tuple[messages.Rewind, ...], report: Report) -> None:
        undone = self.kept.undone(rewind.id for rewind in rewinds)
        fresh = [rewind for rewind in rewinds if rewind.id in undone]
        changed = sum(report.attempt("rewinds", rewind.id, partial(self._rewind_once, rewind)) for rewind in fresh)
        report.done("rewinds", (rewind.by for rewind in fresh), changed)

    def _rewind_once(self, rewind: messages.Rewind) -> bool:
        """Done once it is kept; one that cannot be is named once, too."""
        try:
            self.rewind(rewind)
        except database.StorageError:
            raise
        except DeviceError:
            self.kept.did(rewind.id)
            raise
        self.kept.did(rewind.id)
        return True


def _once(stone: messages.Tombstone, person: str) -> str:
    """What is remembered of a tombstone that was followed; who is learnt later to be somebody else here is somebody else."""
    return f"{stone.id}/{person}"


def _records(place: Place, report: Report) -> tuple[messages.DesiredDone, ...]:
    """What was done, in as many records as who is known here under another id takes; the last one says all else."""
    outcome = "partly" if report.problems else "applied"
    parts = [tuple(report.aliases[at : at + MOST_ALIASES]) for at in range(0, len(report.aliases), MOST_ALIASES)] or [()]
    before = (messages.DesiredDone(place.generation, place.version, outcome, (), (), part) for part in parts[:-1])
    problems = tuple(report.problems[:MOST_PROBLEMS])
    return (*before, messages.DesiredDone(place.generation, place.version, outcome, tuple(report.sections), problems, parts[-1]))

"""What is kept for how long, by class, and what goes when its time has passed; each purge with its record, and first as a dry run.

With an unsure clock nothing is old, and by itself little goes in one round. Records that wait for the server never go, whatever
their age; the journal sees to those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from device import api, messages
from device.clock import Clock, Quality
from device.config import Retention as Periods
from device.erasure import Eraser
from device.journal import Journal
from device.messages import ErasureReason
from device.people import Directory, Person

BY = "retention"
TEMPLATE, UNRENEWED, LEFT = "template", "unrenewed", "left"
LEAST_AT_ONCE, SHARE_AT_ONCE = (
    5,
    0.1,
)  # of the people here, in one round by itself: a date that is wrong by a year is noticed in time
ACTIONS = {TEMPLATE: "templates_purged", UNRENEWED: "unrenewed_templates_purged"}


@dataclass(frozen=True, slots=True)
class Due:
    """Something whose time has passed: which class of data, whose, and since when nothing kept it."""

    kind: str
    who: Person
    since: datetime


class Retention:
    """The one that looks for what is too old. `renew` tells the gallery whose templates went."""

    def __init__(
        self,
        journal: Journal,
        directory: Directory,
        eraser: Eraser,
        clock: Clock,
        renew: Callable[[str], None],
        periods: Callable[[], Periods],
    ) -> None:
        self._journal, self._directory, self._eraser, self._clock = journal, directory, eraser, clock
        self._renew, self._periods = renew, periods

    def purge(self, by: str, *, dry_run: bool) -> api.Purged:
        """Destroy what is due, or (`dry_run`) say what would go. Nothing where the clock is unsure."""
        now = self._clock.now()
        if now.quality is Quality.UNSYNCED:
            return api.Purged(False, "the clock is not sure, so nothing counts as old", ())
        due = self._due(now.at)
        if by == BY:
            due = due[: max(LEAST_AT_ONCE, int(SHARE_AT_ONCE * len(self._directory.list())))]
        if not dry_run:
            for one in due:
                self._destroy(one, by)
        items = tuple(_shown(one) for one in due)
        return api.Purged(not dry_run, "", items)

    def _due(self, now: datetime) -> tuple[Due, ...]:
        periods, since = self._periods(), self._directory.journal_known_since(self._journal.head().epoch, now)
        found = (_first(self._about(person, periods, now, since)) for person in self._directory.list())
        return tuple(due for due in found if due is not None)

    def _about(self, person: Person, periods: Periods, now: datetime, since: datetime | None) -> list[Due]:
        """Everything that is too old about one person, the whole person first."""
        due: list[Due] = []
        if person.expires_at is not None and _is_over(person.expires_at, periods.left_days, now):
            due.append(Due(LEFT, person, person.expires_at))
        if not person.templates:
            return due
        used = self._last_use(person.person, since)
        if _is_over(used, periods.templates_days, now):
            due.append(Due(TEMPLATE, person, used))
        asked = self._directory.consents.asked_again_at(person.person)
        if asked is not None and _is_over(asked, periods.unrenewed_days, now):
            due.append(Due(UNRENEWED, person, asked))
        return due

    def _last_use(self, person: str, since: datetime | None) -> datetime:
        """The last punch here, in whatever way; or the enrolment, or `since`, before which the journal knows of none, if later."""
        enrolled, last = self._directory.enrolled_at(person), self._journal.last_punch(person)
        return max(at for at in (enrolled, since, None if last is None else last.moment.at) if at is not None)

    def _destroy(self, due: Due, by: str) -> None:
        person = due.who.person
        if due.kind == LEFT:
            self._eraser.erase_person(person, ErasureReason.RETENTION, by)
            return
        self._journal.append(messages.Audit(ACTIONS[due.kind], by, person), self._clock.now())
        try:
            self._directory.destroy_templates(person)
        finally:
            self._renew(person)


def _shown(due: Due) -> api.PurgedItem:
    return api.PurgedItem(due.kind, due.who.person, messages.write_time(due.since), due.who.number, due.who.name)


def _first(due: list[Due]) -> Due | None:
    return due[0] if due else None


def _is_over(since: datetime, days: float, now: datetime) -> bool:
    """0 days: for ever."""
    return days > 0 and now - since > timedelta(days=days)

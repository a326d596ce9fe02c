"""Stamping at the page: a person who has said who they are chooses among their own approvals, and follows what happens at the lock.

Who that is stands fast by PIN or phone; the stamp itself needs whatever the approval asks for besides. Nobody sees another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from device import api, people, server
from device.api.locks import LockApproval, LockVisit
from device.page.application import PageRoute, Role
from device.people import Person

WAIT_S = 10.0
MOST_CHANGE = 10_000_000


class Ways(Protocol):
    """Knows whose ticket it is; device.ways has the real one."""

    def owner(self, ticket: str) -> Person | None: ...
    def pin(self, number: str, pin: str, *, visit: str) -> api.Decision: ...


class LockDesk(Protocol):
    """Approvals and visits; device.locks.desk has the real one."""

    def approvals(self) -> tuple[LockApproval, ...]: ...
    def visit(self, grant: str) -> LockVisit: ...
    def progress(self, ticket: str, after: int = -1, wait_s: float = 0.0) -> LockVisit: ...
    def end(self, ticket: str) -> LockVisit: ...


class NotTheirs(people.PeopleError):
    """The approval is somebody else's, or the ticket is over."""


@dataclass(frozen=True)
class Stamps:
    """The page's counter for contract locks."""

    ways: Ways
    desk: LockDesk

    def mine(self) -> tuple[LockApproval, ...]:
        """What the ticket's owner may stamp, as far as it is not used up."""
        return self._of(*server.json_fields("ticket"))

    def begin(self) -> LockVisit:
        """The owner has chosen one of their own."""
        ticket, grant = server.json_fields("ticket", "grant")
        if grant not in {one.grant for one in self._of(ticket)}:
            raise NotTheirs("that approval is not yours, or it is used up; say who you are once more")
        return self.desk.visit(grant)

    def progress(self) -> LockVisit:
        """How it goes, once it has changed; the visit's own ticket is known to this page alone."""
        visit, after = server.json_fields("visit", "after")
        number = int(after) if after.isascii() and after.isdecimal() and len(after) < 9 else -1
        return self.desk.progress(visit, min(number, MOST_CHANGE), WAIT_S)

    def pin(self) -> api.Decision:
        """The PIN that this visit's approval asks for; for a visit that waits no more it is too late, and never a punch."""
        visit, number, pin = server.json_fields("visit", "number", "pin")
        return self.ways.pin(number, pin, visit=visit)

    def end(self) -> LockVisit:
        """Called off: nothing is stamped that was not pressed."""
        return self.desk.end(*server.json_fields("visit"))

    def routes(self) -> tuple[PageRoute, ...]:
        """For whoever stands there."""
        return (
            PageRoute("POST", "/v1/stamps", Role.PERSON, self.mine),
            PageRoute("POST", "/v1/stamps/begin", Role.PERSON, self.begin),
            PageRoute("POST", "/v1/stamps/progress", Role.PERSON, self.progress),
            PageRoute("POST", "/v1/stamps/pin", Role.PERSON, self.pin),
            PageRoute("POST", "/v1/stamps/end", Role.PERSON, self.end),
        )

    def _of(self, ticket: str) -> tuple[LockApproval, ...]:
        owner = self.ways.owner(ticket)
        if owner is None:
            raise NotTheirs("it took too long; say who you are once more")
        return tuple(one for one in self.desk.approvals() if one.person == owner.person and one.used < one.stamps)

"""One person's way to one stamp: an approval is chosen, the person is verified, the bridge waits at the lock, the stamp is made.

The verification is a record of its own, durable before anything is signed with its hash.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from device import api, attend, messages
from device.api import serving
from device.attend import Identity, Stranger
from device.clock import Clock, Moment
from device.journal import Receipt
from device.locks.cabinet import Approval
from device.locks.errors import NotVerified, VisitUnknown
from device.messages import Capture, Liveness, LockAct, LockBody, Method
from device.messages.lock import Factor, factors_text
from device.sentences import say

VERIFY_WITHIN = timedelta(seconds=60)
MOST_VISITS = 32
WITH_PIN = frozenset({Method.PIN, Method.BADGE_AND_PIN, Method.QR_AND_PIN})


@dataclass(frozen=True, slots=True)
class Journey:
    """Where one visit stands; `factors` are those that the kiosk has seen, `record` the hash of the verification's record.

    `trouble` names what is in the way; `said` is its sentence, where a bridge has one. `is_over`: nobody is waited for any more.
    """

    ticket: str
    approval: Approval
    person: str
    begun: Moment
    factors: int = 0
    verified: Moment | None = None
    record: bytes = b""
    job: str = ""
    trouble: str = ""
    is_over: bool = False
    said: api.Reason = field(default_factory=api.Reason)
    change: int = 0

    @property
    def missing(self) -> Factor:
        """What the kiosk has still to see."""
        return Factor(self.approval.grant.factors & ~Factor.AT_LOCK & ~self.factors)


@dataclass(frozen=True, slots=True)
class Rules:
    """`lasts`: for how long a verification may be used; `simulated`: whether pictures from a file verify anybody."""

    lasts: timedelta
    simulated: bool


class Journeys:
    """Safe to use from several threads. `verified` is called, on a thread of its own, once a person is verified."""

    def __init__(self, append: Callable[[LockBody, Moment], Receipt], clock: Clock, rules: Rules) -> None:
        self._append, self._clock, self._rules = append, clock, rules
        self.verified: Callable[[str], None] = lambda ticket: None
        self._journeys: dict[str, Journey] = {}
        self._changed = threading.Condition()

    @property
    def simulated(self) -> bool:
        """Whether this is a demonstration or a test, in which pictures from a file count."""
        return self._rules.simulated

    def begin(self, approval: Approval, person: str) -> Journey:
        """Somebody has chosen this approval; `person` is who must come, by the id that this kiosk knows them by."""
        journey = Journey(secrets.token_urlsafe(16), approval, person, self._clock.now())
        with self._changed:
            while len(self._journeys) >= MOST_VISITS:
                del self._journeys[next(iter(self._journeys))]
            self._journeys[journey.ticket] = journey
        return journey

    def get(self, ticket: str, after: int = -1, wait_s: float = 0.0) -> Journey:
        """How it stands, once it has changed after `after` or the time is up; VisitUnknown once it was called off, too."""
        with self._changed:
            serving.wait(self._changed, lambda: (found := self._journeys.get(ticket)) is None or found.change > after, wait_s)
            if ticket not in self._journeys:
                raise VisitUnknown(say("lock.visit_unknown"))
            return self._journeys[ticket]

    def tell(self, ticket: str, **what: object) -> None:
        """Change what is known."""
        with self._changed:
            before = self._journeys[ticket]
            self._journeys[ticket] = replace(before, change=before.change + 1, **what)  # type: ignore[arg-type]
            self._changed.notify_all()

    def drop(self, ticket: str) -> None:
        """Nobody wants it any more."""
        with self._changed:
            self._journeys.pop(ticket, None)
            self._changed.notify_all()

    def forget(self, person: str) -> None:
        """Somebody was erased: nobody waits for them."""
        with self._changed:
            self._journeys = {ticket: one for ticket, one in self._journeys.items() if one.person != person}
            self._changed.notify_all()

    def witness(self, seen: Identity | Stranger) -> api.Decision | None:
        """Whether whoever was just established is awaited for an approval; None: they are here to clock in."""
        now = self._clock.now()
        journey = self._awaited(seen, now)
        if journey is None or not isinstance(seen, Identity):
            return None
        factor = Factor.PIN if seen.without_face in WITH_PIN else Factor.FACE if seen.without_face is None else Factor(0)
        if factor is Factor.FACE and not self._is_alive(seen):
            self.tell(journey.ticket, trouble="not_live", is_over=seen.liveness is Liveness.FAILED)
            return _decision(seen, now, "refused", "not_live")
        if not factor & journey.approval.grant.factors:
            return None
        journey = self._seen(journey, factor)
        if journey.missing:
            return _decision(seen, now, "lock_factor", journey.missing.name or "")
        receipt = self._append(_record(journey, seen), now)
        self.tell(journey.ticket, verified=now, record=bytes.fromhex(receipt.hash), trouble="")
        threading.Thread(target=self.verified, args=(journey.ticket,), name="stamp", daemon=True).start()
        return replace(_decision(seen, now, "lock_verified", ""), seq=receipt.seq, hash=receipt.hash)

    def fresh(self, ticket: str) -> Journey:
        """The visit, if its person was verified a moment ago; NotVerified otherwise."""
        journey = self.get(ticket)
        if journey.verified is None or attend.elapsed(journey.verified, self._clock.now()) > self._rules.lasts:
            raise NotVerified(say("lock.not_verified"))
        return journey

    def awaits_face(self, ticket: str) -> bool:
        """Whether this visit still waits for a face."""
        with self._changed:
            journey = self._journeys.get(ticket)
            return journey is not None and Factor.FACE in journey.missing and _waits(journey, self._clock.now())

    def _awaited(self, seen: Identity | Stranger, now: Moment) -> Journey | None:
        if not isinstance(seen, Identity):
            return None
        with self._changed:
            waiting = (one for one in reversed(self._journeys.values()) if one.person == seen.person and _waits(one, now))
            return next(waiting, None)

    def _seen(self, journey: Journey, factor: Factor) -> Journey:
        self.tell(journey.ticket, factors=journey.factors | factor, trouble="")
        return self.get(journey.ticket)

    def _is_alive(self, seen: Identity) -> bool:
        """Somebody who did what the challenge asked before a camera; passive signs alone are not enough for a lock.

        Pictures from a file count in demonstrations and tests alone, and are marked.
        """
        if seen.capture is Capture.SIMULATED:
            return self._rules.simulated and seen.liveness is not Liveness.FAILED
        return seen.liveness is Liveness.PASSED and seen.is_challenged


def _waits(journey: Journey, now: Moment) -> bool:
    return journey.verified is None and not journey.is_over and attend.elapsed(journey.begun, now) < VERIFY_WITHIN


def _record(journey: Journey, seen: Identity) -> LockBody:
    grant = journey.approval.grant
    method = seen.without_face or Method.FACE
    if journey.factors == Factor.FACE | Factor.PIN:
        method = Method.FACE_AND_PIN
    return LockBody(
        LockAct.VERIFIED,
        grant.lock,
        person=journey.person,
        grant=grant.id.hex(),
        document=grant.document.hex(),
        factors=factors_text(journey.factors),
        method=method,
        liveness=seen.liveness,
        capture=seen.capture,
    )


def _decision(seen: Identity, now: Moment, outcome: str, why: str) -> api.Decision:
    at = messages.write_time(now.at)
    return api.Decision(0, at, outcome, why.lower(), seen.person, "", "", seen.votes, 0, 0, "", face=seen.face)

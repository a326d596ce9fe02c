"""One person's way to one stamp: an approval is chosen, the person is verified, the bridge waits at the lock, the stamp is made.

The verification is a record of its own, durable before anything is signed with its hash.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from device import api, attend, messages
from device.api import serving
from device.attend import Identity, Stranger
from device.clock import Clock, Moment
from device.errors import DeviceError
from device.journal import Receipt
from device.locks.cabinet import Approval
from device.locks.errors import NotVerified, VisitUnknown
from device.messages import Capture, Liveness, LockAct, LockBody, Method
from device.messages.lock import Factor, factors_text
from device.sentences import say

log = logging.getLogger(__name__)

VERIFY_WITHIN = timedelta(seconds=60)
NO_PUNCH_FOR = timedelta(seconds=30)  # after a visit that came to nothing: time to read why, and to step away
FOR_THE_SEAL = "for_seal"  # why somebody was not clocked in who came to stamp
MOST_VISITS = 32
WITH_PIN = frozenset({Method.PIN, Method.BADGE_AND_PIN, Method.QR_AND_PIN})


@dataclass(frozen=True, slots=True)
class Journey:
    """Where one visit stands; `factors` are those that the kiosk has seen, `record` the hash of the verification's record.

    `trouble` names what is in the way; `said` is its sentence, where a bridge has one. `is_over`: nobody is waited for any more.
    `since`: when it began, or the latest that its person did; `command`: the one that the verification was used for.
    """

    ticket: str
    approval: Approval
    person: str
    since: Moment
    factors: int = 0
    verified: Moment | None = None
    record: bytes = b""
    command: bytes = b""
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
        self.come_back: Callable[[Identity, timedelta], None] = lambda who, after: None  # whoever stays may clock in then
        self.ends: Callable[[str], datetime | None] = lambda person: None  # when somebody's employment ends here
        self._journeys: dict[str, Journey] = {}
        self._left: dict[str, Moment] = {}  # who came for nothing, and when
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

    def tell(self, ticket: str, **what: object) -> bool:
        """Change what is known; False for a visit that was called off meanwhile."""
        with self._changed:
            before = self._journeys.get(ticket)
            if before is None:
                return False
            self._journeys[ticket] = replace(before, change=before.change + 1, **what)  # type: ignore[arg-type]
            self._changed.notify_all()
            return True

    def drop(self, ticket: str) -> None:
        """Nobody wants it any more."""
        with self._changed:
            self._journeys.pop(ticket, None)
            self._changed.notify_all()

    def forget(self, person: str) -> None:
        """Somebody was erased: nobody waits for them."""
        with self._changed:
            self._journeys = {ticket: one for ticket, one in self._journeys.items() if one.person != person}
            self._left.pop(person, None)
            self._changed.notify_all()

    def witness(self, seen: Identity | Stranger) -> api.Decision | None:
        """Whether whoever was just established is awaited for an approval; None: they are here to clock in."""
        now = self._clock.now()
        if not isinstance(seen, Identity):
            return None
        journey, factor = self._awaited(seen, now), _factor_of(seen)
        if journey is None or not factor & journey.approval.grant.factors:
            return self._no_punch(seen, now) if self._came_to_stamp(seen, now) else None
        if factor is Factor.FACE and not self._is_alive(seen, journey):
            return self._refused(journey, seen, now, "not_live", is_over=seen.liveness is Liveness.FAILED)
        if (why := self._unfit(journey, seen)) is not None:
            return self._refused(journey, seen, now, why, is_over=True)
        self.tell(journey.ticket, factors=journey.factors | factor, since=now, trouble="")
        journey = self.get(journey.ticket)
        if journey.missing:
            return _decision(seen, now, "lock_factor", journey.missing.name or "")
        receipt = self._append(_record(journey, seen), now)
        self.tell(journey.ticket, verified=now, record=bytes.fromhex(receipt.hash), trouble="")
        threading.Thread(target=self.verified, args=(journey.ticket,), name="stamp", daemon=True).start()
        return replace(_decision(seen, now, "lock_verified", ""), seq=receipt.seq, hash=receipt.hash)

    def spent(self, ticket: str, command: bytes) -> Journey:
        """The visit, if its person was verified a moment ago, and for no other command than this; NotVerified otherwise."""
        with self._changed:
            journey = self.get(ticket)
            is_old = journey.verified is None or attend.elapsed(journey.verified, self._clock.now()) > self._rules.lasts
            if is_old or journey.is_over:
                raise NotVerified(say("lock.not_verified"))
            if journey.command not in (b"", command):
                raise NotVerified(say("lock.verified_once"))
            self._journeys[ticket] = replace(journey, command=command)
            return journey

    def end(self, ticket: str) -> None:
        """Its verification is used for no command any more; what became of the one before can be asked still. VisitUnknown."""
        with self._changed:
            self._note_left(self.get(ticket).person)
            self.tell(ticket, is_over=True)

    def prompted(self, person: str) -> None:
        """The screen asks this person to do something: whoever is awaited has come, and their minute begins anew."""
        now = self._clock.now()
        with self._changed:
            for one in [one for one in self._journeys.values() if one.person == person and _waits_for_face(one, now)]:
                self._journeys[one.ticket] = replace(one, since=now)

    def awaits_face(self, ticket: str) -> bool:
        """Whether this visit still waits for a face."""
        with self._changed:
            journey = self._journeys.get(ticket)
            return journey is not None and _waits_for_face(journey, self._clock.now())

    def _awaited(self, seen: Identity, now: Moment) -> Journey | None:
        """The newest visit that waits for this person, or the one that they named, if it does."""
        with self._changed:
            waiting = (one for one in reversed(self._journeys.values()) if one.person == seen.person and _waits(one, now))
            return next((one for one in waiting if seen.visit in ("", one.ticket)), None)

    def _came_to_stamp(self, seen: Identity, now: Moment) -> bool:
        """Whether this is for a visit that waits no more: a PIN that names it, or a face whose visit has just come to nothing."""
        if seen.visit or seen.without_face is not None or seen.claim in attend.SECOND_FACTORS:
            return bool(seen.visit)
        with self._changed:
            late = [one.since for one in self._journeys.values() if one.person == seen.person and one.verified is None]
            left = self._left.get(seen.person)
        return (left is not None and attend.elapsed(left, now) < NO_PUNCH_FOR) or any(
            VERIFY_WITHIN <= attend.elapsed(since, now) < VERIFY_WITHIN + NO_PUNCH_FOR for since in late
        )

    def _no_punch(self, seen: Identity, now: Moment) -> api.Decision:
        if seen.without_face is None:
            self.come_back(seen, NO_PUNCH_FOR)
        return _decision(seen, now, "refused", FOR_THE_SEAL)

    def _refused(self, journey: Journey, seen: Identity, now: Moment, why: str, *, is_over: bool) -> api.Decision:
        with self._changed:
            if is_over:
                self._note_left(journey.person)
            trouble = "access_ended" if why == attend.Why.EXPIRED else why  # an approval may have expired, too
            self.tell(journey.ticket, trouble=trouble, is_over=is_over)
        return _decision(seen, now, "refused", why)

    def _unfit(self, journey: Journey, seen: Identity) -> attend.Why | None:
        """What clocking in refuses, stamping does: who is employed no more, and a face that is not enough without the PIN."""
        if attend.has_ended(seen, self._ends(seen.person)):
            return attend.Why.EXPIRED
        is_alone = not journey.approval.grant.factors & Factor.PIN
        by_face = seen.without_face is None and seen.claim not in attend.SECOND_FACTORS
        return attend.Why.FACE_NOT_ENOUGH if seen.has_look_alike and by_face and is_alone else None

    def _ends(self, person: str) -> datetime | None:
        try:
            return self.ends(person)
        except DeviceError as error:
            log.warning("it could not be read until when somebody is employed: %s", error)
            return None

    def _note_left(self, person: str) -> None:
        now = self._clock.now()
        self._left = {one: at for one, at in self._left.items() if attend.elapsed(at, now) < NO_PUNCH_FOR} | {person: now}

    def _is_alive(self, seen: Identity, journey: Journey) -> bool:
        """Somebody who did what the challenge asked before a camera; passive signs alone are not enough for a lock.

        It was asked for this very visit, whose templates are those that were made here. Pictures from a file count in
        demonstrations and tests alone, and are marked.
        """
        if seen.capture is Capture.SIMULATED:
            return self._rules.simulated and seen.liveness is not Liveness.FAILED
        return seen.liveness is Liveness.PASSED and seen.is_challenged and seen.visit == journey.ticket


def _waits(journey: Journey, now: Moment) -> bool:
    return journey.verified is None and not journey.is_over and attend.elapsed(journey.since, now) < VERIFY_WITHIN


def _waits_for_face(journey: Journey, now: Moment) -> bool:
    return Factor.FACE in journey.missing and _waits(journey, now)


def _factor_of(seen: Identity) -> Factor:
    if seen.without_face is None:
        return Factor.FACE
    return Factor.PIN if seen.without_face in WITH_PIN else Factor(0)


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

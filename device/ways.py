"""The ways to clock in without a face: number and PIN, a phone's code, a printed code, a badge, and a supervisor who vouches.

Each ends where a face ends, in one decision on the board and one record in the journal. What somebody shows or types is compared as
a digest, never run, never logged.
"""

from __future__ import annotations

import enum
import functools
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Concatenate, ParamSpec, Protocol

from device import api, attend, cards, database, messages
from device.attend import Claim, Identity
from device.claims import Claims
from device.clock import Clock, Moment, Quality
from device.config import Ways as Rules
from device.messages import Capture, Liveness, Method, Reason
from device.people import Checked, Directory, Person, PersonUnknown, PinRefused, Verdict
from device.people.credentials import PHONE_PREFIX
from device.tries import Tries

MOST_TEXT = 1_000  # letters of a code; the longest of ours, a face card, has 330
MOST_NUMBER = 64
# After a badge a PIN, a number and a reason may follow: three steps of a sheet, which in the accessible mode closes by itself when
# nobody has touched it for 135 s.
TICKET_LASTS = timedelta(seconds=3 * 135)
MOST_TICKETS = 16
WITH_PIN = {Method.BADGE: Method.BADGE_AND_PIN, Method.QR: Method.QR_AND_PIN}
Given = ParamSpec("Given")
CLAIMS = {Method.BADGE: Claim.BADGE, Method.QR: Claim.QR}


class No(enum.StrEnum):
    """Why a number, code or badge came to nothing; each has a sentence in three languages on the kiosk page."""

    WRONG = "wrong"  # number or PIN: nobody is told which
    WAIT = "wait"
    CODE_WAIT = "code_wait"  # of a phone's code: said to whoever holds it up, where no pad is
    PIN_MUST_CHANGE = "pin_must_change"
    PIN_UNFIT = "pin_unfit"  # the new one is too plain, or the old one again
    UNKNOWN_CODE = "unknown_code"
    UNKNOWN_BADGE = "unknown_badge"
    UNKNOWN_PERSON = "unknown_person"
    CARD_REFUSED = "card_refused"
    CLOCK_UNSURE = "clock_unsure"  # a rotating code means nothing to a kiosk that does not know the time
    NOTHING_COMPLETES = "nothing_completes"  # neither a template nor a PIN
    TICKET_GONE = "ticket_gone"  # it took too long; show the badge or code again
    NOT_A_SUPERVISOR = "not_a_supervisor"
    ONE_FACTOR = "one_factor"  # a supervisor needs a badge or code, and the PIN
    NOT_ONESELF = "not_oneself"
    NO_REASON = "no_reason"
    SWITCHED_OFF = "switched_off"
    NOT_READ = "not_read"  # the disk


class Line(Protocol):
    """Decides, records and shows; device.line has the real one."""

    def settle(self, seen: Identity) -> api.Decision: ...


class Board(Protocol):
    """Where answers are put up; device.line has the real one."""

    def put(self, decision: api.Decision) -> api.Decision: ...


@dataclass(frozen=True, slots=True)
class Presented:
    """Somebody said who they are. `factors`: what of them was seen or heard so far: badge, qr, phone, pin or face."""

    person: str
    method: Method
    factors: frozenset[str]
    first: Moment
    made: Moment


def told_if_unread(answer: Callable[Concatenate[Ways, Given], api.Decision]) -> Callable[Concatenate[Ways, Given], api.Decision]:
    """A question that a failing disk leaves open is answered all the same: nothing is known, and one may try again."""

    @functools.wraps(answer)
    def answered(self: Ways, /, *given: Given.args, **named: Given.kwargs) -> api.Decision:
        try:
            return answer(self, *given, **named)
        except database.StorageError:
            return self.say_no(No.NOT_READ)

    return answered


class Ways:
    """The counter for everybody without a face. Safe to use from several threads."""

    def __init__(self, directory: Directory, line: Line, board: Board, claims: Claims, clock: Clock, rules: Rules) -> None:
        self._directory, self._line, self._board, self._claims = directory, line, board, claims
        self._clock, self._rules = clock, rules
        self._tickets: dict[str, Presented] = {}
        self._tries = Tries()
        self._lock = threading.Lock()

    @told_if_unread
    def pin(self, number: str, pin: str, *, punch: bool = True, visit: str = "") -> api.Decision:
        """Number and PIN: a punch, or (`punch` false) a ticket for the person's own affairs; or for this visit at a lock alone."""
        if not self._rules.pin and punch and not visit:
            return self.say_no(No.SWITCHED_OFF)
        now, number = self._clock.now(), self._directory.as_typed(number)
        first = self._tries.first(number, now)
        checked = self._check_pin(number, pin, now)
        self._judged(number, checked, now)
        if (refusal := self._refusal(checked)) is not None:
            return refusal
        return self._established(checked.person, Method.PIN, frozenset({"pin"}), first, now, punch=punch, visit=visit)

    @told_if_unread
    def change_pin(self, number: str, old: str, new: str) -> api.Decision:
        """The person's own change, also of a PIN that was assigned; the old one proves who asks."""
        now, number = self._clock.now(), self._directory.as_typed(number)
        self._tries.first(number, now)
        try:
            checked = Checked(Verdict.WRONG)
            if _can_be_typed(number, old):
                checked = self._directory.credentials.change_pin(number, old, new, now)
        except PinRefused:
            return self.say_no(No.PIN_UNFIT)
        self._judged(number, checked, now)
        if (refusal := self._refusal(checked)) is not None:
            return refusal
        return self._say("pin_changed", self._directory.get(checked.person), now)

    @told_if_unread
    def code(self, text: str, *, punch: bool = True) -> api.Decision:
        """A QR code from a phone, a badge or a face card; anything else is nobody's."""
        if len(text) > MOST_TEXT or not text.isprintable():
            return self.say_no(No.UNKNOWN_CODE)
        if text.startswith(cards.PREFIX):
            return self._face_card(text)
        if text.startswith(PHONE_PREFIX):
            return self._phone(text, punch=punch)
        person = self._directory.credentials.whose("qr", text)
        return self._static(person, Method.QR, "qr", self._rules.qr_completed_by, punch=punch) or self.say_no(No.UNKNOWN_CODE)

    @told_if_unread
    def badge(self, text: str, *, punch: bool = True) -> api.Decision:
        """What a badge reader typed."""
        if len(text) > MOST_TEXT or not text.isprintable():
            return self.say_no(No.UNKNOWN_BADGE)
        person = self._directory.credentials.whose("badge", text)
        found = self._static(person, Method.BADGE, "badge", self._rules.badge_completed_by, punch=punch)
        return found or self.say_no(No.UNKNOWN_BADGE)

    @told_if_unread
    def complete(self, ticket: str, pin: str, *, punch: bool = True) -> api.Decision:
        """The PIN of whoever showed a badge or code; the ticket says who that was."""
        now = self._clock.now()
        presented = self._presented(ticket, now)
        if presented is None:
            return self.say_no(No.TICKET_GONE)
        number = self._directory.get(presented.person).number
        checked = self._check_pin(number, pin, now)
        if (refusal := self._refusal(checked, ticket)) is not None:
            return refusal
        method = WITH_PIN.get(presented.method, Method.PIN)
        self._drop(ticket)
        return self._established(presented.person, method, presented.factors | {"pin"}, presented.first, now, punch=punch)

    @told_if_unread
    def assist(self, ticket: str, pin: str, number: str, reason: str) -> api.Decision:
        """A supervisor vouches: badge, code or face first (`ticket`), then their PIN, the employee's number and the reason."""
        now = self._clock.now()
        presented = self._presented(ticket, now)
        if presented is None:
            return self.say_no(No.TICKET_GONE)
        supervisor = self._directory.get(presented.person)
        if (why := self._may_vouch(supervisor, presented, reason, now)) is not None:
            return self.say_no(why)
        checked = self._check_pin(supervisor.number, pin, now)
        if (refusal := self._refusal(checked, ticket)) is not None:
            return refusal
        try:
            person = self._directory.by_number(self._directory.as_typed(number))
        except PersonUnknown:
            return self.say_no(No.UNKNOWN_PERSON)
        if person.person == supervisor.person:
            return self.say_no(No.NOT_ONESELF)
        self._drop(ticket)
        who = _identity(person.person, Method.SUPERVISOR, presented.first, now)
        return self._settled(replace(who, vouched_by=supervisor.person, vouched_why=Reason(reason)), person)

    def verified_by_face(self, who: Identity) -> api.Decision:
        """The ticket of somebody whom the face has just shown, for their own affairs; whoever asked puts it on the board."""
        now = self._clock.now()
        ticket = self._ticket(Presented(who.person, Method.FACE, frozenset({"face"}), now, now))
        known, lasts_s = self._directory.get(who.person), TICKET_LASTS.total_seconds()
        return replace(_about(known, "verified", now, Method.FACE, ticket, (), lasts_s), face=who.face)

    def forget(self, person: str) -> None:
        """Somebody was erased: no ticket is theirs any more."""
        with self._lock:
            self._tickets = {ticket: one for ticket, one in self._tickets.items() if one.person != person}

    def owner(self, ticket: str) -> Person | None:
        """Whose affairs this ticket opens: somebody verified, not merely identified by a code that anybody can copy."""
        presented = self._presented(ticket, self._clock.now())
        if presented is None or not presented.factors & {"pin", "phone", "face"}:
            return None
        return self._directory.get(presented.person)

    def _may_vouch(self, supervisor: Person, presented: Presented, reason: str, now: Moment) -> No | None:
        if not self._rules.assisted:
            return No.SWITCHED_OFF
        if not supervisor.supervisor or _has_ended(supervisor, now):
            return No.NOT_A_SUPERVISOR
        if not presented.factors - {"pin"}:
            return No.ONE_FACTOR
        return No.NO_REASON if reason not in set(Reason) - {Reason.NONE} else None

    def _check_pin(self, number: str, pin: str, now: Moment) -> Checked:
        if not _can_be_typed(number, pin):
            return Checked(Verdict.WRONG)
        return self._directory.credentials.check_pin(number, pin, now)

    def _face_card(self, text: str) -> api.Decision:
        try:
            taken = self._claims.card(text)
        except cards.CardRefused:
            return self.say_no(No.CARD_REFUSED)
        return self._say(
            "identified", self._directory.get(taken.person), self._clock.now(), complete_by=("face",), wait_s=taken.lasts_s
        )

    def _phone(self, text: str, *, punch: bool) -> api.Decision:
        now = self._clock.now()
        if not self._rules.phone:
            return self.say_no(No.SWITCHED_OFF)
        if now.quality is Quality.UNSYNCED:
            return self.say_no(No.CLOCK_UNSURE)
        checked = self._directory.credentials.check_phone(text, now)
        if checked.verdict is Verdict.WAIT:
            return self.say_no(No.CODE_WAIT, checked.wait_s)
        if checked.verdict is not Verdict.RIGHT:
            return self.say_no(No.UNKNOWN_CODE)
        return self._established(checked.person, Method.QR, frozenset({"phone"}), now, now, punch=punch)

    def _static(self, person: str, method: Method, factor: str, completed_by: str, *, punch: bool) -> api.Decision | None:
        """A code that anybody can copy says who, and policy says what completes it. None for nobody's."""
        if not person:
            return None
        known, now = self._directory.get(person), self._clock.now()
        if completed_by == "nothing" and punch:
            return self._established(person, method, frozenset({factor}), now, now, punch=True)
        taken = self._claims.of_person(person, CLAIMS[method]) if completed_by == "face_or_pin" and punch else None
        complete_by = (("face",) if taken else ()) + (("pin",) if known.has_pin else ())
        if not complete_by and punch:
            return self.say_no(No.NOTHING_COMPLETES)
        ticket = self._ticket(Presented(person, method, frozenset({factor}), now, now))
        lasts_s = TICKET_LASTS.total_seconds()
        return self._say("identified", known, now, method=method, ticket=ticket, complete_by=complete_by, wait_s=lasts_s)

    def _established(
        self, person: str, method: Method, factors: frozenset[str], first: Moment, now: Moment, *, punch: bool, visit: str = ""
    ) -> api.Decision:
        known = self._directory.get(person)
        self._directory.credentials.forgive(known.number)
        if punch:
            return self._settled(replace(_identity(person, method, first, now), visit=visit), known)
        ticket = self._ticket(Presented(person, method, factors, first, now))
        return self._say("verified", known, now, method=method, ticket=ticket, wait_s=TICKET_LASTS.total_seconds())

    def _settled(self, who: Identity, known: Person) -> api.Decision:
        self._tries.is_over(known.number)
        return replace(self._line.settle(who), language=known.language)

    def _judged(self, number: str, checked: Checked, now: Moment) -> None:
        if checked.verdict is not Verdict.WAIT:
            self._tries.judged(number, now)

    def _refusal(self, checked: Checked, ticket: str = "") -> api.Decision | None:
        """None if the PIN was right."""
        whys = {Verdict.WRONG: No.WRONG, Verdict.WAIT: No.WAIT, Verdict.MUST_CHANGE: No.PIN_MUST_CHANGE}
        why = whys.get(checked.verdict)
        return None if why is None else self.say_no(why, checked.wait_s, ticket)

    def say_no(self, why: No, wait_s: float = 0.0, ticket: str = "") -> api.Decision:
        """Refuse, for everybody to see; `ticket` goes on with whoever has one."""
        return self._board.put(_answer("refused", self._clock.now(), why=why, wait_s=wait_s, ticket=ticket))

    def _say(
        self,
        outcome: str,
        known: Person,
        now: Moment,
        method: str = "",
        ticket: str = "",
        complete_by: tuple[str, ...] = (),
        wait_s: float = 0.0,
    ) -> api.Decision:
        return self._board.put(_about(known, outcome, now, method, ticket, complete_by, wait_s))

    def _ticket(self, presented: Presented) -> str:
        ticket = secrets.token_urlsafe(16)
        with self._lock:
            while len(self._tickets) >= MOST_TICKETS:
                self._tickets.pop(next(iter(self._tickets)))
            self._tickets[ticket] = presented
        return ticket

    def _presented(self, ticket: str, now: Moment) -> Presented | None:
        with self._lock:
            presented = self._tickets.get(ticket)
            if presented is None or not timedelta(0) <= attend.elapsed(presented.made, now) < TICKET_LASTS:
                self._tickets.pop(ticket, None)
                return None
            return presented

    def _drop(self, ticket: str) -> None:
        with self._lock:
            self._tickets.pop(ticket, None)


def _identity(person: str, method: Method, first: Moment, now: Moment) -> Identity:
    """Somebody established without a face: no score, no looks, nothing assessed."""
    return Identity(person, 0.0, 0.0, 0, first, now, now, Liveness.NOT_ASSESSED, Capture.NONE, without_face=method)


def _answer(outcome: str, now: Moment, why: str = "", wait_s: float = 0.0, ticket: str = "") -> api.Decision:
    at = messages.write_time(now.at)
    return api.Decision(0, at, outcome, why, "", "", "", 0, 0, 0, "", ticket=ticket, wait_s=wait_s)


def _about(
    known: Person, outcome: str, now: Moment, method: str, ticket: str, complete_by: tuple[str, ...], wait_s: float
) -> api.Decision:
    said = _answer(outcome, now, wait_s=wait_s, ticket=ticket)
    return replace(said, person=known.person, name=known.name, language=known.language, method=method, complete_by=complete_by)


def _can_be_typed(number: str, pin: str) -> bool:
    """Anything else is nobody's, and would break what looks it up: a lone surrogate is no text to SQLite."""
    return max(len(number), len(pin)) <= MOST_NUMBER and (number + pin).isprintable()


def _has_ended(person: Person, now: Moment) -> bool:
    return person.expires_at is not None and now.quality is not Quality.UNSYNCED and now.at >= person.expires_at

"""Everything about contract locks that the kiosk's people, its page, its administrators and the bridge may ask."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from device import api, attend, messages
from device.api import bridge as bridging
from device.api import locks as shown
from device.api.bridge import FAILED, BridgeClient, BridgeStatus, LockHeard, LockJob, LockPapers, Text, UsePapers
from device.clock import Clock
from device.errors import DeviceError
from device.locks.cabinet import Approval, Cabinet
from device.locks.errors import LocksError, LogRefused, NeverSeen, NotVerified, VisitUnknown
from device.locks.journey import VERIFY_WITHIN, Journey, Journeys
from device.locks.ledger import Ledger
from device.locks.mailbox import Mailbox, Question
from device.messages import lock as papers
from device.messages.lock import factors_text
from device.sentences import say

KIOSK_SIGNS = b"daka/lock/1/kiosk\0"  # before the transcript, as in docs/contract-lock.md
NONE_ASKED = BridgeStatus("", ())
DONE_HERE = ("test", "log", "identify", "rename", "remove")


class Directory(Protocol):
    """Knows people by their id; device.desk has the real one."""

    def name_of(self, person: str) -> str: ...
    def expires_at(self, person: str) -> datetime | None: ...


class Claims(Protocol):
    """Waits for one person's face; device.claims has the real one."""

    def for_lock(self, person: str, visit: str, awaits: Callable[[], bool], *, seen_here: bool) -> bool: ...


class LockDesk:
    """`here` turns the enterprise's id of a person into the one that this kiosk knows them by."""

    def __init__(
        self,
        cabinet: Cabinet,
        ledger: Ledger,
        journeys: Journeys,
        mailbox: Mailbox,
        bridge: BridgeClient,
        directory: Directory,
        claims: Claims,
        clock: Clock,
        here: Callable[[str], str],
    ) -> None:
        self._cabinet, self._ledger, self._journeys, self._mailbox = cabinet, ledger, journeys, mailbox
        self._bridge, self._directory, self._claims, self._clock, self._here = bridge, directory, claims, clock, here
        self._nonces: dict[str, str] = {}
        self._read: dict[str, str] = {}  # the nonce for which a lock's log was read to its end
        journeys.verified, journeys.ends = self._send_to_lock, directory.expires_at

    # ---- people: an approval, a verification, a stamp

    def approvals(self) -> tuple[shown.LockApproval, ...]:
        """What may be stamped here now."""
        return tuple(self._approval(one) for one in self._cabinet.approvals(self._clock.now()))

    def visit(self, grant: str) -> shown.LockVisit:
        """Wait for the person of this approval, and for nobody else's face."""
        now = self._clock.now()
        approval = self._cabinet.approval(grant, now)
        self._cabinet.for_stamps(approval.grant.lock, now)
        person = self._here(approval.grant.person)
        journey = self._journeys.begin(approval, person)
        try:
            if approval.grant.factors & papers.Factor.FACE:
                self._wait_for_face(journey)
        except DeviceError:  # nobody gets the ticket, and nothing may wait for it
            self._journeys.drop(journey.ticket)
            raise
        return self._visit(journey)

    def _wait_for_face(self, journey: Journey) -> None:
        """As it was seen by this kiosk's camera, if it has one; NeverSeen without such a face."""
        ticket, by_camera = journey.ticket, not self._journeys.simulated
        if not self._claims.for_lock(journey.person, ticket, lambda: self._journeys.awaits_face(ticket), seen_here=by_camera):
            raise NeverSeen(say("lock.never_seen"))

    def progress(self, ticket: str, after: int = -1, wait_s: float = 0.0) -> shown.LockVisit:
        """How the visit goes; until the person is verified from here, then from the bridge."""
        journey = self._journeys.get(ticket)
        if not journey.job:
            journey = self._journeys.get(ticket, after, wait_s)
        return self._visit(journey, after - _AT_LOCK if after >= _AT_LOCK else -1, wait_s)

    def end(self, ticket: str) -> shown.LockVisit:
        """Stop: nothing is stamped that was not pressed, and the verification is good for nothing any more."""
        journey = self._journeys.get(ticket)
        self._journeys.end(ticket)
        if journey.job:
            self._bridge.end(journey.job)
            return self._visit(journey, -1, 0.0)
        self._journeys.drop(ticket)
        return self._visit(journey)

    def forget(self, person: str) -> None:
        """Somebody was erased: nothing is signed for them any more."""
        self._journeys.forget(person)

    def _send_to_lock(self, ticket: str) -> None:
        """The person is verified: the bridge begins. Runs on a thread of its own; the visit may be called off meanwhile."""
        try:
            journey = self._journeys.get(ticket)
            job = self._bridge.begin(journey.approval.grant.lock, "stamp", ticket)
            if not self._journeys.tell(ticket, job=job.id):
                self._bridge.end(job.id)
        except VisitUnknown:
            return
        except api.KioskError as error:
            self._journeys.tell(ticket, trouble=getattr(error, "kind", "bridge"), said=api.reason(str(error)))

    def _visit(self, journey: Journey, after: int = -1, wait_s: float = 0.0) -> shown.LockVisit:
        grant = journey.approval.grant
        job = self._job(journey, after, wait_s)
        stage, why = (job.stage, job.why) if job else self._before_the_lock(journey)
        return shown.LockVisit(
            ticket=journey.ticket,
            grant=grant.id.hex(),
            lock=grant.lock,
            label=grant.label,
            change=job.change + _AT_LOCK if job else journey.change,
            stage=stage,
            missing=factors_text(journey.missing) if journey.verified is None else "",
            why=why,
            sentence=job.sentence if job else journey.said.text,
            seconds=job.seconds if job else 0,
            factor=job.factor if job else False,
            result=job.result if job else "",
            used=job.used if job and job.stamps else self._ledger.used(grant.id),
            stamps=grant.stamps,
            said=job.said if job else journey.said,
        )

    def _before_the_lock(self, journey: Journey) -> tuple[str, str]:
        """Stage, and what is wrong."""
        if journey.verified is not None:
            return ("failed" if journey.trouble else "connecting", journey.trouble)
        if journey.is_over:
            return ("failed", journey.trouble)
        late = attend.elapsed(journey.since, self._clock.now()) >= VERIFY_WITHIN
        return ("failed", "nobody_came") if late else ("verify", journey.trouble)

    def _job(self, journey: Journey, after: int, wait_s: float) -> LockJob | None:
        if not journey.job:
            return None
        try:
            return self._bridge.job(journey.job, after, wait_s)
        except api.KioskError as error:  # with a use in its hands the bridge may have armed the lock
            why = "unknown" if journey.command else "bridge"
            job = LockJob(journey.job, journey.approval.grant.lock, "stamp", 0, FAILED, "failed", why, str(error))
            return replace(job, said=api.reason(str(error)))

    def _approval(self, one: Approval) -> shown.LockApproval:
        grant, person = one.grant, self._here(one.grant.person)
        name = ""
        with suppress(DeviceError):
            name = self._directory.name_of(person)
        return shown.LockApproval(
            grant=grant.id.hex(),
            lock=grant.lock,
            person=person,
            name=name,
            label=grant.label,
            document=grant.document.hex(),
            stamps=grant.stamps,
            used=self._ledger.used(grant.id),
            not_before=_at(grant.not_before),
            expires_at=_at(grant.expires_at),
            factors=factors_text(grant.factors),
        )

    # ---- administrators

    def here(self) -> shown.LocksHere:
        """How Bluetooth and the locks are; a bridge that is down is a sentence, not an error."""
        try:
            return shown.LocksHere("", self._bridge.status(), self._cabinet.enrolled())
        except api.KioskError as error:
            return shown.LocksHere(str(error), NONE_ASKED, self._cabinet.enrolled())

    def key(self) -> Text:
        """The grant-use key's public half."""
        return Text(messages.public_key_text(self._cabinet.use_key))

    def heard(self) -> tuple[LockHeard, ...]:
        """Locks that advertise nearby."""
        return self._bridge.heard()

    def pair(self, lock: str, address: str) -> LockJob:
        """Begin pairing with a lock that is enrolled here."""
        self._cabinet.enrolment(lock)
        return self._bridge.pair(lock, address)

    def compare(self, job: str, same: str) -> LockJob:
        """What the person at the kiosk sees: yes or no."""
        return self._bridge.compare(job, same == "yes")

    def begin(self, lock: str, work: str, argument: str) -> LockJob:
        """Anything but a stamp, which needs a person."""
        if work not in DONE_HERE:
            raise LocksError(say("lock.no_such_work", name=work, works=", ".join(DONE_HERE)))
        return self._bridge.begin(lock, work, argument)

    def job(self, job: str, after: int, wait_s: float) -> LockJob:
        """How a job goes."""
        return self._bridge.job(job, after, wait_s)

    # ---- the bridge, at work

    def papers(self, lock: str) -> LockPapers:
        """What a session needs, but for the signature."""
        enrolled = self._cabinet.enrolment(lock)
        nonce = self._nonces[lock] = _b64(secrets.token_bytes(32))
        keys = _b64(enrolled.enrolment.lock_key), _b64(self._cabinet.kiosk_key)
        return LockPapers(lock, *keys, _b64(enrolled.data), self._ledger.known(enrolled.enrolment).number, nonce)

    def sign_session(self, lock: str, transcript: str) -> Text:
        """A session with an enrolled lock, and nothing else: the purpose stands before the 32 bytes."""
        self._cabinet.enrolment(lock)
        return Text(_b64(self._cabinet.use_key.sign(KIOSK_SIGNS + _raw(transcript, 32))))

    def statement(self, lock: str, challenge: str) -> Text:
        """The server's word, or none in time."""
        self._cabinet.enrolment(lock)
        _raw(challenge, 32)
        return Text(self._mailbox.ask(Question(lock, challenge), bridging.STATEMENT_S))

    def use(self, ticket: str, lock: str, challenge: str, command: str) -> UsePapers:
        """The kiosk's word, for a person who was verified a moment ago, to a lock whose log was read to its end in this visit."""
        grant = self._journeys.get(ticket).approval.grant
        if grant.lock != lock:
            raise NotVerified(say("lock.other_approval"))
        if lock not in self._read or self._read[lock] != self._nonces[lock]:
            raise LogRefused(say("lock.log_unread", lock=lock))
        told, named = _raw(challenge, 32), _raw(command, 16)
        journey = self._journeys.spent(ticket, named)
        use = papers.Use(grant.id, grant.person, grant.document, told, named, journey.factors, journey.record)
        return UsePapers(_b64(journey.approval.data), _b64(use.signed(self._cabinet.use_key).data))

    def keep(self, lock: str, events: tuple[str, ...], head: str, nonce: str) -> bridging.Kept:
        """The lock's events on record, verified."""
        if nonce != self._nonces.get(lock):
            raise LocksError(say("lock.other_head"))
        enrolment = self._cabinet.enrolment(lock).enrolment
        known = self._ledger.keep(enrolment, [_raw(event) for event in events], _raw(head), _raw(nonce, 32))
        if known.is_whole:
            self._read[lock] = nonce
        return bridging.Kept(known.number)


_AT_LOCK = 1_000_000  # changes of the job are counted from here, so that they lie after those of the verification


def _raw(text: str, length: int | None = None) -> bytes:
    """The bytes of base64; LocksError unless they have the length."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise LocksError(say("lock.malformed")) from error
    if length is not None and len(data) != length:
        raise LocksError(say("lock.malformed"))
    return data


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _at(seconds: int) -> str:
    return messages.write_time(datetime.fromtimestamp(seconds, UTC))

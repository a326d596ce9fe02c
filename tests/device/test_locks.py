"""The kiosk's side of contract locks: which papers count, who is verified for what, and the locks' logs on record."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device import api, clock, journal, messages
from device.api.bridge import BridgeStatus, LockJob
from device.attend import Identity, Stranger
from device.locks.cabinet import Cabinet
from device.locks.desk import KIOSK_SIGNS, LockDesk
from device.locks.errors import (
    EnrolmentOver,
    GrantUnknown,
    LockNotEnrolled,
    LocksError,
    LogBehind,
    LogRefused,
    NeverSeen,
    NotVerified,
    VisitUnknown,
)
from device.locks.journey import Journeys, Rules
from device.locks.ledger import Ledger
from device.locks.mailbox import Mailbox, Question
from device.messages import Capture, Liveness, LockAct, LockBody, Method
from device.messages import lock as papers
from device.messages.lock import EventKind, Factor, thumbprint
from device.templates import TemplatesLocked
from firmware_bridge.protocol import commands
from tests.device import parts
from tests.firmware_bridge.parts import ANN, BOB, LOCK_ID, NOON, World, key, raw

AT = clock.from_microseconds(NOON * 1_000_000)


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now_us, self.quality = 5_000_000, clock.Quality.SYNCED

    def now(self) -> clock.Moment:
        at = AT + timedelta(microseconds=self.now_us - 5_000_000)
        return clock.Moment(at, self.now_us, parts.BOOT_ID, self.quality)

    def wait(self, seconds: float) -> None:
        self.now_us += int(seconds * 1_000_000)


class Bridge:
    """The bridge's socket, as the desk asks it."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, str, str]] = []
        self.ended: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.away = False

    def begin(self, lock: str, work: str, argument: str = "") -> LockJob:
        if self.away:
            raise api.KioskAway("the lock's bridge does not answer")
        self.begun.append((lock, work, argument))
        self.meanwhile()
        return LockJob("job", lock, work)

    def end(self, job: str) -> LockJob:
        self.ended.append(job)
        return self.job(job)

    def job(self, job: str, after: int = -1, wait_s: float = 0.0) -> LockJob:
        if self.away:
            raise api.KioskAway("the lock's bridge does not answer")
        return LockJob(job, LOCK_ID, "stamp", 3, stage="press", seconds=30, used=0, stamps=2)

    def status(self) -> BridgeStatus:
        if self.away:
            raise api.KioskAway("the lock's bridge does not answer")
        return BridgeStatus("", ())


class People:
    """Names, and whose face is waited for."""

    def __init__(self) -> None:
        self.waited_for: list[str] = []
        self.visit = ""
        self.seen_here = True
        self.ends: datetime | None = None
        self.awaits: Callable[[], bool] = lambda: False

    def expires_at(self, person: str) -> datetime | None:
        return self.ends

    def name_of(self, person: str) -> str:
        return "Ann" if person == ANN else "somebody"

    def for_lock(self, person: str, visit: str, awaits: Callable[[], bool], *, seen_here: bool) -> bool:
        self.waited_for.append(person)
        self.awaits, self.visit = awaits, visit
        return self.seen_here


class Scene:
    """A desk with everything real but the bridge and the people."""

    def __init__(self, folder: Path) -> None:
        self.world, self.clock, self.bridge, self.people = World(), Clock(), Bridge(), People()
        self.journal = journal.open_journal(folder / "journal.db", "kiosk-1", parts.signing_key(), "daka test", self.clock.now())
        self.sent: list[messages.Grant] = []
        self.ledger = Ledger(folder / "locks.db", self.journal, self.clock)
        self.cabinet = Cabinet(lambda: self.sent, lambda: (self.world.server.public_key(),), self.world.kiosk)
        self.journeys = Journeys(self.journal.append, self.clock, Rules(timedelta(seconds=120), simulated=False))
        self.mailbox = Mailbox()
        bridge, people, clocks = cast(Any, self.bridge), self.people, self.clock
        rooms = (self.cabinet, self.ledger, self.journeys, self.mailbox)
        self.desk = LockDesk(*rooms, bridge, people, people, clocks, lambda person: person)
        self.send(self.world.enrolment(), "enrolment")

    def send(self, paper: Any, item: str, signer: Ed25519PrivateKey | None = None) -> None:
        data = paper.signed(signer or self.world.server).data
        self.sent.append(messages.Grant(item, base64.b64encode(data).decode(), "hr"))

    def grant(self, **changed: object) -> papers.Grant:
        grant = self.world.grant(**changed)
        self.send(grant, grant.id.hex())
        return grant

    def seen(self, person: str = ANN, **changed: object) -> Identity:
        now = self.clock.now()
        whole = Identity(person, 0.7, 0.3, 3, now, now, now, Liveness.PASSED, Capture.CAMERA)
        awaited = self.people.visit if self.people.awaits() and person in self.people.waited_for else ""
        face = {} if "without_face" in changed else {"is_challenged": True, "visit": awaited}
        return replace(whole, **(face | changed))  # type: ignore[arg-type]

    def read_log(self) -> None:
        """What the bridge does before each stamp: the lock's whole log onto the kiosk's record, an answer at a time."""
        asked = self.desk.papers(LOCK_ID)
        after, upto = -1, asked.after
        while upto > after:
            after = upto
            events = tuple(b64(event) for event in self.world.memory.events(after, 8))
            head = b64(self.world.lock._diary.head(base64.b64decode(asked.nonce)))
            upto = self.desk.keep(LOCK_ID, events, head, asked.nonce).upto

    def records(self) -> list[LockBody]:
        stretch = self.journal.stretch(1)
        bodies = [messages.read_body(messages.read_record(messages.parse(text))) for text in stretch.texts] if stretch else []
        return [body for body in bodies if isinstance(body, LockBody)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def outcome(scene: Scene, seen: Identity) -> tuple[str, str] | None:
    """What the visit says of somebody who was just established; None: they clock in."""
    decision = scene.journeys.witness(seen)
    return None if decision is None else (decision.outcome, decision.why)


# ---- papers


def test_an_approval_for_this_kiosk_is_shown_until_it_is_over(scene: Scene) -> None:
    grant = scene.grant()
    (shown,) = scene.desk.approvals()
    assert (shown.grant, shown.label, shown.name, shown.factors) == (grant.id.hex(), "contract 4711", "Ann", "face")
    scene.clock.wait(4 * 3600)
    assert scene.desk.approvals() == ()


def test_papers_of_others_or_by_others_do_not_count(scene: Scene) -> None:
    scene.grant(kiosk=thumbprint(key("another kiosk").public_key()))
    scene.send(scene.world.grant(), "forged", scene.world.kiosk)
    scene.sent.append(messages.Grant("rubbish", "aGVsbG8=", "hr"))
    assert scene.desk.approvals() == ()
    with pytest.raises(GrantUnknown):
        scene.desk.visit("00" * 16)


def test_a_lock_that_is_not_enrolled_here_gets_nothing(scene: Scene) -> None:
    for ask in (scene.desk.papers, lambda lock: scene.desk.sign_session(lock, b64(bytes(32)))):
        with pytest.raises(LockNotEnrolled, match="daka-enterprise lock enrol"):
            ask("LOCK-0002")


def test_an_enrolment_of_another_kiosk_is_none_of_ours(scene: Scene) -> None:
    scene.sent.clear()
    scene.send(scene.world.enrolment(kiosk_key=raw(key("another kiosk"))), "enrolment")
    with pytest.raises(LockNotEnrolled):
        scene.desk.papers(LOCK_ID)


@pytest.mark.parametrize("quality", [clock.Quality.SYNCED, clock.Quality.UNSYNCED])
def test_an_enrolment_that_is_over_is_said_before_anybody_is_verified(scene: Scene, quality: clock.Quality) -> None:
    """The lock would say that the approval is for another kiosk. Without the time nobody here knows, and the lock judges."""
    scene.clock.quality = quality
    scene.sent.clear()
    scene.send(scene.world.enrolment(expires_at=NOON + 86_400), "enrolment")
    grant = scene.grant(expires_at=NOON + 2 * 86_400).id.hex()
    scene.desk.visit(grant)
    scene.clock.wait(86_400)
    if quality is clock.Quality.UNSYNCED:
        scene.desk.visit(grant)
        return
    with pytest.raises(EnrolmentOver, match=r"here until 20.*daka-enterprise lock enrol LOCK-0001"):
        scene.desk.visit(grant)
    scene.read_log()
    assert scene.records(), "its log is read all the same"


# ---- the person


def test_the_person_of_the_approval_is_verified_recorded_and_sent_to_the_lock(scene: Scene) -> None:
    grant = scene.grant()
    visit = scene.desk.visit(grant.id.hex())
    assert (visit.stage, visit.missing, scene.people.waited_for) == ("verify", "face", [ANN])
    decision = scene.journeys.witness(scene.seen())
    assert decision is not None
    assert (decision.outcome, decision.seq) == ("lock_verified", 2)
    (record,) = scene.records()
    assert (record.act, record.person, record.grant, record.factors) == (LockAct.VERIFIED, ANN, grant.id.hex(), "face")
    _until(lambda: bool(scene.bridge.begun))
    assert scene.bridge.begun == [(LOCK_ID, "stamp", visit.ticket)]
    _until(lambda: scene.desk.progress(visit.ticket).stage == "press")


def test_what_the_kiosk_says_to_the_lock_names_the_verification(scene: Scene) -> None:
    grant = scene.grant()
    ticket = scene.desk.visit(grant.id.hex()).ticket
    decision = scene.journeys.witness(scene.seen())
    assert decision is not None
    scene.read_log()
    found = scene.desk.use(ticket, LOCK_ID, b64(bytes(range(32))), b64(bytes(range(16))))
    use = papers.Use.opened(base64.b64decode(found.use), scene.world.kiosk.public_key())
    assert (use.record.hex(), use.person, use.document) == (decision.hash, ANN, grant.document)
    assert (use.challenge, use.command, use.factors) == (bytes(range(32)), bytes(range(16)), Factor.FACE)


def test_nobody_else_is_verified_for_it_and_clocks_in_as_ever(scene: Scene) -> None:
    scene.desk.visit(scene.grant().id.hex())
    now = scene.clock.now()
    assert scene.journeys.witness(scene.seen(BOB)) is None
    assert scene.journeys.witness(Stranger(3, now, now)) is None
    assert scene.records() == []


def test_nothing_is_signed_for_a_person_who_was_not_verified_or_too_long_ago(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.read_log()
    with pytest.raises(NotVerified):
        scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))
    scene.journeys.witness(scene.seen())
    scene.clock.wait(121)
    with pytest.raises(NotVerified, match="too long ago"):
        scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))


def test_nothing_is_signed_for_another_lock_than_the_approvals(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen())
    with pytest.raises(NotVerified, match="another lock"):
        scene.desk.use(ticket, "LOCK-0002", b64(bytes(32)), b64(bytes(16)))


@pytest.mark.parametrize("liveness", [Liveness.NOT_ASSESSED, Liveness.FAILED])
def test_a_face_that_is_not_known_to_be_alive_opens_no_lock(scene: Scene, liveness: Liveness) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    decision = scene.journeys.witness(scene.seen(liveness=liveness))
    assert decision is not None
    assert (decision.outcome, decision.why) == ("refused", "not_live")
    assert scene.desk.progress(ticket).why == "not_live"
    assert scene.records() == []


def test_a_face_that_was_not_asked_to_do_anything_opens_no_lock_whatever_the_passive_signs_say(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    decision = scene.journeys.witness(scene.seen(is_challenged=False))
    assert decision is not None
    assert decision.outcome == "refused"
    assert scene.records() == []
    assert scene.desk.progress(ticket).stage == "verify", "it is asked now"


def test_a_challenge_that_failed_ends_the_visit_in_words(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen(liveness=Liveness.FAILED, is_challenged=False))
    assert (scene.desk.progress(ticket).stage, scene.desk.progress(ticket).why) == ("failed", "not_live")
    assert outcome(scene, scene.seen()) == ("refused", "for_seal"), "nobody is waited for any more"
    assert scene.records() == []


def test_a_face_is_waited_for_as_long_as_the_visit_wants_one(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant(factors=int(Factor.FACE | Factor.PIN)).id.hex()).ticket
    assert scene.people.awaits()
    scene.clock.wait(59)
    assert scene.people.awaits()
    scene.journeys.witness(scene.seen())
    assert not scene.people.awaits(), "the PIN is missing still"
    again = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.desk.end(again)
    assert not scene.people.awaits()
    assert scene.desk.progress(ticket).missing == "pin"


def test_a_person_known_by_a_photograph_alone_opens_no_lock_by_the_face(scene: Scene) -> None:
    """Somebody could have brought a photograph of themselves under another's number."""
    scene.people.seen_here = False
    with pytest.raises(NeverSeen, match="enrol at this kiosk first"):
        scene.desk.visit(scene.grant().id.hex())
    assert not scene.people.awaits(), "and nothing waits for a face that cannot come"
    assert scene.desk.visit(scene.grant(factors=int(Factor.PIN)).id.hex()).missing == "pin"


def test_where_the_templates_are_locked_no_visit_is_left_waiting(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has its ticket, and its person's next punch would be refused for it."""

    def locked(*_what: object, **_how: object) -> bool:
        raise TemplatesLocked("the server's share has not come")

    monkeypatch.setattr(scene.people, "for_lock", locked)
    with pytest.raises(TemplatesLocked):
        scene.desk.visit(scene.grant().id.hex())
    assert outcome(scene, scene.seen()) is None, "who comes to clock in is clocked in"


def test_a_challenge_that_was_passed_for_anything_but_this_visit_opens_no_lock(scene: Scene) -> None:
    """Another visit's, or one of before: it was compared with other templates, perhaps with a photograph's."""
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    assert outcome(scene, scene.seen(visit="")) == ("refused", "not_live")
    assert outcome(scene, scene.seen(visit="another")) == ("refused", "for_seal")
    assert scene.records() == []
    assert scene.desk.progress(ticket).stage == "verify"
    assert outcome(scene, scene.seen()) == ("lock_verified", "")


def test_a_picture_from_a_file_opens_no_lock_in_production(scene: Scene) -> None:
    scene.desk.visit(scene.grant().id.hex())
    decision = scene.journeys.witness(scene.seen(capture=Capture.SIMULATED))
    assert decision is not None
    assert decision.outcome == "refused"


def test_an_approval_that_asks_for_face_and_pin_gets_both_in_any_order(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant(factors=int(Factor.FACE | Factor.PIN)).id.hex()).ticket
    first = scene.journeys.witness(scene.seen(without_face=Method.PIN, capture=Capture.NONE, liveness=Liveness.NOT_ASSESSED))
    assert first is not None
    assert (first.outcome, scene.desk.progress(ticket).missing) == ("lock_factor", "face")
    second = scene.journeys.witness(scene.seen())
    assert second is not None
    assert second.outcome == "lock_verified"
    (record,) = scene.records()
    assert (record.factors, record.method) == ("face+pin", "face+pin")


def test_a_badge_alone_is_no_factor_and_a_punch_as_ever(scene: Scene) -> None:
    scene.desk.visit(scene.grant().id.hex())
    assert scene.journeys.witness(scene.seen(without_face=Method.BADGE)) is None


def test_whoever_does_not_come_within_a_minute_is_not_waited_for(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.clock.wait(61)
    assert outcome(scene, scene.seen()) == ("refused", "for_seal")
    assert (scene.desk.progress(ticket).stage, scene.desk.progress(ticket).why) == ("failed", "nobody_came")
    assert scene.records() == []


def test_a_visit_can_be_called_off(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.desk.end(ticket)
    assert outcome(scene, scene.seen()) == ("refused", "for_seal")
    with pytest.raises(VisitUnknown):
        scene.desk.progress(ticket)


def test_nothing_is_signed_for_somebody_who_was_erased(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen())
    scene.desk.forget(ANN)
    with pytest.raises(VisitUnknown):
        scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))
    assert not scene.people.awaits()


def test_a_bridge_that_is_away_is_a_sentence(scene: Scene) -> None:
    scene.bridge.away = True
    assert "does not answer" in scene.desk.here().away
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen())
    _until(lambda: scene.desk.progress(ticket).stage == "failed")
    failed = scene.desk.progress(ticket)
    assert (failed.why, failed.said.text) == ("bridge", "the lock's bridge does not answer")


@pytest.mark.parametrize(("is_used", "why"), [(False, "bridge"), (True, "unknown")], ids=["before", "after"])
def test_a_bridge_that_goes_away_once_a_use_was_signed_leaves_it_open_what_became_of_the_stamp(
    scene: Scene, is_used: bool, why: str
) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen())
    _until(lambda: scene.desk.progress(ticket).stage == "press")
    scene.read_log()
    if is_used:
        scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))
    scene.bridge.away = True
    failed = scene.desk.progress(ticket)
    assert (failed.stage, failed.why) == ("failed", why)


def test_a_visit_that_is_called_off_while_the_bridge_begins_ends_the_job(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.bridge.meanwhile = lambda: scene.desk.end(ticket)
    scene.journeys.witness(scene.seen())
    _until(lambda: scene.bridge.ended == ["job"])
    with pytest.raises(VisitUnknown):
        scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))


def test_one_verification_serves_one_command_however_often_its_answer_was_lost(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant(stamps=5).id.hex()).ticket
    scene.journeys.witness(scene.seen())
    scene.read_log()
    first, second = b64(bytes(16)), b64(bytes(range(16)))
    for challenge in (bytes(32), bytes(range(32))):
        assert scene.desk.use(ticket, LOCK_ID, b64(challenge), first)
    with pytest.raises(NotVerified, match="stands for another stamp"):
        scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), second)
    assert scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), first)


def test_a_verification_is_good_for_nothing_once_its_person_has_ended_the_visit(scene: Scene) -> None:
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen())
    _until(lambda: scene.desk.progress(ticket).stage == "press")
    scene.read_log()
    assert scene.desk.end(ticket).stage == "press", "the bridge tells what becomes of it"
    assert scene.bridge.ended == ["job"]
    with pytest.raises(NotVerified):
        scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))


def test_the_person_is_known_here_by_another_id_than_the_enterprises(scene: Scene) -> None:
    scene.desk._here = lambda person: BOB if person == ANN else person
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    assert scene.journeys.witness(scene.seen(BOB)) is not None
    scene.read_log()
    found = scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))
    assert papers.Use.opened(base64.b64decode(found.use), scene.world.kiosk.public_key()).person == ANN


# ---- signatures


def test_a_session_signature_is_for_a_session_and_nothing_else(scene: Scene) -> None:
    found = scene.desk.sign_session(LOCK_ID, b64(bytes(range(32))))
    scene.world.kiosk.public_key().verify(base64.b64decode(found.text), KIOSK_SIGNS + bytes(range(32)))
    for wrong in ("", b64(bytes(31)), b64(bytes(100)), "not base64!"):
        with pytest.raises(LocksError):
            scene.desk.sign_session(LOCK_ID, wrong)


# ---- the log


def told(scene: Scene) -> tuple[list[str], Callable[[], tuple[str, str]]]:
    """A lock that has stamped once: its events, and how its head is asked for with the desk's nonce."""
    visit = scene.world.visit()
    visit.tell()
    visit.arm(scene.world.grant())
    visit.press()

    def head() -> tuple[str, str]:
        nonce = scene.desk.papers(LOCK_ID).nonce
        return b64(scene.world.lock._diary.head(base64.b64decode(nonce))), nonce

    return [b64(event) for event in scene.world.memory.log], head


def test_a_locks_events_go_on_record_once_with_a_head(scene: Scene) -> None:
    events, head = told(scene)
    assert scene.desk.keep(LOCK_ID, tuple(events), *head()).upto == len(events)
    assert scene.desk.keep(LOCK_ID, (), *head()).upto == len(events)
    acts = [(record.act, record.event) for record in scene.records()]
    assert acts == [
        (LockAct.EVENT, "boot"), (LockAct.EVENT, "armed"), (LockAct.EVENT, "stamp"), (LockAct.EVENT, "stamped"), (LockAct.HEAD, ""),
    ]  # fmt: skip
    assert scene.desk.papers(LOCK_ID).after == len(events)
    stamp = next(record for record in scene.records() if record.event == "stamp")
    assert (stamp.person, stamp.number) == (ANN, 3)


@pytest.mark.parametrize("wrong", ["removed", "reordered", "forged"])
def test_a_log_that_was_tampered_with_is_refused_and_said_on_record(scene: Scene, wrong: str) -> None:
    events, head = told(scene)
    if wrong == "removed":
        del events[1]
    elif wrong == "reordered":
        events[1], events[2] = events[2], events[1]
    else:
        event = papers.Event.unproven(base64.b64decode(events[0]))
        events[0] = b64(event.signed(key("impostor")).data)
    with pytest.raises(LogRefused, match="ask the enterprise"):
        scene.desk.keep(LOCK_ID, tuple(events), *head())
    assert [record.act for record in scene.records()] == [LockAct.BROKEN]
    assert scene.desk.papers(LOCK_ID).after == 0


def test_a_log_whose_beginning_the_lock_has_dropped_goes_on_from_where_the_enterprise_has_it(scene: Scene) -> None:
    """Another kiosk has brought it, and this one was not at the lock meanwhile: nothing is wrong with the log."""
    scene.world.most_events = 60
    scene.world.boot()
    visit = scene.world.visit()
    for most in (40, 60):
        for number in range(most):
            visit.ask(commands.Rename(f"a{number}"))
        visit.tell(seen=scene.world.memory.kept().last)
    first = papers.Event.unproven(scene.world.memory.log[0])
    assert first.number > 1, "the lock has dropped what the enterprise has"
    asked = scene.desk.papers(LOCK_ID)
    told = visit.ask(commands.ReadLog(asked.after, base64.b64decode(asked.nonce), 8))
    assert isinstance(told, commands.Events)
    with pytest.raises(LogBehind, match="daka-enterprise lock sign LOCK-0001"):
        scene.desk.keep(LOCK_ID, tuple(map(b64, told.events)), b64(told.head), asked.nonce)
    assert [record.act for record in scene.records()] == [LockAct.HEAD], "the enterprise sees whether it has all of it"
    scene.send(scene.world.enrolment(epoch=1, log_number=first.number - 1, log_hash=first.prev), "signed-anew")
    scene.read_log()
    assert scene.desk.papers(LOCK_ID).after == scene.world.memory.kept().last
    assert LockAct.BROKEN not in {record.act for record in scene.records()}


def test_a_lock_whose_memory_was_put_back_is_found_out(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    events, head = told(scene)
    scene.desk.keep(LOCK_ID, tuple(events), *head())
    scene.world.memory = type(scene.world.memory)()  # an older backup: an empty one
    scene.world.boot()
    with pytest.raises(LogRefused, match="do not stamp with it"):
        scene.desk.keep(LOCK_ID, (), *head())
    assert "its memory was put back" in caplog.text


@pytest.mark.parametrize("shown", [0, 2], ids=["all of them", "the last ones"])
def test_a_lock_that_keeps_events_back_is_refused_and_its_head_says_on_record_how_long_its_log_is(scene: Scene, shown: int) -> None:
    events, head = told(scene)
    if shown:
        assert scene.desk.keep(LOCK_ID, tuple(events[:shown]), *head()).upto == shown, "there may be more in the next answer"
    with pytest.raises(LogRefused, match=f"has 4, and it shows {shown};"):
        scene.desk.keep(LOCK_ID, (), *head())
    last = scene.records()[-1]
    assert (last.act, last.number) == (LockAct.HEAD, len(events))
    assert papers.Head.opened(base64.b64decode(last.paper), key("lock").public_key()).number == len(events)
    assert scene.desk.papers(LOCK_ID).after == shown


def test_nothing_is_signed_for_a_lock_whose_log_was_not_read_to_its_end_in_this_visit(scene: Scene) -> None:
    events, head = told(scene)
    ticket = scene.desk.visit(scene.grant().id.hex()).ticket
    scene.journeys.witness(scene.seen())

    def use() -> object:
        return scene.desk.use(ticket, LOCK_ID, b64(bytes(32)), b64(bytes(16)))

    with pytest.raises(LogRefused, match="not read to its end"):
        use()
    scene.desk.keep(LOCK_ID, tuple(events[:2]), *head())
    with pytest.raises(LogRefused):
        use()
    scene.read_log()
    assert use()
    scene.desk.papers(LOCK_ID)
    with pytest.raises(LogRefused):
        use()


@pytest.mark.parametrize("whose", ["event", "head"])
def test_a_lock_that_speaks_in_anothers_name_is_refused(scene: Scene, whose: str) -> None:
    """Its own key signs it; stamps would be counted for the other's approvals."""
    grant = scene.grant(stamps=5)
    names = {"event": LOCK_ID, "head": LOCK_ID} | {whose: "LOCK-0002"}
    stamp = papers.Event(names["event"], 1, bytes(32), EventKind.STAMP, 1, 1, 0, grant.id, ANN, bytes(32), 999).signed(key("lock"))
    nonce = scene.desk.papers(LOCK_ID).nonce
    head = papers.Head(names["head"], 1, stamp.hash, base64.b64decode(nonce)).signed(key("lock"))
    with pytest.raises(LogRefused):
        scene.desk.keep(LOCK_ID, (b64(stamp.data),), b64(head.data), nonce)
    assert [record.act for record in scene.records()] == [LockAct.BROKEN]
    assert scene.desk.approvals()[0].used == 0


def test_an_old_head_answers_no_new_question(scene: Scene) -> None:
    events, head = told(scene)
    old = head()
    scene.desk.papers(LOCK_ID)
    with pytest.raises(LocksError, match="another question"):
        scene.desk.keep(LOCK_ID, tuple(events), *old)


def test_a_new_kiosk_goes_on_where_the_enterprise_has_the_log(scene: Scene) -> None:
    events, head = told(scene)
    third = papers.Signed(base64.b64decode(events[2]), b"").hash
    scene.sent.clear()
    scene.send(scene.world.enrolment(log_number=3, log_hash=third), "enrolment")
    assert scene.desk.papers(LOCK_ID).after == 3
    assert scene.desk.keep(LOCK_ID, (events[3],), *head()).upto == 4


def test_stamps_that_were_made_are_counted_in_what_is_shown(scene: Scene) -> None:
    grant = scene.grant()
    visit = scene.world.visit()
    visit.tell()
    visit.arm(grant)
    visit.press()
    nonce = scene.desk.papers(LOCK_ID).nonce
    head = b64(scene.world.lock._diary.head(base64.b64decode(nonce)))
    scene.desk.keep(LOCK_ID, tuple(b64(event) for event in scene.world.memory.log), head, nonce)
    (shown,) = scene.desk.approvals()
    assert (shown.used, shown.stamps) == (1, 2)
    assert EventKind.STAMP.name.lower() in {record.event for record in scene.records()}


# ---- the server's word


def test_without_an_uplink_no_lock_waits_for_the_server() -> None:
    assert Mailbox().ask(Question(LOCK_ID, "challenge"), 30.0) == ""


def test_a_question_is_carried_and_its_answer_comes_back() -> None:
    mailbox, question = Mailbox(), Question(LOCK_ID, "challenge")
    carried = threading.Thread(target=lambda: mailbox.answer(mailbox.next(5.0) or Question("", ""), "word"))
    carried.start()
    _until(lambda: mailbox._polling > 0)
    assert mailbox.ask(question, 5.0) == "word"
    carried.join()


def test_two_locks_that_ask_at_once_each_get_their_answer() -> None:
    mailbox, got = Mailbox(lambda: 0.0), dict[str, str]()  # the uplink has asked just now, however long this takes
    questions = [Question(LOCK_ID, "one"), Question("LOCK-0002", "two")]
    carried = threading.Thread(target=lambda: mailbox.next(5.0))
    carried.start()
    _until(lambda: mailbox._polling > 0)
    asking = [threading.Thread(target=lambda one=one: got.update({one.lock: mailbox.ask(one, 5.0)})) for one in questions]
    for thread in asking:
        thread.start()
    _until(lambda: len(mailbox._awaited) == 2)
    with mailbox._changed:  # nobody who waits comes in between
        for one in questions:
            mailbox.answer(one, one.challenge)
    for thread in (*asking, carried):
        thread.join()
    assert got == {LOCK_ID: "one", "LOCK-0002": "two"}


def test_an_answer_that_nobody_waits_for_is_not_kept() -> None:
    mailbox = Mailbox()
    mailbox.answer(Question(LOCK_ID, "given up"), "word")
    assert mailbox._answers == {}


def test_an_answer_to_an_older_question_is_not_taken_for_a_new_one() -> None:
    mailbox = Mailbox()
    mailbox.answer(Question(LOCK_ID, "an old challenge"), "an old word")
    polling = threading.Thread(target=mailbox.next, args=(0.5,))
    polling.start()
    _until(lambda: mailbox._polling > 0)
    assert mailbox.ask(Question(LOCK_ID, "a new challenge"), 0.2) == ""
    polling.join()


def _until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)

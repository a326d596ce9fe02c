"""Contract locks at the enterprise: what is approved and sent down, the server's word, and the locks' logs held together."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner

from device import messages
from device.locks.errors import LogRefused
from device.locks.ledger import Ledger
from device.messages import LockAct, LockBody
from device.messages import lock as papers
from device.messages.lock import EventKind, Factor
from enterprise import alarms, downlink, lock_watch, locks, tables
from enterprise.commands.main import daka_enterprise
from firmware_bridge.protocol import commands
from tests.enterprise.conftest import Office
from tests.enterprise.kiosk import Kiosk
from tests.firmware_bridge.parts import ANN, CONTRACT, LOCK_ID, NOON, World, key

AT = datetime.fromtimestamp(NOON, UTC)
LOCK_KEY = messages.public_key_text(key("lock"))
KIOSK_KEY = messages.public_key_text(key("kiosk"))
GRANT = bytes(range(16))


@pytest.fixture
def seal(office: Office) -> Office:
    """An office that knows the lock and has approved two stamps at kiosk-1."""
    with office.store.transaction() as transaction:
        locks.add(transaction, LOCK_ID, LOCK_KEY, "hr", AT)
        locks.enrol(transaction, LOCK_ID, "kiosk-1", KIOSK_KEY, NOON + 86_400)
        wanted = locks.Wanted(LOCK_ID, "kiosk-1", ANN, CONTRACT, 2, int(Factor.FACE), "contract 4711", NOON, NOON + 4 * 3600)
        locks.approve(transaction, wanted, GRANT, "hr", AT)
    return office


@pytest.fixture
def gate(seal: Office) -> Kiosk:
    return seal.trust(Kiosk())


def stamped(world: World, kiosk: Kiosk, times: int = 1, **changed: object) -> list[bytes]:
    """The log of a lock that has stamped under the approval, for a person whom the kiosk had verified each time."""
    visit, grant = world.visit(), world.grant(id=GRANT, **changed)
    visit.tell()
    for _ in range(times):
        visit.arm(grant, record=verified(kiosk))
        visit.press()
    return list(world.memory.log)


def verified(kiosk: Kiosk) -> bytes:
    """The hash of the kiosk's record that the approval's person was verified."""
    kiosk.write(LockBody(LockAct.VERIFIED, LOCK_ID, person=ANN, grant=GRANT.hex(), document=CONTRACT.hex(), factors="face"))
    return kiosk.hash_of(kiosk.last)


def relay(office: Office, kiosk: Kiosk, *bodies: LockBody) -> None:
    """Records of the kiosk's journal, taken in, with those that were written before."""
    for body in bodies:
        kiosk.write(body)
    upto = sum(int(str(row[0])) for row in office.rows(f"SELECT upto FROM epoch WHERE device = '{kiosk.name}'"))
    office.ingester.take(kiosk.name, kiosk.batch(upto + 1, kiosk.last))


def event(data: bytes) -> LockBody:
    said = papers.Event.unproven(data)
    kind = EventKind(said.kind).name.lower()
    return LockBody(LockAct.EVENT, said.lock, person=said.person, number=said.number, event=kind, paper=b64(data))


def head(world: World) -> LockBody:
    return LockBody(LockAct.HEAD, LOCK_ID, number=world.memory.kept().last, paper=b64(world.lock._diary.head(bytes(32))))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_whole_log_is_taken_in_and_raises_no_alarm(seal: Office, gate: Kiosk) -> None:
    world = World()
    log = stamped(world, gate, 2)
    relay(seal, gate, *map(event, log), head(world))
    assert seal.alarms() == []
    assert seal.rows("SELECT seen FROM lock") == [(len(log),)]
    assert len(seal.rows("SELECT 1 FROM lock_event WHERE event = 'stamped'")) == 2


def test_what_two_kiosks_relay_is_one_log(seal: Office, gate: Kiosk) -> None:
    other = seal.trust(Kiosk("kiosk-2"))
    world = World()
    log = stamped(world, gate)
    relay(seal, gate, *map(event, log[2:]))  # the later part comes first
    assert seal.rows("SELECT seen FROM lock") == [(0,)]
    relay(seal, other, *map(event, log[:3]))
    assert seal.rows("SELECT seen FROM lock") == [(len(log),)]
    assert seal.alarms() == []


# ---- a lock that keeps events back, as a real kiosk writes it down


def written(folder: Path, world: World, shown: Sequence[bytes]) -> list[LockBody]:
    """What a kiosk's ledger puts on record of a lock that shows these events, and then no more."""
    bodies: list[LockBody] = []
    journal = SimpleNamespace(append=lambda body, moment: bodies.append(body))
    ledger = Ledger(folder / "locks.db", cast(Any, journal), cast(Any, SimpleNamespace(now=lambda: None)))
    with suppress(LogRefused):
        for events in (shown, ()):
            nonce = world.fresh(32)
            ledger.keep(world.enrolment(), events, world.lock._diary.head(nonce), nonce)
    ledger.close()
    return bodies


@pytest.mark.parametrize(("shown", "alarms"), [(0, ["lock_gap"]), (2, ["lock_gap"]), (4, [])], ids=["none", "the first", "all"])
def test_a_lock_that_keeps_events_back_from_a_kiosk_is_an_alarm(
    seal: Office, gate: Kiosk, tmp_path: Path, shown: int, alarms: list[str]
) -> None:
    world = World()
    log = stamped(world, gate)
    relay(seal, gate, *written(tmp_path, world, log[:shown]))
    assert seal.alarms() == alarms


Wrong = Callable[[World, list[bytes]], list[LockBody]]


def anothers_name(world: World, log: list[bytes]) -> list[LockBody]:
    said = replace(papers.Event.unproven(log[0]), lock="LOCK-0002").signed(key("lock")).data
    return [replace(event(said), lock=LOCK_ID)]


def anothers_head(world: World, log: list[bytes]) -> list[LockBody]:
    said = papers.Head("LOCK-0002", 1, bytes(32), bytes(32)).signed(key("lock")).data
    return [LockBody(LockAct.HEAD, LOCK_ID, number=1, paper=b64(said))]


def forged(world: World, log: list[bytes]) -> list[LockBody]:
    return [event(papers.Event.unproven(log[0]).signed(key("impostor")).data)]


def two_of_one_number(world: World, log: list[bytes]) -> list[LockBody]:
    other = replace(papers.Event.unproven(log[1]), why="another").signed(key("lock")).data
    return [*map(event, log), event(other)]


def another_history(world: World, log: list[bytes]) -> list[LockBody]:
    other = replace(papers.Event.unproven(log[1]), prev=bytes(range(32))).signed(key("lock")).data
    return [event(log[0]), event(other)]


def found_broken(world: World, log: list[bytes]) -> list[LockBody]:
    return [LockBody(LockAct.BROKEN, LOCK_ID, number=3)]


def unknown_lock(world: World, log: list[bytes]) -> list[LockBody]:
    return [replace(event(log[0]), lock="LOCK-0009")]


@pytest.mark.parametrize(
    ("wrong", "alarm"),
    [
        (anothers_name, "lock_fork"),
        (anothers_head, "lock_fork"),
        (forged, "lock_forged"),
        (two_of_one_number, "lock_fork"),
        (another_history, "lock_fork"),
        (found_broken, "lock_broken"),
        (unknown_lock, "lock_unknown"),
    ],
)
def test_a_log_that_does_not_hold_is_an_alarm_and_stops_nobodys_records(
    seal: Office, gate: Kiosk, wrong: Wrong, alarm: str
) -> None:
    world = World()
    log = stamped(world, gate)
    relay(seal, gate, *wrong(world, log))
    assert seal.alarms() == [alarm]
    assert seal.rows("SELECT upto FROM epoch") == [(gate.last,)]


def test_a_missing_event_is_one_alarm_that_can_be_settled_until_more_are_missing(seal: Office, gate: Kiosk) -> None:
    world = World()
    log = stamped(world, gate, 2)
    relay(seal, gate, *map(event, [*log[:1], *log[2:]]), head(world))
    relay(seal, gate, head(world))
    relay(seal, seal.trust(Kiosk("kiosk-2")), head(world))
    assert seal.rows("SELECT device, kind, seq, count FROM alarm") == [(LOCK_ID, "lock_gap", 2, 1)]
    with seal.store.transaction() as transaction:
        alarms.settle(transaction, LOCK_ID, "lock_gap", None, "hr", "its memory was changed", AT)
    relay(seal, gate, head(world))
    assert seal.rows("SELECT count FROM alarm") == [(1,)]
    world.lock.charge(5, 0)
    relay(seal, gate, head(world))
    assert seal.rows("SELECT seq, count FROM alarm ORDER BY seq") == [(2, 1), (len(log) + 1, 1)]
    world.lock.charge(60, 0)
    world.lock.charge(4, 0)
    relay(seal, gate, head(world))
    assert seal.rows("SELECT seq, count FROM alarm ORDER BY seq") == [(2, 1), (len(log) + 1, 2)]


@pytest.mark.parametrize(
    "changed", [{"stamps": 5}, {"person": "p-" + "c" * 32}, {"document": bytes(32)}], ids=["count", "person", "document"]
)
def test_a_stamp_that_no_approval_covers_is_an_alarm(seal: Office, gate: Kiosk, changed: dict[str, Any]) -> None:
    """The lock took a grant that the enterprise's key had signed and its database does not know: a stolen key, or an insider."""
    log = stamped(World(), gate, 3 if "stamps" in changed else 1, **changed)
    relay(seal, gate, *map(event, log))
    assert set(seal.alarms()) == {"lock_unapproved"}


def more(log: list[bytes], *changed: dict[str, Any]) -> list[bytes]:
    """The log, gone on by further stamps like its first: as a lock with its own key may write what it likes."""
    log = list(log)
    first = next(said for said in map(papers.Event.unproven, log) if said.kind == EventKind.STAMP)
    for change in changed:
        number, prev = len(log) + 1, papers.Signed(log[-1], b"").hash
        log.append(replace(first, number=number, prev=prev, command=bytes([number]) * 16, **change).signed(key("lock")).data)
    return log


EARLY, LATE = NOON - 301, NOON + 4 * 3600 + 301
IN_TIME = [{"at": NOON - 300}, {"at": NOON + 4 * 3600 + 300}]


@pytest.mark.parametrize(
    ("change", "alarms"),
    [({"count": 1}, ["lock_unapproved"]), ({"count": 0}, ["lock_unapproved"]), ({"count": 2, "at": EARLY}, ["lock_unapproved"]),
     ({"count": 2, "at": LATE}, ["lock_unapproved"]), ({"count": 2, "at": 0}, ["lock_unapproved"]),
     *(({"count": 2} | at, []) for at in IN_TIME)],
    ids=["number twice", "no number", "early", "late", "no time", "by an early clock", "by a late clock"],
)  # fmt: skip
def test_a_stamp_beside_its_approvals_numbers_or_time_is_an_alarm(
    seal: Office, gate: Kiosk, change: dict[str, Any], alarms: list[str]
) -> None:
    log = stamped(World(), gate)
    relay(seal, gate, *map(event, more(log, change | {"record": verified(gate)})))
    assert seal.alarms() == alarms


@pytest.mark.parametrize(("late_s", "alarms"), [(300, []), (301, ["lock_unapproved"])], ids=["by a late clock", "after it"])
def test_a_stamp_after_its_approval_was_revoked_is_an_alarm(seal: Office, gate: Kiosk, late_s: int, alarms: list[str]) -> None:
    """Offline a lock takes what it does not know to be revoked, for eight hours."""
    log, revoked = stamped(World(), gate), NOON + 3600
    with seal.store.transaction() as transaction:
        locks.revoke(transaction, GRANT.hex(), datetime.fromtimestamp(revoked, UTC))
    relay(seal, gate, *map(event, more(log, {"count": 2, "at": revoked + late_s, "record": verified(gate)})))
    assert seal.alarms() == alarms


def test_more_stamps_than_were_approved_are_an_alarm_in_whatever_order_they_come(seal: Office, gate: Kiosk) -> None:
    log = stamped(World(), gate)
    log = more(log, *({"count": count, "record": verified(gate)} for count in (2, 3)))
    relay(seal, gate, event(log[-1]), *map(event, log[:-1]))
    assert seal.alarms() == ["lock_unapproved"] * 2, "the third by its number, the last to come by how many there are"


def test_a_stamp_for_which_nobody_was_verified_is_an_alarm(seal: Office, gate: Kiosk) -> None:
    log = stamped(World(), gate)
    relay(seal, gate, *map(event, more(log, {"count": 2, "record": bytes(range(32))})))
    assert seal.alarms() == ["lock_unverified"]


def test_a_verification_for_another_approval_is_none(seal: Office, gate: Kiosk) -> None:
    log = stamped(World(), gate)
    gate.write(LockBody(LockAct.VERIFIED, LOCK_ID, person=ANN, grant="00" * 16))
    relay(seal, gate, *map(event, more(log, {"count": 2, "record": gate.hash_of(gate.last)})))
    assert seal.alarms() == ["lock_unverified"]


def test_one_verification_stands_for_one_stamp(seal: Office, gate: Kiosk) -> None:
    log = stamped(World(), gate)
    relay(seal, gate, *map(event, more(log, {"count": 2})))
    assert seal.alarms() == ["lock_unverified"]


@pytest.mark.parametrize(("is_verified", "alarms"), [(True, []), (False, ["lock_unverified"])])
def test_a_verification_that_comes_after_another_kiosks_word_of_the_stamp_is_awaited(
    seal: Office, gate: Kiosk, is_verified: bool, alarms: list[str]
) -> None:
    """The kiosk that owes it was offline; it is missing once that kiosk's own records have reached the stamp."""
    other, world = seal.trust(Kiosk("kiosk-2")), World()
    log = stamped(world, gate)
    if not is_verified:
        gate.texts.pop()
    relay(seal, other, *map(event, log), head(world))
    assert seal.alarms() == []
    gate.write(LockBody(LockAct.EVENT, LOCK_ID, number=1, event="boot", paper=b64(log[0])))
    relay(seal, gate)
    assert seal.alarms() == [], "it has not come to the stamp yet"
    relay(seal, gate, head(world))
    assert seal.alarms() == alarms
    relay(seal, gate, *map(event, log))
    assert seal.alarms() == alarms, "once, and no more"


def test_a_verification_from_before_they_were_kept_apart_counts(seal: Office, gate: Kiosk) -> None:
    record = verified(gate)
    relay(seal, gate)
    with seal.store.transaction() as transaction:
        transaction.connection.execute(tables.lock_verified.delete())
    visit = (world := World()).visit()
    visit.tell()
    visit.arm(world.grant(id=GRANT), record=record)
    visit.press()
    relay(seal, gate, *map(event, world.memory.log))
    assert seal.alarms() == []


@pytest.mark.parametrize(
    ("happens", "alarm"),
    [
        (lambda lock: lock.tamper(0), "lock_tamper"),
        (lambda lock: lock.tamper(0, EventKind.DROP), "lock_drop"),
        (lambda lock: lock.charge(5, 0), "lock_battery_low"),
    ],
    ids=["tamper", "drop", "battery"],
)
def test_what_a_lock_tells_about_itself_reaches_a_person(
    seal: Office, gate: Kiosk, happens: Callable[[Any], None], alarm: str
) -> None:
    world = World()
    happens(world.lock)
    relay(seal, gate, *map(event, world.memory.log))
    assert seal.alarms() == [alarm]


# ---- the server's word


def question(lock: str, challenge: bytes) -> bytes:
    data = messages.CODEC.unstructure(messages.LockQuestion(lock, b64(challenge)))
    return messages.seal_envelope("lock-question", "kiosk-1", "lock-question/1", messages.write_time(AT), data)


def word(office: Office, lock: str, challenge: bytes) -> papers.Statement | None:
    answer = office.ingester.word_to_lock(office.store, "kiosk-1", question(lock, challenge))
    if answer is None:
        return None
    said = messages.read_message(messages.open_envelope(answer, "lock-answer", "kiosk-1"), messages.LockAnswer)
    return papers.Statement.opened(base64.b64decode(said.statement), office.key.public_key())


def test_an_enrolled_lock_gets_the_time_the_floor_and_how_far_its_log_is_here(seal: Office, gate: Kiosk) -> None:
    relay(seal, gate, *map(event, stamped(World(), gate)))
    said = word(seal, LOCK_ID, bytes(range(32)))
    assert said is not None
    assert (said.lock, said.challenge, said.epoch, said.seen, said.clear_tamper) == (LOCK_ID, bytes(range(32)), 0, 4, False)
    assert abs(said.at - datetime(2026, 11, 23, 10, tzinfo=UTC).timestamp()) < 3600


def test_the_lock_believes_that_word(seal: Office, gate: Kiosk) -> None:
    world = World(clock=seal.key)
    visit = world.visit()
    answer = seal.ingester.word_to_lock(seal.store, "kiosk-1", question(LOCK_ID, visit.talk.challenge))
    assert answer is not None
    said = messages.read_message(messages.open_envelope(answer, "lock-answer", "kiosk-1"), messages.LockAnswer)
    assert visit.ask(commands.Tell(base64.b64decode(said.statement))) == commands.Done()


def test_a_lock_or_kiosk_that_is_not_enrolled_gets_no_word(seal: Office, gate: Kiosk) -> None:
    assert word(seal, "LOCK-0009", bytes(32)) is None
    assert seal.ingester.word_to_lock(seal.store, "kiosk-2", question(LOCK_ID, bytes(32))) is None
    assert seal.ingester.word_to_lock(seal.store, "kiosk-1", b"rubbish") is None


def clear(office: Office) -> None:
    with office.store.transaction() as transaction:
        locks.clear(transaction, LOCK_ID, "hr", AT)


def hears(office: Office, world: World) -> None:
    """The lock is visited, and told what the server says about its tampering."""
    said = word(office, LOCK_ID, bytes(32))
    assert said is not None
    world.visit().tell(clear_tamper=said.clear_tamper, clear_upto=said.clear_upto)


def test_a_tamper_alarm_is_taken_back_once_by_a_person(seal: Office, gate: Kiosk) -> None:
    world = World()
    world.lock.tamper(0)
    relay(seal, gate, *map(event, world.memory.log))
    clear(seal)
    hears(seal, world)
    assert not world.memory.kept().tampered
    relay(seal, gate, *map(event, world.memory.log[2:]))
    said = word(seal, LOCK_ID, bytes(32))
    assert said is not None
    assert (said.clear_tamper, said.clear_upto) == (False, 0)


def test_nothing_is_taken_back_where_nothing_has_happened(seal: Office, gate: Kiosk) -> None:
    """It would be leave for the next break-in."""
    world = World()
    with pytest.raises(locks.LocksError, match="is here to be taken back"):
        clear(seal)
    world.lock.tamper(0)
    relay(seal, gate, *map(event, world.memory.log))
    clear(seal)
    hears(seal, world)
    relay(seal, gate, *map(event, world.memory.log[2:]))
    with pytest.raises(locks.LocksError, match="is here to be taken back"):
        clear(seal)


def test_a_second_tampering_is_not_taken_back_with_the_first(seal: Office, gate: Kiosk) -> None:
    """Before the lock has heard of it, and before the server has heard that it did."""
    world = World()
    world.lock.tamper(0)
    relay(seal, gate, *map(event, world.memory.log))
    clear(seal)
    world.lock.tamper(1)
    hears(seal, world)
    assert world.memory.kept().tampered
    relay(seal, gate, *map(event, world.memory.log[2:]))
    clear(seal)
    hears(seal, world)
    assert not world.memory.kept().tampered
    world.lock.tamper(2)
    hears(seal, world)
    assert world.memory.kept().tampered


def test_a_lock_that_says_late_what_it_heard_does_not_undo_what_was_decided_since(seal: Office, gate: Kiosk) -> None:
    world = World()
    world.lock.tamper(0)
    relay(seal, gate, *map(event, world.memory.log))
    clear(seal)
    hears(seal, world)
    world.lock.tamper(1)
    *_, cleared, again = world.memory.log
    relay(seal, gate, event(again))
    clear(seal)
    relay(seal, gate, event(cleared))
    hears(seal, world)
    assert not world.memory.kept().tampered


# ---- approvals


def test_a_kiosk_that_has_joined_needs_no_key_by_hand(seal: Office) -> None:
    with seal.store.transaction() as transaction:
        transaction.put(tables.grant_use_key, {"device": "kiosk-2", "key": KIOSK_KEY})
        locks.enrol(transaction, LOCK_ID, "kiosk-2", "", NOON + 86_400)
    assert seal.rows("SELECT key FROM lock_kiosk WHERE device = 'kiosk-2'") == [(KIOSK_KEY,)]


def sent(office: Office) -> dict[str, bytes]:
    with office.store.reading() as connection:
        return {
            item: base64.b64decode(content["cose"])
            for item, (content, _) in downlink.wishes(connection, "kiosk-1", "grants").items()
        }


def publish(office: Office) -> None:
    """To the kiosk, which is trusted and was heard."""
    office.trust(Kiosk())
    side = {"device": "kiosk-1", "sealing_key": "", "generation": 0, "version": 0, "said_at": ""}
    with office.store.transaction() as transaction:
        transaction.put(tables.kiosk_side, side)
        locks.publish(transaction, LOCK_ID, key("server"), "hr", AT)


def test_enrolment_and_grant_are_sent_to_the_kiosk_that_may_use_them(seal: Office) -> None:
    publish(seal)
    papers_ = sent(seal)
    public = key("server").public_key()
    grant = papers.Grant.opened(papers_[f"grant-{GRANT.hex()}"], public)
    enrolment = papers.Enrolment.opened(papers_["enrolment-lock-0001"], public)
    assert (grant.person, grant.stamps, grant.document, grant.epoch) == (ANN, 2, CONTRACT, 0)
    assert grant.kiosk == papers.thumbprint(key("kiosk").public_key())
    assert messages.public_key_text(key("lock")) == LOCK_KEY
    assert enrolment.lock_key == key("lock").public_key().public_bytes_raw()


def test_a_revoked_grant_is_void_at_the_lock_and_the_others_are_signed_anew(seal: Office) -> None:
    other = bytes(range(1, 17))
    with seal.store.transaction() as transaction:
        wanted = locks.Wanted(LOCK_ID, "kiosk-1", ANN, CONTRACT, 1, 1, "another", NOON, NOON + 3600)
        locks.approve(transaction, wanted, other, "hr", AT)
    publish(seal)
    old = papers.Grant.opened(sent(seal)[f"grant-{GRANT.hex()}"], key("server").public_key())
    with seal.store.transaction() as transaction:
        locks.revoke(transaction, GRANT.hex(), AT)
    publish(seal)
    assert set(sent(seal)) == {"enrolment-lock-0001", f"grant-{other.hex()}"}
    assert papers.Grant.opened(sent(seal)[f"grant-{other.hex()}"], key("server").public_key()).epoch == 1
    said = word(seal, LOCK_ID, bytes(32)) if seal.trust(Kiosk()) else None
    assert said is not None
    assert old.epoch < said.epoch == 1


WANTED = locks.Wanted(LOCK_ID, "kiosk-9", ANN, CONTRACT, 1, 1, "", NOON, NOON + 60)


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        (lambda transaction: locks.add(transaction, LOCK_ID, KIOSK_KEY, "hr", AT), "known already"),
        (lambda transaction: locks.enrol(transaction, "LOCK-0009", "kiosk-1", KIOSK_KEY, NOON), "daka-enterprise lock add"),
        (lambda transaction: locks.enrol(transaction, LOCK_ID, "kiosk-9", "", NOON), "has not joined"),
        (lambda transaction: locks.approve(transaction, WANTED, bytes(16), "hr", AT), "daka-enterprise lock enrol"),
        (lambda transaction: locks.revoke(transaction, "00" * 16, AT), "daka-enterprise grant list"),
    ],
    ids=["twice", "lock", "no key", "kiosk", "grant"],
)
def test_what_cannot_be_done_says_why(seal: Office, do: Callable[[Any], None], sentence: str) -> None:
    with seal.store.transaction() as transaction, pytest.raises(locks.LocksError, match=sentence):
        do(transaction)


def test_another_key_of_a_kiosks_makes_what_the_one_before_was_given_void(seal: Office, gate: Kiosk) -> None:
    """The machine before may be stolen, and the lock judges papers, not names."""
    with seal.store.transaction() as transaction:
        locks.enrol(transaction, LOCK_ID, "kiosk-1", KIOSK_KEY, NOON + 2 * 86_400)
        assert locks.known(transaction.connection, LOCK_ID).epoch == 0, "the same key for longer voids nothing"
        locks.enrol(transaction, LOCK_ID, "kiosk-1", messages.public_key_text(key("new kiosk")), NOON + 86_400)
    said, world = word(seal, LOCK_ID, bytes(32)), World()
    assert said is not None
    thief = world.visit()
    thief.tell(epoch=said.epoch)
    assert thief.arm(world.grant(id=GRANT)) == commands.Refused("epoch")


# ---- verifications that nobody has brought yet

OVERDUE = timedelta(days=8)


@pytest.fixture
def owed(seal: Office, gate: Kiosk) -> World:
    """A lock whose two stamps another kiosk has brought; the one that owes the verifications has none, and says nothing."""
    other, world = seal.trust(Kiosk("kiosk-2")), World()
    visit, grant = world.visit(), world.grant(id=GRANT)
    visit.tell()
    for _ in range(2):
        visit.arm(grant, record=world.fresh(32))
        visit.press()
    relay(seal, other, *map(event, world.memory.log), head(world))
    assert states(seal) == ["awaited"] * 2
    assert seal.alarms() == []
    return world


def states(office: Office) -> list[object]:
    return [state for (state,) in office.rows("SELECT state FROM lock_stamp ORDER BY number")]


def unverified(office: Office) -> list[tuple[object, ...]]:
    return office.rows("SELECT device, seq, count FROM alarm WHERE kind = 'lock_unverified' ORDER BY seq")


def test_each_stamp_without_a_verification_is_an_alarm_of_its_own(seal: Office, gate: Kiosk, owed: World) -> None:
    """One word of the kiosk's settles both, and a person looks at each."""
    relay(seal, gate, head(owed))
    assert states(seal) == ["missing"] * 2
    numbers = [number for (number,) in seal.rows("SELECT number FROM lock_stamp ORDER BY number")]
    assert unverified(seal) == [(LOCK_ID, number, 1) for number in numbers]


def test_a_verification_that_does_not_come_within_a_week_is_an_alarm(seal: Office, gate: Kiosk, owed: World) -> None:
    """A kiosk that goes on, and never says a word about this lock, keeps nothing silent."""
    for at in (AT + timedelta(days=6), AT + OVERDUE, AT + 2 * OVERDUE):
        with seal.store.transaction() as transaction:
            lock_watch.look(transaction, at)
        assert [count for _, _, count in unverified(seal)] == ([] if at < AT + OVERDUE else [1, 1]), "told once"
    assert states(seal) == ["awaited"] * 2, "and it may come yet"
    relay(seal, gate, head(owed))
    assert [count for _, _, count in unverified(seal)] == [2, 2], "now it is known that it does not"


@pytest.mark.parametrize("has_come", [True, False])
def test_what_a_kiosk_owes_that_is_believed_no_more_is_missing_at_once(seal: Office, gate: Kiosk, has_come: bool) -> None:
    other, world = seal.trust(Kiosk("kiosk-2")), World()
    log = stamped(world, gate)
    relay(seal, other, *map(event, log))
    if has_come:
        relay(seal, gate)
    with seal.store.transaction() as transaction:
        locks.withdraw_all(transaction, "kiosk-1", AT)
    assert states(seal) == ["verified" if has_come else "missing"]
    assert seal.alarms() == ([] if has_come else ["lock_unverified"])


def test_a_list_shows_which_verifications_are_awaited(seal: Office, owed: World, address: str) -> None:
    def said(*words: str) -> str:
        return CliRunner().invoke(daka_enterprise, [*words, "--database", address]).output

    assert said("lock", "log", LOCK_ID).count("awaited") == 2
    assert re.search(r"LOCK-0001\W+0\W+\d+\W+2\W+kiosk-1", said("lock", "list"))


def test_an_enrolment_that_ends_is_an_alarm_a_month_before_and_once(seal: Office) -> None:
    def told(at: datetime) -> list[tuple[object, ...]]:
        with seal.store.transaction() as transaction:
            lock_watch.look(transaction, at)
        return seal.rows("SELECT device, detail, count FROM alarm WHERE kind = 'lock_enrolment_ends'")

    with seal.store.transaction() as transaction:
        for device, days in (("kiosk-1", 365), ("kiosk-2", 400)):
            locks.enrol(transaction, LOCK_ID, device, KIOSK_KEY, int((AT + timedelta(days=days)).timestamp()))
    assert told(AT + timedelta(days=334)) == []
    for days in (336, 337, 366):
        ((of, detail, count),) = told(AT + timedelta(days=days))
        assert (of, count) == (LOCK_ID, 1)
        assert "kiosk-1 on 2028-01-15" in str(detail)
        assert "kiosk-2" not in str(detail)
    ((_, both, times),) = told(AT + timedelta(days=371))
    assert (times, "kiosk-2" in str(both)) == (2, True)


# ---- what cannot be signed is not approved


@pytest.mark.parametrize("changed", [{"person": "p-4711"}, {"label": "x" * 97}, {"label": "two\nlines"}, {"factors": 0}])
def test_an_approval_that_could_never_be_signed_is_refused_and_stops_nobodys_revocation(
    seal: Office, changed: dict[str, Any]
) -> None:
    bad = replace(WANTED, device="kiosk-1", **changed)
    with seal.store.transaction() as transaction, pytest.raises(locks.LocksError, match="cannot be approved"):
        locks.approve(transaction, bad, bytes(16), "hr", AT)
    publish(seal)
    with seal.store.transaction() as transaction:
        locks.revoke(transaction, GRANT.hex(), AT)
        locks.publish(transaction, LOCK_ID, key("server"), "hr", AT)
    assert set(sent(seal)) == {"enrolment-lock-0001"}


def test_a_name_that_differs_from_a_known_locks_by_case_alone_is_refused(seal: Office) -> None:
    """Their papers would have one name at a kiosk, and one lock would lose its enrolment to the other."""
    with seal.store.transaction() as transaction, pytest.raises(locks.LocksError, match="LOCK-0001 is known already"):
        locks.add(transaction, LOCK_ID.lower(), messages.public_key_text(key("lock two")), "hr", AT)


def test_who_revokes_once_more_moves_neither_the_moment_nor_the_floor(seal: Office) -> None:
    for at in (AT, AT + timedelta(hours=2)):
        with seal.store.transaction() as transaction:
            locks.revoke(transaction, GRANT.hex(), at)
        assert seal.rows("SELECT revoked, epoch FROM lock_grant, lock") == [(NOON, 1)]

"""Contract locks at the enterprise: what is approved and sent down, the server's word, and the locks' logs held together."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from device import messages
from device.messages import LockAct, LockBody
from device.messages import lock as papers
from device.messages.lock import EventKind, Factor
from enterprise import downlink, locks, tables
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


def stamped(world: World, times: int = 1, **changed: object) -> list[bytes]:
    """The log of a lock that has stamped under the approval."""
    visit, grant = world.visit(), world.grant(id=GRANT, **changed)
    visit.tell()
    for _ in range(times):
        visit.arm(grant)
        visit.press()
    return list(world.memory.log)


def relay(office: Office, kiosk: Kiosk, *bodies: LockBody) -> None:
    """Records of the kiosk's journal, taken in."""
    first = kiosk.last + 1 if office.rows("SELECT 1 FROM record") else 1
    for body in bodies:
        kiosk.write(body)
    office.ingester.take(kiosk.name, kiosk.batch(first, kiosk.last))


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
    log = stamped(world, 2)
    relay(seal, gate, *map(event, log), head(world))
    assert seal.alarms() == []
    assert seal.rows("SELECT seen FROM lock") == [(len(log),)]
    assert len(seal.rows("SELECT 1 FROM lock_event WHERE event = 'stamped'")) == 2


def test_what_two_kiosks_relay_is_one_log(seal: Office, gate: Kiosk) -> None:
    other = seal.trust(Kiosk("kiosk-2"))
    world = World()
    log = stamped(world)
    relay(seal, gate, *map(event, log[2:]))  # the later part comes first
    assert seal.rows("SELECT seen FROM lock") == [(0,)]
    for body in map(event, log[:3]):
        other.write(body)
    seal.ingester.take(other.name, other.batch(1, other.last))
    assert seal.rows("SELECT seen FROM lock") == [(len(log),)]
    assert seal.alarms() == []


Wrong = Callable[[World, list[bytes]], list[LockBody]]


def without_one(world: World, log: list[bytes]) -> list[LockBody]:
    return [*map(event, [*log[:1], *log[2:]]), head(world)]


def tail_cut(world: World, log: list[bytes]) -> list[LockBody]:
    return [*map(event, log[:-1]), head(world)]


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
        (without_one, "lock_gap"),
        (tail_cut, "lock_gap"),
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
    log = stamped(world)
    relay(seal, gate, *wrong(world, log))
    assert seal.alarms() == [alarm]
    assert seal.rows("SELECT upto FROM epoch") == [(gate.last,)]


@pytest.mark.parametrize(
    "changed", [{"stamps": 5}, {"person": "p-" + "c" * 32}, {"document": bytes(32)}], ids=["count", "person", "document"]
)
def test_a_stamp_that_no_approval_covers_is_an_alarm(seal: Office, gate: Kiosk, changed: dict[str, Any]) -> None:
    """The lock took a grant that the enterprise's key had signed and its database does not know: a stolen key, or an insider."""
    log = stamped(World(), 3 if "stamps" in changed else 1, **changed)
    relay(seal, gate, *map(event, log))
    assert set(seal.alarms()) == {"lock_unapproved"}


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
    relay(seal, gate, *map(event, stamped(World())))
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


def test_a_tamper_alarm_is_taken_back_once_by_a_person(seal: Office, gate: Kiosk) -> None:
    with seal.store.transaction() as transaction:
        locks.clear(transaction, LOCK_ID, "hr", AT)
    said = word(seal, LOCK_ID, bytes(32))
    assert said is not None
    assert said.clear_tamper
    world = World()
    world.lock.tamper(0)
    world.visit().tell(clear_tamper=True)
    relay(seal, gate, *map(event, world.memory.log))
    said = word(seal, LOCK_ID, bytes(32))
    assert said is not None
    assert not said.clear_tamper


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
    with office.store.transaction() as transaction:
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
        locks.revoke(transaction, GRANT.hex())
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
        (lambda transaction: locks.revoke(transaction, "00" * 16), "daka-enterprise grant list"),
    ],
    ids=["twice", "lock", "no key", "kiosk", "grant"],
)
def test_what_cannot_be_done_says_why(seal: Office, do: Callable[[Any], None], sentence: str) -> None:
    with seal.store.transaction() as transaction, pytest.raises(locks.LocksError, match=sentence):
        do(transaction)

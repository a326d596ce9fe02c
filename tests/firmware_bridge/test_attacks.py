"""What a thief, a forger, a broken link and a power cut can try, against both real ends of the protocol."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device import messages
from device.messages import lock as papers
from device.messages.lock import EventKind, Factor, thumbprint
from firmware_bridge.protocol import commands, session
from firmware_bridge.protocol.commands import Refused, Result
from firmware_bridge.protocol.errors import SessionRefused
from firmware_bridge.protocol.kiosk import Talk
from tests.firmware_bridge.parts import BOB, LOCK_ID, NOON, Visit, World, key, raw


@pytest.fixture
def world() -> World:
    return World()


def outcome(answer: commands.Answer) -> commands.Outcome:
    assert isinstance(answer, commands.Outcome), answer
    return answer


def test_an_approved_person_stamps_as_often_as_was_approved_and_not_once_more(world: World) -> None:
    visit, grant = world.visit(), world.grant(stamps=2)
    visit.tell()
    for used in (1, 2):
        assert outcome(visit.arm(grant)).used == used - 1
        assert visit.press()
    assert visit.arm(grant) == Refused("count")
    assert not visit.press()
    kinds = [EventKind(event.kind) for event in visit.read_log()]
    assert kinds.count(EventKind.STAMPED) == 2
    assert kinds[-1] is EventKind.REFUSED


STRANGER = key("stranger")
WRONG_GRANTS = [
    ("lock", {"lock": "LOCK-0002"}),
    ("kiosk", {"kiosk": thumbprint(STRANGER.public_key())}),
    ("expired", {"not_before": NOON - 7200, "expires_at": NOON - 1}),
    ("not_yet", {"not_before": NOON + 3600}),
    ("dual_control", {"dual_control": True}),
]


@pytest.mark.parametrize(("why", "changed"), WRONG_GRANTS)
def test_a_grant_for_another_lock_kiosk_or_time_is_refused(world: World, why: str, changed: dict[str, object]) -> None:
    visit = world.visit()
    visit.tell()
    assert visit.arm(world.grant(**changed)) == Refused(why)
    assert not visit.press()
    assert visit.read_log()[-1].why == why


@pytest.mark.parametrize(
    ("why", "changed"),
    [
        ("person", {"person": BOB}),
        ("document", {"document": bytes(32)}),
        ("use", {"grant": bytes(16)}),
        ("use", {"challenge": bytes(32)}),
        ("use", {"command": bytes(16)}),
        ("use", {"factors": int(Factor.PIN)}),
    ],
)
def test_the_kiosks_word_must_be_for_this_person_document_grant_session_and_command(
    world: World, why: str, changed: dict[str, Any]
) -> None:
    visit = world.visit()
    visit.tell()
    assert visit.arm(world.grant(), **changed) == Refused(why)
    assert not visit.press()


def test_a_grant_signed_with_a_stolen_kiosks_key_is_refused(world: World) -> None:
    visit = world.visit()
    visit.tell()
    assert visit.arm(world.grant(), signer=world.kiosk) == Refused("signature")


def test_a_use_signed_by_anybody_but_the_enrolled_kiosk_is_refused(world: World) -> None:
    visit = world.visit()
    visit.tell()
    assert visit.arm(world.grant(), kiosk=STRANGER) == Refused("use")


def test_a_signature_for_one_kind_of_paper_is_none_for_another(world: World) -> None:
    grant = world.grant()
    as_use = papers.cose.write(world.server, papers.Use.CONTEXT, papers.fields.write(grant))
    with pytest.raises(papers.CoseRefused):
        papers.Grant.opened(as_use.data, world.server.public_key())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_anywhere_in_grant_or_use_moves_nothing(data: st.DataObject) -> None:
    world = World()
    visit = world.visit()
    visit.tell()
    grant, command = world.grant(), world.fresh()
    papers_ = [grant.signed(world.server).data, world.use(grant, command, visit.talk.challenge).signed(world.kiosk).data]
    which = data.draw(st.sampled_from([0, 1]))
    place = data.draw(st.integers(0, len(papers_[which]) * 8 - 1))
    changed = bytearray(papers_[which])
    changed[place // 8] ^= 1 << place % 8
    papers_[which] = bytes(changed)
    assert isinstance(visit.ask(commands.Arm(command, *papers_)), Refused)
    assert not visit.press()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_flipped_bit_anywhere_on_the_link_ends_the_session_and_moves_nothing(data: st.DataObject) -> None:
    world = World()
    visit = world.visit()
    visit.tell()
    grant, command = world.grant(), world.fresh()
    use = world.use(grant, command, visit.talk.challenge).signed(world.kiosk)
    sealed = bytearray(visit.talk.ask(commands.Arm(command, grant.signed(world.server).data, use.data)))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    assert world.lock.receive(bytes(sealed), world.now_ms) == (bytes([session.OVER]),)
    assert not world.lock.press(world.now_ms).move


def test_a_recorded_command_opens_nothing_in_the_same_session(world: World) -> None:
    visit, grant, command = world.visit(), world.grant(), world.fresh()
    visit.tell()
    use = world.use(grant, command, visit.talk.challenge).signed(world.kiosk)
    sealed = visit.talk.ask(commands.Arm(command, grant.signed(world.server).data, use.data))
    (answer,) = world.lock.receive(sealed, 0)
    visit.talk.hear(answer)
    assert visit.press()
    assert world.lock.receive(sealed, 0) == (bytes([session.OVER]),)
    assert not world.lock.press(0).move


def test_a_recorded_visit_opens_nothing_in_a_new_session(world: World) -> None:
    spoken: list[bytes] = []
    real = world.lock.receive

    def recorded(message: bytes, now_ms: int) -> tuple[bytes, ...]:
        spoken.append(message)
        return real(message, now_ms)

    world.lock.receive = recorded  # type: ignore[method-assign]
    visit = world.visit()
    visit.tell()
    visit.arm(world.grant())
    world.lock.receive = real  # type: ignore[method-assign]
    world.lock.link_down(0)
    world.lock.link_up()
    for message in spoken:
        world.lock.receive(message, 0)
    assert not world.lock.press(0).move


def test_an_impostor_lock_with_the_right_name_is_found_out(world: World) -> None:
    world.lock_key = key("impostor")
    world.boot()
    with pytest.raises(SessionRefused, match="cannot prove"):
        world.visit()


def test_a_kiosk_that_is_not_enrolled_gets_no_session(world: World) -> None:
    own_paper = world.enrolment(kiosk_key=raw(STRANGER)).signed(STRANGER).data
    with pytest.raises(SessionRefused):
        world.visit(kiosk=STRANGER, paper=own_paper)
    with pytest.raises(SessionRefused):
        world.visit(kiosk=STRANGER)  # with the right kiosk's paper, but without its key
    assert EventKind.SESSION_REFUSED in [event.kind for event in world.visit().read_log()]


def test_an_enrolment_for_another_lock_opens_no_session(world: World) -> None:
    with pytest.raises(SessionRefused):
        world.visit(paper=world.enrolment(lock="LOCK-0002").signed(world.server).data)


def test_revocation_by_epoch_voids_the_grants_before_it(world: World) -> None:
    old, new = world.grant(epoch=4), world.grant(epoch=5)
    visit = world.visit()
    visit.tell(epoch=5)
    assert visit.arm(old) == Refused("epoch")
    assert outcome(visit.arm(new)).result == Result.ARMED


def test_a_kiosk_whose_enrolment_was_revoked_gets_no_session(world: World) -> None:
    world.visit().tell(epoch=5)
    with pytest.raises(SessionRefused):
        world.visit()
    assert world.visit(paper=world.enrolment(epoch=5).signed(world.server).data).standing


def test_a_floor_is_never_lowered(world: World) -> None:
    visit = world.visit()
    visit.tell(epoch=5)
    visit.tell(epoch=3)
    assert visit.arm(world.grant(epoch=4)) == Refused("epoch")


def test_a_lost_answer_and_a_retry_are_one_stamp(world: World) -> None:
    visit, grant, command = world.visit(), world.grant(), world.fresh()
    visit.tell()
    visit.arm(grant, command)
    pressed = world.lock.press(0)  # moves, and its answer is lost with the link
    assert pressed.move
    world.lock.link_down(0)
    world.lock.moved(0)
    again = world.visit()
    again.tell()
    answer = outcome(again.arm(grant, command))
    assert (answer.result, answer.used) == (Result.STAMPED, 1)
    assert not again.press()
    assert world.memory.used(grant.id) == 1


def test_an_armed_lock_whose_link_breaks_lets_go_and_counts_nothing(world: World) -> None:
    visit, grant, command = world.visit(), world.grant(), world.fresh()
    visit.tell()
    visit.arm(grant, command)
    world.lock.link_down(0)
    assert not world.lock.press(0).move
    again = world.visit()
    assert outcome(again.ask(commands.AskOutcome(command))).result == Result.ENDED
    assert world.memory.used(grant.id) == 0


def test_nobody_pressing_counts_nothing(world: World) -> None:
    visit, grant, command = world.visit(), world.grant(), world.fresh()
    visit.tell()
    visit.arm(grant, command)
    world.now_ms = 31_000
    (told,) = world.lock.tick(world.now_ms)
    assert outcome(visit.talk.hear(told)).result == Result.NOT_PRESSED
    assert not visit.press()


def test_a_press_a_moment_too_late_is_told_and_the_session_goes_on(world: World) -> None:
    """Nothing that the lock has sealed is thrown away: what it says next would not open."""
    visit, grant, command = world.visit(), world.grant(), world.fresh()
    visit.tell()
    visit.arm(grant, command)
    world.now_ms += 30_000
    late = world.lock.press(world.now_ms)
    assert not late.move
    (told,) = late.messages
    assert outcome(visit.talk.hear(told)).result == Result.NOT_PRESSED
    assert outcome(visit.ask(commands.AskOutcome(command))).result == Result.NOT_PRESSED


def test_power_lost_between_counted_and_moved_counts_as_used(world: World) -> None:
    visit, grant, command = world.visit(), world.grant(stamps=1), world.fresh()
    visit.tell()
    visit.arm(grant, command)
    assert world.lock.press(0).move  # counted; the power fails before the movement is over
    world.boot()
    again = world.visit()
    again.tell()
    assert outcome(again.arm(grant, command)).result == Result.UNFINISHED
    assert again.arm(grant) == Refused("count")
    assert not again.press()
    assert EventKind.UNFINISHED in [event.kind for event in again.read_log()]


def test_an_old_word_of_the_server_says_nothing(world: World) -> None:
    first = world.visit()
    old = world.statement(first.talk.challenge).signed(world.clock).data
    second = world.visit()
    assert second.ask(commands.Tell(old)) == Refused("statement")
    assert second.arm(world.grant()) == Refused("time_unknown")


@pytest.mark.parametrize("signer", ["kiosk", "server"])
def test_a_word_that_is_not_the_servers_says_nothing(world: World, signer: str) -> None:
    """Nor does one by the key that signs grants: each key says one thing."""
    visit = world.visit()
    forged = world.statement(visit.talk.challenge).signed(key(signer)).data
    assert visit.ask(commands.Tell(forged)) == Refused("statement")


def test_the_server_that_tells_the_time_cannot_approve_anything(world: World) -> None:
    visit = world.visit()
    visit.tell()
    assert visit.arm(world.grant(), signer=world.clock) == Refused("signature")


def test_a_server_that_answers_late_cannot_make_an_expired_grant_valid(world: World) -> None:
    """The lock takes the latest moment that the answer can mean: it may have been held back on the way."""
    visit = world.visit()
    said = world.statement(visit.talk.challenge).signed(world.clock).data
    world.now_ms += 3_600_000
    visit.ask(commands.Tell(said))
    assert visit.arm(world.grant(expires_at=NOON + 1800)) == Refused("expired")


def test_a_server_that_answers_late_cannot_make_a_grant_valid_before_its_time(world: World) -> None:
    """The earliest moment that the answer can mean decides here."""
    visit = world.visit()
    world.now_ms += 3_600_000
    visit.tell()
    assert visit.arm(world.grant(not_before=NOON + 3600 + 3500)) == Refused("not_yet")
    assert outcome(visit.arm(world.grant(not_before=NOON + 3600))).result == Result.ARMED


def test_a_session_that_is_held_open_counts_as_one_without_the_server(world: World) -> None:
    """Somebody asks how the lock is, now and then; the grant was revoked long ago, and the lock cannot hear of it."""
    visit = world.visit()
    word = world.statement(visit.talk.challenge).signed(world.clock).data
    visit.ask(commands.Tell(word))
    world.now_ms += 299_000
    assert visit.arm(world.grant(expires_at=NOON + 86_400)) != Refused("offline")
    visit.ask(commands.End())
    world.now_ms += 1_000
    assert visit.arm(world.grant(expires_at=NOON + 86_400)) == Refused("offline")
    assert outcome(visit.arm(world.grant())).factor, "and a short one needs the factor at the lock"
    visit.ask(commands.End())
    visit.ask(commands.Tell(word))
    assert visit.arm(world.grant(expires_at=NOON + 86_400)) == Refused("offline"), "the same word once more is no newer"


def test_without_the_server_a_short_grant_needs_the_factor_at_the_lock(world: World) -> None:
    world.visit().tell()
    offline, grant = world.visit(), world.grant()
    assert outcome(offline.arm(grant)).factor
    assert not offline.press()
    assert offline.press(factor=True)
    assert EventKind.NO_FACTOR in [event.kind for event in offline.read_log()]


def test_without_the_server_a_long_grant_is_refused(world: World) -> None:
    world.visit().tell()
    assert world.visit().arm(world.grant(expires_at=NOON + 9 * 3600)) == Refused("offline")


def test_without_the_server_a_grant_expires_by_the_locks_own_counting(world: World) -> None:
    world.visit().tell()
    world.now_ms = 4 * 3_600_000
    assert world.visit().arm(world.grant()) == Refused("expired")


def test_a_lock_that_lost_its_power_knows_no_time_until_the_server_is_reached(world: World) -> None:
    world.visit().tell()
    world.boot()
    visit = world.visit()
    assert visit.arm(world.grant()) == Refused("time_unknown")
    visit.tell()
    assert outcome(visit.arm(world.grant())).result == Result.ARMED


def test_a_grant_that_asks_for_it_needs_the_factor_at_the_lock_also_online(world: World) -> None:
    visit = world.visit()
    visit.tell()
    visit.arm(world.grant(factors=int(Factor.FACE | Factor.AT_LOCK)))
    assert not visit.press()
    assert visit.press(factor=True)


def test_a_spent_grant_stays_spent_when_the_kiosk_is_restored_from_a_backup(world: World) -> None:
    visit, grant = world.visit(), world.grant(stamps=1)
    visit.tell()
    visit.arm(grant)
    assert visit.press()
    restored = world.visit()  # the kiosk knows nothing of the stamp; its grant is there again
    restored.tell()
    assert restored.arm(grant) == Refused("count")


def test_a_server_whose_clock_was_wrong_once_gives_no_stamp_back(world: World) -> None:
    """Its count is forgotten under the far time; told the true one again, the lock refuses whatever it may have forgotten."""
    visit, grant = world.visit(), world.grant(stamps=1)
    visit.tell()
    visit.arm(grant)
    assert visit.press()
    world.visit().tell(at=grant.expires_at + 2 * 86_400)
    world.boot()
    again = world.visit()
    again.tell()
    assert again.arm(grant) == Refused("expired")
    assert not again.press()
    assert outcome(again.arm(world.grant(expires_at=grant.expires_at + 1))).result == Result.ARMED


def test_a_time_far_ahead_forgets_no_count_while_a_press_is_waited_for(world: World) -> None:
    visit, grant, command = world.visit(), world.grant(stamps=2), world.fresh()
    visit.tell()
    visit.arm(grant)
    visit.press()
    visit.arm(grant, command)
    visit.tell(at=grant.expires_at + 2 * 86_400)
    assert visit.press()
    made = outcome(visit.ask(commands.AskOutcome(command)))
    assert (made.result, made.used) == (Result.STAMPED, 2)


def test_a_lock_opened_by_force_stamps_nothing_until_the_enterprise_clears_it(world: World) -> None:
    visit = world.visit()
    visit.tell()
    visit.arm(world.grant())
    world.lock.tamper(0)
    assert not visit.press()
    assert visit.arm(world.grant()) == Refused("tampered")
    visit.tell(clear_tamper=True, clear_upto=world.memory.kept().last)
    assert outcome(visit.arm(world.grant())).result == Result.ARMED


@pytest.mark.parametrize("kind", [EventKind.TAMPER, EventKind.DROP])
def test_what_was_taken_back_is_the_tampering_that_was_known_and_no_later_one(world: World, kind: EventKind) -> None:
    world.lock.tamper(0)
    known = world.memory.kept().last
    world.lock.tamper(1, kind)
    visit = world.visit()
    visit.tell(clear_tamper=True, clear_upto=known)
    assert visit.arm(world.grant()) == Refused("tampered")
    visit.tell(clear_tamper=True, clear_upto=known + 1)
    assert outcome(visit.arm(world.grant())).result == Result.ARMED
    assert [EventKind(event.kind) for event in visit.read_log()].count(EventKind.TAMPER_CLEARED) == 1


def test_a_word_that_takes_back_tampering_without_saying_which_takes_nothing_back(world: World) -> None:
    world.lock.tamper(0)
    visit = world.visit()
    visit.tell(clear_tamper=True)
    assert visit.arm(world.grant()) == Refused("tampered")


def test_tampering_taken_back_once_is_no_leave_for_the_next(world: World) -> None:
    world.lock.tamper(0)
    told = {"clear_tamper": True, "clear_upto": world.memory.kept().last}
    world.visit().tell(**told)
    world.lock.tamper(1)
    visit = world.visit()
    visit.tell(**told)
    assert visit.arm(world.grant()) == Refused("tampered")


def test_fifty_commands_in_a_row_are_fifty_answers(world: World) -> None:
    visit = world.visit()
    assert all(isinstance(visit.ask(commands.AskStanding()), commands.Standing) for _ in range(50))


def test_a_full_log_refuses_stamps_until_the_server_has_it() -> None:
    world = World(most_events=40)
    visit = world.visit()
    visit.tell()
    grant = world.grant(stamps=100)
    while not isinstance(answer := visit.arm(grant), Refused):
        visit.press()
    assert answer == Refused("log_full")
    before = world.memory.kept().last
    assert visit.arm(grant) == Refused("log_full")
    assert world.memory.kept().last == before  # asking fills it no further
    visit.tell(seen=before)
    assert outcome(visit.arm(grant)).result == Result.ARMED


# ---- the log


@pytest.fixture
def log(world: World) -> tuple[list[bytes], bytes, bytes]:
    """A log of some events, its head and the nonce."""
    visit = world.visit()
    visit.tell(epoch=1)
    visit.arm(world.grant(epoch=1))
    visit.press()
    nonce = world.fresh(32)
    answer = visit.ask(commands.ReadLog(0, nonce, 8))
    assert isinstance(answer, commands.Events)
    return list(answer.events), answer.head, nonce


def verify(events: list[bytes], head: bytes, nonce: bytes) -> tuple[papers.Event, ...]:
    return papers.verify_log(events, head, key("lock").public_key(), nonce)


def test_a_whole_log_holds(log: tuple[list[bytes], bytes, bytes]) -> None:
    assert [event.number for event in verify(*log)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("place", range(5))
def test_a_log_without_one_of_its_events_does_not_hold(log: tuple[list[bytes], bytes, bytes], place: int) -> None:
    events, head, nonce = log
    with pytest.raises(papers.LogBroken):
        verify(events[:place] + events[place + 1 :], head, nonce)


def test_a_log_in_another_order_does_not_hold(log: tuple[list[bytes], bytes, bytes]) -> None:
    events, head, nonce = log
    events[1], events[2] = events[2], events[1]
    with pytest.raises(papers.LogBroken):
        verify(events, head, nonce)


def test_an_old_head_does_not_hide_a_tail_that_was_cut(world: World, log: tuple[list[bytes], bytes, bytes]) -> None:
    events, head, _ = log
    with pytest.raises(papers.LogBroken, match="another question"):
        verify(events, head, world.fresh(32))


def test_an_event_by_another_lock_does_not_hold(world: World, log: tuple[list[bytes], bytes, bytes]) -> None:
    events, head, nonce = log
    forged = papers.Event.unproven(events[-1])
    with pytest.raises(messages.SignatureRefused):
        verify([*events[:-1], forged.signed(key("impostor")).data], head, nonce)


def test_who_stamped_which_document_stands_in_the_log(world: World) -> None:
    visit, grant = world.visit(), world.grant()
    visit.tell()
    visit.arm(grant)
    visit.press()
    stamp = next(event for event in visit.read_log() if event.kind == EventKind.STAMP)
    assert (stamp.person, stamp.document, stamp.grant, stamp.count) == (grant.person, grant.document, grant.id, 1)
    assert stamp.at == NOON
    assert stamp.lock == LOCK_ID


def test_another_program_with_the_bond_but_without_the_kiosks_key_can_only_be_refused(world: World) -> None:
    """It reaches the characteristics as we do; it can greet, and that is all."""
    world.lock.link_up()
    initiator = session.Initiator(world.ephemeral())
    (answer,) = world.lock.receive(initiator.hello(), 0)
    initiator.hear(answer, LOCK_ID, key("lock").public_key())
    paper = world.enrolment().signed(world.server).data
    finish, channel = initiator.finish(bytes(64), raw(world.kiosk), paper)
    assert world.lock.receive(finish, 0) == (bytes([session.OVER]),)
    with pytest.raises(SessionRefused):
        Visit(world, Talk(channel), Refused("busy")).ask(commands.AskStanding())

"""Frames, papers, commands and the state table by themselves: what goes in comes out, and rubbish never gets through."""

from __future__ import annotations

import dataclasses
import inspect
import random
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device import messages
from device.messages import lock as papers
from device.messages.lock import fields
from firmware_bridge.protocol import commands, frames, judge, lock, session
from firmware_bridge.protocol.errors import CommandRefused, FrameRefused, ProtocolError
from firmware_bridge.protocol.machine import NEXT, Happening, State
from tests.firmware_bridge.parts import World, key


@settings(deadline=None)
@given(st.binary(max_size=frames.MOST_MESSAGE_BYTES), st.integers(1, 600))
def test_a_message_cut_to_any_size_is_whole_again(message: bytes, most: int) -> None:
    assembler = frames.Assembler()
    pieces = frames.split(message, most)
    assert all(len(piece) <= max(most, frames.LEAST_FRAME_BYTES) for piece in pieces)
    assert [assembler.feed(piece) for piece in pieces] == [None] * (len(pieces) - 1) + [message]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=30))
def test_any_pieces_at_all_are_a_message_or_refused(pieces: list[bytes]) -> None:
    assembler = frames.Assembler()
    for piece in pieces:
        try:
            found = assembler.feed(piece)
        except FrameRefused:
            continue
        assert found is None or len(found) <= frames.MOST_MESSAGE_BYTES


def test_a_missing_piece_is_noticed_and_the_next_message_is_not_spoilt() -> None:
    assembler, pieces = frames.Assembler(), frames.split(bytes(100), 20)
    assembler.feed(pieces[0])
    with pytest.raises(FrameRefused, match="out of order"):
        assembler.feed(pieces[2])
    assert [assembler.feed(piece) for piece in pieces][-1] == bytes(100)


def test_an_endless_message_is_cut_off() -> None:
    assembler = frames.Assembler()
    assembler.feed(bytes([frames.FIRST, 0]) + bytes(500))
    for number in range(1, 8):
        assembler.feed(bytes([0, number]) + bytes(500))
    with pytest.raises(FrameRefused, match="over the limit"):
        assembler.feed(bytes([0, 8]) + bytes(500))


def example(kind: type, world: World) -> object:
    """A value of each message, from the least that its fields allow."""
    return kind(**{field.name: sample(field.metadata["kind"]) for field in dataclasses.fields(kind)})


def sample(kind: fields.Kind) -> object:
    match kind:
        case fields.Octets(least, most):
            return bytes(max(least, min(most, 16)))
        case fields.Words(_, pattern):
            return next(text for text in ("LOCK-0001", "p-" + "0" * 32, "abc", "") if kind.accepts(text)) if pattern else ""
        case fields.Number(most, least):
            return max(least, min(most, 7))
        case fields.Flag():
            return True
        case fields.ManyOctets(most):
            return (b"one", b"two")[:most]


@pytest.mark.parametrize("kind", [*commands.QUESTIONS.values(), *commands.ANSWERS.values()], ids=lambda kind: kind.__name__)
def test_every_message_comes_back_as_it_went(kind: type) -> None:
    message = example(kind, World())
    read = commands.read_question if kind in commands.QUESTIONS.values() else commands.read_answer
    assert read(commands.write(message)) == message  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [papers.Grant, papers.Enrolment, papers.Statement, papers.Use, papers.Event, papers.Head])
def test_every_paper_comes_back_as_it_was_signed_and_each_field_matters(kind: type[papers.Grant]) -> None:
    paper, secret = example(kind, World()), key("server")
    data = paper.signed(secret).data  # type: ignore[attr-defined]
    assert kind.opened(data, secret.public_key()) == paper
    plain = fields.plain(paper)
    wrongs: tuple[Any, ...] = (None, 1.5, [], {}, -1, b"x" * 2000, "\0")
    for number in list(plain):
        for wrong in wrongs:
            changed = papers.cose.write(secret, kind.CONTEXT, cbor2.dumps(plain | {number: wrong}, canonical=True))
            with pytest.raises(messages.MessageError):
                kind.opened(changed.data, secret.public_key())


def test_an_unknown_claim_is_refused_and_not_skipped() -> None:
    secret, plain = key("server"), fields.plain(World().grant())
    with pytest.raises(papers.ClaimsRefused, match="does not know"):
        papers.Grant.opened(
            papers.cose.write(secret, papers.Grant.CONTEXT, fields.dumps(plain | {99: 1})).data, secret.public_key()
        )


def test_a_claim_that_says_nothing_is_absent_or_refused() -> None:
    secret, plain = key("server"), fields.plain(World().grant())
    data = papers.cose.write(secret, papers.Grant.CONTEXT, fields.dumps(plain | {-70007: False})).data
    with pytest.raises(papers.ClaimsRefused, match="dual_control"):
        papers.Grant.opened(data, secret.public_key())


def test_a_paper_has_one_spelling_only() -> None:
    """Were there two, one grant would have two hashes."""
    secret = key("server")
    data = World().grant().signed(secret).data
    longer = b"\x98\x04" + data[1:]  # the same array, with its length in a byte of its own
    assert cbor2.loads(longer) == cbor2.loads(data)
    with pytest.raises(papers.CoseRefused):
        papers.Grant.opened(longer, secret.public_key())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_rubbish_is_refused_by_every_reader(data: bytes) -> None:
    public = key("server").public_key()
    for kind in (papers.Grant, papers.Enrolment, papers.Statement, papers.Use, papers.Event, papers.Head):
        with pytest.raises(messages.MessageError):
            kind.opened(data, public)
    for read in (commands.read_question, commands.read_answer):
        with pytest.raises(CommandRefused):
            read(data)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.binary(max_size=5), lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 20) | st.text(max_size=3), inner, max_size=4)
    ), max_leaves=20)
)  # fmt: skip
def test_any_cbor_at_all_is_a_question_or_refused(value: object) -> None:
    try:
        question = commands.read_question(cbor2.dumps(value, canonical=True))
    except CommandRefused:
        return
    assert type(question) in commands.NUMBERS


@pytest.mark.parametrize("seed", range(20))
def test_a_lock_that_hears_rubbish_in_any_order_neither_falls_over_nor_moves(seed: int) -> None:
    world, dice = World(), random.Random(seed)
    lock = world.lock
    for _ in range(100):
        match dice.randrange(6):
            case 0:
                lock.link_up()
            case 1:
                lock.link_down(world.now_ms)
            case 2:
                assert not lock.press(world.now_ms, factor=True).move
            case 3:
                lock.receive(session.Initiator(world.ephemeral()).hello(), world.now_ms)
            case _:
                kind = dice.choice([session.HELLO, session.ANSWER, session.FINISH, session.SEALED, session.OVER, 0])
                lock.receive(bytes([kind]) + dice.randbytes(dice.randrange(200)), world.now_ms)
        world.now_ms += dice.randrange(20_000)
    assert world.visit().read_log()


def test_in_a_session_rubbish_that_is_sealed_rightly_is_answered_and_changes_nothing() -> None:
    world = World()
    visit, dice = world.visit(), random.Random(7)
    for _ in range(50):
        (answer,) = world.lock.receive(visit.talk.channel.seal(dice.randbytes(dice.randrange(100))), 0)
        assert visit.talk.hear(answer) == commands.Refused("command")


def test_a_point_of_no_order_makes_no_session() -> None:
    world = World()
    world.lock.link_up()
    assert world.lock.receive(bytes([session.HELLO, session.VERSION]) + bytes(32), 0) == (bytes([session.OVER]),)


def test_neither_ends_identity_is_visible_to_a_listener() -> None:
    world, heard = World(), []
    real = world.lock.receive

    def tapped(message: bytes, now_ms: int) -> tuple[bytes, ...]:
        answers = real(message, now_ms)
        heard.extend([message, *answers])
        return answers

    world.lock.receive = tapped  # type: ignore[method-assign]
    visit = world.visit()
    visit.tell()
    visit.arm(world.grant())
    everything = b"".join(heard)
    secrets = [b"LOCK-0001", b"contract", b"p-aaaa", key("lock").public_key().public_bytes_raw(), b"Finance"]
    assert not [secret for secret in secrets if secret in everything]


def test_every_why_has_a_sentence_and_every_sentence_is_used() -> None:
    sources = "".join(inspect.getsource(module) for module in (judge, lock))
    assert not [why for why in commands.WHY if f'"{why}"' not in sources]


def test_every_state_can_be_reached_and_left() -> None:
    reached, frontier = {State.ALONE}, {State.ALONE}
    while frontier:
        frontier = {after for (before, _), after in NEXT.items() if before in frontier} - reached
        reached |= frontier
    assert reached == set(State)
    assert {before for before, _ in NEXT} == set(State)
    assert {happening for _, happening in NEXT} == set(Happening)


def test_a_lost_link_leaves_every_state_but_a_movement() -> None:
    for state in set(State) - {State.ALONE}:
        after = NEXT[(state, Happening.LINK_LOST)]
        assert after is (State.MOVING_ALONE if state in (State.MOVING, State.MOVING_ALONE) else State.ALONE)


def test_a_stranger_cannot_reset_an_open_session_by_a_greeting_unless_it_ends() -> None:
    world = World()
    visit = world.visit()
    visit.tell()
    visit.arm(world.grant())
    world.lock.receive(session.Initiator(world.ephemeral()).hello(), 0)
    assert world.lock.state is State.LINKED
    with pytest.raises(ProtocolError):
        visit.ask(commands.AskStanding())
    assert not world.lock.press(0).move

"""The profile's test vectors: `python -m tests.firmware_bridge.vectors > docs/contract-lock-vectors.json` writes them.

Made with fixed keys, so that a firmware engineer gets the same bytes; the test makes them again and compares.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.messages import lock as papers
from device.messages.lock import fields
from firmware_bridge.protocol import commands, frames, session
from tests.firmware_bridge.parts import LOCK_ID, World, key, raw

FRAME_BYTES = 100


def seed(name: str) -> bytes:
    return hashlib.sha256(f"key of {name}".encode()).digest()


def paper(value: Any, signer: str) -> dict[str, Any]:
    """One signed paper: what it says, what is signed, and the bytes as they travel."""
    signed = value.signed(key(signer))
    structure = ["Signature1", papers.cose.PROTECTED, value.CONTEXT, signed.payload]
    return {
        "by": signer,
        "external_aad": value.CONTEXT.decode(),
        "payload": signed.payload.hex(),
        "to_be_signed": fields.dumps(structure).hex(),
        "cose_sign1": signed.data.hex(),
        "sha256": signed.hash.hex(),
    }


def greeting(world: World) -> tuple[dict[str, Any], session.Channel, session.Channel]:
    """One greeting, with both ephemeral keys given."""
    x, y = (X25519PrivateKey.from_private_bytes(seed(f"ephemeral {who}")) for who in ("x", "y"))
    enrolment = world.enrolment().signed(world.server).data
    initiator = session.Initiator(x)
    responder = session.Responder(LOCK_ID, world.lock_key, world.server.public_key(), lambda: y)
    hello = initiator.hello()
    answer = responder.answer(hello)
    initiator.hear(answer, LOCK_ID, world.lock_key.public_key())
    transcript = initiator.to_sign(raw(world.kiosk), enrolment)
    signature = world.kiosk.sign(session.KIOSK_SIGNS + transcript)
    finish, ours = initiator.finish(signature, raw(world.kiosk), enrolment)
    _, theirs = responder.accept(finish)
    told = {
        "ephemeral_x": seed("ephemeral x").hex(),
        "ephemeral_y": seed("ephemeral y").hex(),
        "message_1": hello.hex(),
        "message_2": answer.hex(),
        "th3": transcript.hex(),
        "kiosk_signature": signature.hex(),
        "message_3": finish.hex(),
        "key_kiosk_to_lock": ours.send_key.hex(),
        "key_lock_to_kiosk": ours.receive_key.hex(),
        "challenge": ours.challenge.hex(),
    }
    return told, ours, theirs


def conversation(world: World, ours: session.Channel, theirs: session.Channel) -> list[dict[str, Any]]:
    """A question and an answer of each direction, sealed with the counters 0 and 1."""
    grant, command = world.grant(), world.fresh()
    use = world.use(grant, command, ours.challenge).signed(world.kiosk)
    said = (
        (ours, commands.AskStanding()),
        (ours, commands.Arm(command, grant.signed(world.server).data, use.data)),
        (theirs, commands.Outcome(command, commands.Result.ARMED, 0, grant.stamps, 30)),
        (theirs, commands.Refused("count")),
    )
    return [
        {
            "from": "kiosk" if channel is ours else "lock",
            "message": type(message).__name__,
            "plain": commands.write(message).hex(),
            "sealed": channel.seal(commands.write(message)).hex(),
        }
        for channel, message in said
    ]


def log(world: World) -> dict[str, Any]:
    """The log of a lock that booted, was armed and stamped once."""
    visit = world.visit()
    visit.tell()
    visit.arm(world.grant())
    visit.press()
    nonce = world.fresh(32)
    answer = visit.ask(commands.ReadLog(0, nonce, commands.MOST_EVENTS))
    assert isinstance(answer, commands.Events)
    return {"nonce": nonce.hex(), "events": [event.hex() for event in answer.events], "head": answer.head.hex()}


def forgetting() -> dict[str, Any]:
    """A grant for one stamp, used; then a time far ahead, and the true one again: its count is forgotten, and it is refused."""
    world = World()
    grant = world.grant(stamps=1)
    visits = []
    for at in (grant.issued_at, grant.expires_at + 2 * 86_400, grant.issued_at):
        visit = world.visit()
        visit.tell(at=at)
        answer = visit.arm(grant)
        said = answer.why if isinstance(answer, commands.Refused) else commands.Result(answer.result).name.lower()  # type: ignore[union-attr]
        kept = world.memory.kept().forgotten
        visits.append({"stated_at": at, "answer": said, "stamped": visit.press(), "forgotten_up_to": kept})
    return {"expires_at": grant.expires_at, "stamps": grant.stamps, "visits": visits}


def clearing() -> dict[str, Any]:
    """Opened by force twice, and taken back up to the first time, the second, and up to the second again after a third."""
    world = World()
    first, second = broken_open(world), broken_open(world)
    said = [cleared(world, first), cleared(world, second)]
    third = broken_open(world)
    return {"tampered_at_events": [first, second, third], "statements": [*said, cleared(world, second)]}


def broken_open(world: World) -> int:
    """The event that says so."""
    world.lock.tamper(world.now_ms)
    return world.memory.kept().last


def cleared(world: World, upto: int) -> dict[str, Any]:
    """What a statement leaves of the tampering."""
    world.visit().tell(clear_tamper=True, clear_upto=upto)
    return {"clear_upto": upto, "tampered": bool(world.memory.kept().tampered)}


def make() -> dict[str, Any]:
    """Everything."""
    world = World()
    told, ours, theirs = greeting(world)
    grant = world.grant()
    arm = conversation(world, ours, theirs)
    return {
        "profile": "daka/lock/1",
        "lock_id": LOCK_ID,
        "ed25519_seeds": {name: seed(name).hex() for name in ("server", "clock", "kiosk", "lock")},
        "ed25519_public": {name: raw(key(name)).hex() for name in ("server", "clock", "kiosk", "lock")},
        "kiosk_thumbprint": papers.thumbprint(world.kiosk.public_key()).hex(),
        "papers": {
            "grant": paper(grant, "server"),
            "enrolment": paper(world.enrolment(), "server"),
            "statement": paper(world.statement(bytes(range(32))), "clock"),
            "statement_that_clears": paper(world.statement(bytes(range(32)), clear_tamper=True, clear_upto=7), "clock"),
            "use": paper(world.use(grant, bytes(range(16)), bytes(range(32))), "kiosk"),
            "head": paper(papers.Head(LOCK_ID, 0, papers.GENESIS, bytes(range(32))), "lock"),
        },
        "session": told,
        "conversation": arm,
        "frames": {
            "most_bytes": FRAME_BYTES,
            "message": arm[1]["sealed"],
            "pieces": [piece.hex() for piece in frames.split(bytes.fromhex(arm[1]["sealed"]), FRAME_BYTES)],
        },
        "log": log(world),
        "forgetting": forgetting(),
        "clearing": clearing(),
    }


if __name__ == "__main__":
    print(json.dumps(make(), indent=2))

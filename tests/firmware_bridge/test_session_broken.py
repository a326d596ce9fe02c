"""A session that breaks in the middle is a link that was lost; who the lock is was settled by the greeting."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from firmware_bridge.link.radio import Wire
from firmware_bridge.lock.driver import Credentials
from firmware_bridge.lock.errors import NotThisLock, SessionBroken
from firmware_bridge.lock.profile_driver import greet, read
from firmware_bridge.lock.works import IN_THE_MIDDLE
from firmware_bridge.protocol import commands, session
from tests.firmware_bridge.parts import World, key, raw


@dataclass
class Near:
    """The world's lock at the end of a wire; says the session is over instead, from answer `until` on."""

    world: World
    until: int

    async def ask(self, message: bytes) -> bytes:
        self.until -= 1
        if self.until < 0:
            return bytes([session.OVER])
        (answer,) = self.world.lock.receive(message, self.world.now_ms)
        return answer


def greeted(world: World, until: int) -> None:
    async def sign(transcript: bytes) -> bytes:
        return world.kiosk.sign(session.KIOSK_SIGNS + transcript)

    async def story() -> None:
        enrolment = world.enrolment().signed(world.server).data
        credentials = Credentials(world.lock_id, raw(key("lock")), raw(world.kiosk), enrolment, sign)
        wire = Near(world, until)
        talk, _ = await greet(cast(Wire, wire), credentials, X25519PrivateKey.generate())
        read(talk, await wire.ask(talk.ask(commands.AskStanding())))

    world.lock.link_up()
    asyncio.run(story())


@pytest.mark.parametrize("until", [0, 1])
def test_a_lock_that_does_not_finish_the_greeting_is_not_this_lock(until: int) -> None:
    with pytest.raises(NotThisLock):
        greeted(World(), until)


def test_a_session_that_breaks_in_the_middle_is_no_impostors_and_is_tried_again() -> None:
    with pytest.raises(SessionBroken) as broken:
        greeted(World(), 2)
    assert isinstance(broken.value, IN_THE_MIDDLE)

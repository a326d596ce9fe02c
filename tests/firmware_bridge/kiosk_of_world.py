"""The kiosk daemon's answers to the bridge, by a world's keys: what device.locks does with journal and grants, without them."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field

from device import api
from device.api.bridge import Kept, LockPapers, Text, UsePapers
from device.messages import lock as papers
from device.messages.lock import EventKind
from firmware_bridge.protocol import session
from tests.firmware_bridge.parts import World, key, raw


@dataclass
class KioskOfWorld:
    """Enrolled with the world's lock; `online` says whether the server answers."""

    world: World
    online: bool = True
    grants: dict[str, papers.Grant] = field(default_factory=dict)
    log: list[bytes] = field(default_factory=list)
    nonce: bytes = bytes(32)

    def papers(self, lock: str) -> LockPapers:
        if lock != self.world.lock_id:
            raise api.KioskRefused("LockNotEnrolled", f"the enterprise has not enrolled {lock} here")
        self.nonce = self.world.fresh(32)
        enrolment = self.world.enrolment().signed(self.world.server).data
        lock_key, kiosk_key = b64(raw(key("lock"))), b64(raw(self.world.kiosk))
        return LockPapers(lock, lock_key, kiosk_key, b64(enrolment), len(self.log), b64(self.nonce))

    def sign_session(self, lock: str, transcript: str) -> Text:
        return Text(b64(self.world.kiosk.sign(session.KIOSK_SIGNS + base64.b64decode(transcript))))

    def statement(self, lock: str, challenge: str) -> Text:
        said = self.world.statement(base64.b64decode(challenge))
        return Text(b64(said.signed(self.world.clock).data) if self.online else "")

    def use(self, ticket: str, lock: str, challenge: str, command: str) -> UsePapers:
        grant = self.grants[ticket]
        use = self.world.use(grant, base64.b64decode(command), base64.b64decode(challenge))
        return UsePapers(b64(grant.signed(self.world.server).data), b64(use.signed(self.world.kiosk).data))

    def keep(self, lock: str, events: tuple[str, ...], head: str, nonce: str) -> Kept:
        public = key("lock").public_key()
        prev = papers.Signed(self.log[-1], b"").hash if self.log else papers.GENESIS
        for text in events:
            data = base64.b64decode(text)
            _, prev = papers.follow(data, public, len(self.log), prev)
            self.log.append(data)
        assert papers.Head.opened(base64.b64decode(head), public).nonce == self.nonce
        return Kept(len(self.log))

    @property
    def kinds(self) -> list[EventKind]:
        return [EventKind(papers.Event.unproven(data).kind) for data in self.log]


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()

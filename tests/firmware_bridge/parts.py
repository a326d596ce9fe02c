"""An enterprise, a kiosk and a lock with keys of their own, and both ends of the protocol talking without any radio."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.messages import lock as papers
from device.messages.lock import Factor, thumbprint
from firmware_bridge.protocol import commands, session
from firmware_bridge.protocol.diary import Identity
from firmware_bridge.protocol.kiosk import Talk
from firmware_bridge.protocol.lock import Lock
from firmware_bridge.protocol.memory import Change, Counted, Kept

NOON = 1_800_000_000
LOCK_ID = "LOCK-0001"
ANN, BOB = "p-" + "a" * 32, "p-" + "b" * 32
CONTRACT = hashlib.sha256(b"contract 4711").digest()
RECORD = hashlib.sha256(b"the verification's record").digest()
SESSION_S = 60


def key(name: str) -> Ed25519PrivateKey:
    """The same key for the same name, in every run."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"key of {name}".encode()).digest())


def raw(secret: Ed25519PrivateKey) -> bytes:
    return secret.public_key().public_bytes_raw()


class RamMemory:
    """What a lock remembers while the object lives, for tests of the protocol; the reference lock's own is on a disk."""

    def __init__(self, name: str = "Finance seal") -> None:
        self._kept = Kept(name)
        self._events: dict[int, bytes] = {}
        self._counted: dict[bytes, Counted] = {}
        self.commits = 0

    def kept(self) -> Kept:
        return self._kept

    def command(self, command: bytes) -> Counted | None:
        return self._counted.get(command)

    def used(self, grant: bytes) -> int:
        return sum(counted.grant == grant for counted in self._counted.values())

    def expired(self, before: int) -> int:
        return max((counted.expires_at for counted in self._counted.values() if counted.expires_at < before), default=0)

    def unfinished(self) -> tuple[Counted, ...]:
        return tuple(counted for counted in self._counted.values() if counted.result == commands.Result.MOVING)

    def events(self, after: int, most: int) -> tuple[bytes, ...]:
        return tuple(self._events[number] for number in range(after + 1, after + 1 + most) if number in self._events)

    def commit(self, change: Change) -> None:
        self.commits += 1
        self._kept = change.kept
        self._events |= dict(change.events)
        self._events = {number: data for number, data in self._events.items() if number >= change.kept.first}
        self._counted |= {counted.command: counted for counted in change.counted}
        self._counted = {one: counted for one, counted in self._counted.items() if counted.expires_at > change.kept.forgotten}

    @property
    def log(self) -> tuple[bytes, ...]:
        """Every event that is kept."""
        return tuple(self._events[number] for number in sorted(self._events))


@dataclass
class World:
    """Everybody, and a clock that only the test moves."""

    server: Ed25519PrivateKey = field(default_factory=lambda: key("server"))
    clock: Ed25519PrivateKey = field(default_factory=lambda: key("clock"))
    kiosk: Ed25519PrivateKey = field(default_factory=lambda: key("kiosk"))
    lock_key: Ed25519PrivateKey = field(default_factory=lambda: key("lock"))
    memory: RamMemory = field(default_factory=RamMemory)
    lock_id: str = LOCK_ID
    now_ms: int = 0
    most_events: int = 4_096
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.lock = self.boot()

    def boot(self) -> Lock:
        """The lock, from power off, with what it remembers."""
        self.now_ms = 0
        identity = Identity(
            self.lock_id, self.lock_key, self.server.public_key(), self.clock.public_key(), most_events=self.most_events
        )
        self.lock = Lock(identity, self.memory, self.ephemeral)
        return self.lock

    def ephemeral(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.fresh(32))

    def fresh(self, size: int = 16) -> bytes:
        """Bytes that this world has not seen before, the same in every run."""
        return hashlib.sha256(f"fresh {next(self._numbers)}".encode()).digest()[:size]

    def enrolment(self, **changed: object) -> papers.Enrolment:
        told = papers.Enrolment(self.lock_id, raw(self.lock_key), raw(self.kiosk), 0, NOON + 90 * 86_400)
        return replace(told, **changed)  # type: ignore[arg-type]

    def grant(self, **changed: object) -> papers.Grant:
        told = papers.Grant(
            person=ANN,
            lock=self.lock_id,
            expires_at=NOON + 4 * 3600,
            not_before=NOON,
            issued_at=NOON,
            id=self.fresh(),
            kiosk=thumbprint(self.kiosk.public_key()),
            document=CONTRACT,
            stamps=2,
            factors=int(Factor.FACE),
            epoch=0,
            label="contract 4711",
        )
        return replace(told, **changed)  # type: ignore[arg-type]

    def use(self, grant: papers.Grant, command: bytes, challenge: bytes, /, **changed: object) -> papers.Use:
        told = papers.Use(grant.id, grant.person, grant.document, challenge, command, int(Factor.FACE), RECORD)
        return replace(told, **changed)  # type: ignore[arg-type]

    def statement(self, challenge: bytes, **changed: object) -> papers.Statement:
        told = papers.Statement(self.lock_id, challenge, NOON + self.now_ms // 1000, 0, 0)
        return replace(told, **changed)  # type: ignore[arg-type]

    def visit(self, *, kiosk: Ed25519PrivateKey | None = None, paper: bytes | None = None) -> Visit:
        """A new link and a session over it."""
        if self.lock.state is not self.lock.state.ALONE:
            self.lock.link_down(self.now_ms)
        self.lock.link_up()
        return Visit.opened(self, kiosk or self.kiosk, paper or self.enrolment().signed(self.server).data)


@dataclass
class Visit:
    """An open session, from the kiosk's side."""

    world: World
    talk: Talk
    standing: commands.Answer

    @classmethod
    def opened(cls, world: World, kiosk: Ed25519PrivateKey, paper: bytes) -> Visit:
        """SessionRefused if either end does not believe the other."""
        initiator = session.Initiator(world.ephemeral())
        (answer,) = world.lock.receive(initiator.hello(), world.now_ms)
        initiator.hear(answer, LOCK_ID, key("lock").public_key())
        signature = kiosk.sign(session.KIOSK_SIGNS + initiator.to_sign(raw(kiosk), paper))
        finish, channel = initiator.finish(signature, raw(kiosk), paper)
        (greeting,) = world.lock.receive(finish, world.now_ms)
        talk = Talk(channel)
        return cls(world, talk, talk.hear(greeting))

    def ask(self, question: commands.Question) -> commands.Answer:
        (answer,) = self.world.lock.receive(self.talk.ask(question), self.world.now_ms)
        return self.talk.hear(answer)

    def tell(self, **changed: object) -> commands.Answer:
        """The server's word for this session."""
        said = self.world.statement(self.talk.challenge, **changed)
        return self.ask(commands.Tell(said.signed(self.world.clock).data))

    def arm(
        self,
        grant: papers.Grant,
        command: bytes | None = None,
        /,
        *,
        signer: Ed25519PrivateKey | None = None,
        kiosk: Ed25519PrivateKey | None = None,
        **changed: object,
    ) -> commands.Answer:
        command = command or self.world.fresh()
        use = self.world.use(grant, command, self.talk.challenge, **changed).signed(kiosk or self.world.kiosk)
        return self.ask(commands.Arm(command, grant.signed(signer or self.world.server).data, use.data))

    def press(self, *, factor: bool = False) -> bool:
        """Somebody presses; what the lock says is heard. True if it moved."""
        pressed = self.world.lock.press(self.world.now_ms, factor=factor)
        for message in pressed.messages:
            self.talk.hear(message)
        if pressed.move:
            for message in self.world.lock.moved(self.world.now_ms):
                self.talk.hear(message)
        return pressed.move

    def read_log(self) -> tuple[papers.Event, ...]:
        """The whole log, verified."""
        nonce = self.world.fresh(32)
        events: list[bytes] = []
        while True:
            answer = self.ask(commands.ReadLog(len(events), nonce, commands.MOST_EVENTS))
            assert isinstance(answer, commands.Events)
            if not answer.events:
                return papers.verify_log(events, answer.head, key("lock").public_key(), nonce)
            events += answer.events

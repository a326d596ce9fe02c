"""The lock itself: what comes over the link, a press, a fall, a flat battery in; answers, and the word to move, out.

Whatever counts is in its memory, durably, before anything moves and before anybody is told. A press after a power cut between the
two is counted as used. The caller brings the uptime in milliseconds, which begins at 0 with each boot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.messages import MessageError
from device.messages import lock as papers
from device.messages.lock import EventKind
from firmware_bridge.protocol import commands, session
from firmware_bridge.protocol.commands import Result, Time
from firmware_bridge.protocol.diary import Diary, Happened, Identity, of_stamp
from firmware_bridge.protocol.errors import CommandRefused, ProtocolError, SessionRefused
from firmware_bridge.protocol.hour import Hour, Oscillator
from firmware_bridge.protocol.judge import Approved, Bench, judge
from firmware_bridge.protocol.machine import NEXT, Happening, State
from firmware_bridge.protocol.memory import Counted, Kept, Memory
from firmware_bridge.protocol.stamping import Armed, Messages, Pressed, named, of_armed, said

PRESS_WITHIN_MS = 30_000
REFUSALS_EVERY_MS = 60_000  # failed greetings are anybody's: one event a minute, with their number
GRACE_S = 86_400  # a spent grant is remembered this much longer than it lives
LOW_PERCENT = 15


class Lock:
    """One lock, from boot to power loss."""

    def __init__(self, identity: Identity, memory: Memory, new_ephemeral: Callable[[], X25519PrivateKey], now_ms: int = 0) -> None:
        self._identity, self._memory, self._diary = identity, memory, Diary(identity, memory)
        self._new_ephemeral = new_ephemeral
        self.state = State.ALONE
        self.battery = 100
        self.lit_until_ms = 0
        self.forgetting = False
        self._responder: session.Responder | None = None
        self._channel: session.Channel | None = None
        self._kiosk: papers.Enrolment | None = None
        self._greeted_ms = 0
        self._time = Oscillator()
        self._armed: Armed | None = None
        self._moving: Counted | None = None
        self._last: commands.Outcome | None = None
        self._refused, self._refused_ms = 0, -REFUSALS_EVERY_MS
        self._boot(now_ms)

    # ---- power

    def _boot(self, now_ms: int) -> None:
        """A stamp that was counted and whose movement nobody saw the end of stays counted, and is said so."""
        kept = replace(self._memory.kept(), boot=self._memory.kept().boot + 1)
        broken_off = tuple(replace(counted, result=Result.UNFINISHED) for counted in self._memory.unfinished())
        told = (of_stamp(EventKind.UNFINISHED, counted) for counted in broken_off)
        self._diary.write(Happened(EventKind.BOOT), *told, now_ms=now_ms, at=0, kept=kept, counted=broken_off)

    @property
    def name(self) -> str:
        """What people call it."""
        return self._memory.kept().name

    @property
    def standing(self) -> Kept:
        """What it remembers."""
        return self._memory.kept()

    # ---- the link

    def link_up(self) -> bool:
        """Somebody has connected; False: the lock is busy, drop them."""
        return self._step(Happening.LINK)

    def link_down(self, now_ms: int) -> None:
        """The link is gone, and with it the session and the waiting for a press."""
        if self._step(Happening.LINK_LOST):
            self._disarm(Result.ENDED, "link_lost", now_ms)
        self._end_session()

    def receive(self, message: bytes, now_ms: int) -> Messages:
        """One whole message of the kiosk's; the answers to it."""
        try:
            if message[:1] == bytes([session.HELLO]):
                return self._hello(message, now_ms)
            if message[:1] == bytes([session.FINISH]):
                return self._finish(message)
            if self._channel is None:
                raise SessionRefused("no session is open")
            return self._answer(self._channel.open(message), now_ms)
        except (ProtocolError, MessageError):
            return self._broken(now_ms)

    def _hello(self, message: bytes, now_ms: int) -> Messages:
        self._must(Happening.HELLO)
        identity = self._identity
        self._responder = session.Responder(identity.lock, identity.key, identity.grant_key, self._new_ephemeral)
        self._greeted_ms = now_ms
        return (self._responder.answer(message),)

    def _finish(self, message: bytes) -> Messages:
        if self._responder is None or self.state is not State.GREETED:
            raise SessionRefused("nobody has greeted")
        enrolment, channel = self._responder.accept(message)
        if enrolment.epoch < self._memory.kept().epoch:
            raise SessionRefused("the kiosk's enrolment was revoked")
        self._must(Happening.FINISH)
        self._kiosk, self._channel, self._responder = enrolment, channel, None
        return self._sealed(self._standing(self._greeted_ms))

    def _broken(self, now_ms: int) -> Messages:
        """The session is over; failed ones are counted, and written down now and then."""
        self._step(Happening.BROKEN)
        self._disarm(Result.ENDED, "session", now_ms)
        self._end_session()
        self._refused += 1
        if now_ms - self._refused_ms >= REFUSALS_EVERY_MS:
            refused, self._refused, self._refused_ms = self._refused, 0, now_ms
            self._write(Happened(EventKind.SESSION_REFUSED, count=refused), now_ms=now_ms)
        return (bytes([session.OVER]),)

    def _end_session(self) -> None:
        self._responder = self._channel = self._kiosk = None
        self._time.session_ends()

    def _must(self, happening: Happening) -> None:
        if not self._step(happening):
            raise SessionRefused(f"{happening} does not follow {self.state}")

    def _step(self, happening: Happening) -> bool:
        """By the table; False, and nothing changes, for what does not stand in it."""
        after = NEXT.get((self.state, happening))
        if after is not None:
            self.state = after
        return after is not None

    # ---- what is asked in a session

    def _answer(self, data: bytes, now_ms: int) -> Messages:
        try:
            question = commands.read_question(data)
        except CommandRefused:
            return self._sealed(commands.Refused("command"))
        return self._sealed(self._decide(question, now_ms))

    def _decide(self, question: commands.Question, now_ms: int) -> commands.Answer:
        match question:
            case commands.AskStanding():
                return self._standing(now_ms)
            case commands.Tell(statement):
                return self._told(statement, now_ms)
            case commands.Arm():
                return self._arm(question, now_ms)
            case commands.AskOutcome(command):
                return self._outcome(command, now_ms)
            case commands.End():
                return self._end(now_ms)
            case commands.ReadLog(after, nonce, most):
                return self._log(after, nonce, most)
            case commands.Rename(name):
                return self._rename(name, now_ms)
            case commands.Identify():
                self.lit_until_ms = now_ms + 5_000
                return commands.Done()
            case commands.Forget():
                self.forgetting = True
                self._write(Happened(EventKind.FORGOTTEN), now_ms=now_ms)
                return commands.Done()

    def _standing(self, now_ms: int) -> commands.Standing:
        kept, hour = self._memory.kept(), self.hour(now_ms)
        return commands.Standing(
            name=kept.name,
            model=self._identity.model,
            firmware=self._identity.firmware,
            battery=self.battery,
            tampered=bool(kept.tampered),
            armed=self.state is State.ARMED,
            first=kept.first,
            last=kept.last,
            epoch=kept.epoch,
            time=hour.source,
            at=hour.latest,
        )

    def _told(self, data: bytes, now_ms: int) -> commands.Answer:
        """The server's word counts if it is for this very session; time, floor and log follow it."""
        assert self._channel is not None
        try:
            word = papers.Statement.opened(data, self._identity.time_key)
        except MessageError:
            return commands.Refused("statement")
        if word.lock != self._identity.lock or word.challenge != self._channel.challenge:
            return commands.Refused("statement")
        self._time.told(word.at, self._greeted_ms, now_ms)
        kept = self._memory.kept()
        happened: list[Happened] = []
        if word.epoch > kept.epoch:
            kept = replace(kept, epoch=word.epoch)
            happened.append(Happened(EventKind.EPOCH, count=word.epoch))
        if word.clear_tamper and 0 < kept.tampered <= word.clear_upto:
            kept = replace(kept, tampered=0)
            happened.append(Happened(EventKind.TAMPER_CLEARED))
        seen = max(kept.seen, min(word.seen, kept.last))
        first = max(kept.first, min(seen + 1, kept.last - self._identity.most_events + 1))
        kept = replace(kept, seen=seen, first=first, forgotten=self._forgotten(word.at))
        self._write(*happened, now_ms=now_ms, kept=kept)
        return commands.Done()

    def _forgotten(self, at: int) -> int:
        """Up to which expiry counts are forgotten at this time; never under way to a stamp, which is one of them."""
        before = self._memory.kept().forgotten
        return max(before, self._memory.expired(at - GRACE_S)) if self.state is State.OPEN else before

    def _arm(self, question: commands.Arm, now_ms: int) -> commands.Answer:
        """Wait for the press, or say why not; a command that has cost a stamp already only says what became of it."""
        if (counted := self._memory.command(question.command)) is not None:
            return said(counted)
        if self.state is State.ARMED and self._armed is not None and self._armed.command == question.command:
            return self._waiting(self._armed, now_ms)
        approved = self._judged(question, now_ms)
        if isinstance(approved, str):
            self._write(Happened(EventKind.REFUSED, grant=named(question.grant), why=approved), now_ms=now_ms)
            return commands.Refused(approved)
        self._step(Happening.ARM)
        self._armed = Armed(approved, question.command, now_ms + PRESS_WITHIN_MS)
        self._write(of_armed(EventKind.ARMED, self._armed), now_ms=now_ms)
        return self._waiting(self._armed, now_ms)

    def _judged(self, question: commands.Arm, now_ms: int) -> Approved | str:
        assert self._channel is not None
        assert self._kiosk is not None
        kept = self._memory.kept()
        if (self.state, Happening.ARM) not in NEXT:
            return "busy"
        if kept.tampered:
            return "tampered"
        if not self._diary.has_room():
            return "log_full"
        hour = self.hour(now_ms)
        if hour.source is not Time.NONE and hour.latest >= self._kiosk.expires_at:
            return "kiosk"
        identity = self._identity
        bench = Bench(
            identity.lock, identity.grant_key, self._kiosk.kiosk_key, self._channel.challenge, kept.epoch, kept.forgotten, hour
        )
        approved = judge(question, bench)
        if isinstance(approved, Approved) and self._memory.used(approved.grant.id) >= approved.grant.stamps:
            return "count"
        return approved

    def _outcome(self, command: bytes, now_ms: int) -> commands.Outcome:
        if (counted := self._memory.command(command)) is not None:
            return said(counted)
        if self._armed is not None and self._armed.command == command:
            return self._waiting(self._armed, now_ms)
        if self._last is not None and self._last.command == command:
            return self._last
        return commands.Outcome(command, Result.UNKNOWN)

    def _end(self, now_ms: int) -> commands.Answer:
        if not self._step(Happening.END):
            return commands.Refused("not_armed")
        self._disarm(Result.ENDED, "ended", now_ms)
        return commands.Done()

    def _log(self, after: int, nonce: bytes, most: int) -> commands.Answer:
        first = self._memory.kept().first
        return commands.Events(self._memory.events(max(after, first - 1), most), self._diary.head(nonce))

    def _rename(self, name: str, now_ms: int) -> commands.Answer:
        self._write(Happened(EventKind.RENAMED), now_ms=now_ms, kept=replace(self._memory.kept(), name=name))
        return commands.Done()

    def _waiting(self, armed: Armed, now_ms: int) -> commands.Outcome:
        grant = armed.approved.grant
        left_s = max(0, armed.until_ms - now_ms) // 1000
        used = self._memory.used(grant.id)
        return commands.Outcome(armed.command, Result.ARMED, used, grant.stamps, left_s, armed.approved.factor)

    # ---- what happens at the lock

    def press(self, now_ms: int, *, factor: bool = False) -> Pressed:
        """The button, with or without the factor at the lock. It is counted, durably, before the word to move is given."""
        late = self.tick(now_ms)  # sealed already: whoever does not send it on breaks the session
        armed = self._armed
        if self.state is not State.ARMED or armed is None:
            return Pressed(False, late)
        if armed.approved.factor and not factor:
            self._write(of_armed(EventKind.NO_FACTOR, armed), now_ms=now_ms)
            return Pressed(False)
        grant, used = armed.approved.grant, self._memory.used(armed.approved.grant.id) + 1
        counted = Counted(
            armed.command, grant.id, grant.person, grant.document, grant.expires_at, Result.MOVING, used, grant.stamps
        )
        self._write(of_stamp(EventKind.STAMP, counted, armed.approved.use.record), now_ms=now_ms, counted=(counted,))
        self._step(Happening.PRESS)
        self._armed, self._moving = None, counted
        return Pressed(True, self._pushed(said(counted)))

    def moved(self, now_ms: int) -> Messages:
        """The movement is over."""
        if self._moving is None or not self._step(Happening.MOVED):
            return ()
        counted, self._moving = replace(self._moving, result=Result.STAMPED), None
        self._write(of_stamp(EventKind.STAMPED, counted), now_ms=now_ms, counted=(counted,))
        return self._pushed(said(counted))

    def tick(self, now_ms: int) -> Messages:
        """Time passes; an armed lock that nobody presses lets go of it."""
        if self._armed is None or now_ms < self._armed.until_ms or not self._step(Happening.TIME_UP):
            return ()
        self._disarm(Result.NOT_PRESSED, "time_up", now_ms)
        return self._pushed(self._last) if self._last else ()

    def tamper(self, now_ms: int, kind: EventKind = EventKind.TAMPER) -> None:
        """Opened by force (TAMPER) or fallen (DROP): nothing is stamped until the enterprise clears it."""
        if self._step(Happening.END):
            self._disarm(Result.ENDED, "tampered", now_ms)
        kept = self._memory.kept()
        self._write(Happened(kind), now_ms=now_ms, kept=replace(kept, tampered=kept.last + 1))

    def charge(self, percent: int, now_ms: int) -> None:
        """The battery's state; an event when it gets low."""
        low, self.battery = percent < LOW_PERCENT <= self.battery, percent
        if low:
            self._write(Happened(EventKind.BATTERY_LOW, count=percent), now_ms=now_ms)

    def paired(self, now_ms: int) -> None:
        """A bond was made."""
        self._write(Happened(EventKind.PAIRED), now_ms=now_ms)

    def hour(self, now_ms: int) -> Hour:
        """The lock's time, and whose word it is."""
        return self._time.at(now_ms)

    # ---- inside

    def _disarm(self, result: Result, why: str, now_ms: int) -> None:
        if self._armed is None:
            return
        grant = self._armed.approved.grant
        self._last = commands.Outcome(self._armed.command, result, self._memory.used(grant.id), grant.stamps)
        self._write(replace(of_armed(EventKind.CLOSED, self._armed), why=why), now_ms=now_ms)
        self._armed = None

    def _sealed(self, answer: commands.Answer) -> Messages:
        assert self._channel is not None
        return (self._channel.seal(commands.write(answer)),)

    def _pushed(self, answer: commands.Answer) -> Messages:
        """Unasked, to whoever still has a session."""
        return self._sealed(answer) if self._channel is not None else ()

    def _write(
        self,
        *happened: Happened,
        now_ms: int,
        kept: Kept | None = None,
        counted: tuple[Counted, ...] = (),
    ) -> None:
        self._diary.write(*happened, now_ms=now_ms, at=self.hour(now_ms).latest, kept=kept, counted=counted)

"""The line inside the kiosk: frame, face, identity, decision, record, and only then the answer on the screen."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from device import api, attend, database, messages, pulse
from device.api import serving
from device.attend import Claim, Identity, Punch, Refused, Stranger, Why
from device.camera import Frame
from device.clock import Moment
from device.errors import DeviceError
from device.journal import Receipt
from device.outlines import Outline
from device.recognise import Seen, Waiting
from device.sentences import say

log = logging.getLogger(__name__)

METHODS = {
    Claim.NONE: messages.Method.FACE,
    Claim.NUMBER: messages.Method.FACE_AND_NUMBER,
    Claim.BADGE: messages.Method.FACE_AND_BADGE,
    Claim.QR: messages.Method.FACE_AND_QR,
    Claim.PIN: messages.Method.FACE_AND_PIN,
}

NOBODY_LOOKED = messages.Models("", "")
KEPT_DECISIONS = 500  # in memory only, for whoever watches; the journal is what lasts
STUCK_S = 10.0  # a disk that wakes up takes two or three
BAND = 5  # hundredths of cosine: a band says how sure it was without being a score


class Recogniser(Protocol):
    """Says who stands there; device.recognise has the real one."""

    def see(self, frame: Frame) -> Seen: ...
    def watch(self, frame: Frame) -> None: ...


class Journal(Protocol):
    """Remembers, durably; device.journal has the real one."""

    def last_punch(self, person: str) -> attend.LastPunch | None: ...
    def append(self, body: messages.Body, moment: Moment) -> Receipt: ...


class Desk(Protocol):
    """Knows names; device.desk has the real one."""

    def name_of(self, person: str) -> str: ...
    def expires_at(self, person: str) -> datetime | None: ...
    def group_of(self, person: str) -> str: ...


class Board:
    """Where answers are put up for the screen and for watchers: the newest decisions, and what the kiosk waits for."""

    def __init__(self) -> None:
        self._decisions: deque[api.Decision] = deque(maxlen=KEPT_DECISIONS)
        self._changed = threading.Condition()
        self.count = 0
        self.waiting = Waiting.NOBODY
        self.prompt = api.Prompt()
        self.trouble = ""

    def put(self, decision: api.Decision) -> api.Decision:
        """Show one decision, under the next number."""
        with self._changed:
            self.count += 1
            numbered = dataclasses.replace(decision, number=self.count)
            self._decisions.append(numbered)
            self._changed.notify_all()
        return numbered

    def forget(self, person: str) -> None:
        """Somebody was erased: what is still on show names them no more."""
        with self._changed:
            kept = [dataclasses.replace(one, name="") if one.person == person else one for one in self._decisions]
            self._decisions = deque(kept, maxlen=KEPT_DECISIONS)

    def after(self, number: int, wait_s: float) -> tuple[api.Decision, ...]:
        """Decisions after `number`, waiting up to `wait_s` seconds for the first."""
        with self._changed:
            serving.wait(self._changed, lambda: self.count > number, wait_s)
            return tuple(decision for decision in self._decisions if decision.number > number)


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """A direction that somebody pressed, and the faces of those who stood beside them and did not."""

    direction: messages.Direction
    since: Moment
    lasts: timedelta
    beside: frozenset[int]


class Line:
    """Everything between a frame and a receipt."""

    def __init__(
        self,
        recogniser: Recogniser,
        journal: Journal,
        desk: Desk,
        board: Board,
        policy: attend.Policy,
        models: messages.Models,
        site: str,
    ) -> None:
        self._recogniser, self._journal, self._desk, self._board = recogniser, journal, desk, board
        self.policy, self._models, self._site = policy, models, site
        self._busy_since: float | None = None
        self._other_way: tuple[Moment, timedelta] | None = None
        self._choice: Choice | None = None
        self.faces: Callable[[], tuple[Outline, ...]] = tuple  # who stands there, as the screen draws them
        self.witness: Callable[[Identity | Stranger], api.Decision | None] = lambda seen: None  # who is here for something else
        self.come_back: Callable[[Identity, timedelta], None] = lambda who, after: None  # they are looked at once more
        self.asked: Callable[[], str] = str  # who is in the middle of a challenge
        self.prompted: Callable[[str], None] = lambda person: None  # they are asked to do something
        self.sitter: Callable[[Frame], Seen | None] = lambda frame: None  # somebody is being enrolled
        self.pulse = pulse.Pulse()
        self.locked: Callable[[], str] = lambda: (
            ""
        )  # why no template can be read: then no face is looked for, every other way counts
        self._deciding = threading.Lock()  # two ways at once for one person are still two decisions, one after the other

    def is_stuck(self) -> bool:
        """Whether one frame has been in hand for longer than any frame takes: a model, a driver or a disk hangs."""
        since = self._busy_since
        return since is not None and time.monotonic() - since > STUCK_S

    def run(self, frames: Iterable[Frame]) -> None:
        """Until the camera ends. One bad frame is a line in the log, not the end of the kiosk."""
        for frame in frames:
            self._busy_since = time.monotonic()
            try:
                self.take(frame)
            except Exception:
                self._board.trouble = say("trouble.frame")
                log.exception("a frame could not be handled")
            self._busy_since = None
            self.pulse.frame()

    def take(self, frame: Frame) -> None:
        """One frame from the camera to the screen."""
        if self.locked():
            self._board.waiting = Waiting.NOBODY
            return
        if self.is_suspended(frame.moment):
            self._recogniser.watch(frame)
            self._board.waiting, self._board.prompt = Waiting.OTHER_WAY, api.Prompt()  # whoever was asked something is not any more
            return
        seen = self.sitter(frame) or self._recogniser.see(frame)
        before, self._board.prompt = self._board.prompt, seen if isinstance(seen, api.Prompt) else api.Prompt()
        if isinstance(seen, api.Prompt):
            if (before.action, before.step) != (seen.action, seen.step):
                self.prompted(self.asked())
            self._board.waiting = Waiting.CHALLENGE
            return
        if isinstance(seen, Waiting):
            self._board.waiting = seen
            return
        self.settle(seen)

    def suspend(self, since: Moment, lasts: timedelta) -> None:
        """Compare no face for a while: somebody has chosen another way. No time at all ends it."""
        self._other_way = (since, lasts)

    def choose(self, direction: messages.Direction, since: Moment, lasts: timedelta) -> None:
        """Somebody pressed in, out or break: their punch goes that way, if it comes while the choice `lasts`.

        It was the one to whom the screen speaks, or somebody who comes now; whoever stands beside did not press it.
        """
        beside = frozenset(one.face for one in self.faces() if one.face and not one.leads)
        self._choice = Choice(direction, since, lasts, beside)

    def _chosen(self, who: Identity) -> messages.Direction | None:
        chosen = self._choice
        if chosen is None or who.face in chosen.beside:
            return None
        return chosen.direction if timedelta(0) <= attend.elapsed(chosen.since, who.seen_at) < chosen.lasts else None

    def is_suspended(self, now: Moment) -> bool:
        """Whether somebody uses another way, as far as the page has said."""
        since, lasts = self._other_way or (now, timedelta(0))
        return attend.elapsed(since, now) < lasts

    def settle(self, seen: Identity | Stranger) -> api.Decision:
        """Decide, record, and show what came of it, also without a face; from any thread, one at a time."""
        began = time.monotonic() if self._busy_since is None else self._busy_since
        with self._deciding:
            try:
                witnessed = self.witness(seen)
                return self._board.put(witnessed) if witnessed is not None else self._timed(seen, began)
            except database.StorageError as error:
                self._board.trouble = say("trouble.not_recorded", why=error)
                log.error("a punch could not be recorded: %s", error)
                return self._show(seen, "refused", Why.NOT_RECORDED)

    def _timed(self, seen: Identity | Stranger, began: float) -> api.Decision:
        """The decision, and how long the person has waited since the first frame that showed them; the last came at `began`."""
        decision = self._decide(seen)
        if decision.outcome == "punched" and isinstance(seen, Identity):
            since = attend.elapsed(seen.first_attempt, seen.seen_at) + timedelta(seconds=time.monotonic() - began)
            self.pulse.punched(None if seen.without_face else since)
        return decision

    def _decide(self, seen: Identity | Stranger) -> api.Decision:
        """StorageError where the journal can neither be read nor written."""
        last = self._journal.last_punch(seen.person) if isinstance(seen, Identity) else None
        about = self._about(seen) if isinstance(seen, Identity) else attend.NOTHING_ELSE
        match attend.decide(seen, last, self.policy, about):
            case Punch() as punch:
                if self._choice is not None and punch.identity.face not in self._choice.beside:
                    self._choice = None
                return self._record(punch)
            case Refused() as refused:
                is_known = refused.why is Why.TOO_SOON and isinstance(seen, Identity) and seen.is_again
                return self._show(seen, "refused", refused.why, seq=refused.earlier, is_quiet=is_known)

    def _record(self, punch: Punch) -> api.Decision:
        """Durable before anyone is told; a punch that cannot be written is refused in plain sight."""
        who = punch.identity
        receipt = self._journal.append(punch_body(punch, self._models, self._site), who.accepted_at)
        self._board.trouble = ""
        return self._show(who, "punched", "", direction=punch.direction, seq=receipt.seq, digest=receipt.hash)

    def _show(
        self,
        who: Identity | Stranger,
        outcome: str,
        why: str,
        direction: str = "",
        seq: int = 0,
        digest: str = "",
        is_quiet: bool = False,
    ) -> api.Decision:
        known = who if isinstance(who, Identity) else None
        decision = api.Decision(
            number=0,
            at=messages.write_time(who.seen_at.at),
            outcome=outcome,
            why=why,
            person=known.person if known else "",
            name=self._name_of(known.person) if known else "",
            direction=direction,
            votes=known.votes if known else 0,
            score_band=band(known.score) if known else 0,
            seq=seq,
            hash=digest,
            method=method_of(known) if known else "",
            face=who.face,
        )
        return decision if is_quiet else self._board.put(decision)

    def _about(self, who: Identity) -> attend.Circumstances:
        by_shift = self.policy.direction is attend.Rule.SCHEDULE or self.policy.has_breaks
        group = self._group_of(who.person) if by_shift else ""
        return attend.Circumstances(self._expires_at(who.person), group, self._chosen(who))

    def _group_of(self, person: str) -> str:
        try:
            return self._desk.group_of(person)
        except DeviceError as error:
            log.warning("a group could not be read: %s", error)
            return ""

    def _expires_at(self, person: str) -> datetime | None:
        """A directory that cannot be read makes nobody late: the punch stands, and the office looks at it."""
        try:
            return self._desk.expires_at(person)
        except DeviceError as error:
            log.warning("it could not be read until when somebody is employed: %s", error)
            return None

    def _name_of(self, person: str) -> str:
        """The name for the screen, or none: what is decided and recorded is shown even if the name cannot be read."""
        try:
            return self._desk.name_of(person)
        except DeviceError as error:
            log.warning("a name could not be read: %s", error)
            return ""


def method_of(who: Identity) -> messages.Method:
    """How the person was established."""
    return who.without_face or METHODS[who.claim]


def punch_body(punch: Punch, models: messages.Models, site: str) -> messages.PunchBody:
    """What the journal keeps of a decision: the score's band and never the score."""
    who = punch.identity
    return messages.PunchBody(
        person=who.person,
        method=method_of(who),
        direction=punch.direction.door,
        score_band=band(who.score),
        votes=who.votes,
        liveness=who.liveness,
        capture=who.capture,
        models=models if who.without_face is None else NOBODY_LOOKED,
        site=site,
        first_attempt_at=who.accepted_at.at
        - attend.elapsed(who.first_attempt, who.accepted_at),  # by one clock: none of it is a step
        assisted_by=who.vouched_by,
        reason=who.vouched_why,
        pause=punch.direction.pause,
    )


def band(score: float) -> int:
    """Lower edge of the score's band, hundredths: 0.637 is 60."""
    return int(score * 100 // BAND) * BAND

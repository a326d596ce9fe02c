"""Who stands at the kiosk. Several looks at each face vote; pixels and vectors end here.

Up to four people who stand there are compared, each by their own track, one look a frame; whoever passes behind them is not. A face
that is not enrolled leaves nothing behind but the answer `Stranger`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from device import api, attend, comparing, liveness, standing, tracks
from device.attempt import Attempt, Embedder, Look
from device.attend import Claim, Identity, Stranger
from device.attention import Attention
from device.attention import Seen as Watched
from device.camera import Frame
from device.challenger import Challenger
from device.clock import Moment
from device.comparing import Claimed as Claimed
from device.comparing import Known as Known
from device.excused import Excused
from device.messages import Capture
from device.outlines import Outline, plain
from device.outlines import Waiting as Waiting
from device.presented import Presented
from device.proving import Gate as Gate
from device.proving import Prover
from device.standing import Policy as Policy
from device.standing import Standing
from device.tracks import Crowd, Place, Track
from models import align, quality
from models.detect import Face

MISSES = 3  # such looks in a row that name nobody: somebody else stands there
QUIET_FOR = timedelta(seconds=10)  # who is named again by the same face, or after two came too close, is not told so again
MOST_CHANGES = 2  # looks that name another person than those before; after that the attempt is over
NEIGHBOUR_TURN = 0.2  # of the distance between the eyes, models.quality.turn: about 17 degrees, the median of 441 photographs

Seen = Identity | Stranger | Waiting | api.Prompt


class Recogniser:
    """Follows everybody at the kiosk and answers once for each person who stands there."""

    def __init__(
        self,
        attention: Attention,
        gate: Gate,
        embedder: Embedder,
        known: Known,
        policy: Policy,
        capture: Capture,
        guard: liveness.Guard | None = None,
        challenger: Challenger | None = None,
    ) -> None:
        self._attention, self._gate, self._embedder = attention, gate, embedder
        self._known, self._is_renewed = known, False
        self._policy, self._capture = policy, capture
        self._min_face_px = policy.min_face_px if guard is None else max(policy.min_face_px, guard.min_face_px)
        self._crowd = Crowd()
        self._people: dict[int, Standing] = {}
        self._presented = Presented(policy.claim_lasts)
        self._prover = Prover(guard, challenger, gate, embedder, policy, capture, self._presented.behind)
        self._excused = Excused(self._min_face_px, policy.nearest_lead)
        self._outlines: tuple[Outline, ...] = ()
        self._outlined: tuple[Face, ...] = ()

    def claim(self, claimed: Claimed) -> None:
        """From the next frame on compare one face with this person alone. May be called from any thread."""
        self._presented.put(claimed)

    def excuse(self, person: str) -> None:
        """Somebody has just been enrolled before this camera, and is not clocked in by it until they step away. From any thread."""
        self._excused.put(person)

    def come_back(self, who: Identity, after: timedelta) -> None:
        """Whoever was named like this is looked at once more `after` this, if they stay. From the thread that sees."""
        if (one := self._people.get(who.face)) is not None:
            one.anew_at = (who.seen_at, after)

    @property
    def known(self) -> Known:
        """Who may be recognised. Immutable; replaced whole, from any thread, when somebody is enrolled, withdraws or is erased."""
        return self._known

    @known.setter
    def known(self, known: Known) -> None:
        self._known, self._is_renewed = known, True

    @property
    def asked(self) -> str:
        """Who is in the middle of a challenge, or nobody."""
        return next((one.trial.who.person for one in self._people.values() if one.trial is not None), "")

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """What to draw around the faces of the newest frame, nearest first."""
        faces = self._attention.faces
        return self._outlines if faces is self._outlined else plain(faces)

    def see(self, frame: Frame) -> Seen:
        """One frame; Identity or Stranger exactly once for each person, otherwise what is waited for, or asked of the person."""
        seen, here, now = self._follow(frame)
        unclear = self._presented.bind(self._people.values(), here, now)
        for one in (one for one in here if one.is_to_begin_anew(now)):
            one.named.clear()  # it is told again, too
            one.begin_anew(now, None)
        self._prover.measure_light(here, frame)
        answer = self._challenged(here, frame, fresh=seen.fresh) or (self._look_at_next(here, frame) if seen.fresh else None)
        leads = standing.leader(here)
        self._outlines = self._drawn(leads)
        if answer is not None or leads is None:
            return answer or (Waiting.TOO_FAR if seen.faces else Waiting.NOBODY)
        if leads.trial is not None:
            return leads.trial.prompt(now)
        return Waiting.TWO_PEOPLE if unclear else leads.hint

    def watch(self, frame: Frame) -> None:
        """One frame while nobody is looked at: whoever was named stays so, as long as they stay.

        Whoever was being asked something has not failed: they begin anew, with other looks and another order, as after stepping
        away. Nothing of a challenge is kept, so that opening sheets passes none and allows no more tries than that does.
        """
        _, here, now = self._follow(frame)
        for asked in (one for one in self._people.values() if one.trial is not None):
            asked.begin_anew(now, asked.claimed)
        for one in here:
            if not one.is_named:
                one.attempt = Attempt(now)  # their time before the camera begins when it looks again
        self._outlines = self._drawn(standing.leader(here))

    def _follow(self, frame: Frame) -> tuple[Watched, list[Standing], Moment]:
        seen, now = self._attention.look(frame), frame.moment
        self._outlined = seen.faces  # already: the screen does not wait for a look, it shows what was known a frame ago
        self._crowd.follow(seen.faces, now)
        self._excused.follow(self._crowd, now)
        if self._is_renewed:
            self._is_renewed = False
            self._forget_who_is_gone(now)
        return seen, self._those_who_stand_here(now), now

    # Who stands there

    def _those_who_stand_here(self, now: Moment) -> list[Standing]:
        """Whoever stands at the kiosk in this frame, nearest first; who has left it is forgotten."""
        places = tracks.places(self._crowd.seen, self._min_face_px, self._policy.nearest_lead)
        here = [self._standing(track, now) for track in self._crowd.seen if places[track.number] is Place.AT_THE_KIOSK]
        kept = {track.number for track in self._crowd.tracks}
        behind = {number for number, place in places.items() if place is Place.BEHIND}
        for number, one in list(self._people.items()):
            gone = attend.elapsed(one.stood, now) > tracks.LOST_AFTER and not (number in behind and one.is_named)
            if gone or number not in kept:
                del self._people[number]
        return here

    def _forget_who_is_gone(self, now: Moment) -> None:
        """Whatever rests on templates that may not be used any more, also what was only waited for."""
        self._presented.drop(self._may_count)
        for one in self._people.values():
            if not all(self._may_count(*about) for about in one.rests_on()):
                one.begin_anew(now, None)

    def _may_count(self, person: str, claimed: Claimed | None) -> bool:
        return comparing.may_count(self.known, person, claimed)

    def _standing(self, track: Track, now: Moment) -> Standing:
        found = self._people.get(track.number)
        if found is None:
            found = self._people[track.number] = Standing(track, Attempt(now), now, self._named_before(track, now))
            found.hint = Waiting.TOO_CLOSE if track.is_doubtful else Waiting.LOOKING
        found.stood = now
        return found

    def _named_before(self, track: Track, now: Moment) -> dict[str, Moment]:
        """Who was named by the faces of which this must be one. Their results stand; their votes do not go on."""
        before = [self._people[number] for number in track.instead_of if number in self._people]
        return {person: at for one in before for person, at in one.named.items() if attend.elapsed(at, now) <= QUIET_FOR}

    # Looks

    def _look_at_next(self, here: list[Standing], frame: Frame) -> Identity | Stranger | None:
        """One look a frame, at whoever has waited longest: a face that fails again and again keeps nobody else waiting."""
        due = [one for one in here if self._is_due(one, frame.moment)]
        if not due:
            return None
        one = min(due, key=lambda one: -1 if one.tried_at is None else one.tried_at.monotonic_us)
        one.tried_at = frame.moment
        return self._look_at(one, frame, is_nearest=one is here[0])

    def _is_due(self, one: Standing, now: Moment) -> bool:
        if one.trial is not None or one.track.is_doubtful:
            return False
        if one.claimed is None and self.known.search_from is None:
            one.waits_for(Waiting.SAY_WHO)
            return False
        if not one.track.has_settled(now, self._policy.settle):
            if attend.elapsed(one.track.first_seen, now) >= self._policy.settle:
                one.waits_for(Waiting.MOVING)
            return False
        if one.hint in (Waiting.MOVING, Waiting.TOO_CLOSE):
            one.waits_for(Waiting.LOOKING)
        if self._prover.is_next(one) and self._has_to_wait(one):
            return False
        return standing.pace(one, self._policy, now)

    def _has_to_wait(self, one: Standing) -> bool:
        """For the end of another one's challenge, also while that face is out of sight: there is one at a time."""
        if not any(other.trial for other in self._people.values()):
            return False
        one.waits_for(Waiting.YOUR_TURN_SOON)
        return True

    def _look_at(self, one: Standing, frame: Frame, *, is_nearest: bool) -> Identity | Stranger | None:
        chip, now = self._worth_comparing(one, frame, is_nearest=is_nearest), frame.moment
        if chip is None or self._is_for_a_challenge(one, frame):
            return None
        one.looked_at = now
        vector, least_margin = one.attempt.embed(self._embedder, chip), self._policy.min_margin
        if isinstance(one.answer, Identity):
            again = comparing.looked_up_again(vector, self.known, one.answer.person, one.answered_for, least_margin, now)
            self._look_again(one, one.answer, again, now)
            return None
        return self._count(one, comparing.looked_up(vector, self.known, one.claimed, least_margin, now), now)

    def _worth_comparing(self, one: Standing, frame: Frame, *, is_nearest: bool) -> NDArray[np.uint8] | None:
        """The aligned face, or nothing, and that person is told why."""
        face = one.track.face
        if not is_nearest and abs(quality.turn(face.landmarks)) > NEIGHBOUR_TURN:
            one.waits_for(Waiting.TURNED_AWAY)  # somebody beside who speaks with the nearest, or only looks past
            return None
        chip = align.chip(frame.pixels, face.landmarks)
        if shortfalls := self._gate(frame.pixels, face, chip):
            one.waits_for(Waiting(shortfalls[0].reason))
            return None
        return chip

    def _is_for_a_challenge(self, one: Standing, frame: Frame) -> bool:
        """Whether the last look is kept for the challenge that the passive signs ask for, of which this is one more run."""
        self._prover.look(one, frame)
        if not self._prover.is_next(one):
            return False
        if not self._has_to_wait(one):
            self._prover.begin(one, self._identity(one, one.attempt.named, frame.moment), frame.moment)
        return True

    # What the looks come to

    def _count(self, one: Standing, look: Look, now: Moment) -> Identity | Stranger | None:
        """One more vote, and the answer if it was the last that was needed."""
        if one.attempt.contradicts(look):
            one.changes += 1
            one.attempt = Attempt.starting_with(replace(look, sign=one.attempt.sign))
        else:
            one.attempt.add(look)
        one.hint = Waiting.SPENT if one.spent else Waiting.LOOKING
        if one.attempt.looks_left(self._policy.looks) > 0 and one.changes < MOST_CHANGES:
            return None
        return self._answered(one, now)

    def _look_again(self, one: Standing, known: Identity, look: Look, now: Moment) -> None:
        """After a name: a different person in the same place starts afresh, so that nobody is passed over."""
        one.attempt = Attempt(now)  # each such look is the first of an attempt that comes to nothing while it is the same person
        if look.person == known.person:
            one.named[known.person], one.empty_since_named, one.confirmed = now, 0, one.confirmed + 1
            return
        one.empty_since_named += 1
        if look.person or one.empty_since_named >= MISSES:
            one.begin_anew(now, None)
            one.attempt, one.looked_at, one.empty_since_named = Attempt.starting_with(look), now, 0

    def _answered(self, one: Standing, now: Moment) -> Identity | Stranger | None:
        """The end of an attempt: a name, or none and a pause; no result is shown twice."""
        person = one.attempt.named
        enough = bool(person) and len(one.attempt.for_person(person)) >= self._policy.votes and one.changes < MOST_CHANGES
        if enough and not self._prover.is_due(one):
            return self._named(one, self._identity(one, person, now), now)
        if enough and not self._has_to_wait(one):  # it was the last look, which named nobody, that left it open
            self._prover.begin(one, self._identity(one, person, now), now)
            return None
        return self._not_named(one, now)

    def _named(self, one: Standing, who: Identity, now: Moment) -> Identity | None:
        if not self._may_count(who.person, one.trial.claimed if one.trial else one.claimed):
            one.begin_anew(now, None)
            return None
        was = one.named.get(who.person)
        one.answer, one.attempt, one.trial, one.looked_at, one.hint = who, Attempt(now), None, now, Waiting.DONE
        one.named[who.person], one.answered_for = now, one.claimed
        is_again = was is not None and one.claimed is None and attend.elapsed(was, now) <= QUIET_FOR
        is_excused = one.claimed is None and self._excused.covers(one.track, who.person)
        self._presented.is_over(one, is_named=True, can_be_searched=self.known.search_from is not None)
        return None if is_excused else replace(who, is_again=is_again)

    def _not_named(self, one: Standing, now: Moment) -> Stranger | None:
        """The budget is spent: said once, then a pause, and a fresh attempt that says something only when it finds a name."""
        attempt, by = one.attempt, one.claimed.by if one.claimed else Claim.NONE
        torn = any(look.person for look in attempt.looks)
        found = Stranger(len(attempt.looks), attempt.begun, now, by, is_unsure=torn, face=one.track.number)
        one.attempt, one.spent, one.spent_at, one.changes, one.hint = Attempt(attempt.begun), one.spent + 1, now, 0, Waiting.SPENT
        one.looked_at = None
        self._presented.is_over(one, is_named=False, can_be_searched=self.known.search_from is not None)
        told, one.answer = one.answer is not None, found
        return None if told else found

    def _identity(self, one: Standing, person: str, now: Moment) -> Identity:
        looks, attempt = one.attempt.for_person(person), one.attempt
        return Identity(
            person,
            min(look.score for look in looks),
            min(look.margin for look in looks),
            len(looks),
            attempt.begun,
            looks[0].moment,
            now,
            self._prover.assessed(one),
            self._capture,
            one.claimed.by if one.claimed else Claim.NONE,
            person in self.known.look_alikes,
            attempt.embeddings,
            attempt.liveness_runs,
            face=one.track.number,
        )

    def _challenged(self, here: list[Standing], frame: Frame, *, fresh: bool) -> Identity | None:
        """The answer after a challenge, once there is one."""
        ended = self._prover.go_on(here, frame, self.known, fresh=fresh)
        if ended is None:
            return None
        one, before, now = ended.one, ended.trial.who, frame.moment
        who = self._identity(one, before.person, now) if ended.passed else before
        behind = ended.trial.claimed
        visit = behind.visit if ended.passed and behind is not None else ""
        liveness = self._prover.shown(passed=ended.passed)
        return self._named(one, replace(who, liveness=liveness, is_challenged=ended.passed, visit=visit, seen_at=now), now)

    # What the screen draws

    def _drawn(self, leads: Standing | None) -> tuple[Outline, ...]:
        return tuple(standing.outline(track, self._people.get(track.number), leads) for track in self._crowd.seen)

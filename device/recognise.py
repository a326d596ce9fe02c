"""Who stands in front of the kiosk. Several looks at one nearest face vote; pixels and vectors end here.

Only the nearest face is ever embedded. A face that is not enrolled leaves nothing behind but the answer `Stranger`.
"""

from __future__ import annotations

import dataclasses
import enum
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device import api, attend, liveness
from device.attend import Claim, Identity, Stranger
from device.attention import Attention
from device.camera import Frame
from device.challenger import Challenger, Trial
from device.clock import Moment
from device.messages import Capture, Liveness
from models import align, match
from models.challenge import Phase
from models.detect import Box, Face
from models.quality import Shortfall


class Embedder(Protocol):
    """Turns an aligned face into a unit vector; models.embed has the real one."""

    def embed(self, chip: NDArray[np.uint8]) -> NDArray[np.float32]: ...


class Gate(Protocol):
    """Says what is wrong with a look before it is compared; models.quality has the real one."""

    def __call__(self, pixels: NDArray[np.uint8], face: Face, chip: NDArray[np.uint8]) -> tuple[Shortfall, ...]: ...


class Waiting(enum.StrEnum):
    """What the kiosk is waiting for; a hint for the person, never a decision. The gate's reasons keep their names."""

    NOBODY = "nobody"
    TOO_FAR = "too_far"
    TOO_NEAR = "too_near"
    OUTSIDE = "outside"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    BLURRED = "blurred"
    TILTED = "tilted"
    EYES_COVERED = "eyes_covered"
    MOUTH_COVERED = "mouth_covered"  # a mask: another way is offered beside taking it off
    TWO_PEOPLE = "two_people"
    LOOKING = "looking"
    DONE = "done"
    OTHER_WAY = "other_way"  # somebody uses PIN, code or badge: no face is looked at meanwhile
    CHALLENGE = "challenge"  # the prompt says what the person has to do
    SAY_WHO = "say_who"  # too many people for a search: number, badge, QR code or PIN first


@dataclass(frozen=True, slots=True)
class Policy:
    """When looks become an identity. Scores and margins are cosines, sizes pixels of the frame."""

    min_margin: float
    votes: int
    looks_before_stranger: int
    stranger_after: timedelta
    look_interval: timedelta
    min_face_px: int
    nearest_lead: float
    claim_lasts: timedelta


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Everybody who may be recognised, replaced whole at each change.

    `search_from` is the cosine from which a look counts in a search of all, None where there are too many people for one at the
    rate that was chosen; `one_to_one` the same against one person's templates. `look_alikes` need more than a face.
    """

    gallery: match.Gallery
    search_from: float | None
    one_to_one: float
    look_alikes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Claimed:
    """Somebody says who they are; only these templates are looked at until the answer, or until it has lasted too long.

    `challenge`: what they want asks for the active challenge, as a lock does.
    """

    person: str
    by: Claim
    templates: match.Gallery
    made: Moment
    challenge: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """One embedded face against the gallery; `person` is empty where nobody was near enough."""

    person: str
    score: float
    margin: float
    moment: Moment


@dataclass(slots=True)
class Track:
    """One face followed over frames; ends when it is lost or when somebody else turns out to stand there."""

    box: Box
    first_seen: Moment
    last_seen: Moment
    looks: list[Look] = field(default_factory=list)
    claimed: Claimed | None = None
    signs: list[liveness.Sign] = field(default_factory=list)
    brightness: deque[liveness.Brightness] = field(default_factory=lambda: deque(maxlen=MOST_BRIGHTNESS))
    trial: Trial | None = None
    answer: Identity | Stranger | None = None
    looked_at: Moment | None = None
    misses: int = 0


LOST_AFTER = timedelta(milliseconds=700)  # longer than a blink of the detector, shorter than two people changing places
MISSES = 3  # looks in a row after an answer that are not that person: somebody else stands there
LOOK_AGAIN = timedelta(seconds=1)  # after an answer: is it still the same person?
MOST_BRIGHTNESS = 45  # frames: three seconds
SAME_PLACE = 0.6  # of the face's width: how far a face moves between two frames at 15 a second
SAME_SIZE = 1.6  # ratio of heights between two frames


Seen = Identity | Stranger | Waiting | api.Prompt


class Recogniser:
    """Follows the nearest face and answers once for each person who stands there."""

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
        self.known = known  # immutable; replaced whole when somebody is enrolled or withdraws
        self._policy, self._capture, self._guard, self._challenger = policy, capture, guard, challenger
        self._min_face_px = policy.min_face_px if guard is None else max(policy.min_face_px, guard.min_face_px)
        self._track: Track | None = None
        self._claimed: Claimed | None = None

    def claim(self, claimed: Claimed) -> None:
        """From the next frame on compare with this person alone. May be called from any thread."""
        self._claimed = claimed

    def see(self, frame: Frame) -> Seen:
        """One frame; Identity or Stranger exactly once for each person, otherwise what is waited for, or asked of the person."""
        claimed = self._claim_in_force(frame.moment)
        seen = self._attention.look(frame)
        nearest = self._nearest(seen.faces)
        if isinstance(nearest, Waiting):
            self._forget_if_lost(frame.moment)
            return nearest
        track = self._follow(nearest, frame.moment, claimed)
        if self._guard is not None and track.answer is None:
            track.brightness.append(liveness.brightness(frame.pixels, nearest.box))
        if track.trial is not None:
            return self._challenged(track, track.trial, frame, nearest if seen.fresh else None, nearest)
        if claimed is None and self.known.search_from is None:
            return Waiting.SAY_WHO if track.answer is None else Waiting.DONE
        if not seen.fresh or not self._is_due(track, frame.moment):
            return Waiting.LOOKING if track.answer is None else Waiting.DONE
        chip = align.chip(frame.pixels, nearest.landmarks)
        if shortfalls := self._gate(frame.pixels, nearest, chip):
            return Waiting(shortfalls[0].reason)
        look = self._look(chip, frame.moment, claimed)
        if self._guard is not None and track.answer is None and len(track.signs) < liveness.MOST_LOOKS:
            track.signs.append(self._guard.look(frame.pixels, nearest.box))
        if track.answer is not None:
            return self._look_again(track, look, nearest, frame.moment)
        track.looked_at = frame.moment
        track.looks.append(look)
        answer = self._answer(track, claimed)
        if isinstance(answer, Identity) and self._has_to_show_life(track, claimed):
            assert self._challenger is not None
            track.trial = self._challenger.begin(answer, frame.moment)
            return track.trial.prompt(frame.moment)
        track.answer = answer
        if track.answer is not None and claimed is not None and self._claimed is claimed:
            self._claimed = None
        return track.answer or Waiting.LOOKING

    def _claim_in_force(self, now: Moment) -> Claimed | None:
        """The claim, unless it has lasted too long; nobody is clocked in by a face that comes along later."""
        claimed = self._claimed
        if claimed is not None and attend.elapsed(claimed.made, now) > self._policy.claim_lasts:
            self._claimed = claimed = None
        return claimed

    def _nearest(self, faces: tuple[Face, ...]) -> Face | Waiting:
        if not faces:
            return Waiting.NOBODY
        if faces[0].box.height < self._min_face_px:
            return Waiting.TOO_FAR
        if len(faces) > 1 and faces[0].box.height < self._policy.nearest_lead * faces[1].box.height:
            return Waiting.TWO_PEOPLE
        return faces[0]

    def _forget_if_lost(self, now: Moment) -> None:
        if self._track is not None and attend.elapsed(self._track.last_seen, now) > LOST_AFTER:
            self._track = None

    def _follow(self, face: Face, now: Moment, claimed: Claimed | None) -> Track:
        self._forget_if_lost(now)
        track = self._track
        if track is None or not is_same_face(track.box, face.box) or (claimed is not None and track.claimed is not claimed):
            track = self._track = Track(face.box, now, now, claimed=claimed)
        track.box, track.last_seen = face.box, now
        return track

    def _is_due(self, track: Track, now: Moment) -> bool:
        """Quickly while somebody seems to be known; who is not is looked at less often, and once more when the attempt ends.

        So no attempt has more looks than the gallery's threshold was worked out for.
        """
        if track.looked_at is None:
            return True
        policy, since = self._policy, attend.elapsed(track.looked_at, now)
        if track.answer is not None:
            return since >= LOOK_AGAIN
        if len(track.looks) == policy.looks_before_stranger - 1 and attend.elapsed(track.first_seen, now) < policy.stranger_after:
            return False
        quick = len(track.looks) < 2 * policy.votes or any(look.person for look in track.looks)
        return since >= (policy.look_interval if quick else policy.stranger_after / policy.looks_before_stranger)

    def _look(self, chip: NDArray[np.uint8], moment: Moment, claimed: Claimed | None) -> Look:
        known = self.known
        gallery, least = (known.gallery, known.search_from) if claimed is None else (claimed.templates, known.one_to_one)
        best = match.best(gallery, self._embedder.embed(chip))
        if best is None or least is None:
            return Look("", -1.0, 0.0, moment)
        margin = best.score - best.runner_up
        good = best.score >= least and margin >= self._policy.min_margin
        return Look(best.person if good else "", best.score, margin, moment)

    def _look_again(self, track: Track, look: Look, face: Face, now: Moment) -> Waiting:
        """After the answer: a different person in the same place starts afresh, so that nobody is passed over."""
        track.looked_at = now
        known = track.answer.person if isinstance(track.answer, Identity) else ""
        track.misses = 0 if look.person == known else track.misses + 1
        if (look.person and look.person != known) or track.misses >= MISSES:
            self._track = Track(face.box, now, now, [look], looked_at=now)
            return Waiting.LOOKING
        return Waiting.DONE

    def _answer(self, track: Track, claimed: Claimed | None) -> Identity | Stranger | None:
        votes = [look for look in track.looks if look.person][-self._policy.votes :]
        if len(votes) == self._policy.votes and len({look.person for look in votes}) == 1:
            return self._identity(track, votes[0].person, claimed)
        long_enough = attend.elapsed(track.first_seen, track.last_seen) >= self._policy.stranger_after
        if long_enough and len(track.looks) >= self._policy.looks_before_stranger:
            return Stranger(len(track.looks), track.first_seen, track.last_seen, claimed.by if claimed else Claim.NONE)
        return None

    def _identity(self, track: Track, person: str, claimed: Claimed | None) -> Identity:
        """From the looks since the last that named somebody else: two people who change places are no votes for each other."""
        others = [number for number, look in enumerate(track.looks) if look.person not in ("", person)]
        since = others[-1] + 1 if others else 0
        looks = [look for look in track.looks[since:] if look.person == person]
        return Identity(
            person,
            min(look.score for look in looks),
            min(look.margin for look in looks),
            len(looks),
            track.looks[since].moment if since else track.first_seen,
            looks[0].moment,
            track.last_seen,
            self._liveness(track),
            self._capture,
            claimed.by if claimed else Claim.NONE,
            person in self.known.look_alikes,
            len(track.looks),
            len(track.signs),
        )

    def _has_to_show_life(self, track: Track, claimed: Claimed | None) -> bool:
        if self._challenger is None:
            return False
        verdict = liveness.Verdict.NOT_ASSESSED if self._guard is None else self._guard.verdict(track.signs, track.brightness)
        return self._challenger.is_due(verdict, asked_for=claimed is not None and claimed.challenge)

    def _challenged(
        self, track: Track, trial: Trial, frame: Frame, fresh: Face | None, nearest: Face
    ) -> Identity | Waiting | api.Prompt:
        """One frame of a challenge. Whoever has passed it is compared once more: nobody does it for somebody else's picture."""
        phase = trial.see(frame, nearest)
        if phase is Phase.PASSED and trial.may_confirm(frame.moment):
            if fresh is None or not self._is_still(trial.who, frame, fresh, track.claimed):
                return trial.prompt(frame.moment)
            return self._shown_life(track, trial, frame.moment, passed=True)
        if phase in (Phase.PASSED, Phase.FAILED):
            return self._shown_life(track, trial, frame.moment, passed=False)
        return trial.prompt(frame.moment)

    def _is_still(self, who: Identity, frame: Frame, face: Face, claimed: Claimed | None) -> bool:
        chip = align.chip(frame.pixels, face.landmarks)
        return not self._gate(frame.pixels, face, chip) and self._look(chip, frame.moment, claimed).person == who.person

    def _shown_life(self, track: Track, trial: Trial, now: Moment, *, passed: bool) -> Identity:
        """The answer after a challenge. Nothing good is claimed of a camera that is none."""
        proven = Liveness.PASSED if self._capture is Capture.CAMERA else Liveness.NOT_ASSESSED
        found = dataclasses.replace(trial.who, liveness=proven if passed else Liveness.FAILED, seen_at=now)
        track.answer, track.trial, track.looked_at = found, None, now
        if track.claimed is not None and self._claimed is track.claimed:
            self._claimed = None
        return found

    def _liveness(self, track: Track) -> Liveness:
        """What the signs come to. Nothing good is ever claimed of a camera that is none."""
        if self._guard is None:
            return Liveness.NOT_ASSESSED
        verdict = self._guard.verdict(track.signs, track.brightness)
        if verdict is liveness.Verdict.FAILED:
            return Liveness.FAILED
        passed = verdict is liveness.Verdict.PASSED and self._capture is Capture.CAMERA
        return Liveness.PASSED if passed else Liveness.NOT_ASSESSED


def is_same_face(before: Box, now: Box) -> bool:
    """Whether a face can have moved from one box to the other between two frames."""
    moved = max(
        abs((before.x + before.width / 2) - (now.x + now.width / 2)), abs((before.y + before.height / 2) - (now.y + now.height / 2))
    )
    grown = max(before.height, now.height) / max(min(before.height, now.height), 1.0)
    return moved <= SAME_PLACE * max(before.width, now.width) and grown <= SAME_SIZE

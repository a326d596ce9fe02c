"""Somebody who stands at the kiosk: their attempt, their answer, when the next look is due, and how the screen draws them.

Nothing here ever goes over from one face's track to another's. Pure: the caller brings frames and time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from device import attend
from device.attempt import Attempt
from device.attend import Identity, Stranger
from device.challenger import Trial
from device.clock import Moment
from device.comparing import Claimed
from device.outlines import Outline, Regard, Waiting
from device.tracks import Track

LOOK_AGAIN = timedelta(seconds=1)  # after a name: is it still the same person? Each time they are, twice as long
RARELY = timedelta(seconds=8)
MOST_DOUBLINGS = 6  # a pause is capped anyway; what is doubled for hours is no time any more
UNSURE = 0.4  # of the pause, where a look named somebody: they are probably enrolled
MOST_PAUSE = timedelta(seconds=60)
SECOND_LOOK = 3  # times the interval, after a look that named nobody: the same picture once more would say the same


@dataclass(frozen=True, slots=True)
class Policy:
    """When looks become an identity. Scores and margins are cosines, sizes pixels of the frame.

    An attempt has `looks`, of which `votes` must name the same person and none another. `nearest_lead`: so many times taller, and
    somebody stands before another. `settle`: how long a face stands still before it is looked at. `again_after`: the pause after an
    attempt without a name, twice as long each further time.
    """

    min_margin: float
    votes: int
    looks: int
    stranger_after: timedelta
    look_interval: timedelta
    min_face_px: int
    nearest_lead: float
    claim_lasts: timedelta
    settle: timedelta
    again_after: timedelta


@dataclass(slots=True, eq=False)
class Standing:
    """Somebody who stands at the kiosk, as far as that one face tells. Nothing of it ever goes over to another track.

    `answered_for`: the claim that the answer rests on, whose templates say whether it is still the same person.
    `stood`: when they last did. `named`: who was named by this face a moment ago, and when, so that no result is shown twice.
    `anew_at`: when they are looked at as if they came only then, because they were told so.
    `spent`: how many attempts ended without a name, the last of them at `spent_at`.
    """

    track: Track
    attempt: Attempt
    stood: Moment
    named: dict[str, Moment] = field(default_factory=dict)
    claimed: Claimed | None = None
    answered_for: Claimed | None = None
    passed_over: Claimed | None = None
    trial: Trial | None = None
    answer: Identity | Stranger | None = None
    looked_at: Moment | None = None
    tried_at: Moment | None = None
    anew_at: tuple[Moment, timedelta] | None = None
    spent: int = 0
    spent_at: Moment | None = None
    confirmed: int = 0
    empty_since_named: int = 0
    changes: int = 0
    hint: Waiting = Waiting.LOOKING

    @property
    def is_named(self) -> bool:
        """Whether an identity was found, and nothing says yet that somebody else stands there."""
        return isinstance(self.answer, Identity)

    def waits_for(self, hint: Waiting) -> None:
        """What the screen says to this person, unless they have their result."""
        if not self.is_named:
            self.hint = hint

    def rests_on(self) -> set[tuple[str, Claimed | None]]:
        """Whom what is known here is about, each with the claim whose templates said so."""
        found: set[tuple[str, Claimed | None]] = {
            (claim.person, claim) for claim in (self.claimed, self.answered_for) if claim is not None
        }
        found |= {(look.person, self.claimed) for look in self.attempt.looks if look.person}
        if isinstance(self.answer, Identity):
            found.add((self.answer.person, self.answered_for))
        if self.trial is not None:
            found.add((self.trial.who.person, self.trial.claimed))
        return found

    def is_to_begin_anew(self, now: Moment) -> bool:
        """Whether the time is up after which they were told that they are looked at once more, and it is still who was told."""
        return self.anew_at is not None and self.is_named and attend.elapsed(self.anew_at[0], now) >= self.anew_at[1]

    def begin_anew(self, now: Moment, claimed: Claimed | None) -> None:
        """A fresh attempt, for whoever says who they are or no longer does; what was seen before counts for nothing."""
        self.attempt, self.claimed, self.answer, self.trial = Attempt(now), claimed, None, None
        self.answered_for = None
        self.looked_at = self.spent_at = self.anew_at = None
        self.hint = Waiting.LOOKING
        self.spent = self.changes = self.confirmed = self.empty_since_named = 0


def leader(here: list[Standing]) -> Standing | None:
    """To whom the screen speaks: who is challenged, who said who they are, or the nearest who has no answer yet."""
    order: tuple[Callable[[Standing], bool], ...] = (
        lambda one: one.trial is not None,
        lambda one: one.claimed is not None and one.answer is None,
        lambda one: not one.is_named,
        lambda one: True,
    )
    return next((one for wanted in order for one in here if wanted(one)), None)


def outline(track: Track, one: Standing | None, leads: Standing | None) -> Outline:
    """How one face is drawn."""
    if one is None or one.stood != track.last_seen:
        return Outline(track.number, track.face.box, Regard.BEHIND, "", leads=False)
    if one.trial is not None:
        regard = Regard.CHALLENGED
    elif one.answer is not None:
        regard = Regard.DONE
    else:
        regard = Regard.LOOKING if one.claimed is None else Regard.MEANT
    return Outline(track.number, track.face.box, regard, one.hint, leads=one is leads)


def pace(one: Standing, policy: Policy, now: Moment) -> bool:
    """Whether it is time for the next look: quickly while somebody seems to be known, spread where not, rarely after an answer."""
    looks = one.attempt.looks
    if one.is_named:
        return _is_to_be_confirmed(one, now)
    if not looks:
        first = policy.again_after * (UNSURE if isinstance(one.answer, Stranger) and one.answer.is_unsure else 1)
        pause = min(first * 2 ** min(max(one.spent - 1, 0), MOST_DOUBLINGS), MOST_PAUSE)
        return one.spent_at is None or attend.elapsed(one.spent_at, now) >= pause
    since = attend.elapsed(looks[-1].moment, now)
    if any(look.person for look in looks):
        return since >= policy.look_interval
    is_last = one.attempt.looks_left(policy.looks) == 1
    return attend.elapsed(looks[0].moment, now) >= policy.stranger_after if is_last else since >= SECOND_LOOK * policy.look_interval


def _is_to_be_confirmed(one: Standing, now: Moment) -> bool:
    """Whether it is to be looked whether the one who was named still stands there: at once when the face was out of sight."""
    looked_at, returned_at = one.looked_at, one.track.returned_at
    if looked_at is None or (returned_at is not None and attend.elapsed(looked_at, returned_at) > timedelta(0)):
        return True
    pause = LOOK_AGAIN if one.empty_since_named else min(LOOK_AGAIN * 2 ** min(one.confirmed, MOST_DOUBLINGS), RARELY)
    return attend.elapsed(looked_at, now) >= pause

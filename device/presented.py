"""Whose badge, code or PIN it was: one face of those at the kiosk, and no neighbour answers for it. The caller brings the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import timedelta

from device import attend
from device.attend import Identity
from device.clock import Moment
from device.comparing import Claimed
from device.standing import Standing

LEAD = 1.2  # times taller than anybody beside: then a badge is this one's
ALONE_FOR = timedelta(seconds=2)  # after a badge was presented: nobody else has come to whom it could belong


class Presented:
    """What was presented last, until it is answered for or has lasted too long, and all for whom a lock waits, newest last."""

    def __init__(self, lasts: timedelta) -> None:
        self._lasts = lasts
        self._claimed: Claimed | None = None
        self._awaited: tuple[Claimed, ...] = ()
        self._changing = threading.Lock()

    def put(self, claimed: Claimed) -> None:
        """From the next frame on this counts. May be called from any thread."""
        if claimed.awaits is None:
            self._claimed = claimed
            return
        with self._changing:
            self._awaited, self._claimed = (*self._waiting(), claimed), None

    def drop(self, may_count: Callable[[str, Claimed | None], bool]) -> None:
        """Nobody is waited for who may not be recognised any more."""
        if (claimed := self._claimed) is not None and not may_count(claimed.person, claimed):
            self._claimed = None
        with self._changing:
            self._awaited = tuple(one for one in self._waiting() if may_count(one.person, one))

    def behind(self, one: Standing) -> Claimed | None:
        """What this person is here for; also where the one whom a lock waits for is found by the face alone."""
        newest_first = reversed(self._waiting())
        return next((awaited for awaited in newest_first if awaited.person == one.attempt.named), one.claimed)

    def bind(self, people: Iterable[Standing], here: list[Standing], now: Moment) -> bool:
        """Give the claim to the one face that it can be of, for good. True while that is unclear."""
        claimed, people = self._in_force(now), list(people)
        for one in people:
            if _is_for_nothing(one, claimed):
                one.begin_anew(now, None)
            elif claimed is not None and _proves_to_be_another(one, claimed):
                one.passed_over = claimed
        if claimed is None or any(one.claimed is claimed for one in people):
            return False
        may_be = may_have_said(here, claimed, now)
        if len(may_be) > 1 and may_be[0].track.height < LEAD * may_be[1].track.height:
            return True
        for beside in may_be[1:] if claimed.awaits is None else ():
            beside.passed_over = claimed
        for meant in may_be[:1]:
            meant.begin_anew(now, claimed)
        return False

    def is_over(self, one: Standing, *, is_named: bool, can_be_searched: bool) -> None:
        """It was answered for. A lock waits on when the answer was nobody.

        After the pause such a face is looked at as anybody's, then again as of whom the lock waits for, and so on in turn: whoever
        clocks in while somebody else's visit waits is found, and who was not found at first is, too.
        """
        answered, awaited = one.claimed, self._newest_awaited()
        if answered is not None and answered is awaited and not is_named and not can_be_searched:
            return
        if answered is not None and self._claimed is answered:
            self._claimed = None
        one.claimed = None
        if awaited is None or is_named:
            return
        if answered is awaited:
            one.passed_over = awaited
        elif one.passed_over is awaited:
            one.passed_over, one.claimed = None, awaited

    def _in_force(self, now: Moment) -> Claimed | None:
        """The claim, unless it has lasted too long; nobody is clocked in by a face that comes along later."""
        claimed = self._claimed
        if claimed is not None and attend.elapsed(claimed.made, now) > self._lasts:
            self._claimed = claimed = None
        return claimed or self._newest_awaited()

    def _waiting(self) -> tuple[Claimed, ...]:
        """Whom a lock waits for still."""
        return tuple(one for one in self._awaited if one.awaits is not None and one.awaits())

    def _newest_awaited(self) -> Claimed | None:
        return next(reversed(self._waiting()), None)


def _is_for_nothing(one: Standing, claimed: Claimed | None) -> bool:
    """Whether what this face is looked at for counts no more. A challenge goes on, unless the visit that asked for it is over."""
    if one.trial is not None:
        behind = one.trial.claimed
        return behind is not None and behind.awaits is not None and not behind.awaits()
    return one.claimed is not None and one.claimed is not claimed


def _proves_to_be_another(one: Standing, claimed: Claimed) -> bool:
    """Whether this is somebody in the middle of a lock's challenge: a badge of another person's is shown by somebody else."""
    behind = one.trial.claimed if one.trial is not None else None
    return behind is not None and behind.awaits is not None and behind.person != claimed.person


def may_have_said(here: list[Standing], claimed: Claimed, now: Moment) -> list[Standing]:
    """Whose badge, code or PIN it can have been, nearest first: nobody beside another whose it was, nor who was named as another.

    Whoever is alone for a moment is the one nevertheless: a face alone may have been taken for somebody who looks like them.
    """

    def is_somebody_else(one: Standing) -> bool:
        named = one.answer
        return isinstance(named, Identity) and named.person != claimed.person and not named.has_look_alike

    free = [one for one in here if one.passed_over is not claimed and one.answered_for is not claimed and one.trial is None]
    if len(here) == 1 and attend.elapsed(claimed.made, now) >= ALONE_FOR:
        return free
    return [one for one in free if not is_somebody_else(one)]

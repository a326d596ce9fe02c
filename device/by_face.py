"""Who somebody is, by number and face, for their own affairs: a ticket of some minutes, and no punch.

The number says whose templates the face is compared with. Nobody is told whether a number is somebody's, or has a face at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from device import api, attend, messages
from device.attend import Claim, Identity, Stranger
from device.claims import Claims
from device.clock import Clock, Moment
from device.people import Directory, PersonUnknown
from device.ways import No

LATE_FOR = timedelta(seconds=60)  # after the time is up: whoever is found now had begun before, and asked for no punch


class ByFace:
    """Between the page and the line. Safe to use from several threads."""

    def __init__(
        self,
        directory: Directory,
        claims: Claims,
        clock: Clock,
        lasts: timedelta,
        policy: Callable[[], attend.Policy],
        verified: Callable[[Identity], api.Decision],
    ) -> None:
        """`lasts`: for how long a face is waited for; `verified` makes the answer with its ticket."""
        self._directory, self._claims, self._clock, self._lasts = directory, claims, clock, lasts
        self._policy, self._verified = policy, verified
        self._awaited: tuple[str, Moment] | None = None
        self._lock = threading.Lock()

    def ask(self, number: str) -> timedelta:
        """From now on the face of whoever has this number is waited for; the same for a number that is nobody's."""
        awaited = None
        with suppress(PersonUnknown):
            person = self._directory.by_number(self._directory.as_typed(number)).person
            if self._claims.of_person(person, Claim.NUMBER) is not None:
                awaited = (person, self._clock.now())
        with self._lock:
            self._awaited = awaited
        return self._lasts

    def leave(self) -> None:
        """Nobody asks any more: who comes now clocks in as ever."""
        with self._lock:
            self._awaited = None

    def prompted(self, person: str) -> None:
        """The screen asks this person to do something, which takes its time: their seconds begin anew, unless they are over."""
        now = self._clock.now()
        with self._lock:
            awaited = self._awaited
            if awaited is not None and awaited[0] == person and attend.elapsed(awaited[1], now) <= self._lasts:
                self._awaited = (person, now)

    def witness(self, seen: Identity | Stranger) -> api.Decision | None:
        """The answer with a ticket for whoever is waited for, if the face would clock them in; None: it is about something else.

        Who comes too late for it begins again: they asked for no punch.
        """
        if not isinstance(seen, Identity) or seen.claim is not Claim.NUMBER or seen.without_face is not None:
            return None
        if isinstance(attend.decide(seen, None, self._policy()), attend.Refused):
            return None
        waited = self._waited_for(seen.person)
        if waited is None or waited > self._lasts + LATE_FOR:
            return None
        return self._verified(seen) if waited <= self._lasts else _too_late(seen, self._clock.now())

    def _waited_for(self, person: str) -> timedelta | None:
        """For how long this person was; once. None: they are not."""
        with self._lock:
            awaited = self._awaited
            if awaited is None or awaited[0] != person:
                return None
            self._awaited = None
        return attend.elapsed(awaited[1], self._clock.now())


def _too_late(seen: Identity, now: Moment) -> api.Decision:
    return api.Decision(0, messages.write_time(now.at), "refused", No.TICKET_GONE, "", "", "", 0, 0, 0, "", face=seen.face)

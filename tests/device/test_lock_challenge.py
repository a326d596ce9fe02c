"""A lock's face has done what the challenge asked, however the visit goes: late, failed, called off, or with others about."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from device import api, clock, recognise
from device.attend import Claim, Identity, Stranger
from device.challenger import Challenger, Demand
from device.liveness import Guard
from device.liveness import Limits as GuardLimits
from device.locks.cabinet import Approval
from device.locks.journey import Journeys, Rules
from device.messages import Capture, LockBody
from device.messages.lock import Factor
from models import challenge, match
from tests.device import parts
from tests.device.test_challenger import HE, LIMITS, NO_ONE, RATE, SCRIPT, SHE, Performer, Sure
from tests.device.test_recognise import GALLERY, KNOWN, NOBODY, POLICY, Hall, Someone, looking, open_gate, unit
from tests.firmware_bridge.parts import World

SOMEBODY_ELSE = 3


@dataclass
class Visit:
    """One visit that waits for her face, before the real recogniser and journeys."""

    performer: Performer = field(default_factory=Performer)
    decisions: list[tuple[float, str, str]] = field(default_factory=list)
    punches: list[float] = field(default_factory=list)
    prompts: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    known: recognise.Known = KNOWN
    demand: Demand = Demand.UNSURE
    seen_here: match.Gallery = field(default_factory=lambda: GALLERY.of_person(parts.ADA))

    def __post_init__(self) -> None:
        self.hall = Hall((*SCRIPT, [Someone(NOBODY)]))
        self.moment = self.hall.frame(NO_ONE, 0.0).moment
        rules = Rules(timedelta(seconds=120), simulated=False)
        self.journeys = Journeys(self._append, cast(clock.Clock, SimpleNamespace(now=lambda: self.moment)), rules)
        self.records: list[LockBody] = []
        asked = Challenger(self.performer, self.demand, LIMITS, random.Random(6))
        guard = Guard(Sure(), GuardLimits(), 1)
        self.recogniser = recognise.Recogniser(
            looking(self.hall), open_gate, self.hall, self.known, POLICY, Capture.CAMERA, guard, asked
        )
        self.journeys.come_back = self.recogniser.come_back
        self.ticket = self.begin(parts.ADA, self.seen_here)

    def begin(self, person: str, templates: match.Gallery) -> str:
        """One more visit waits, for a face like these."""
        ticket = self.journeys.begin(Approval(World().grant(factors=int(Factor.FACE)), b""), person).ticket
        awaits = partial(self.journeys.awaits_face, ticket)
        claim = recognise.Claimed(person, Claim.NUMBER, templates, self.moment, challenge=True, awaits=awaits, visit=ticket)
        self.recogniser.claim(claim)
        return ticket

    def _append(self, body: LockBody, moment: clock.Moment) -> Any:
        self.records.append(body)
        return SimpleNamespace(seq=1, hash="00" * 32)

    def goes_on(self, who: Callable[[float], int], seconds: float, do: Callable[[float], None] = lambda at_s: None) -> Visit:
        for number in range(int(seconds * RATE)):
            self.performer.at_s = at_s = number / RATE
            frame = self.hall.frame(who(at_s), at_s)
            self.moment = frame.moment
            do(at_s)
            seen = self.recogniser.see(frame)
            self.performer.asked = seen.action if isinstance(seen, api.Prompt) else challenge.FORWARD
            if isinstance(seen, api.Prompt):
                self.prompts.append(at_s)
            if isinstance(seen, Identity | Stranger):
                self._tell(seen, at_s)
        return self

    def _tell(self, seen: Identity | Stranger, at_s: float) -> None:
        self.told.append(type(seen).__name__)
        decision = self.journeys.witness(seen)
        if decision is not None:
            self.decisions.append((at_s, decision.outcome, decision.why))
        elif isinstance(seen, Identity):
            self.punches.append(at_s)

    @property
    def outcomes(self) -> list[str]:
        return [outcome for _, outcome, _ in self.decisions]


def test_whoever_does_what_is_asked_is_verified() -> None:
    visit = Visit().goes_on(lambda at_s: SHE, 25.0)
    assert visit.outcomes == ["lock_verified"]
    assert len(visit.records) == 1
    assert visit.prompts


def test_whoever_failed_the_challenge_ends_the_visit_and_does_not_come_back_without_one() -> None:
    visit = Visit(Performer(follows=False)).goes_on(lambda at_s: NO_ONE if 24 <= at_s < 25.5 else SHE, 32.0)
    assert visit.decisions[0][1:] == ("refused", "not_live")
    assert not visit.records
    assert not visit.journeys.awaits_face(visit.ticket)


def test_whoever_comes_late_is_asked_all_the_same() -> None:
    visit = Visit().goes_on(lambda at_s: SHE if at_s > 16 else NO_ONE, 45.0)
    assert visit.outcomes == ["lock_verified"]
    assert min(visit.prompts) > 16
    picture = Visit(Performer(follows=False)).goes_on(lambda at_s: SHE if at_s > 16 else NO_ONE, 45.0)
    assert not picture.records


@pytest.mark.parametrize("search_from", [0.5, None])
def test_somebody_else_who_stood_there_first_does_not_use_up_the_waiting(search_from: float | None) -> None:
    known = recognise.Known(GALLERY, search_from=search_from, one_to_one=0.45)
    visit = Visit(known=known).goes_on(lambda at_s: SOMEBODY_ELSE if at_s < 6 else NO_ONE if at_s < 8 else SHE, 40.0)
    assert visit.outcomes == ["lock_verified"]
    assert min(visit.prompts) > 8


def test_a_badge_that_somebody_shows_meanwhile_takes_nothing_from_it() -> None:
    visit = Visit()
    his = recognise.Claimed(parts.BOB, Claim.BADGE, GALLERY.of_person(parts.BOB), parts.moment(1.0))

    def shows_a_badge(at_s: float) -> None:
        if at_s == 1.0:
            visit.recogniser.claim(his)

    visit.goes_on(lambda at_s: HE if at_s < 3 else NO_ONE if at_s < 5 else SHE, 40.0, shows_a_badge)
    assert visit.outcomes == ["lock_verified"]
    assert len(visit.punches) == 1, "his own"
    assert min(visit.prompts) > 5


def test_a_visit_that_is_called_off_asks_for_nothing_more() -> None:
    visit = Visit()

    def calls_off(at_s: float) -> None:
        if at_s == 3.0:
            visit.journeys.drop(visit.ticket)

    visit.goes_on(lambda at_s: SHE, 10.0, calls_off)
    assert visit.prompts
    assert max(visit.prompts) <= 3.0
    assert not visit.records


@pytest.mark.parametrize("at_s", [6.0, 8.0, 10.0])
def test_a_badge_that_somebody_out_of_sight_shows_in_the_middle_of_the_challenge_ends_it_not(at_s: float) -> None:
    visit = Visit()
    his = recognise.Claimed(parts.BOB, Claim.BADGE, GALLERY.of_person(parts.BOB), parts.moment(at_s))

    def shows_a_badge(now_s: float) -> None:
        if now_s == at_s:
            assert visit.prompts, "in the middle of it"
            visit.recogniser.claim(his)

    visit.goes_on(lambda now_s: SHE, 40.0, shows_a_badge)
    assert visit.outcomes == ["lock_verified"]
    assert visit.told == ["Identity"], "nobody is told that her face is not his"
    assert not visit.punches


def test_somebody_else_who_stands_there_while_a_visit_waits_clocks_in_as_ever() -> None:
    visit = Visit().goes_on(lambda at_s: HE if at_s < 20 else NO_ONE if at_s < 22 else SHE, 45.0)
    assert len(visit.punches) == 1, "his own"
    assert visit.punches[0] < 20
    assert visit.outcomes == ["lock_verified"]


def test_whoever_was_not_found_at_first_is_looked_at_as_the_awaited_again() -> None:
    """Her face alone would not be enough for a search of all; somebody unknown stands there for a while before."""
    known = recognise.Known(GALLERY, search_from=1.1, one_to_one=0.45)
    visit = Visit(known=known).goes_on(lambda at_s: SOMEBODY_ELSE if at_s < 4 else SHE, 58.0)
    assert visit.outcomes == ["lock_verified"]
    assert visit.told == ["Stranger", "Identity"]


def test_who_is_told_to_wait_half_a_minute_to_clock_in_need_not_step_away() -> None:
    visit = Visit()

    def calls_off(at_s: float) -> None:
        if at_s == 2.0:
            visit.journeys.end(visit.ticket)
            visit.journeys.drop(visit.ticket)

    visit.goes_on(lambda at_s: SHE, 60.0, calls_off)
    ((told_at, outcome, why),) = visit.decisions
    assert (outcome, why) == ("refused", "for_seal")
    (punched,) = visit.punches
    assert 30 <= punched - told_at < 35


@pytest.mark.parametrize("demand", [Demand.UNSURE, Demand.ALWAYS])
@pytest.mark.parametrize("others", [0, 1, 2])
def test_a_photograph_opens_no_lock_however_many_visits_wait(others: int, demand: Demand) -> None:
    """What a search of all knows of her is somebody's photograph; enrolled before this camera was another face."""
    visit = Visit(demand=demand, seen_here=match.Gallery.of([(parts.ADA, unit(SOMEBODY_ELSE))]))
    for _ in range(others):
        visit.begin(parts.BOB, GALLERY.of_person(parts.BOB))
    visit.goes_on(lambda at_s: SHE, 50.0)
    assert not visit.records
    assert "lock_verified" not in visit.outcomes


@pytest.mark.parametrize("comes_s", [0.0, 30.0])
def test_whoever_is_waited_for_is_verified_while_and_after_another_visit_waits(comes_s: float) -> None:
    visit = Visit()
    his = visit.begin(parts.BOB, GALLERY.of_person(parts.BOB))

    def calls_his_off(at_s: float) -> None:
        if at_s == 25.0:
            visit.journeys.drop(his)

    visit.goes_on(lambda at_s: SHE if at_s >= comes_s else NO_ONE, 55.0, calls_his_off)
    assert visit.outcomes == ["lock_verified"]
    assert [record.person for record in visit.records] == [parts.ADA]
    assert not visit.punches

"""Who comes to stamp is not clocked in by the way; who may not clock in may not stamp. Line, ways and visits are the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from device import api, messages
from device.attend import Claim, Identity
from device.camera import Frame
from device.locks.cabinet import Approval
from device.locks.journey import Journey, Journeys, Rules
from device.messages import Capture, Liveness
from device.messages.lock import Factor
from tests.device import parts
from tests.device.test_ways import ADA, OTHER, PIN, Counter, Make, make
from tests.firmware_bridge.parts import World

__all__ = ["make"]
BOTH = Factor.FACE | Factor.PIN


@dataclass
class Seal:
    """A kiosk where Ada's visit at a lock waits for her."""

    kiosk: Counter
    factors: Factor

    def __post_init__(self) -> None:
        self.journeys = Journeys(self.kiosk.journal.append, self.kiosk.clock, Rules(timedelta(seconds=120), simulated=False))
        self.journeys.ends = lambda person: self.kiosk.directory.get(person).expires_at
        self.kiosk.line.witness, self.kiosk.line.prompted = self.journeys.witness, self.journeys.prompted
        self.journey = self.begin()

    def begin(self) -> Journey:
        return self.journeys.begin(Approval(World().grant(factors=int(self.factors)), b""), ADA)

    def wait(self, seconds: float) -> None:
        self.kiosk.clock.seconds += seconds

    def face(self, **changed: object) -> tuple[str, str]:
        now = self.kiosk.clock.now()
        visit = self.journey.ticket if self.journeys.awaits_face(self.journey.ticket) else ""
        plain = {"claim": Claim.NUMBER, "visit": visit} | changed
        seen = Identity(ADA, 0.7, 0.3, 3, now, now, now, Liveness.PASSED, Capture.CAMERA, is_challenged=True, **plain)  # type: ignore[arg-type]
        return said(self.kiosk.line.settle(seen))

    def pin(self, number: str = "1001", pin: str = PIN, visit: str = "") -> tuple[str, str]:
        return said(self.kiosk.ways.pin(number, pin, visit=visit or self.journey.ticket))

    @property
    def is_verified(self) -> bool:
        return self.journeys.get(self.journey.ticket).verified is not None

    @property
    def punches(self) -> int:
        return len(self.kiosk.records())


def said(decision: api.Decision) -> tuple[str, str]:
    return decision.outcome, decision.why


def test_face_and_pin_verify_and_clock_nobody_in(make: Make) -> None:
    seal = Seal(make(), BOTH)
    assert seal.face() == ("lock_factor", "pin")
    assert seal.pin() == ("lock_verified", "")
    assert (seal.is_verified, seal.punches) == (True, 0)


def test_a_pin_on_the_seals_pad_that_comes_late_is_no_punch(make: Make) -> None:
    seal = Seal(make(), BOTH)
    seal.face()
    seal.wait(61)
    assert seal.pin() == ("refused", "for_seal")
    assert (seal.is_verified, seal.punches) == (False, 0)
    assert said(seal.kiosk.ways.pin("1001", PIN)) == ("punched", ""), "at the pad for clocking in it is one"


def test_a_pin_for_a_visit_that_is_unknown_or_anothers_is_no_punch(make: Make) -> None:
    seal = Seal(make(), BOTH)
    assert seal.pin(visit="never heard of") == ("refused", "for_seal")
    assert seal.pin("1002", OTHER) == ("refused", "for_seal")
    assert seal.pin(pin="000000") == ("refused", "wrong")
    assert (seal.is_verified, seal.punches) == (False, 0)


def test_a_pin_counts_for_the_visit_that_it_names_though_another_waits(make: Make) -> None:
    seal = Seal(make(), Factor.PIN)
    other = seal.begin()
    assert seal.pin() == ("lock_verified", "")
    assert (seal.is_verified, seal.journeys.get(other.ticket).factors) == (True, 0)


def test_where_nobody_clocks_in_by_pin_the_seal_asks_for_it_all_the_same(make: Make) -> None:
    assert Seal(make(pin=False), Factor.PIN).pin() == ("lock_verified", "")


def test_a_face_that_comes_late_to_a_visit_is_no_punch_for_half_a_minute(make: Make) -> None:
    seal = Seal(make(), Factor.FACE)
    for wait_s in (60, 29):
        seal.wait(wait_s)
        assert seal.face() == ("refused", "for_seal")
    assert seal.punches == 0
    seal.wait(2)
    assert seal.face() == ("punched", "")


def test_a_badge_beside_the_face_says_that_somebody_wants_to_clock_in(make: Make) -> None:
    seal = Seal(make(), Factor.FACE)
    seal.wait(61)
    assert seal.face(claim=Claim.BADGE) == ("punched", "")


def test_the_face_of_who_called_the_visit_off_is_no_punch_before_they_could_step_away(make: Make) -> None:
    seal = Seal(make(), Factor.FACE)
    seal.journeys.end(seal.journey.ticket)
    assert seal.face() == ("refused", "for_seal")
    seal.wait(31)
    assert seal.face() == ("punched", "")


def test_the_minute_begins_anew_with_each_factor_and_each_thing_that_is_asked(make: Make) -> None:
    seal = Seal(make(), BOTH)
    seal.wait(50)
    seal.kiosk.line._recogniser, seal.kiosk.line.asked = Asking(), lambda: ADA
    seal.kiosk.line.take(Frame(np.zeros((4, 4, 3), np.uint8), seal.kiosk.clock.now()))
    seal.wait(50)
    assert seal.face() == ("lock_factor", "pin")
    seal.wait(50)
    assert seal.pin() == ("lock_verified", "")


def test_what_somebody_else_is_asked_makes_nobodys_minute_longer(make: Make) -> None:
    seal = Seal(make(), BOTH)
    seal.wait(50)
    seal.kiosk.line._recogniser, seal.kiosk.line.asked = Asking(), lambda: "somebody else"
    seal.kiosk.line.take(Frame(np.zeros((4, 4, 3), np.uint8), seal.kiosk.clock.now()))
    seal.wait(11)
    assert not seal.journeys.awaits_face(seal.journey.ticket)


class Asking:
    """A recogniser whose challenge asks for something."""

    action = "blink"

    def see(self, frame: Frame) -> api.Prompt:
        return api.Prompt(self.action, 1, 3, 4.0)

    def watch(self, frame: Frame) -> None: ...


@pytest.mark.parametrize("by_pin", [True, False])
def test_who_is_employed_here_no_more_does_not_stamp(make: Make, by_pin: bool) -> None:
    seal = Seal(make(), Factor.PIN if by_pin else Factor.FACE)
    with seal.kiosk.directory.database.transaction() as connection:
        ended = messages.write_time(parts.START - timedelta(days=30))
        connection.execute("UPDATE person SET expires_at = ? WHERE person = ?", (ended, ADA))
    assert (seal.pin() if by_pin else seal.face()) == ("refused", "expired")
    journey = seal.journeys.get(seal.journey.ticket)
    assert (journey.verified, journey.is_over, journey.trouble) == (None, True, "access_ended")


def test_a_face_that_somebody_else_has_too_is_not_enough_unless_the_pin_comes_with_it(make: Make) -> None:
    seal = Seal(make(), Factor.FACE)
    assert seal.face(has_look_alike=True) == ("refused", "face_not_enough")
    assert (seal.is_verified, seal.journeys.get(seal.journey.ticket).trouble) == (False, "face_not_enough")
    assert Seal(make(), BOTH).face(has_look_alike=True) == ("lock_factor", "pin")

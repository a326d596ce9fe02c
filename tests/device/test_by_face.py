"""Number and face open one's own affairs and clock nobody in; whoever is not waited for clocks in as ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from device import attend
from device.attend import Claim, Identity
from device.by_face import ByFace
from device.camera import Frame
from device.messages import Capture, Liveness
from tests.device.test_line import POLICY
from tests.device.test_lock_or_punch import Asking
from tests.device.test_ways import ADA, BOB, Counter, Make
from tests.device.test_ways import make as make

LASTS = timedelta(seconds=15)


def asked(kiosk: Counter, number: str = "1001", policy: attend.Policy = POLICY) -> ByFace:
    """Somebody has typed this number."""
    counter = kiosk.ways._claims
    found = ByFace(kiosk.directory, counter, kiosk.clock, LASTS, lambda: policy, kiosk.ways.verified_by_face)
    kiosk.line.witness, kiosk.line.prompted = found.witness, found.prompted
    assert found.ask(number) == LASTS
    return found


def seen(kiosk: Counter, person: str = ADA, **other: object) -> Identity:
    now = kiosk.clock.now()
    whole = Identity(person, 0.7, 0.3, 2, now, now, now, Liveness.PASSED, Capture.CAMERA, Claim.NUMBER, face=3)
    return replace(whole, **other)  # type: ignore[arg-type]


def test_the_face_that_belongs_to_the_number_gets_a_ticket_and_no_punch(make: Make) -> None:
    kiosk = make()
    asked(kiosk)
    assert [claim.person for claim in kiosk.claimed] == [ADA]
    said = kiosk.line.settle(seen(kiosk))
    assert (said.outcome, said.name, said.method, said.face) == ("verified", "Ada", "face", 3)
    owner = kiosk.ways.owner(said.ticket)
    assert owner is not None
    assert owner.person == ADA
    assert kiosk.records() == []
    assert kiosk.line.settle(seen(kiosk)).outcome == "punched", "asked once, answered once"


@pytest.mark.parametrize("number", ["1002", "4711", "", "x" * 5_000])
def test_nobody_is_told_who_has_a_face_here(make: Make, number: str) -> None:
    kiosk = make()
    asked(kiosk, number)
    assert kiosk.claimed == []
    assert kiosk.line.settle(seen(kiosk)).outcome == "punched"


def test_a_face_that_would_clock_nobody_in_opens_nothing(make: Make) -> None:
    kiosk = make()
    refused: dict[str, dict[str, Any]] = {
        "liveness_failed": {"liveness": Liveness.FAILED},
        "face_not_enough": {"has_look_alike": True},
        "simulated": {"capture": Capture.SIMULATED},
    }
    for why, what in refused.items():
        asked(kiosk)
        said = kiosk.line.settle(seen(kiosk, **what))
        assert (said.outcome, said.why, said.ticket) == ("refused", why, "")
    assert kiosk.records() == []


def test_somebody_else_and_a_search_of_all_clock_in_as_ever(make: Make) -> None:
    kiosk = make()
    found = asked(kiosk)
    assert found.witness(seen(kiosk, BOB)) is None
    assert found.witness(seen(kiosk, claim=Claim.NONE)) is None, "seen before the number was typed"


def test_whoever_comes_too_late_begins_again_and_is_not_clocked_in(make: Make) -> None:
    kiosk = make()
    asked(kiosk)
    kiosk.clock.seconds = LASTS.total_seconds() + 1
    said = kiosk.line.settle(seen(kiosk))
    assert (said.outcome, said.why, said.ticket, said.face) == ("refused", "ticket_gone", "", 3)
    assert kiosk.records() == []
    assert kiosk.line.settle(seen(kiosk)).outcome == "punched", "told once"
    asked(kiosk)
    kiosk.clock.seconds += 120
    assert kiosk.line.settle(seen(kiosk, BOB)).outcome == "punched"


@pytest.mark.parametrize(("who", "outcome"), [(ADA, "verified"), (BOB, "refused")])
def test_a_challenge_takes_longer_than_a_face_is_waited_for_and_its_person_alone_is_waited_for(
    make: Make, who: str, outcome: str
) -> None:
    kiosk = make()
    asked(kiosk)
    kiosk.line._recogniser, kiosk.line.asked = (screen := Asking()), lambda: who
    for action in ("blink", "smile", "turn_left"):
        kiosk.clock.seconds += 12
        screen.action = action
        kiosk.line.take(Frame(np.zeros((4, 4, 3), np.uint8), kiosk.clock.now()))
    assert kiosk.line.settle(seen(kiosk)).outcome == outcome
    assert kiosk.records() == []


def test_whoever_closes_the_page_is_waited_for_no_more(make: Make) -> None:
    kiosk = make()
    asked(kiosk).leave()
    assert kiosk.line.settle(seen(kiosk)).outcome == "punched"

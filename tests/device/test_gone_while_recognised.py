"""Whoever withdraws, is erased or has their card revoked while the kiosk looks at their face is recognised no more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from device import recognise
from device.attend import Claim, Identity, Stranger
from device.messages import Capture
from models import match
from tests.device import parts
from tests.device.test_recognise import ADA, BOB, GALLERY, KNOWN, POLICY, Hall, Someone, looking, open_gate, unit

WITHOUT_ADA = recognise.Known(match.Gallery.of([(parts.BOB, unit(1))]), search_from=0.5, one_to_one=0.45)
SHE, HE, NO_ONE = range(3)
SCRIPT: tuple[list[Someone], ...] = ([Someone(ADA)], [Someone(BOB)], [])
RATE = 12.0


def recogniser(hall: Hall, claimed: recognise.Claimed | None) -> recognise.Recogniser:
    made = recognise.Recogniser(looking(hall), open_gate, hall, KNOWN, POLICY, Capture.CAMERA)
    if claimed is not None:
        made.claim(claimed)
    return made


def named(
    claimed: recognise.Claimed | None, who: Callable[[float], int], gone_at_s: float, seconds: float = 8.0
) -> list[tuple[str, float]]:
    """Who was named, and when, where Ada's template goes at `gone_at_s`."""
    hall, found = Hall(SCRIPT), []
    made = recogniser(hall, claimed)
    for number in range(int(seconds * RATE)):
        at_s = number / RATE
        if at_s >= gone_at_s and made.known is not WITHOUT_ADA:
            made.known = WITHOUT_ADA
        seen = made.see(hall.frame(who(at_s), at_s))
        if isinstance(seen, Identity):
            found.append((seen.person, at_s))
    return found


def of_ada(by: Claim = Claim.BADGE, **changed: object) -> recognise.Claimed:
    return recognise.Claimed(parts.ADA, by, GALLERY.of_person(parts.ADA), parts.moment(), **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("awaits", [None, lambda: True])
def test_a_face_that_was_waited_for_is_nobodys_after_the_withdrawal(awaits: Callable[[], bool] | None) -> None:
    def after_two(at_s: float) -> int:
        return SHE if at_s > 2 else NO_ONE

    assert [person for person, _ in named(of_ada(awaits=awaits), after_two, gone_at_s=99)] == [parts.ADA]
    assert named(of_ada(awaits=awaits), after_two, gone_at_s=1.0) == []


def test_looks_before_the_withdrawal_count_for_nothing_after_it() -> None:
    assert named(of_ada(), lambda at_s: SHE, gone_at_s=0.15) == []
    assert named(None, lambda at_s: SHE, gone_at_s=0.15) == []


def test_a_claim_is_not_kept_for_whoever_comes_in_its_place() -> None:
    """Bob steps there after Ada has withdrawn, within the time of her claim, and is found by his own face."""
    assert [person for person, _ in named(of_ada(), lambda at_s: HE if at_s > 2 else NO_ONE, gone_at_s=1.0)] == [parts.BOB]


def test_a_result_that_rests_on_templates_which_are_gone_goes_with_them() -> None:
    hall = Hall(SCRIPT)
    made = recogniser(hall, of_ada())
    seen = [made.see(hall.frame(SHE, number / RATE)) for number in range(6)]
    assert any(isinstance(one, Identity) for one in seen)
    made.known = WITHOUT_ADA
    made.see(hall.frame(SHE, 6 / RATE))
    (standing,) = made._people.values()
    assert not standing.rests_on()


@pytest.mark.parametrize("revoked_at", [1.0, 2.2])
def test_a_card_that_is_revoked_while_its_face_is_waited_for_counts_no_more(revoked_at: float) -> None:
    """Also where nothing tells the recogniser: it is asked before somebody is named."""
    hall, moment = Hall(SCRIPT), [0.0]
    card = of_ada(Claim.QR, holds=lambda: moment[0] < revoked_at)
    made = recogniser(hall, card)
    made.known = WITHOUT_ADA
    answers = []
    for number in range(int(6 * RATE)):
        moment[0] = number / RATE
        seen = made.see(hall.frame(SHE if moment[0] > 2 else NO_ONE, moment[0]))
        if isinstance(seen, Identity | Stranger):
            answers.append(seen)
    assert not [one for one in answers if isinstance(one, Identity)]


def test_a_card_that_holds_counts_though_the_kiosk_keeps_no_template_of_its_owner() -> None:
    hall = Hall(SCRIPT)
    made = recogniser(hall, of_ada(Claim.QR, holds=lambda: True))
    made.known = WITHOUT_ADA
    seen = [made.see(hall.frame(SHE, number / RATE)) for number in range(6)]
    (who,) = [one for one in seen if isinstance(one, Identity)]
    assert (who.person, who.claim) == (parts.ADA, Claim.QR)

"""Claims over the counter, with the real gallery: whom they wait for, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from device import cards, claims, desk, journal, people, sight
from device.attend import Claim
from device.recognise import Claimed
from tests.device import parts

Photograph = Callable[[str], bytes]
BY = "cli:hr"


@pytest.fixture
def taken() -> list[Claimed]:
    return []


@pytest.fixture
def office(tmp_path: Path, opened: journal.Journal, eyes: sight.Sight) -> Iterator[desk.Desk]:
    directory = people.Directory(tmp_path / "people.db", bytes(range(32)))
    found = desk.Desk(opened, directory, parts.Clock(), lambda: eyes)
    for number in ("1", "2"):
        found.add_person(number, f"Person {number}", "en", BY)
        found.give_consent(number, "en", "consent", BY)
    yield found
    directory.close()


@pytest.fixture
def counter(office: desk.Desk, tmp_path: Path, eyes: sight.Sight, taken: list[Claimed]) -> claims.Claims:
    directory = people.Directory(tmp_path / "people.db", bytes(range(32)))
    return claims.Claims(directory, office.keeper(), eyes.models.embedder, parts.Clock(), 15.0, taken.append)


def test_a_number_waits_for_its_owner_s_face(
    office: desk.Desk, counter: claims.Claims, taken: list[Claimed], photograph: Photograph
) -> None:
    person = office.enrol("1", photograph("obama"), BY).person
    answer = counter.number("1", "badge")
    assert (answer.person, answer.lasts_s) == (person, 15.0)
    (claim,) = taken
    assert (claim.person, claim.by, claim.templates.persons) == (person, Claim.BADGE, (person,))


def test_without_a_template_another_way_is_named(counter: claims.Claims, taken: list[Claimed]) -> None:
    with pytest.raises(claims.ClaimRefused, match="PIN"):
        counter.number("1", "number")
    with pytest.raises(people.PersonUnknown):
        counter.number("77", "number")
    with pytest.raises(claims.ClaimRefused, match="number, badge, qr, pin"):
        counter.number("1", "telepathy")
    assert not taken


def test_a_face_card_waits_for_its_owner_with_the_template_that_it_carries(
    office: desk.Desk, counter: claims.Claims, taken: list[Claimed], photograph: Photograph
) -> None:
    office.give_consent("1", "en", "consent", BY, "face_card")
    made = office.issue_card("1", photograph("obama"), BY, 30)
    assert counter.card(made.code).person == made.person
    (claim,) = taken
    assert (claim.by, claim.templates.persons) == (Claim.QR, (made.person,))


@pytest.mark.parametrize("how", ["revoked", "withdrawn", "another one made"])
def test_a_card_that_was_read_holds_until_it_is_revoked_or_its_consent_is_gone(
    office: desk.Desk, counter: claims.Claims, taken: list[Claimed], photograph: Photograph, how: str
) -> None:
    office.give_consent("1", "en", "consent", BY, "face_card")
    counter.card(office.issue_card("1", photograph("obama"), BY, 30).code)
    (claim,) = taken
    assert claim.holds is not None
    assert claim.holds()
    if how == "revoked":
        office.revoke_cards("1", BY)
    elif how == "withdrawn":
        office.withdraw_consent("1", BY, "face_card")
    else:
        office.issue_card("1", photograph("obama"), BY, 30)
    assert not claim.holds()


def test_a_revocation_reaches_whoever_is_recognised_just_now(office: desk.Desk, photograph: Photograph) -> None:
    office.give_consent("1", "en", "consent", BY, "face_card")
    office.issue_card("1", photograph("obama"), BY, 30)
    told: list[object] = []
    office.keeper().changed = told.append
    office.revoke_cards("1", BY)
    assert told


def test_hostile_codes_are_refused_and_wait_for_nobody(counter: claims.Claims, taken: list[Claimed]) -> None:
    for code in ("", "'; DROP TABLE person; --", "DAKA1:", "DAKA1:" + "A" * 5_000, "http://example.org", "\x00" * 40):
        with pytest.raises(cards.CardRefused):
            counter.card(code)
    assert not taken

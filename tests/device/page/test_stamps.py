"""Stamping at the page: one's own approvals, nobody else's, over the page's routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient

from device import api
from device.api.locks import LockApproval, LockVisit
from device.page import application
from device.page.application import Role
from device.page.stamps import Stamps
from tests.device import parts
from tests.device.page.stage import ADDRESS, headers

VISIT = LockVisit("visit-1", "aa", "SEAL-0001", "contract 4711", 3, "verify", "face", "", "", 0, False, "", 0, 2)


def approval(grant: str, person: str, used: int = 0) -> LockApproval:
    return LockApproval(grant, "SEAL-0001", person, "", "contract 4711", "00" * 32, 2, used, "", "2026-11-23T18:00:00Z", "face")


@dataclass
class Desk:
    """Two people's approvals; remembers which was begun."""

    begun: list[str] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def approvals(self) -> tuple[LockApproval, ...]:
        return (approval("aa", parts.ADA), approval("bb", parts.BOB), approval("cc", parts.ADA, used=2))

    def visit(self, grant: str) -> LockVisit:
        self.begun.append(grant)
        return VISIT

    def progress(self, ticket: str, after: int = -1, wait_s: float = 0.0) -> LockVisit:
        self.asked.append((ticket, after))
        return VISIT

    def end(self, ticket: str) -> LockVisit:
        return VISIT


class Ways:
    """One ticket, Ada's; remembers which PIN was for which visit."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []

    def pin(self, number: str, pin: str, *, visit: str) -> api.Decision:
        self.heard.append((number, pin, visit))
        return api.Decision(0, "", "refused", "for_seal", "", "", "", 0, 0, 0, "")

    def owner(self, ticket: str) -> Any:
        return SimpleNamespace(person=parts.ADA) if ticket == "hers" else None


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def client(desk: Desk) -> FlaskClient:
    return application.application(Stamps(Ways(), desk).routes(), ADDRESS).test_client()


def post(client: FlaskClient, path: str, **body: str) -> Any:
    return client.post(path, headers=headers(Origin=ADDRESS.origin), json=body)


def test_everything_is_for_whoever_stands_there(desk: Desk) -> None:
    assert {route.role for route in Stamps(Ways(), desk).routes()} == {Role.PERSON}


def test_a_person_sees_their_own_approvals_that_are_not_used_up(client: FlaskClient) -> None:
    assert [one["grant"] for one in post(client, "/v1/stamps", ticket="hers").json] == ["aa"]


def test_without_a_ticket_of_ones_own_nothing_is_shown(client: FlaskClient) -> None:
    assert post(client, "/v1/stamps", ticket="anybody's").status_code == 422


@pytest.mark.parametrize(("ticket", "grant"), [("hers", "bb"), ("hers", "cc"), ("anybody's", "aa")])
def test_nobody_begins_with_somebody_elses_approval_or_one_that_is_used_up(
    client: FlaskClient, desk: Desk, ticket: str, grant: str
) -> None:
    assert post(client, "/v1/stamps/begin", ticket=ticket, grant=grant).status_code == 422
    assert desk.begun == []


def test_ones_own_is_begun_and_followed(client: FlaskClient, desk: Desk) -> None:
    assert post(client, "/v1/stamps/begin", ticket="hers", grant="aa").json["ticket"] == "visit-1"
    assert post(client, "/v1/stamps/progress", visit="visit-1", after="3").json["stage"] == "verify"
    assert post(client, "/v1/stamps/progress", visit="visit-1", after="rubbish").status_code == 200
    assert desk.asked == [("visit-1", 3), ("visit-1", -1)]
    assert post(client, "/v1/stamps/end", visit="visit-1").status_code == 200


def test_a_pin_on_the_seals_pad_names_its_visit(desk: Desk) -> None:
    ways = Ways()
    client = application.application(Stamps(ways, desk).routes(), ADDRESS).test_client()
    assert post(client, "/v1/stamps/pin", visit="visit-1", number="1001", pin="482913").json["why"] == "for_seal"
    assert ways.heard == [("1001", "482913", "visit-1")]

"""The newer Debian in short: it boots, its daemons hold what they promise, a punch arrives. `make long` does the rest there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.appliance.conftest import Appliance, Workshop, raised

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module", params=["trixie"])
def newer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, workshop: Workshop) -> Iterator[Appliance]:
    for made in raised(workshop, request.param, tmp_path_factory.mktemp("newer")):
        made.begin()
        yield made


def test_on_debian_13_a_punch_arrives(newer: Appliance) -> None:
    newer.wait("a punch arrives", lambda: newer.enterprise.punches() >= 1)


def test_on_debian_13_no_daemon_can_do_what_it_must_not(newer: Appliance) -> None:
    said = newer.says("daka", "doctor", "--privacy")
    assert "refused" in said
    assert "POSSIBLE" not in said, said
